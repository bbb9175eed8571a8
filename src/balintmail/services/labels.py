"""Hand out the addresses of a run: sheets of labels or envelopes as PDF, and lists for a mail house as CSV and XLSX.

Sorted by country and postcode, as the post likes it. Reading them changes nothing; once they are safely written,
`printed` says so (services/despatches.py). The setting of labels is composing/labels.py.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO, StringIO

from balintmail.composing.labels import Label, Printed, Sheet, set_labels
from balintmail.db.despatches import JournalCopyRow
from balintmail.domain.cells import safe_cell
from balintmail.domain.orders import reference
from balintmail.services import despatches
from balintmail.services.context import Context
from balintmail.services.despatches import Run

_MOST_LINES = 8  # columns of a mail house's list; an address in Google's data has fewer
_WIDTHS = (10, 30, *[28] * _MOST_LINES, 12, 8, 22, 8)


@dataclass(frozen=True, slots=True)
class Addressed:
    """The copies whose addresses are handed out, in the order of the post."""

    label: str
    copies: tuple[JournalCopyRow, ...]


def addressed(ctx: Context, label: str, *, again: bool = False) -> Addressed:
    """Return the copies that wait for a label, and with `again` those that have one.

    Raises Conflict before the freeze.
    """
    copies = despatches.to_label(ctx, label, again=again)
    copies.sort(key=lambda one: (one.country_code, one.postal_code.replace(" ", ""), one.name.casefold(), one.id))
    return Addressed(label, tuple(copies))


def as_pdf(ctx: Context, of: Addressed, sheet: Sheet, *, start: int = 1) -> Printed:
    """Return them on sheets of labels, or envelopes with the society's own address above."""
    labels = [Label(_lines(ctx, copy), _mark(copy)) for copy in of.copies]
    society = ctx.settings.society
    sender = [society.name, *(line.strip() for line in society.address.split("\n") if line.strip())]
    return set_labels(labels, sheet, start=start, sender=sender)


def as_csv(ctx: Context, of: Addressed) -> bytes:
    """Return them as CSV for a mail house, in UTF-8 with a mark that Excel knows it by; no cell is a formula (G1)."""
    text = StringIO(newline="")
    writer = csv.writer(text)
    for row in _rows(ctx, of):
        writer.writerow([safe_cell(cell) for cell in row])
    return text.getvalue().encode("utf-8-sig")


def as_xlsx(ctx: Context, of: Addressed) -> bytes:
    """Return them as a workbook for a mail house; every cell is a text, so that postcodes keep their noughts (G1)."""
    from openpyxl import Workbook  # noqa: PLC0415  (150 ms; only workbooks need it)
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook(write_only=True)
    sheet = book.create_sheet("Addresses")
    for number, width in enumerate(_WIDTHS, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    for row in _rows(ctx, of):
        cells = []
        for text in row:
            cell = WriteOnlyCell(sheet, value=text)
            cell.data_type = "s"  # or a name that begins with "=" would be calculated
            cell.number_format = "@"
            cells.append(cell)
        sheet.append(cells)
    raw = BytesIO()
    book.save(raw)
    return raw.getvalue()


def printed(ctx: Context, of: Addressed, left_out: Sequence[int] = ()) -> Run:
    """Say that these addresses are printed, but for those at the places `left_out`."""
    without = set(left_out)
    return despatches.label(ctx, of.label, [copy.id for place, copy in enumerate(of.copies) if place not in without])


def whose(copy: JournalCopyRow) -> str:
    """Return how commands name whose a copy is: a person by number, an order by its reference."""
    return reference(copy.order_id) if copy.order_id is not None else str(copy.person_id)


def _mark(copy: JournalCopyRow) -> str:
    """Return what stands in the corner of a label; several copies in one envelope are said."""
    return f"{whose(copy)} × {copy.copies}" if copy.copies > 1 else whose(copy)


def _rows(ctx: Context, of: Addressed) -> list[list[str]]:
    head = ["number", "name", *(f"line{number}" for number in range(1, _MOST_LINES + 1))]
    rows = [[*head, "postcode", "country", "country_name", "copies"]]
    for copy in of.copies:
        lines = list(copy.address_lines)
        if len(lines) > _MOST_LINES:
            lines = [*lines[: _MOST_LINES - 1], ", ".join(lines[_MOST_LINES - 1 :])]
        lines += [""] * (_MOST_LINES - len(lines))
        country = _country(copy.country_code)
        number, copies = whose(copy), str(copy.copies)
        rows.append([number, copy.name, *lines, copy.postal_code, copy.country_code, country, copies])
    return rows


def _lines(ctx: Context, copy: JournalCopyRow) -> tuple[str, ...]:
    """Return the lines of a label; the country stands below, in capitals, where it is not the one it is posted in."""
    if not copy.country_code or copy.country_code == ctx.settings.journal.posted_in:
        return copy.address_lines
    return (*copy.address_lines, _country(copy.country_code).upper())


@cache
def _country(code: str) -> str:
    """Return the English name of a country, which posts all over the world read."""
    from babel import Locale  # noqa: PLC0415  (20 ms)

    return str(Locale("en").territories.get(code, code))
