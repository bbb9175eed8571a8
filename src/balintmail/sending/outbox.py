"""The `outbox` transport: a Maildir on disk, the default until a relay is set.

The rename from tmp/ to new/ is the dot. The file's name is the delivery's id, so a repeat lands on the same file and is
harmless. It never talks to a network. Source: the Maildir convention (cr.yp.to/proto/maildir.html), whose names are
free; folders are for the owner alone, since they hold people's letters. Shown by `balintmail outbox`.
"""

import asyncio
import email.policy
import os
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, TypeVar

from balintmail.domain.outcome import Composed, Outcome, Stage, Verdict
from balintmail.errors import NotFound
from balintmail.sending import outcomes
from balintmail.sending.outcomes import Misfit, Unfit
from balintmail.sending.transport import LaneEvents, TransportDown
from balintmail.sending.wire import fault_of

NAME = "outbox"
MAX_LANES = 8  # so many syncs may be under way at once: the file system joins them
_FOLDERS = ("tmp", "new", "cur")
_T = TypeVar("_T")


class OutboxTransport:
    """Lanes that write letters into a Maildir at `folder`; it is made when it is missing."""

    name = NAME
    max_lanes = MAX_LANES
    relays = (NAME,)

    def __init__(self, folder: Path) -> None:
        self.refusals: dict[str, Outcome] = {}
        self._folder = folder
        self._pens: ThreadPoolExecutor | None = None

    async def open(self, events: LaneEvents) -> "OutboxLane":
        """Return a lane; raise TransportDown when the folder cannot be made or written."""
        if self._pens is None:
            self._pens = ThreadPoolExecutor(MAX_LANES, thread_name_prefix=NAME)
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._pens, _prepare, self._folder)
        except OSError as exc:
            outcome = outcomes.unreachable(Stage.LOCAL, _reason(exc), NAME)
            message = f"The outbox {self._folder} cannot be written: {_reason(exc)}."
            raise TransportDown(message, outcome, hint="Make room or mend its rights; nothing was lost.") from exc
        return OutboxLane(self._folder, events, self._pens)

    def prefer(self, relay: str) -> None:
        """Do nothing: there is but one folder."""

    def pass_over(self, relays: Collection[str]) -> None:
        """Do nothing: a folder has neither limits nor a stand-in."""

    async def close(self) -> None:
        if self._pens is not None:
            self._pens.shutdown()
            self._pens = None


class OutboxLane:
    """One pen: a letter in tmp/ is held, the rename to new/ releases it. The file work runs in a thread."""

    relay = NAME

    def __init__(self, folder: Path, events: LaneEvents, pens: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._events = events
        self._pens = pens
        self._loop = asyncio.get_running_loop()
        self._current: Composed | None = None
        self._following: Composed | None = None
        self._held = False
        self._working: asyncio.Future[Any] | None = None
        self.closed = False

    @property
    def can_follow(self) -> bool:
        return not self.closed

    def begin(self, message: Composed) -> None:
        if self.closed or self._current is not None:
            raise RuntimeError("this pen of the outbox is not ready for a message")
        self._current = message
        if fault := fault_of(message):
            self._loop.call_soon(self._finish, outcomes.unfit(Unfit(fault, Misfit.CONTENT), NAME))
        else:
            self._work(_write, message, self._written)

    def release(self, following: Composed | None = None) -> None:
        if not self._held or self._current is None:
            if following is not None:
                withdrawn = outcomes.withdrawn(Stage.LOCAL, NAME)
                self._loop.call_soon(self._events.finished, self, following.delivery, withdrawn)
            return
        self._held = False
        self._following = following
        self._work(_put, self._current, self._finish)

    def abort(self) -> None:
        self.closed = True
        if self._current is None or (self._working is not None and not self._working.done()):
            return  # what is being written finishes by itself, and tells
        self._held = False
        self._work(_remove, self._current, self._finish)

    async def close(self) -> None:
        if self._held:
            self.abort()
        self.closed = True
        if self._working is not None:
            await asyncio.wait([self._working])

    def _work(self, job: Callable[[Path, Composed], _T], message: Composed, then: Callable[[_T], None]) -> None:
        working = self._loop.run_in_executor(self._pens, job, self._folder, message)
        working.add_done_callback(lambda done: then(done.result()))
        self._working = working

    def _written(self, failure: Outcome | None) -> None:
        if failure is not None:
            self._finish(failure)
        elif self._current is not None and self.closed:
            self._work(_remove, self._current, self._finish)
        elif self._current is not None:
            self._held = True
            self._events.held(self, self._current.delivery)

    def _finish(self, outcome: Outcome) -> None:
        message, following = self._current, self._following
        if message is None:
            return
        self._current, self._following = following, None
        if outcome.verdict is Verdict.DEFERRED:
            self.closed = True  # the disk is full or the folder gone: `open` finds out
        self._events.finished(self, message.delivery, outcome)
        if following is None:
            return
        self._current = None
        if self.closed:
            self._events.finished(self, following.delivery, outcomes.withdrawn(Stage.LOCAL, NAME))
        else:
            self.begin(following)


# The file work


def _prepare(folder: Path) -> None:
    """Make the folders, for the owner alone, and prove that something can be written."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for name in _FOLDERS:
        (folder / name).mkdir(mode=0o700, exist_ok=True)
    _sync_folder(folder)  # or a power cut may take the folders, and every letter with them
    _sync_folder(folder.parent)
    probe = folder / "tmp" / f".probe-{os.getpid()}"
    try:
        _write_synced(probe, b"room?\r\n")
    finally:
        probe.unlink(missing_ok=True)


def _write(folder: Path, message: Composed) -> Outcome | None:
    try:
        _write_synced(folder / "tmp" / str(message.delivery), message.data)
    except OSError as exc:
        _discard(folder, message)
        return outcomes.failed_locally(Stage.BODY, f"the outbox cannot be written: {_reason(exc)}", NAME)
    return None


def _put(folder: Path, message: Composed) -> Outcome:
    """Rename into new/, which is the dot. Should the sync of the folder fail behind it, a repeat mends that."""
    name = str(message.delivery)
    try:
        if _has_been_read(folder, name):
            _discard(folder, message)
        else:
            (folder / "tmp" / name).rename(folder / "new" / name)
        _sync_folder(folder / "new")
    except OSError as exc:
        _discard(folder, message)
        return outcomes.failed_locally(Stage.BODY, f"the outbox cannot be written: {_reason(exc)}", NAME)
    return outcomes.accepted_locally(NAME, f"in the outbox as {name}")


def _remove(folder: Path, message: Composed) -> Outcome:
    _discard(folder, message)
    return outcomes.withdrawn(Stage.BODY, NAME)


def _discard(folder: Path, message: Composed) -> None:
    try:
        (folder / "tmp" / str(message.delivery)).unlink(missing_ok=True)
    except OSError:
        return  # a leftover in tmp/ is never shown, and the next try writes over it


def _has_been_read(folder: Path, name: str) -> bool:
    """Whether a mail reader has moved this letter to cur/: then a repeat must not put a second one beside it."""
    return any((folder / "cur" / f"{name}{mark}").exists() for mark in ("", ":2,", ":2,S", ":2,RS", ":2,FS"))


def _write_synced(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(handle)


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _reason(exc: OSError) -> str:
    return exc.strerror or "the system refused"


# What `balintmail outbox` shows


@dataclass(frozen=True, slots=True)
class OutboxLetter:
    """One letter in the outbox, as `outbox list --json` shows it."""

    file: str
    to: str
    subject: str
    message_id: str


def letters(folder: Path) -> list[OutboxLetter]:
    """Return the letters of the outbox at `folder` in the order of their delivery ids; no folder is no letters."""
    parser = BytesHeaderParser(policy=email.policy.default.clone(max_line_length=998))
    found = []
    for path in _files(folder):
        with path.open("rb") as file:
            headers = parser.parse(file)
        found.append(
            OutboxLetter(
                str(path.relative_to(folder)),
                _bare(headers.get("To", "")),
                str(headers.get("Subject", "")),
                str(headers.get("Message-ID", "")).strip(),
            )
        )
    return found


def _bare(header: object) -> str:
    """Return the address of a To field without the name before it; a field that holds none is shown as it is."""
    found = getattr(header, "addresses", ())
    return found[0].addr_spec if found and found[0].domain else str(header)


def read_letter(folder: Path, name: str) -> bytes:
    """Return the bytes of one letter; `name` is a file of `letters` or a delivery's id; raise NotFound."""
    for path in _files(folder):
        if name in {path.name, path.name.partition(":")[0], str(path.relative_to(folder))}:
            return path.read_bytes()
    raise NotFound(f'There is no letter "{name}" in the outbox.', hint="Run: balintmail outbox list")


def clear(folder: Path) -> int:
    """Remove every letter from the outbox and return how many there were; the ledger keeps what it knows."""
    files = _files(folder)
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def _files(folder: Path) -> list[Path]:
    files = [
        path
        for part in ("new", "cur")
        if (folder / part).is_dir()
        for path in (folder / part).iterdir()
        if not path.name.startswith(".") and path.is_file()
    ]
    return sorted(files, key=lambda path: (_number(path.name), path.name))


def _number(name: str) -> int:
    digits = name.partition(":")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 2**64
