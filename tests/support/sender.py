"""A process that sends, for tests that kill it, starve it or cut its power.

`python -m tests.support.sender ERRAND` runs one errand (JSON, see `Errand`). `python -m tests.support.sender nursery`
stays warm and forks a process for each errand that it reads, so that a round of kill -9 costs no start of Python;
tests/support/nursery.py talks to it. At the point an errand names (`POINT#2`: the second time it is reached) the
sender makes a file and waits for ever: whoever watches kills it there with SIGKILL, so that nothing of Python runs.
"""

import json
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from balintmail.clock import SystemClock
from balintmail.config import Security, Send, Settings
from balintmail.db.session import Database
from balintmail.errors import BalintmailError
from balintmail.sending.connect import RelayTarget
from balintmail.sending.outbox import OutboxTransport
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.sending.transport import Transport
from balintmail.services import connections, engine
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from tests.support import upgrading
from tests.support.letters import compose
from tests.support.register import KEYRING


@dataclass(frozen=True, slots=True)
class Errand:
    """What a sender does, and within which bounds; a bound of 0 is none."""

    folder: str
    url: str
    port: int
    lanes: int = 1
    host: str = "127.0.0.1"
    only: int | None = None  # one mailing, as `send` does; beside a dispatcher on PostgreSQL
    stop_at: str = ""
    asleep: bool = False  # stop there with SIGSTOP, to be woken with SIGCONT, instead of waiting for ever
    said: str = ""  # the file that takes what it said at its end
    outbox: bool = False  # into the folder's outbox instead of to a relay
    pragmas: Sequence[str] = ()  # for SQLite, against the program's own choice: to prove a test
    open_files: int = 0
    file_bytes: int = 0
    memory_bytes: int = 0
    user: int = 0  # become this user id first
    impatient: bool = False  # try again for a tenth of a second instead of a minute
    pipe: int = -1  # told of the point, too

    @property
    def reached(self) -> Path:
        """The file that is made at the point."""
        return Path(self.folder) / "reached"

    def text(self) -> str:
        return json.dumps(asdict(self))


def context(folder: Path, url: str) -> Context:
    """Return the context over the database that both processes use."""
    settings = Settings(send=Send(give_up_after=timedelta(days=4)))
    return Context(Database(Database.parse(url)), SystemClock(), KEYRING, settings, "test", folder)


def transport(port: int, lanes: int, host: str = "127.0.0.1") -> SmtpTransport:
    """Return the way to the fake relay."""
    target = RelayTarget(name="main", host=host, port=port, security=Security.NONE)
    return SmtpTransport([RelayTerms(target, lanes, None)])


def run(errand: Errand) -> str:
    """Send everything that is due; return how it ended, in words."""
    name, _, times = errand.stop_at.partition("#")
    left = int(times or 1)

    def probe(point: str) -> None:
        nonlocal left
        if not name or point != name:
            return
        left -= 1
        if left == 0:
            errand.reached.touch()
            if errand.pipe >= 0:
                os.write(errand.pipe, b"!")
            if errand.asleep:
                os.kill(os.getpid(), signal.SIGSTOP)
            else:
                time.sleep(600)

    _bind(errand)
    if errand.impatient:
        vars(engine)["COMMIT_AGAIN_AFTER"] = (0.05, 0.05)
        vars(connections)["REOPEN_AFTER"] = (0.05, 0.05)
    ctx = context(Path(errand.folder), errand.url)
    _set(ctx, errand.pragmas)
    orders = Orders(only=errand.only, compose=compose, probe=probe)

    def way() -> Transport:
        if errand.outbox:
            return OutboxTransport(ctx.folder / "outbox")
        return transport(errand.port, errand.lanes, errand.host)

    report = dispatch(ctx, way, orders)
    return f"{report.ending.value}: {report.reason}"


def _bind(errand: Errand) -> None:
    for limit, value in (
        (resource.RLIMIT_NOFILE, errand.open_files),
        (resource.RLIMIT_FSIZE, errand.file_bytes),
        (resource.RLIMIT_AS, errand.memory_bytes),
    ):
        if value:
            resource.setrlimit(limit, (value, value))
    if errand.user:
        os.setgroups([])
        os.setresgid(errand.user, errand.user, errand.user)
        os.setresuid(errand.user, errand.user, errand.user)


def _set(ctx: Context, pragmas: Sequence[str]) -> None:
    def prepare(connection: Any, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    event.listen(ctx.db.engine, "connect", prepare)


def _perform(errand: Errand) -> int:
    """Run an errand as the command line would: one plain line for an error that was foreseen."""
    status = 0
    try:
        words = run(errand)
    except BalintmailError as exc:
        status, words = 1, f"error: {exc.message} {exc.hint}"
    except (OSError, OperationalError) as exc:  # the command line knows these, too: tests/e2e/test_failure.py
        status, words = 1, f"error: {exc}"
    except BaseException as exc:  # what a person would see as a traceback
        status, words = 70, f"bug: {type(exc).__name__}: {exc}"
    if errand.said:
        Path(errand.said).write_text(words, "utf-8")
    return status


def _nursery() -> None:
    """Read errands, fork for each, answer with its process id; `wait PID` is answered with its status."""
    children: set[int] = set()
    for line in sys.stdin:
        if line.startswith("wait "):
            child = int(line[5:])
            status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            children.discard(child)
            print(status, flush=True)  # noqa: T201  (the test reads it)
            continue
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(0, 1)
            errand = json.loads(line)
            if errand.get("errand") == "migrate":
                os._exit(upgrading.run(upgrading.Migrating(**errand)))
            os._exit(_perform(Errand(**errand)))
        children.add(child)
        print(child, flush=True)  # noqa: T201
    for child in children:
        os.kill(child, signal.SIGKILL)


if __name__ == "__main__":
    if sys.argv[1] == "nursery":
        _nursery()
    else:
        sys.exit(_perform(Errand(**json.loads(sys.argv[1]))))
