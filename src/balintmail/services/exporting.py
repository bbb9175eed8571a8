"""Write the register out, so that reading it back in changes nothing: CSV that no spreadsheet calculates, or JSON.

It streams in flat memory, changes nobody, and leaves an audit line. The layouts are read by `ops/importers`.
"""

import csv
import json
from collections.abc import Callable, Iterator
from enum import StrEnum
from itertools import islice
from typing import Any, TextIO

from balintmail.db import audit, meta, postal
from balintmail.db.addresses import AddressRow
from balintmail.db.filters import own_fields
from balintmail.db.people import PAGE, PersonEntry
from balintmail.db.session import Tx
from balintmail.domain.cells import safe_cell
from balintmail.domain.imports import POSTAL_COLUMNS, cell_text
from balintmail.domain.times import rfc3339
from balintmail.services import people
from balintmail.services.context import Context
from balintmail.services.importing import REGISTER_LETTERS
from balintmail.services.people import Wanted

COLUMNS = (
    "id",
    "register",
    "name",
    "first_name",
    "language",
    "member",
    "address",
    "address_state",
    "other_addresses",
    "lists",
    "joined",
    "journal_format",
    *POSTAL_COLUMNS.values(),
)
OWN_PREFIX = "field."
_Found = Iterator[tuple[PersonEntry, dict[str, str]]]


class Layout(StrEnum):
    """How an export is written."""

    CSV = "csv"
    TSV = "tsv"
    JSON = "json"


def export(ctx: Context, wanted: Wanted, layout: Layout, out: TextIO) -> int:
    """Write everybody `wanted` asks for to `out` and return how many they were.

    `out` must keep line ends as they are written. Raises FilterError or NotFound before anything is written.
    """
    with ctx.db.read() as tx:
        register = (meta.fact(tx, meta.INSTANCE_ID) or "")[:REGISTER_LETTERS]
        own = own_fields(tx)
        found = _with_post(ctx, tx, people.entries(tx, wanted, ctx))
        if layout is Layout.JSON:
            count = _json(ctx, register, found, out.write)
        else:
            count = _csv(ctx, register, own, found, csv.writer(out, delimiter="\t" if layout is Layout.TSV else ","))
    with ctx.db.write() as tx:
        audit.note(tx, "people.export", actor=ctx.actor, now=ctx.clock.now(), detail={"people": count})
    return count


def _with_post(ctx: Context, tx: Tx, found: Iterator[PersonEntry]) -> _Found:
    """Yield each person with the postal address that holds today, asked for a page of people at a time."""
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    while page := list(islice(found, PAGE)):
        post = postal.holding(tx, [entry.person.id for entry in page], today)
        yield from ((entry, post[entry.person.id].parts if entry.person.id in post else {}) for entry in page)


def _csv(ctx: Context, register: str, own: list[str], found: _Found, writer: Any) -> int:
    writer.writerow([*COLUMNS, *(OWN_PREFIX + name for name in own)])
    zone = ctx.settings.zone
    count = 0
    for entry, post in found:
        person = entry.person
        first, others = _preferred(entry)
        cells = [
            str(person.id),
            register,
            person.name,
            person.first_name,
            person.language or "",
            "yes" if person.member else "no",
            first.email if first else "",
            _state(first) if first else "",
            " ".join(f"{row.email}:{_state(row)}" for row in others),
            " ".join(f"{slug}:{state.value}" for slug, state in entry.lists.items()),
            rfc3339(person.joined_at, zone),
            person.journal_format or "",
            *(post.get(part, "") for part in POSTAL_COLUMNS),
            *(cell_text(person.fields[name]) if name in person.fields else "" for name in own),
        ]
        writer.writerow([safe_cell(cell) for cell in cells])
        count += 1
    return count


def _json(ctx: Context, register: str, found: _Found, write: Callable[[str], object]) -> int:
    """Write one object a line inside one list, so that a million of them can be read back one by one."""
    zone = ctx.settings.zone
    count = 0
    write("[\n")
    for entry, post in found:
        person = entry.person
        document = {
            "id": person.id,
            "register": register,
            "name": person.name,
            "first_name": person.first_name,
            "language": person.language,
            "member": person.member,
            "addresses": [
                {"address": row.email, "state": _state(row), "preferred": row.preferred} for row in entry.addresses
            ],
            "lists": {slug: state.value for slug, state in entry.lists.items()},
            "fields": person.fields,
            "joined": rfc3339(person.joined_at, zone),
            "journal_format": person.journal_format,
            "post": post or None,
        }
        write((",\n" if count else "") + json.dumps(document, ensure_ascii=False))
        count += 1
    write("\n]\n" if count else "]\n")
    return count


def _preferred(entry: PersonEntry) -> tuple[AddressRow | None, list[AddressRow]]:
    """Return the preferred address, if there is one, and the others."""
    first = next((row for row in entry.addresses if row.preferred), None)
    return first, [row for row in entry.addresses if row is not first]


def _state(row: AddressRow) -> str:
    """Return why an address must not be mailed, in a word that an import understands, or `ok`."""
    return row.suppressed.value if row.suppressed else row.health.value
