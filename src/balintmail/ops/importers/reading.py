"""Open a file of people: say what it is and what its columns mean, and stream its rows.

The one door of this package. It holds no more than one row, and writes nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from balintmail.domain.imports import ImportRow
from balintmail.errors import NotFound
from balintmail.ops.importers import document, text, workbook
from balintmail.ops.importers.columns import Column, Meaning, corrected, guess, plain
from balintmail.ops.importers.rows import TableRows, of_document
from balintmail.ops.importers.table import FileRefused, Limits, Line, Table, bounded
from balintmail.ops.importers.tools import Tool, recognise

_LOOK_AHEAD = 20  # rows read to know the columns of a file without a header


@dataclass(frozen=True, slots=True)
class Corrections:
    """What the Secretary knows better than the guess."""

    encoding: str = ""
    delimiter: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file, opened: what it is in words, whose export (`tool`, "" for nobody's known), its columns, its rows."""

    shape: str
    tool: str
    header: bool
    columns: tuple[Column, ...]
    rows: Iterator[ImportRow]
    formulas: bool = False

    @property
    def tells_consent(self) -> bool:
        """Whether the file has columns for the words people agreed to and for the day."""
        return {Meaning.CONSENT, Meaning.COLLECTED} <= {column.meaning for column in self.columns}


def open_people(path: Path, corrections: Corrections, limits: Limits = Limits()) -> Reading:  # noqa: B008
    """Return what is in `path`; raise NotFound, FileRefused or UsageRefused when it cannot be read."""
    start = _start(path)
    if start.startswith(workbook.OLE_MARK):
        raise FileRefused(
            f"{path.name} is an old .xls workbook, or one locked with a password.",
            hint="Save it as .xlsx or CSV, without a password.",
        )
    if start.startswith(workbook.ZIP_MARK):
        return _table(path, workbook.read(path, limits), corrections, limits)
    if document.looks_like_json(start) and not corrections.columns:
        rows = (of_document(number, value) for number, value in document.read(path, limits))
        return Reading("JSON", "balintmail", header=True, columns=(), rows=rows)
    table = text.read(path, limits, encoding=corrections.encoding, delimiter=corrections.delimiter)
    return _table(path, table, corrections, limits)


def _start(path: Path) -> bytes:
    if path.is_dir():
        raise NotFound(f"{path} is a folder, not a file.")
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except FileNotFoundError as exc:
        raise NotFound(f"There is no file {path}.") from exc
    if not start.strip():
        raise FileRefused(f"{path.name} is empty.")
    return start


def _table(path: Path, table: Table, corrections: Corrections, limits: Limits) -> Reading:
    lines = bounded(table.lines, limits)
    ahead = list(islice(lines, _LOOK_AHEAD))
    if not ahead:
        raise FileRefused(f"{path.name} holds no rows.")
    header = not any("@" in cell for cell in ahead[0].cells) and _names_columns(ahead[0].cells, corrections)
    if header:
        titles = [cell.strip() for cell in ahead.pop(0).cells]
        while titles and not titles[-1]:
            titles.pop()
        tool = recognise(titles, path.name, explained=frozenset(map(plain, corrections.columns)))
        columns = guess(titles, left_out=tool.left_out, own=tool.own)
    else:
        width = max(len(line.cells) for line in ahead)
        tool = Tool("Mailman") if width == 1 and any("<" in line.cells[0] for line in ahead) else Tool("")
        columns = _columns_by_content(ahead, width)
    columns = corrected(columns, corrections.columns)
    if not any(column.meaning in {Meaning.ADDRESS, Meaning.ID} for column in columns):
        raise FileRefused(
            f"No column of {path.name} holds addresses.",
            hint=f"Say which one does: --map COLUMN=address. Columns: {', '.join(c.title for c in columns)[:300]}",
        )
    understand = TableRows(columns, tool, limits).understand
    rows = map(understand, chain(ahead, lines))
    return Reading(table.shape, tool.name, header, tuple(columns), rows, table.formulas)


def _names_columns(cells: Sequence[str], corrections: Corrections) -> bool:
    """Return whether the first row is a header: it names a column that is known, or one that was corrected."""
    known = guess([cell.strip() for cell in cells], own=False)
    return bool(corrections.columns) or any(column.meaning is not Meaning.LEFT_OUT for column in known)


def _columns_by_content(lines: Sequence[Line], width: int) -> list[Column]:
    """Return the columns of a file without a header (G12): the addresses, and one column of names beside them."""
    with_at = [sum("@" in line.cells[i] for line in lines if i < len(line.cells)) for i in range(width)]
    address = max(range(width), key=lambda i: with_at[i])
    if not with_at[address]:
        return [Column(i, f"column {i + 1}", Meaning.LEFT_OUT) for i in range(width)]
    words = [i for i in range(width) if i != address and _mostly_names(lines, i)]
    columns = []
    for i in range(width):
        meaning = Meaning.ADDRESS if i == address else Meaning.NAME if words == [i] else Meaning.LEFT_OUT
        columns.append(Column(i, f"column {i + 1}", meaning))
    return columns


def _mostly_names(lines: Sequence[Line], position: int) -> bool:
    cells = [line.cells[position].strip() for line in lines if position < len(line.cells)]
    filled = [cell for cell in cells if cell]
    letters = [cell for cell in filled if not any(sign.isdigit() or sign == "@" for sign in cell) and len(cell) > 3]
    return bool(filled) and len(letters) >= len(filled) * 0.8
