"""Where the post reaches one person, kept by the Secretary: several addresses, each from a day on and until another.

Every address is held to its country's own rules (services/postal.py) before it is kept. A person's own page keeps it by
services/preferences.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from balintmail.db import audit, people, postal
from balintmail.db.postal import PostalRow
from balintmail.db.session import Tx
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import members, memberships
from balintmail.services import postal as rules
from balintmail.services.context import Context
from balintmail.services.people import by_id


@dataclass(frozen=True, slots=True)
class Held:
    """One address with the lines of its label; `now` where the post goes there today."""

    row: PostalRow
    lines: tuple[str, ...]
    now: bool


def listed(ctx: Context, tx: Tx, person_id: int) -> list[Held]:
    """Return the addresses of a person, in the order in which they hold."""
    person = by_id(tx, person_id)
    today = postal.at(tx, person.id, members.today(ctx))
    return [
        Held(row, tuple(rules.lines(row.parts, person.name)), today is not None and row.id == today.id)
        for row in postal.of_people(tx, [person.id])
    ]


def put(ctx: Context, person_id: int, parts: Mapping[str, str], days: tuple[date | None, date | None]) -> list[Held]:
    """Keep an address from a day on (None: from now, in place of all others) and until another (None: for good).

    What holds before and after goes on. Raises PostalRefused for what the country has not, UsageRefused for the days.
    """
    clean, (first, last) = rules.checked(parts), days
    for day in filter(None, days):
        memberships.checked_day(day)
    begins = first or members.today(ctx)
    if last is not None and last < begins:
        raise UsageRefused(f"It would end on {last}, and begins on {begins}.")
    with ctx.db.write() as tx:
        people.lock(tx)
        person = by_id(tx, person_id)
        if person.died_on is not None:
            raise Conflict(f"Person {person.id} has died.")
        if first is None and last is None:
            postal.put(tx, person.id, clean, first_day=None, now=ctx.clock.now())
        else:
            postal.between(tx, person.id, clean, (begins, last), now=ctx.clock.now())
        _note(ctx, tx, person.id, "postal address")
        return listed(ctx, tx, person.id)


def remove(ctx: Context, person_id: int, number: int) -> list[Held]:
    """Forget one address of a person; raise NotFound where they have none of that number."""
    with ctx.db.write() as tx:
        people.lock(tx)
        person = by_id(tx, person_id)
        if not (0 < number < 1 << 63 and postal.remove(tx, number, person.id)):
            raise NotFound(f"Person {person.id} has no postal address {number}.", hint="See: balintmail members post")
        _note(ctx, tx, person.id, "postal address removed")
        return listed(ctx, tx, person.id)


def _note(ctx: Context, tx: Tx, person_id: int, what: str) -> None:
    audit.note_person(tx, person_id, "edited", actor=ctx.actor, now=ctx.clock.now(), detail={"changed": [what]})
