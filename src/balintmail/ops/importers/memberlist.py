"""Read a list of members: our own export, or a treasurer's sheet in English, German, French or Hungarian.

Its columns are guessed by their titles and shown before anything is written. What could be read in two ways, such as
the day 01/02/2027, is refused with its line. It looks nobody up.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain
from pathlib import Path

from balintmail.domain import hygiene, names
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.cells import plain_cell
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.imports import POSTAL_COLUMNS
from balintmail.domain.member_imports import GivenMember
from balintmail.domain.members import references_in
from balintmail.errors import NotFound, UsageRefused
from balintmail.ops.importers import text, workbook
from balintmail.ops.importers.columns import Meaning, guess, plain
from balintmail.ops.importers.days import day
from balintmail.ops.importers.post import journal_format
from balintmail.ops.importers.reading import Corrections
from balintmail.ops.importers.table import FileRefused, Limits, Line, Table, bounded

LONGEST_SHOWN = 100  # characters of a row's name in a report
LEFT_OUT = "-"
# Beside those of a list of people (columns.py): what a membership has, and a plain sheet's words for an address.
_TITLES: Mapping[str, str] = {
    word: field
    for field, words in {
        "class": "class|category|membership|membership type|membership class|type|mitgliedsart|beitragsklasse|kategorie"
        "|mitgliedschaft|categorie|type d adhesion|tagsag|tagsag tipusa|kategoria",
        "since": "since|member since|joined|start|start date|mitglied seit|eintritt|beitritt|seit|membre depuis"
        "|adhesion|date d adhesion|tagsag kezdete|belepes",
        "paid_until": "paid until|paid to|paid up to|paid till|expires|expiry|expiry date|valid until|valid to|renewal"
        "|renewal date|bezahlt bis|gultig bis|paye jusqu au|paye jusqu a|valable jusqu au|befizetve eddig|befizetve"
        "|ervenyes",
        "remark": "remark|remarks|note|notes|comment|bemerkung|anmerkung|notiz|remarque|megjegyzes",
        "reference": "reference|payment reference|verwendungszweck|kozlemeny",
        "postal_street": "street|street address|address line 1|postal address|strasse|anschrift|rue|utca",
        "postal_city": "city|town|post town|ort|stadt|wohnort|ville|varos|telepules",
        "postal_region": "county|state|region|bundesland|province|departement|megye",
        "postal_postcode": "postcode|post code|postal code|zip|zip code|plz|postleitzahl|code postal|iranyitoszam",
        "postal_country": "country|land|pays|orszag",
        LEFT_OUT: "standing|status|state|telephone|phone",
    }.items()
    for word in words.split("|")
}
_PEOPLE = {
    Meaning.ID: "person", Meaning.REGISTER: "register", Meaning.ADDRESS: "address", Meaning.NAME: "name",
    Meaning.FIRST_NAME: "first_name", Meaning.LAST_NAME: "last_name", Meaning.LANGUAGE: "language",
    Meaning.JOURNAL_FORMAT: "journal_format",
}  # fmt: skip
FIELDS = (*_PEOPLE.values(), "class", "since", "paid_until", "remark", "reference", *POSTAL_COLUMNS.values())


@dataclass(frozen=True, slots=True)
class MemberList:
    """A list, opened: what the file is, which title is taken for which field, and its rows."""

    shape: str
    columns: tuple[tuple[str, str], ...]
    rows: Iterator[GivenMember]
    formulas: bool = False


def open_members(path: Path, corrections: Corrections, limits: Limits = Limits(rows=200_000)) -> MemberList:  # noqa: B008
    """Return what is in `path`; raise NotFound, FileRefused or UsageRefused when it cannot be read."""
    if not path.is_file():
        raise NotFound(f"There is no file {path}.")
    with path.open("rb") as file:
        start = file.read(512)
    if not start.strip():
        raise FileRefused(f"{path.name} is empty.")
    if start.startswith(workbook.OLE_MARK):
        raise FileRefused(f"{path.name} is an old .xls workbook.", hint="Save it as .xlsx or CSV, without a password.")
    table = _table(path, start, corrections, limits)
    lines = bounded(table.lines, limits)
    first = next(lines, None)
    if first is None:
        raise FileRefused(f"{path.name} holds no rows.")
    titles = [plain_cell(cell).strip() for cell in first.cells]
    fields = _corrected(titles, _guessed(titles), corrections.columns)
    if not {"person", "address", "name", "last_name", "reference"} & set(fields):
        raise FileRefused(
            f"No column of {path.name} says who the members are.",
            hint=f"Its first row holds the titles; say which one: --map COLUMN=name. Titles: {', '.join(titles)[:300]}",
        )
    reader = _Reader(fields, limits)
    columns = tuple(zip(titles, fields, strict=True))
    return MemberList(table.shape, columns, map(reader.row, _filled(chain(lines))), table.formulas)


def _table(path: Path, start: bytes, corrections: Corrections, limits: Limits) -> Table:
    if start.startswith(workbook.ZIP_MARK):
        return workbook.read(path, limits)
    return text.read(path, limits, encoding=corrections.encoding, delimiter=corrections.delimiter)


def _filled(lines: Iterator[Line]) -> Iterator[Line]:
    return (line for line in lines if any(cell.strip() for cell in line.cells))


def _guessed(titles: list[str]) -> list[str]:
    """Return the field of each title, LEFT_OUT for one that is not known or stands there twice."""
    people = guess(titles, own=False)
    found: list[str] = []
    for title, column in zip(titles, people, strict=True):
        own = "" if title in POSTAL_COLUMNS.values() else _TITLES.get(plain(title), "")
        postal = column.meaning.value if column.meaning.value.startswith("postal_") else LEFT_OUT
        field = own or _PEOPLE.get(column.meaning, postal)
        found.append(LEFT_OUT if field in found else field)
    return found


def _corrected(titles: list[str], fields: list[str], corrections: Mapping[str, str]) -> list[str]:
    fields = list(fields)
    for title, wanted in corrections.items():
        field = wanted.strip().lower().replace(" ", "_")
        if field not in {*FIELDS, LEFT_OUT}:
            raise UsageRefused(f'There is no field "{wanted}".', hint=f"Known: {', '.join(FIELDS)}, - (leave out).")
        at = next((i for i, known in enumerate(titles) if known == title or plain(known) == plain(title) != ""), None)
        if at is None:
            raise UsageRefused(f'The file has no column "{title}".', hint=f"Columns: {', '.join(titles)[:300]}.")
        fields = [LEFT_OUT if known == field else known for known in fields]
        fields[at] = field
    return fields


class _Refused(Exception):
    """A row cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class _Reader:
    fields: list[str]
    limits: Limits

    def row(self, line: Line) -> GivenMember:
        """Return what a line says; never raises for its content."""
        cells = [plain_cell(cell).strip() for cell in line.cells]
        said = {field: cell for field, cell in zip(self.fields, cells, strict=False) if field != LEFT_OUT}
        shown = said.get("name") or said.get("last_name") or said.get("address") or said.get("person", "")
        try:
            if any(cells[len(self.fields) :]):
                raise _Refused(f"it has {len(cells)} cells where the first row has {len(self.fields)}")
            if max(map(len, cells)) > self.limits.cell:
                raise _Refused(f"a cell holds more than {self.limits.cell:,} characters")
            return self._given(line.number, shown[:LONGEST_SHOWN], said)
        except (_Refused, AddressRefused, TextRefused) as exc:
            reason = getattr(exc, "reason", "") or str(exc)
            words = f"the address: {reason}" if isinstance(exc, AddressRefused) else reason
            return GivenMember(line.number, shown[:LONGEST_SHOWN], words)

    def _given(self, number: int, shown: str, said: Mapping[str, str]) -> GivenMember:
        first, last = names.clean(said.get("first_name", "")), names.clean(said.get("last_name", ""))
        name = names.clean(said.get("name", "")) or f"{first} {last}".strip()
        post = {part: cell for part, column in POSTAL_COLUMNS.items() if (cell := said.get(column, ""))}
        language = said.get("language", "")
        return GivenMember(
            line=number,
            shown=shown,
            register=said.get("register", ""),
            person=_person(said.get("person", ""), said.get("reference", "")),
            address=parse(said["address"]) if said.get("address") else None,
            name=name,
            first_name=first,
            language=hygiene.language(language) if language else "",
            of_class=hygiene.one_line(said.get("class", ""), what="the class"),
            since=_day(said.get("since", ""), "the first day"),
            paid_until=_day(said.get("paid_until", ""), "the day until which is paid"),
            remark=hygiene.one_line(said.get("remark", ""), what="the remark", longest=500),
            journal=_journal(said.get("journal_format", "")),
            post=post or None,
        )


def _person(number: str, reference: str) -> int | None:
    if number:
        if not number.isascii() or not number.isdigit() or len(number) > 18 or not int(number):
            raise _Refused(f'"{number[:20]}" is no person\'s number')
        return int(number)
    found = references_in(reference)
    if reference and len(found) != 1:
        raise _Refused(f'"{reference[:20]}" is no member\'s reference')
    return found[0] if found else None


def _day(cell: str, what: str) -> date | None:
    if not cell or cell.casefold() in {"not known", "-"}:
        return None
    try:
        return day(cell)
    except ValueError as exc:
        raise _Refused(f'{what} is "{cell[:30]}", and cannot be read: {exc}; write it like 2027-02-01') from exc


def _journal(cell: str) -> str:
    try:
        return journal_format(cell)
    except ValueError as exc:
        raise _Refused(str(exc)) from exc
