"""Show what came back and which addresses are not reached for it, and strike those off that somebody has seen to.

It reads, and changes no more than that mark; what reports do is services/returned.py's. An address that is struck off
stays unmailed until `suppress remove` or a probe says otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from balintmail.db import address_health, addresses, audit, people, postal, returns
from balintmail.db.address_health import DeadRow, HealthRow
from balintmail.db.returns import EventRow, Wanted
from balintmail.db.session import Tx
from balintmail.domain.returns import Reason, Sentence
from balintmail.errors import NotFound
from balintmail.services.context import Context
from balintmail.services.people import find, parsed

MOST = 1000  # events of one list
# What societies call the field in which they keep a number to ring, in the languages of the house.
_PHONES = ("phone", "telephone", "mobile", "tel", "telefon", "handy", "mobil", "téléphone", "portable")


class Standing(StrEnum):
    """How an address that is not reached stands."""

    GONE = "gone"  # nobody is there
    PAUSED = "paused"  # it is tried again by itself
    LEFT = "left to you"  # it was tried often enough, or nobody there is on a list


@dataclass(frozen=True, slots=True)
class Way:
    """A person who is not reached at an address, and how else they may be."""

    person: int
    name: str
    others: tuple[str, ...]  # their further addresses that mail reaches
    post: bool
    phone: str


@dataclass(frozen=True, slots=True)
class Unreached:
    """One address that is not mailed for what came back; `next_at` is when it is tried, or a try is judged."""

    address: str
    standing: Standing
    reason: Reason
    since: datetime | None
    next_at: datetime | None
    people: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events to list: of an address or a person, or all; unproven ones, or refusals by a rule, alone."""

    who: str = ""
    unproven: bool = False
    policy: bool = False


def events(ctx: Context, asked: Asked) -> list[EventRow]:
    """Return what came back, the newest first, at most MOST; raise NotFound for somebody unknown."""
    wanted = Wanted(
        proven=False if asked.unproven else None, sentence=Sentence.POLICY if asked.policy else None, limit=MOST
    )
    with ctx.db.read() as tx:
        if not asked.who:
            return returns.every(tx, wanted)
        if "@" in asked.who:
            return returns.every(tx, Wanted(parsed(asked.who).key, None, wanted.proven, wanted.sentence, MOST))
        numbers = [number for row in find(tx, asked.who) for number in (row.id, *people.absorbed(tx, row.id))]
        return returns.every(tx, Wanted(None, tuple(numbers), wanted.proven, wanted.sentence, MOST))


def unreached(ctx: Context) -> list[Unreached]:
    """Return the addresses that nobody has seen to yet, the longest dead first, with who else is reached how."""
    with ctx.db.read() as tx:
        rows = address_health.dead(tx)
        held = addresses.of_people(tx, sorted({row.person for row in rows}))
        return [
            _unreached(ctx, tx, row.address, [each for each in rows if each.address.id == row.address.id], held)
            for row in _first_of_each(rows)
        ]


def done(ctx: Context, texts: Sequence[str]) -> list[tuple[str, bool]]:
    """Strike addresses off the list; return each with whether it was on it. Raises NotFound for one of nobody's."""
    now, found = ctx.clock.now(), []
    with ctx.db.write() as tx:
        people.lock(tx)
        for text in texts:
            row = address_health.of_key(tx, parsed(text).key)
            if row is None:
                raise NotFound("Nobody on the register has that address.", hint="See: balintmail returns dead")
            listed = address_health.is_listed(tx, row)
            found.append((row.email, listed))
            if listed:
                address_health.handle(tx, row, by=ctx.actor, now=now)
                for person in people.at_address(tx, row.key):
                    audit.note_person(tx, person.id, "dead address seen to", actor=ctx.actor, now=now)
    return found


def telephone(fields: Mapping[str, object]) -> str:
    """Return the number to ring that stands among somebody's own fields, or ""."""
    return next((str(value) for name, value in fields.items() if name.lower() in _PHONES and value), "")


def _first_of_each(rows: Sequence[DeadRow]) -> list[DeadRow]:
    return list({row.address.id: row for row in reversed(rows)}.values())[::-1]


def _unreached(
    ctx: Context, tx: Tx, row: HealthRow, holders: Sequence[DeadRow], held: dict[int, list[addresses.AddressRow]]
) -> Unreached:
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    next_at = row.probe_at or row.trial_until
    standing = Standing.PAUSED if next_at is not None else Standing.LEFT
    ways = tuple(
        Way(
            each.person,
            each.name,
            tuple(other.email for other in held.get(each.person, ()) if other.key != row.key and other.state == "ok"),
            postal.at(tx, each.person, today) is not None,
            telephone(each.fields),
        )
        for each in holders
    )
    return Unreached(
        row.email,
        Standing.GONE if holders[0].suppressed else standing,
        Reason(row.trouble or Reason.OTHER),
        row.bounced_at,
        next_at,
        ways,
    )
