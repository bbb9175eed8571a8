"""The record of dots and answers outside the database: append-only, forced to disk before a dot leaves (P7).

A line names list and number, person and delivery by id, never an address and never a relay's words. Each process
that dispatches writes a file of its own; `turn` counts its commits and stands in the database, too, so that a
database older than its journal is noticed by two numbers. Read by services/reconcile.py.
"""

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

from balintmail.domain.states import DeliveryState
from balintmail.errors import BalintmailError

FOLDER = "journal"
_ID_FILE = "id"
_TAIL = 4096  # bytes; the last line of a file lies within


class JournalError(BalintmailError):
    """The journal cannot be written or belongs to another database; nothing is sent without it."""

    code = "journal"


class Entry(NamedTuple):  # two for each letter: a frozen dataclass takes four times as long to make
    """What a line says of one delivery. `person` is 0 for a test to a stranger, `number` "" where there is none."""

    mailing: int
    list: str
    number: str
    person: int
    delivery: int
    state: DeliveryState = DeliveryState.AT_RISK
    code: int = 0
    stage: str = ""
    at: str = ""  # when it was written, RFC 3339 in UTC; filled in when a line is read
    writer: str = ""  # the number of the process's file; filled in when a line is read


class Journal:
    """The file this process writes. Take it with `open_journal`."""

    def __init__(self, file: int, slot: int, key: str, sequence: int) -> None:
        self._file = file
        self._slot = slot
        self._sequence = sequence
        self._torn = not _ends_well(file)  # a power cut may have torn the last line; the next begins on its own
        self.key = key  # under which the database keeps this file's turn
        self.turn = 0  # the last one that the database has committed

    def write(self, entries: Iterable[Entry], *, now: datetime) -> None:
        """Append a line for each entry; it has left this process, but not yet reached the disk."""
        lines = ["\n"] if self._torn else []
        shared = f'"turn":{self.turn},"at":"{now.isoformat(timespec="milliseconds")}"'
        sequence = self._sequence
        for mailing, slug, number, person, delivery, state, code, stage, _, _ in entries:
            sequence += 1
            answer = "" if state is DeliveryState.AT_RISK else f',"code":{code},"stage":"{stage}"'
            lines.append(
                f'{{"n":{sequence},{shared},"what":"{str.__str__(state)}",{_of(mailing, slug, number)},'
                f'"person":{person},"delivery":{delivery}{answer}}}\n'
            )
        self._append("".join(lines).encode())
        self._sequence = sequence

    def sync(self) -> None:
        """Return when every line has reached the disk."""
        try:
            os.fdatasync(self._file)
        except OSError as exc:
            raise _refused(exc) from exc

    def close(self) -> None:
        """Give the file up for the next process."""
        os.close(self._file)
        os.close(self._slot)

    def _append(self, data: bytes) -> None:
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError as exc:
            self._torn = True
            raise _refused(exc) from exc
        self._torn = False


@lru_cache(maxsize=64)
def _of(mailing: int, slug: str, number: str) -> str:
    """Return what is the same in all lines of one mailing."""
    return f'"mailing":{mailing},"list":{json.dumps(slug)},"number":{json.dumps(number)}'


def _refused(exc: OSError) -> JournalError:
    why = os.strerror(exc.errno or errno.EIO)
    return JournalError(
        f"The journal cannot be written: {why}.",
        hint="No further message leaves without it. Make room, then run: balintmail dispatch",
    )


def open_journal(folder: Path, instance: str, *, now: datetime) -> Journal:
    """Return a journal in `folder` that no other process writes; raise JournalError when it is another database's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        own = _identity(folder, instance)
        slot, number = _free_slot(folder)
        path = folder / f"{now:%Y-%m}.{number}.jsonl"
        fresh = not path.exists()
        file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        # Every time: whoever made them may have been killed before it came to this, and a name that was not synced
        # goes with the power, and all the lines with it.
        _sync_folder(folder)
        _sync_folder(folder.parent)
    except OSError as exc:
        raise _refused(exc) from exc
    last = _last_line(path) if not fresh else None
    return Journal(file, slot, f"journal:{own}:{number}", int(last["n"]) if last else 0)


def _free_slot(folder: Path) -> tuple[int, int]:
    """Return a locked file and its number: one process, one number, the smallest that is free."""
    number = 1
    while True:
        file = os.open(folder / f"writer-{number}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            number += 1
        else:
            return file, number


def _identity(folder: Path, instance: str) -> str:
    """Return the journal's own id, made once; refuse a journal that was begun for another database (J11)."""
    path = folder / _ID_FILE
    if not path.exists():
        own = uuid4().hex
        draft = folder / f".{_ID_FILE}-{own}"
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{own} {instance}\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its id holds, whole
            path.hardlink_to(draft)
        draft.unlink()
    own, _, of = path.read_text("ascii", "replace").strip().partition(" ")
    if of != instance:
        raise JournalError(
            "The journal belongs to another database.",
            hint="Point [database] url at the database of this folder, or move the folder journal/ away.",
        )
    return own


def journal_instance(folder: Path) -> str | None:
    """Return the id of the database that a journal belongs to, or None when it does not say."""
    path = folder / _ID_FILE
    return path.read_text("ascii", "replace").strip().partition(" ")[2] if path.exists() else None


def _sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _ends_well(file: int) -> bool:
    size = os.fstat(file).st_size
    return size == 0 or os.pread(file, 1, size - 1) == b"\n"


def read_journal(folder: Path) -> Iterator[Entry]:
    """Yield every line of a journal, file by file, each file in its order; lines torn by a crash are passed over."""
    for path in _files(folder):
        writer = _writer(path)
        with path.open("rb") as file:
            for raw in file:
                if (found := _parse(raw)) is not None:
                    yield _entry(found, writer)


def last_turns(folder: Path) -> dict[str, int]:
    """Return the last turn that each writer's lines speak of, by the key under which the database keeps it."""
    found: dict[str, int] = {}
    if not (folder / _ID_FILE).exists():
        return found
    own = (folder / _ID_FILE).read_text("ascii", "replace").split(" ")[0]
    for path in _files(folder):
        last = _last_line(path)
        if last is not None:
            key = f"journal:{own}:{_writer(path)}"
            found[key] = max(found.get(key, 0), int(last["turn"]))
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.*.jsonl"))


def _writer(path: Path) -> str:
    """Return the number of the process that wrote a file, as `open_journal` named it."""
    return path.name.split(".")[1]


def _last_line(path: Path) -> dict[str, int] | None:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL))
        for raw in reversed(file.read().split(b"\n")):
            if (found := _parse(raw)) is not None:
                return found
    return None


def _parse(raw: bytes) -> dict[str, int] | None:
    """Return the line as a mapping when it is whole."""
    try:
        found = json.loads(raw)
        return found if isinstance(found, dict) and {"n", "turn", "what", "delivery"} <= found.keys() else None
    except ValueError:
        return None


def _entry(found: dict[str, int], writer: str) -> Entry:
    return Entry(
        mailing=found["mailing"],
        list=str(found["list"]),
        number=str(found["number"]),
        person=found["person"],
        delivery=found["delivery"],
        state=DeliveryState(str(found["what"])),
        code=found.get("code", 0),
        stage=str(found.get("stage", "")),
        at=str(found.get("at", "")),
        writer=writer,
    )
