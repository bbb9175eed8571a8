"""Take in a list of members, and write one: whom a row means, what it changes, and what of it is refused.

All of it in one transaction, and the dry run is that transaction taken back. Nobody comes onto a mailing list by it,
nobody who resigned, died or was erased comes back. Files are read by ops/importers/memberlist.py.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any, TextIO

from balintmail.db import addresses, audit, meta, people, postal
from balintmail.db import members as rows
from balintmail.db.members import MembershipRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import names
from balintmail.domain.cells import safe_cell
from balintmail.domain.imports import POSTAL_COLUMNS, key_of_name
from balintmail.domain.member_imports import GivenMember
from balintmail.domain.members import reference
from balintmail.errors import BalintmailError
from balintmail.services import members, memberships, reminders
from balintmail.services import postal as rules
from balintmail.services.context import Context
from balintmail.services.importing import REGISTER_LETTERS
from balintmail.services.memberships import Wanted
from balintmail.services.people import erased
from balintmail.services.postal import PostalRefused

COLUMNS = (
    "person", "register", "name", "address", "class", "since", "paid_until", "standing", "reference", "remark",
    "journal_format",
)  # fmt: skip
_PAGE = 500
_WRONG = {"required": "is missing", "invalid": "does not fit the country", "unprintable": "cannot be printed"}


@dataclass(frozen=True, slots=True)
class Change:
    """What a row changes, or would change, of whom; `what` is "new member" and the like, in words."""

    line: int
    person: int
    name: str
    what: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that is not taken, and why."""

    line: int
    shown: str
    reason: str


@dataclass(slots=True)
class Report:
    """What became of a list."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    changes: list[Change] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    written: bool = False


class _RowRefused(Exception):
    """A row is not taken."""


def take_in(ctx: Context, given: Iterable[GivenMember], file: str, *, write: bool) -> Report:
    """Take in a list, or with `write` false only say what that would do. Refused rows change nothing."""
    report = Report(written=write)
    seen: dict[int, int] = {}
    with ctx.db.write() as tx:
        people.lock(tx)
        trial = tx.begin_nested()
        register = (meta.fact(tx, meta.INSTANCE_ID) or "")[:REGISTER_LETTERS]
        for row in given:
            step = tx.begin_nested()
            try:
                _take(ctx, tx, row, register, (report, seen))
            except (_RowRefused, BalintmailError) as exc:
                step.rollback()
                reason = _post_words(exc) if isinstance(exc, PostalRefused) else getattr(exc, "message", "") or str(exc)
                report.refusals.append(Refusal(row.line, row.shown, reason))
            else:
                step.commit()
        if not write:
            trial.rollback()
            return report
        detail = {"file": file, "new": report.new, "changed": report.changed, "refused": len(report.refusals)}
        audit.note(tx, "members.import", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
        trial.commit()
    return report


def export(ctx: Context, wanted: Wanted, out: TextIO) -> int:
    """Write memberships as CSV, safe in a spreadsheet; return how many. `out` must keep line ends as they are."""
    writer, count, today = csv.writer(out), 0, members.today(ctx)
    with ctx.db.read() as tx:
        register = (meta.fact(tx, meta.INSTANCE_ID) or "")[:REGISTER_LETTERS]
        found = memberships.entries(ctx, tx, wanted)
        writer.writerow([*COLUMNS, *POSTAL_COLUMNS.values()])
        while page := list(islice(found, _PAGE)):
            numbers = [each.person.id for each in page]
            held, post = addresses.of_people(tx, numbers), postal.holding(tx, numbers, today)
            for each in page:
                mine, parts = held.get(each.person.id, ()), post.get(each.person.id)
                label = parts.parts if parts else {}
                cells = [
                    str(each.person.id), register, each.person.name, mine[0].email if mine else "", each.row.of.slug,
                    str(each.row.since or ""), str(each.row.paid_until or ""), each.standing.value,
                    reference(each.person.id), each.row.remark, each.person.journal_format or "",
                    *(label.get(part, "") for part in POSTAL_COLUMNS),
                ]  # fmt: skip
                writer.writerow([safe_cell(cell) for cell in cells])
                count += 1
    with ctx.db.write() as tx:
        audit.note(tx, "members.export", actor=ctx.actor, now=ctx.clock.now(), detail={"members": count})
    return count


def _take(ctx: Context, tx: Tx, row: GivenMember, register: str, so_far: tuple[Report, dict[int, int]]) -> None:
    report, seen = so_far
    if row.refused:
        raise _RowRefused(row.refused)
    person = _whom(ctx, tx, row, register)
    is_new = person is None
    person = person or _entered(ctx, tx, row)
    if person.id in seen:
        raise _RowRefused(f"it is the same person as in line {seen[person.id]}")
    what = list(_changes(ctx, tx, person, row))
    if is_new:
        what.insert(0, "new on the register")
    if what:
        members.refresh(ctx, tx, [person.id])
        detail = {"changed": what}
        audit.note_person(tx, person.id, "membership imported", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
        report.changes.append(Change(row.line, person.id, person.name, tuple(what)))
    seen[person.id] = row.line
    report.new += "membership" in what
    report.changed += bool(what) and "membership" not in what
    report.unchanged += not what


def _whom(ctx: Context, tx: Tx, row: GivenMember, register: str) -> PersonRow | None:
    """Return the person whom a row means, None for somebody new; refuse what may mean several."""
    person = None
    if row.person is not None and (not row.register or row.register == register):
        person = people.get(tx, row.person)
        while person is not None and person.merged_into is not None:
            person = people.get(tx, person.merged_into)
        if person is None or person.erased_at is not None:
            raise _RowRefused(f"there is no person {row.person}")
    else:
        found = people.at_address(tx, row.address.key) if row.address else _namesakes(tx, row.name)
        if row.address and len(found) > 1:
            found = [each for each in found if key_of_name(each.name) == key_of_name(row.name)] or found
        if len(found) > 1:
            numbers = ", ".join(str(each.id) for each in found)
            raise _RowRefused(f"it may be any of these people: {numbers}; a column of numbers, person, says which")
        person = found[0] if found else None
    if person is not None and person.died_on is not None:
        raise _RowRefused(f"person {person.id} has died")
    if person is None and row.address is not None and erased(ctx, tx, row.address.key, row.name):
        raise _RowRefused("that address was erased at its owner's wish")
    return person


def _namesakes(tx: Tx, name: str) -> list[PersonRow]:
    if not name:
        raise _RowRefused("it names nobody")
    wanted = key_of_name(name)
    return [each for each in people.called(tx, name) if key_of_name(each.name) == wanted]


def _entered(ctx: Context, tx: Tx, row: GivenMember) -> PersonRow:
    now, language = ctx.clock.now(), row.language or None
    if not row.name and row.address is None:
        raise _RowRefused("it names nobody")
    values = {"name": row.name, "first_name": row.first_name or names.first_name(row.name, language)}
    number = people.insert(tx, {**values, "language": language}, now=now)
    if row.address is not None:
        addresses.link(tx, number, addresses.ensure(tx, row.address, now=now))
    person = people.get(tx, number)
    if person is None:
        raise LookupError("the person who was just entered is gone")
    return person


def _changes(ctx: Context, tx: Tx, person: PersonRow, row: GivenMember) -> Iterator[str]:
    """Carry out what a row says of a person, and yield what became different, in words."""
    yield from _membership(ctx, tx, person, row)
    now = ctx.clock.now()
    if row.journal and row.journal != person.journal_format:
        people.update(tx, person.id, {"journal_format": row.journal}, now=now)
        yield "Journal"
    if row.post:
        today = members.today(ctx)
        clean, held = rules.checked(row.post), postal.at(tx, person.id, today)
        if held is None or held.parts != clean:
            postal.correct(tx, person.id, clean, today=today, now=now)
            yield "postal address"


def _membership(ctx: Context, tx: Tx, person: PersonRow, row: GivenMember) -> Iterator[str]:
    today, now = members.today(ctx), ctx.clock.now()
    held = rows.current(tx, person.id, today)
    of = _class(tx, row.of_class) if row.of_class else None
    for each in filter(None, (row.since, row.paid_until)):
        memberships.checked_day(each)
    if held is not None and held.ended_on is not None:
        raise _RowRefused(f"that membership is {held.state.value} since {held.ended_on}; see: members add {person.id}")
    since, paid = row.since or (held.since if held else None), row.paid_until or (held.paid_until if held else None)
    if since is not None and paid is not None and paid < since - timedelta(days=1):
        raise _RowRefused(f"it is paid until {paid}, and begins on {since}")
    if held is None:
        values = {"since": row.since, "paid_until": row.paid_until, "remark": row.remark}
        rows.begin(tx, person.id, (of or members.usual_class(tx)).id, values, now=now)
        yield "membership"
        return
    new = _differences(held, row, of.id if of else None)
    if new:
        reminders.stop(ctx, tx, held)
        rows.change(tx, held.id, {column: value for column, (_, value) in new.items()}, now=now)
    yield from (words for words, _ in new.values())


def _differences(held: MembershipRow, row: GivenMember, class_id: int | None) -> dict[str, tuple[str, Any]]:
    wanted: dict[str, tuple[str, Any, Any]] = {
        "class_id": ("class", class_id, held.of.id),
        "since": ("since", row.since, held.since),
        "paid_until": ("paid until", row.paid_until, held.paid_until),
        "remark": ("remark", row.remark or None, held.remark),
    }
    return {column: (words, new) for column, (words, new, old) in wanted.items() if new is not None and new != old}


def _class(tx: Tx, text: str) -> rows.ClassRow:
    """Return the class that a cell names by its short name or by its own; refuse another."""
    wanted = key_of_name(text)
    classes = [each for each in rows.classes(tx) if each.archived_at is None]
    found = [each for each in classes if wanted in {each.slug, key_of_name(each.name)}]
    if not found:
        raise _RowRefused(f'there is no class "{text[:40]}"; there are: {", ".join(each.slug for each in classes)}')
    return found[0]


def _post_words(exc: PostalRefused) -> str:
    wrong = ", ".join(f"{POSTAL_COLUMNS.get(part, part)} {_WRONG[why]}" for part, why in sorted(exc.wrong.items()))
    return f"the postal address: {wrong}"
