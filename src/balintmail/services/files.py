"""Keep files that people gave, by the hash of their content: PDFs of the Journal, papers, documents, pictures.

`store` puts one into the instance's `files/`, outside of anything that is served, under its SHA-256; the same content
is kept once. Rows name it in a column of the type FileHash (db/models.py). When rows are gone, `discard` removes what
no row names any more. It never looks into a file, never runs one, and knows none by the name that a stranger gave it.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO

from balintmail.db import files
from balintmail.errors import BalintmailError
from balintmail.services.context import Context

FOLDER = "files"
LONGEST = 200_000_000  # octets; a scanned volume of 300 pages has about a hundred million
_CHUNK = 1 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class FileRefused(BalintmailError):
    """A file cannot be kept as it is."""

    code = "file_refused"


class FileMissing(BalintmailError):
    """A file that a row names is not in the instance's folder."""

    code = "file_missing"


@dataclass(frozen=True, slots=True)
class Stored:
    """One kept file; `size` in octets."""

    digest: str
    size: int


def store(ctx: Context, content: bytes | BinaryIO | IO[bytes], *, longest: int = LONGEST) -> Stored:
    """Keep a file and return its hash; raise FileRefused when it is empty or has more than `longest` octets.

    It is on disk when this returns. A row should name it in the next transaction; one that never does is no harm.
    """
    folder = ctx.folder / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    source = BytesIO(content) if isinstance(content, bytes) else content
    handle, name = tempfile.mkstemp(prefix=".new-", dir=folder)
    partial = Path(name)
    try:
        with open(handle, "wb") as file:
            kept = _copied(source, file, longest)
            file.flush()
            os.fsync(file.fileno())
        target = _path(folder, kept.digest)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        partial.replace(target)
        _settle(target.parent)
    finally:
        partial.unlink(missing_ok=True)
    return kept


def path(ctx: Context, digest: str) -> Path:
    """Return where a kept file lies; raise FileMissing when it is not there, or is no hash at all."""
    if not _DIGEST.fullmatch(digest):
        raise FileMissing("There is no such file.")
    found = _path(ctx.folder / FOLDER, digest)
    if not found.is_file():
        hint = "Put the folder files/ back from a backup, or give the file again."
        raise FileMissing(f"The file {found.relative_to(ctx.folder)} is missing.", hint=hint)
    return found


def open_file(ctx: Context, digest: str) -> BinaryIO:
    """Open a kept file for reading; raise FileMissing."""
    return path(ctx, digest).open("rb")


def read(ctx: Context, digest: str) -> bytes:
    """Return a kept file whole; raise FileMissing."""
    return path(ctx, digest).read_bytes()


def discard(ctx: Context, digests: Iterable[str]) -> int:
    """Remove those of these files that no row names any more; return how many. The rows must be gone and committed."""
    wanted = {digest for digest in digests if _DIGEST.fullmatch(digest)}
    if not wanted:
        return 0
    removed = 0
    with ctx.db.write() as tx:  # nobody names one of them meanwhile (SQLite), or only just now (PostgreSQL)
        for digest in wanted - files.named(tx, wanted):
            with suppress(FileNotFoundError):
                _path(ctx.folder / FOLDER, digest).unlink()
                removed += 1
    return removed


def _copied(source: BinaryIO | IO[bytes], target: IO[bytes], longest: int) -> Stored:
    digest, size = hashlib.sha256(), 0
    while block := source.read(_CHUNK):
        size += len(block)
        if size > longest:
            raise FileRefused(f"The file is larger than {longest // 1_000_000:,} MB, the most that is taken.")
        digest.update(block)
        target.write(block)
    if not size:
        raise FileRefused("The file is empty.")
    return Stored(digest.hexdigest(), size)


def _path(folder: Path, digest: str) -> Path:
    return folder / digest[:2] / digest


def _settle(folder: Path) -> None:
    """Let the new name reach the disk: of the file, and of its folder."""
    for one in (folder, folder.parent):
        handle = os.open(one, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
