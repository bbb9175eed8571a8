"""Read a Maildir: a folder of files, one message each, which mail systems and mail programs share without locks.

It touches no file unless it is told which: whoever stores the message says so afterwards. What lies in tmp/ is still
being written and is left alone. Source: the maildir(5) page of qmail, and Dovecot's Maildir++ for folders in folders.
"""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from balintmail.receiving.mailbox import MailboxDown, MailboxRefused

INBOX = "INBOX"
_INFO = ":2,"  # before the flags
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe or a link among the files is none


@dataclass(frozen=True, slots=True)
class Piece:
    """A message that lies there: `name` is what stays the same of its file's name, whatever is flagged."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Content:
    """What a file holds: the first octets, as many as were asked for, and how many it has."""

    raw: bytes
    size: int
    came_at: datetime


class Maildir:
    """One folder of a Maildir."""

    def __init__(self, path: Path, folder: str = INBOX) -> None:
        """Take the Maildir at `path`, or a folder in it (Maildir++: `Lists/Bounces` is `.Lists.Bounces`).

        Raises MailboxRefused where there is none, or where it may not be read.
        """
        self._path = path if folder == INBOX else _inner(path, folder)
        try:
            if not all((self._path / part).is_dir() for part in ("new", "cur")):
                raise MailboxRefused(
                    f"{self._path} is no Maildir: it has no new/ and cur/.",
                    hint=f"Look at its {'path' if folder == INBOX else 'folder'} in balintmail.toml.",
                )
        except OSError as exc:
            raise _refused(self._path, exc) from exc

    def pieces(self) -> Iterator[Piece]:
        """Yield the messages that lie there, those of new/ first."""
        for part in ("new", "cur"):
            try:
                names = sorted(entry.name for entry in os.scandir(self._path / part))
            except OSError as exc:
                raise _refused(self._path, exc) from exc
            for name in names:
                if not name.startswith("."):
                    yield Piece(
                        os.fsencode(name.partition(_INFO)[0]).decode("utf-8", "backslashreplace"),
                        self._path / part / name,
                    )

    def content(self, piece: Piece, *, largest: int, beginning: int) -> Content | None:
        """Return what a file holds, or the first octets of one larger than `largest`; None when it is none any more."""
        try:
            number = os.open(piece.path, _OPEN)
        except FileNotFoundError:
            return None
        except OSError as exc:
            if piece.path.is_symlink():
                return None
            raise _unread(piece, exc) from exc
        try:
            found = os.fstat(number)
            if not stat.S_ISREG(found.st_mode):
                return None
            raw = _read(number, found.st_size if found.st_size <= largest else beginning)
        except OSError as exc:
            raise _unread(piece, exc) from exc
        finally:
            os.close(number)
        size = max(found.st_size, len(raw))
        return Content(raw, size, datetime.fromtimestamp(max(0, found.st_mtime), UTC))

    def mark(self, piece: Piece) -> None:
        """Mark a message as seen, which moves it to cur/; one that has gone meanwhile is let go."""
        flags = set(piece.path.name.partition(_INFO)[2]) | {"S"}
        name = piece.path.name.partition(_INFO)[0] + _INFO + "".join(sorted(flags))
        self._rename(piece.path, self._path / "cur" / name)

    def move(self, piece: Piece, target: "Maildir") -> None:
        """Move a message into another folder of the same Maildir, as seen."""
        name = piece.path.name.partition(_INFO)[0] + _INFO + "S"
        self._rename(piece.path, target._path / "cur" / name)

    def delete(self, piece: Piece) -> None:
        """Delete a message."""
        try:
            piece.path.unlink(missing_ok=True)
        except OSError as exc:
            raise _refused(self._path, exc) from exc

    @staticmethod
    def _rename(source: Path, target: Path) -> None:
        try:
            source.rename(target)
        except FileNotFoundError:
            return  # somebody else has marked it, and so renamed it
        except OSError as exc:
            raise _refused(source.parent, exc) from exc


def _read(number: int, octets: int) -> bytes:
    pieces = []
    while octets > 0 and (piece := os.read(number, octets)):
        pieces.append(piece)
        octets -= len(piece)
    return b"".join(pieces)


def _unread(piece: Piece, exc: OSError) -> MailboxDown:
    return MailboxDown(f"{piece.path}: {exc.strerror}.", hint="Look at its rights; it is tried again.")


def make(path: Path, folder: str) -> Maildir:
    """Return a folder of the Maildir at `path`, made when it is missing."""
    inner = _inner(path, folder)
    for part in ("tmp", "new", "cur"):
        try:
            (inner / part).mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise _refused(inner, exc) from exc
    (inner / "maildirfolder").touch()
    return Maildir(path, folder)


def _inner(path: Path, folder: str) -> Path:
    parts = folder.strip("./").replace("/", ".")
    if not parts or ".." in parts or "\0" in parts:
        raise MailboxRefused(
            f'"{folder}" is no name of a folder in a Maildir.', hint="Look at its folder in balintmail.toml."
        )
    return path / f".{parts}"


def _refused(path: Path, exc: OSError) -> MailboxRefused:
    return MailboxRefused(
        f"{path}: {exc.strerror}.", hint="Look at its path in balintmail.toml, and at the rights there."
    )
