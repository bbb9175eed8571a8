"""A process that sends, for tests that kill it: `python -m tests.support.sender FOLDER PORT LANES POINT PIPE`.

It sends everything that is due in the instance's database. At the point named (times: `POINT#2` is the second time) it
writes a byte to the pipe and waits for ever: the parent kills it there with SIGKILL, so that nothing of Python runs.
"""

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

from balintmail.clock import SystemClock
from balintmail.config import Security, Send, Settings
from balintmail.db.session import Database
from balintmail.sending.connect import RelayTarget
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from tests.support.letters import compose
from tests.support.register import KEYRING


def context(folder: Path, url: str) -> Context:
    """Return the context over the database that both processes use."""
    settings = Settings(send=Send(give_up_after=timedelta(days=4)))
    return Context(Database(Database.parse(url)), SystemClock(), KEYRING, settings, "test", folder)


def transport(port: int, lanes: int) -> SmtpTransport:
    """Return the way to the fake relay."""
    target = RelayTarget(name="main", host="127.0.0.1", port=port, security=Security.NONE)
    return SmtpTransport([RelayTerms(target, lanes, None)])


def main() -> None:
    folder, url, port, lanes, wanted, pipe = sys.argv[1:7]
    name, _, times = wanted.partition("#")
    left = int(times or 1)

    def probe(point: str) -> None:
        nonlocal left
        if point != name:
            return
        left -= 1
        if left == 0:
            os.write(int(pipe), b"!")
            time.sleep(600)

    ctx = context(Path(folder), url)
    dispatch(ctx, lambda: transport(int(port), int(lanes)), Orders(compose=compose, probe=probe))


if __name__ == "__main__":
    main()
