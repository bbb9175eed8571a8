"""Write what a command hands out: to standard output, or to a file that its owner alone may read.

A file that is there already is never replaced without a word. What is written is the commands'.
"""

import io
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from balintmail.cli.output import NotConfirmed, Output
from balintmail.errors import NotFound


def may_write(out: Output, file: Path, *, yes: bool) -> None:
    """Ask before a file is replaced, unless `yes`; raise NotConfirmed for a no, NotFound without a folder for it."""
    if file.is_dir():
        raise NotFound(f"{file} is a folder, not a file.", hint="Give the file a name, such as people.csv.")
    if not file.parent.is_dir():
        raise NotFound(f"There is no folder {file.parent}.", hint="Make it first, or write the file elsewhere.")
    if file.exists() and not yes and not out.confirm(f"{file} is there already. Replace it?"):
        raise NotConfirmed(f"{file} is there already and stays as it is.", hint="To replace it: --yes")


@contextmanager
def standard_output() -> Iterator[TextIO]:
    """Yield standard output in UTF-8 with line ends as they are written, whatever the locale says."""
    if not hasattr(sys.stdout, "buffer"):  # somebody put a text of their own in its place
        yield sys.stdout
        return
    stream = io.TextIOWrapper(sys.stdout.buffer, "utf-8", newline="")
    try:
        yield stream
        stream.flush()
    finally:
        stream.detach()


@contextmanager
def private_file(file: Path) -> Iterator[TextIO]:
    """Yield a file only its owner may read, which takes its name when it is whole; an earlier one stays until then."""
    with _taking_its_name(file) as handle, open(handle, "w", encoding="utf-8", newline="") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def write_private(file: Path, octets: bytes) -> None:
    """Write a file of octets as `private_file` writes texts."""
    with _taking_its_name(file) as handle, open(handle, "wb") as out:
        out.write(octets)
        out.flush()
        os.fsync(out.fileno())


@contextmanager
def _taking_its_name(file: Path) -> Iterator[int]:
    """Yield a handle of a new file beside `file`, which takes its place afterwards, or goes when that fails."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        yield handle
        Path(name).replace(file)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
