"""Read a bank's statement: find its columns, its days and its amounts, whatever signs it writes them with.

What can be read in two ways is refused, never guessed: a day, a sign before the pence, a column. It matches nobody.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from balintmail.domain.hygiene import TextRefused, one_line
from balintmail.domain.money import Decimals, Money, MoneyRefused, parse_signed
from balintmail.domain.statements import BankEntry
from balintmail.errors import NotFound, UsageRefused
from balintmail.ops.importers import text, workbook
from balintmail.ops.importers.columns import plain
from balintmail.ops.importers.table import FileRefused, Limits, Line, bounded

MOST_BEFORE = 30  # lines that a bank writes above the table
_TITLES: dict[str, frozenset[str]] = {
    name: frozenset(plain(title) for title in titles.split("|"))
    for name, titles in {
        "day": "date|transaction date|booking date|value date|posting date|completed date|buchungstag|buchungsdatum|"
        "valutadatum|datum|date de l'opération|date operation|könyvelés dátuma|dátum",
        "amount": "amount|value|betrag|umsatz|montant|összeg|amount (gbp)|amount gbp|amount (eur)",
        "in": "credit|paid in|money in|credit amount|crédit|haben|gutschrift|jóváírás|in",
        "out": "debit|paid out|money out|debit amount|débit|soll|lastschrift|terhelés|out",
        "payer": "name|payer|counter party|counterparty|other party|auftraggeber|zahlungspflichtiger|"
        "beguenstigter/zahlungspflichtiger|begünstigter/zahlungspflichtiger|name zahlungsbeteiligter|tiers",
        "reference": "reference|description|details|transaction description|narrative|memo|verwendungszweck|libellé|"
        "közlemény|payment reference|transaction details|notes",
        "number": "transaction id|id|transaction number|fitid|bank reference|umsatz id|tranzakció azonosító",
        "currency": "currency|währung|devise|pénznem|deviza",
    }.items()
}  # fmt: skip
_SLASHED = re.compile(r"(\d{1,2})[/.\- ](\d{1,2})[/.\- ](\d{2}|\d{4})(?:[ T].*)?")
_ISO = re.compile(r"(\d{4})[-./](\d{1,2})[-./](\d{1,2})\.?(?:[ T].*)?")


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that cannot be read, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement: which column is taken for what, the lines, and those that could not be read."""

    columns: dict[str, str]
    entries: tuple[BankEntry, ...]
    refused: tuple[RefusedLine, ...]


FIELDS = tuple(_TITLES)


def read(
    path: Path,
    currency: str,
    corrections: Mapping[str, str] | None = None,
    limits: Limits = Limits(rows=100_000),  # noqa: B008
) -> Statement:
    """Return what is in a statement (CSV, TSV or XLSX); raise NotFound or FileRefused for what is none.

    `corrections` gives the field of FIELDS, or "-", for a column's title, where the guess is wrong.
    """
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        start = file.read(8)
    table = workbook.read(path, limits) if start.startswith(workbook.ZIP_MARK) else text.read(path, limits)
    lines = list(bounded(table.lines, limits))
    at, places = _columns(path, lines, _wanted(corrections or {}))
    titles = lines[at].cells
    rows = [line for line in lines[at + 1 :] if any(cell.strip() for cell in line.cells)]
    reader = _Reader(places, currency, _decimals(path, rows, places), _month_first(path, rows, places))
    entries: list[BankEntry] = []
    refused: list[RefusedLine] = []
    for line in rows:
        try:
            entries.append(reader.entry(line))
        except (MoneyRefused, TextRefused, ValueError) as exc:
            refused.append(RefusedLine(line.number, getattr(exc, "message", "") or str(exc)))
    return Statement({name: titles[place].strip() for name, place in places.items()}, tuple(entries), tuple(refused))


def _wanted(corrections: Mapping[str, str]) -> dict[str, str]:
    """Return the field of each title that was corrected, by the title as titles are compared."""
    for title, wanted in corrections.items():
        if wanted not in {*FIELDS, "-"}:
            raise UsageRefused(f'A statement has no "{wanted}".', hint=f"Known: {', '.join(FIELDS)}, - (leave out).")
        if not plain(title):
            raise UsageRefused(f'"{title}" is no title of a column.')
    return {plain(title): wanted for title, wanted in corrections.items()}


def _columns(path: Path, lines: Sequence[Line], wanted: Mapping[str, str]) -> tuple[int, dict[str, int]]:
    """Return where the titles stand, and which column means what."""
    for at, line in enumerate(lines[:MOST_BEFORE]):
        titles = [plain(cell.strip()) for cell in line.cells]
        if not set(wanted) <= set(titles):
            continue
        places = {field: titles.index(title) for title, field in wanted.items() if field != "-"}
        for place, title in enumerate(titles):
            name = next((name for name, known in _TITLES.items() if title in known), "")
            if name and title not in wanted:
                places.setdefault(name, place)
        if "day" in places and ("amount" in places or "in" in places):
            return at, places
    if wanted:
        raise FileRefused(
            f"{path.name} has no row with these titles, a day and an amount.",
            hint='Write them as the file does: --map "Posted on=day" --map "Sum=amount"',
        )
    raise FileRefused(
        f"{path.name} has no columns of a bank statement that are known.",
        hint=f'Say which are which: --map "Posted on=day" --map "Sum=amount". Known: {", ".join(FIELDS)}',
    )


def _cells(rows: Sequence[Line], places: dict[str, int], *names: str) -> list[str]:
    found = []
    for name in names:
        place = places.get(name)
        if place is not None:
            found += [line.cells[place].strip() for line in rows if place < len(line.cells)]
    return [cell for cell in found if cell]


def _decimals(path: Path, rows: Sequence[Line], places: dict[str, int]) -> Decimals:
    """Return the sign before the pence in the whole file: that of the cells that can be read in one way only."""
    ends = {
        found[1]
        for cell in _cells(rows, places, "amount", "in", "out")
        if (found := re.search(r"([.,])\d{1,2}\D*$", cell))
    }
    if len(ends) > 1:
        raise FileRefused(
            f"{path.name} writes amounts both like 1.50 and like 1,50.", hint="Let it write them one way."
        )
    return Decimals(ends.pop()) if ends else Decimals.EITHER


def _month_first(path: Path, rows: Sequence[Line], places: dict[str, int]) -> bool | None:
    """Return whether the file's days begin with the month; None where nothing tells."""
    firsts, seconds = set(), set()
    for cell in _cells(rows, places, "day"):
        if not _ISO.fullmatch(cell) and (found := _SLASHED.fullmatch(cell)):
            firsts.add(int(found[1]))
            seconds.add(int(found[2]))
            if "." in cell:
                return False  # nobody writes the month first with points
    if max(firsts, default=0) > 12 and max(seconds, default=0) > 12:
        raise FileRefused(f"{path.name} writes days in two orders.", hint="Let it write them like 2026-11-21.")
    if max(firsts, default=0) > 12:
        return False
    return True if max(seconds, default=0) > 12 else None


@dataclass(frozen=True, slots=True)
class _Reader:
    places: dict[str, int]
    currency: str
    decimals: Decimals
    month_first: bool | None

    def entry(self, line: Line) -> BankEntry:
        """Return one line, read; raise MoneyRefused, TextRefused or ValueError."""
        return BankEntry(
            line.number,
            self._day(self._cell(line, "day")),
            self._money(line),
            one_line(self._cell(line, "payer"), what="the name", longest=500),
            one_line(self._cell(line, "reference"), what="the reference", longest=500),
            one_line(self._cell(line, "number"), what="the bank's number", longest=100),
        )

    def _cell(self, line: Line, name: str) -> str:
        place = self.places.get(name)
        return line.cells[place].strip() if place is not None and place < len(line.cells) else ""

    def _money(self, line: Line) -> Money:
        currency = self._cell(line, "currency") or self.currency
        if whole := self._cell(line, "amount"):
            return parse_signed(whole, currency, decimals=self.decimals)
        if came := self._cell(line, "in"):
            found = parse_signed(came, currency, decimals=self.decimals)
            if found.amount:
                return found
        gone = parse_signed(self._cell(line, "out"), currency, decimals=self.decimals)
        return Money(-abs(gone.amount), gone.currency)

    def _day(self, cell: str) -> date:
        if found := _ISO.fullmatch(cell):
            return date(int(found[1]), int(found[2]), int(found[3]))
        found = _SLASHED.fullmatch(cell)
        if found is None:
            raise ValueError(f'"{cell[:20]}" is no day')
        first, second, year = int(found[1]), int(found[2]), int(found[3])
        if self.month_first is None and first != second:
            raise ValueError(f'"{cell[:20]}": day and month cannot be told apart')
        day, month = (second, first) if self.month_first else (first, second)
        return date(year + 2000 if year < 100 else year, month, day)
