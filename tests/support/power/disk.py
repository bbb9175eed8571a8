"""A disk as a power cut leaves it: what was synced is there, of the rest a random part, torn at its sectors.

It replays a record of recorder.c. Strict as POSIX allows: what was not synced may be lost, kept, or kept in part and
in any order; a new name, a rename or a removal lasts only once its folder was synced. A file is known by its inode, so
that two names of one file share its fate.
"""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512  # bytes that a disk writes whole
_HEAD = struct.Struct("=ciqI")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was done: O(pen), C(lose), W(rite), T(runcate), S(ync), U(nlink), R(ename), L(ink), D(irectory),
    N(etwork)."""

    what: str
    file: int
    where: int
    data: bytes

    @property
    def names(self) -> list[str]:
        return self.data.decode().split("\0")


def read_record(path: Path) -> Iterator[Event]:
    """Yield the events of a record, in their order."""
    raw = path.read_bytes()
    at = 0
    while at < len(raw):
        what, file, where, length = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        yield Event(what.decode(), file, where, raw[at : at + length])
        at += length


@dataclass
class _File:
    lasting: bytearray = field(default_factory=bytearray)
    pending: list[Event] = field(default_factory=list)

    def sync(self) -> None:
        for event in self.pending:
            _apply(event, self.lasting)
        self.pending.clear()

    def after_a_cut(self, chance: random.Random) -> bytes:
        """Return what the file holds when the power comes back."""
        left = bytearray(self.lasting)
        mood = chance.random()
        for event in self.pending:
            if mood < 0.2 or chance.random() < mood:
                continue  # lost
            _apply(_torn(event, chance) if chance.random() < 0.2 else event, left)
        return bytes(left)


def _apply(event: Event, content: bytearray) -> None:
    if event.what == "T":
        del content[event.where :]
        content.extend(bytes(event.where - len(content)))
        return
    content.extend(bytes(max(0, event.where - len(content))))
    content[event.where : event.where + len(event.data)] = event.data


def _torn(event: Event, chance: random.Random) -> Event:
    """Return the first sectors of a write, as if the power went in the midst of it."""
    sectors = len(event.data) // SECTOR
    return Event(event.what, event.file, event.where, event.data[: SECTOR * chance.randrange(sectors + 1)])


class Disk:
    """The files below one folder while a record is replayed."""

    def __init__(self, folder: Path) -> None:
        """Begin with what lies in `folder` now, all of it synced."""
        self._root = str(folder)
        self._lasting: dict[str, _File | None] = {}  # None is a folder
        for path in sorted(folder.rglob("*")):
            self._lasting[str(path)] = None if path.is_dir() else _File(bytearray(path.read_bytes()))
        self._now = dict(self._lasting)
        self._pending: list[tuple[str, _File | None, bool]] = []  # name, file, whether it appears
        self._open: dict[int, str | _File] = {}  # a folder's name or a file

    def play(self, event: Event) -> None:
        """Do what was done."""
        if event.what == "O":
            self._opened(event)
        elif event.what == "C":
            self._open.pop(event.file, None)
        elif event.what in {"W", "T"}:
            file = self._open[event.file]
            assert isinstance(file, _File)
            file.pending.append(event)
        elif event.what == "S":
            self._sync(self._open[event.file])
        elif event.what == "D":
            self._appears(event.names[0], None)
        elif event.what == "U":
            self._vanishes(event.names[0])
        elif event.what in {"R", "L"}:
            old, new = event.names
            self._appears(new, self._now[old])
            if event.what == "R":
                self._vanishes(old)

    def _opened(self, event: Event) -> None:
        path = event.names[0]
        if path == self._root or self._now.get(path, event) is None:
            self._open[event.file] = path
            return
        if path not in self._now:
            self._appears(path, _File())
        file = self._now[path]
        assert file is not None
        if event.where & 2:
            file.pending.append(Event("T", event.file, 0, b""))
        self._open[event.file] = file

    def _appears(self, path: str, file: _File | None) -> None:
        self._now[path] = file
        self._pending.append((path, file, True))

    def _vanishes(self, path: str) -> None:
        self._pending.append((path, self._now.pop(path), False))

    def _sync(self, what: str | _File) -> None:
        if isinstance(what, _File):
            what.sync()
            return
        for change in [change for change in self._pending if str(Path(change[0]).parent) == what]:
            self._pending.remove(change)
            _rename(change, self._lasting)

    def cut(self, target: Path, chance: random.Random) -> None:
        """Write into `target` what is left when the power goes now; the disk itself goes on."""
        left = dict(self._lasting)
        mood = chance.random()
        for change in self._pending:
            if chance.random() < mood:
                _rename(change, left)
        target.mkdir()
        for path, file in sorted(left.items()):
            if path.endswith("-shm"):
                continue  # shared memory that SQLite makes anew
            there = target / Path(path).relative_to(self._root)
            if not there.parent.is_dir():
                continue  # its folder is lost, and it with it
            if file is None:
                there.mkdir()
            else:
                there.write_bytes(file.after_a_cut(chance))


def _rename(change: tuple[str, _File | None, bool], names: dict[str, _File | None]) -> None:
    path, file, appears = change
    if appears:
        names[path] = file
    elif names.get(path) is file:
        names.pop(path, None)
