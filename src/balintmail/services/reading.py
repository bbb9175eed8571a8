"""The society's reading list: one file in the instance's `pages/`, BibTeX or CSL-JSON, read when it changes.

A list that cannot be read is not shown; `problem` says why. It never writes the file. What it may say:
domain/reading.py.
"""

from dataclasses import dataclass
from pathlib import Path

from balintmail.domain import reading
from balintmail.domain.reading import Group, ReadingRefused

FILES = ("reading-list.bib", "reading-list.json")  # the first that is there counts
FOLDER = "pages"
LARGEST = 5_000_000  # octets


@dataclass(frozen=True, slots=True)
class ReadingList:
    """What is there: the groups to show, or why there are none."""

    file: str = ""
    groups: tuple[Group, ...] = ()
    problem: str = ""

    @property
    def works(self) -> int:
        return sum(len(group.works) for group in self.groups)


class Bookcase:
    """The reading list of one instance; one for each process of the site."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._seen: tuple[object, ReadingList] = (None, ReadingList())

    def reading_list(self) -> ReadingList:
        """Return the list as its file is now."""
        for name in FILES:
            path = self._folder / name
            try:
                found = path.lstat()
            except OSError:
                continue
            mark = (name, found.st_mtime_ns, found.st_size)
            if self._seen[0] != mark:
                self._seen = (mark, _read(path))
            return self._seen[1]
        return ReadingList()


def _read(path: Path) -> ReadingList:
    if path.is_symlink() or not path.is_file():
        return ReadingList(path.name, problem="it is no file of its own")
    try:
        raw = path.read_bytes() if path.stat().st_size <= LARGEST else b"\xff"
        text = raw.decode("utf-8-sig")
    except OSError:
        return ReadingList(path.name, problem="it cannot be read")
    except UnicodeDecodeError:
        return ReadingList(path.name, problem=f"it is no UTF-8 text of at most {LARGEST:,} bytes")
    try:
        works = reading.read(text, csl=path.suffix == ".json")
    except ReadingRefused as exc:
        return ReadingList(path.name, problem=str(exc))
    return ReadingList(path.name, tuple(reading.grouped(works)))
