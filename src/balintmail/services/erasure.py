"""Erase a person: every trace goes, and a keyed hash stays so that they are never mailed again by accident (D7, S45).

The rows are emptied in one transaction; then the database's file and the outbox are swept. It cannot reach backups
that were made before, and it does not rewrite a newsletter that names somebody in its own text. Invoices of the Journal
stay as they were issued for as long as the law on accounts wants (services/order_errands.py).
"""

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from balintmail.db import addresses, audit, erasure, meta, officers, paper_traces, people, stops, suppressions
from balintmail.db.erasure import Traces
from balintmail.db.mentions import orders
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain.states import Role, SkipReason
from balintmail.errors import Conflict
from balintmail.services import files as stored_files
from balintmail.services import order_errands
from balintmail.services.context import Context
from balintmail.services.people import by_id, person_hash

OUTBOX = "outbox"
_LOOKED_AT = 16_384  # octets of a letter that hold its header
_CHUNK = 1 << 20

SWEEP_DUE = "sweep_due"  # the fact that SQLite's file waits to be swept


class Sweep(StrEnum):
    """When SQLite's file is freed of what was deleted in it."""

    NOW = "now"
    LATER = "later"  # by the next look of dispatch: a page does not keep its visitor waiting for it


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done. `shared` counts addresses that others still hold, `swept` is false when that is still to come.

    `papers` are the invoices and receipts that the accounts keep as they were issued.
    """

    person: int
    addresses: int
    shared: int
    stopped: int
    letters: int
    swept: bool
    papers: int = 0


def erase(ctx: Context, person_id: int, *, sweep: Sweep = Sweep.NOW) -> Erased:
    """Erase a living person for good; raise Conflict for the Secretary and for an address that a list speaks from."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        row = by_id(tx, person_id)
        if Role.SECRETARY in officers.roles(tx, row.id):
            hint = "Hand the office on first: balintmail officers appoint secretary WHO"
            raise Conflict(f"Person {row.id} is the Secretary and cannot be erased.", hint=hint)
        numbers = (row.id, *people.absorbed(tx, row.id))
        own, shared = _divide(tx, row.id)
        if (slug := erasure.speaks_for(tx, [held.email for held in own])) is not None:
            hint = f"Change its sender first: balintmail lists edit {slug} --from ADDRESS (or --reply-to)"
            raise Conflict(f'The list "{slug}" is sent from, or answered at, that address.', hint=hint)
        spellings = tuple({spelling for held in own for spelling in _spellings(held)})
        keys = tuple(held.key for held in own)
        traces = Traces(numbers, spellings, keys, *_names(tx, row, numbers, keys))
        files = erasure.letters(tx, traces)
        given = paper_traces.files(tx, traces.people, traces.keys)
        stopped = sum(stops.stop_person(tx, number, SkipReason.ERASED, now=now) for number in numbers)
        stopped += sum(stops.stop_address(tx, key, SkipReason.ERASED, now=now) for key in traces.keys)
        papers = order_errands.erase(ctx, tx, traces.people, traces.keys)
        erasure.empty(tx, traces, now=now)
        _leave_hashes(ctx, tx, row, own, shared)
        for number in numbers:
            officers.dismiss(tx, number)
        audit.note_person(tx, row.id, "erased", actor=ctx.actor, now=now)
        if sweep is Sweep.LATER and ctx.db.is_sqlite:
            meta.put(tx, SWEEP_DUE, "yes")
    removed = _remove_letters(ctx.folder / OUTBOX, files, spellings)
    stored_files.discard(ctx, given)  # what they sent in for the Journal
    swept = (
        not ctx.db.is_sqlite
        if sweep is Sweep.LATER
        else _sweep(ctx, [*spellings, *(" ".join(words) for name in traces.names for words in orders(name))])
    )
    return Erased(row.id, len(own), len(shared), stopped, removed, swept, papers)


def sweep_if_due(ctx: Context) -> bool:
    """Free SQLite's file of what an erasure on a page deleted; return whether that was due and is done.

    A file that is in use now is swept the next time.
    """
    with ctx.db.read() as tx:
        due = ctx.db.is_sqlite and meta.fact(tx, SWEEP_DUE) is not None
    if not due or not ctx.db.sweep(rebuild=True):
        return False
    with ctx.db.write() as tx:
        meta.drop(tx, SWEEP_DUE)
    return True


def _divide(tx: Tx, person_id: int) -> tuple[list[addresses.AddressRow], list[addresses.AddressRow]]:
    """Return the addresses that are this person's alone, and those that somebody else holds too."""
    held = addresses.of_person(tx, person_id)
    shared = [row for row in held if addresses.shared_with(tx, row.id, person_id)]
    return [row for row in held if row not in shared], shared


def _names(
    tx: Tx, row: PersonRow, numbers: Sequence[int], keys: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the whole names that are theirs alone, and other words for them, such as a first name."""
    called = erasure.names(tx, numbers, keys)
    shared = erasure.others_called(tx, sorted(called), numbers)
    whole = {name for name in called - shared if " " in name}
    return tuple(sorted(whole)), tuple(sorted((called - whole) | ({row.first_name} - {""})))


def _spellings(held: addresses.AddressRow) -> set[str]:
    found = {held.email, held.key}
    with suppress(parsing.AddressRefused):  # an older version may have let in what this one refuses
        found.add(parsing.parse(held.email).envelope)
    return found


def _leave_hashes(
    ctx: Context, tx: Tx, row: PersonRow, own: Sequence[addresses.AddressRow], shared: Sequence[addresses.AddressRow]
) -> None:
    """Take the addresses from the person and leave keyed hashes: of an address, or of this person at a shared one."""
    now = ctx.clock.now()
    for held in own:
        addresses.unlink(tx, row.id, held.id)
        suppressions.erase(tx, ctx.keyring.address_hash(held.key), actor=ctx.actor, now=now)
    for held in shared:
        addresses.unlink(tx, row.id, held.id)
        if row.name:
            suppressions.erase(tx, person_hash(ctx, held.key, row.name), actor=ctx.actor, now=now)


def _remove_letters(outbox: Path, deliveries: Iterable[int], spellings: Sequence[str]) -> int:
    """Delete the person's letters from the outbox: those of their deliveries, and those addressed to them."""
    numbers = {str(number) for number in deliveries}
    needles = [spelling.lower() for spelling in spellings]
    removed = 0
    for path in [path for part in ("new", "cur", "tmp") for path in (outbox / part).glob("*") if path.is_file()]:
        if path.name.partition(":")[0] not in numbers:
            with path.open("rb") as file:
                head = file.read(_LOOKED_AT).partition(b"\r\n\r\n")[0].decode("utf-8", "replace").lower()
            if not any(needle in head for needle in needles):
                continue
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _sweep(ctx: Context, spellings: Sequence[str]) -> bool:
    """Empty the write-ahead log, and write SQLite's file anew when a trace is left in its gaps."""
    if not ctx.db.is_sqlite:
        return True
    swept = ctx.db.sweep(rebuild=False)
    file = Path(ctx.db.url.database or "")
    # JSON escapes what is not ASCII.
    traces = [spelled.encode() for spelling in spellings for spelled in {spelling, json.dumps(spelling)[1:-1]}]
    if any(_holds(path, traces) for path in (file, file.with_name(f"{file.name}-wal"))):
        return ctx.db.sweep(rebuild=True)
    return swept


def _holds(path: Path, needles: Sequence[bytes]) -> bool:
    """Return whether a file holds one of `needles` anywhere, capitals or not."""
    if not needles or not path.is_file():
        return False
    overlap = max(map(len, needles))
    wanted = [needle.lower() for needle in needles]
    tail = b""
    with path.open("rb") as file:
        while block := file.read(_CHUNK):
            window = (tail + block).lower()
            if any(needle in window for needle in wanted):
                return True
            tail = window[-overlap:]
    return False
