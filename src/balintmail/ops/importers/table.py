"""What every kind of file becomes first: numbered rows of text, bounded in every direction (G4-G6).

It gives the cells no meaning.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from balintmail.errors import BalintmailError


class FileRefused(BalintmailError):
    """The file as a whole cannot be read; nothing was imported."""

    code = "import_file"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a file is read: characters of a cell and of a row, columns, rows, bytes once unpacked.

    A cell over its limit refuses its row, anything else the file: no such register exists, and it would fill the disk.
    """

    cell: int = 10_000
    row: int = 1_000_000
    columns: int = 500
    rows: int = 10_000_000
    unpacked: int = 4_000_000_000
    ratio: int = 200  # unpacked to packed bytes; real sheets stay below 60


@dataclass(frozen=True, slots=True)
class Line:
    """One row: its number in the file, counted from 1 as an editor counts, and its cells."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """A file's rows, read as they are asked for. `shape` says in words what it is: `CSV, UTF-8, semicolons`."""

    shape: str
    lines: Iterator[Line]
    formulas: bool = False  # whether the file can hold formulas, which are kept as text and never calculated


def bounded(lines: Iterator[Line], limits: Limits) -> Iterator[Line]:
    """Yield `lines`; raise FileRefused at the first one over the limits of rows and columns."""
    for count, line in enumerate(lines, start=1):
        if count > limits.rows:
            raise FileRefused(f"The file has more than {limits.rows:,} rows.", hint="Split it and import the parts.")
        if len(line.cells) > limits.columns:
            raise FileRefused(
                f"Line {line.number} has {len(line.cells):,} columns; at most {limits.columns} are read.",
                hint="Look at that line: a wrong delimiter is the usual cause (--delimiter).",
            )
        yield line
