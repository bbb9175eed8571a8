"""Lay out a table as plain text: aligned columns where they fit, else a list of facts.

Values that are merged in later have no width yet, so a table that holds one anywhere but in its last column is
written as facts. It never cuts a word. Called by plaintext.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from balintmail.composing.wrapping import VALUE_TOKEN, columns, hang, pad, wrap

_GAP = "  "
_LONGEST_NAME = 20  # columns of a fact's name; a longer one gets a line of its own


@dataclass(slots=True)
class Cell:
    """One cell; `align` is left, right or center."""

    text: str
    align: str = "left"


@dataclass(slots=True)
class Row:
    """The cells of one row, and the edges of conditions that stand before it."""

    cells: list[Cell]
    edges: str = ""


@dataclass(slots=True)
class Table:
    """A header, which may be empty, rows that may be ragged, and the edges after the last row."""

    header: list[Cell]
    rows: list[Row]
    edges: str = ""


def lay_out(table: Table, width: int) -> list[list[str]]:
    """Return the table as groups of lines, an empty line wanted between groups."""
    rows = [row for row in table.rows if row.edges or any(cell.text for cell in row.cells)]
    if not rows:
        return [[_GAP.join(cell.text for cell in table.header)]] if any(cell.text for cell in table.header) else []
    cells = [row.cells for row in rows]
    if _movable(cells) or _total(table.header, cells) > width:
        groups = [_facts(table.header, row, width) for row in rows]
    else:
        groups = [_aligned(table.header, rows)]
    groups[-1][-1] += table.edges
    return groups


def _movable(rows: Sequence[Sequence[Cell]]) -> bool:
    return any(VALUE_TOKEN.search(cell.text) for row in rows for cell in row[:-1])


def _widths(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> list[int]:
    count = max(len(row) for row in (header, *rows))
    return [max(columns(row[i].text) if i < len(row) else 0 for row in (header, *rows)) for i in range(count)]


def _total(header: Sequence[Cell], rows: Sequence[Sequence[Cell]]) -> int:
    widths = _widths(header, rows)
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def _aligned(header: Sequence[Cell], rows: Sequence[Row]) -> list[str]:
    """Return one line per row; edges stand at the end of the line before, so that a row goes with its line break."""
    widths = _widths(header, [row.cells for row in rows])
    lines = []
    if any(cell.text for cell in header):
        lines = [_row(header, widths), _GAP.join("-" * width for width in widths)]
    for row in rows:
        text = _row(row.cells, widths)
        if lines:
            lines[-1] += row.edges
        lines.append(text if lines else row.edges + text)
    return lines


def _row(row: Sequence[Cell], widths: Sequence[int]) -> str:
    return _GAP.join(pad(cell.text, width, cell.align) for cell, width in zip(row, widths, strict=False)).rstrip()


def _facts(header: Sequence[Cell], given: Row, width: int) -> list[str]:
    """Return one row as `Name  value` lines, the names padded to one width."""
    row = given.cells
    names = [cell.text for cell in header] + [""] * (len(row) - len(header))
    room = max((columns(name) for name in names if columns(name) <= _LONGEST_NAME), default=0)
    lines: list[str] = []
    for name, cell in zip(names, row, strict=False):
        if not cell.text:
            continue
        if columns(name) > _LONGEST_NAME:
            lines += [name, *hang(wrap(cell.text, width - 4), "    ", "    ")]
            continue
        first = pad(name, room) + _GAP if room else ""
        lines += hang(wrap(cell.text, max(20, width - columns(first))), first, " " * columns(first))
    return [given.edges + lines[0], *lines[1:]] if lines else [given.edges]
