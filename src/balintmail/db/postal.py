"""Where the post reaches people: each address from a day on and until another.

It checks no address; services/postal.py does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import or_, select

from balintmail.db.models import PostalAddress
from balintmail.db.session import Tx

PARTS = (
    "country_code", "name", "company_name", "street_address", "city_area", "city", "country_area", "postal_code",
    "sorting_code",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PostalRow:
    """One address of one person; `valid_until` is its last day, None in `valid_from` and there says "always"."""

    id: int
    person_id: int
    country_code: str
    name: str
    company_name: str
    street_address: str
    city_area: str
    city: str
    country_area: str
    postal_code: str
    sorting_code: str
    valid_from: date | None
    valid_until: date | None
    created_at: datetime

    @property
    def parts(self) -> dict[str, str]:
        """The parts that say something, by the names of PARTS."""
        return {name: value for name in PARTS if (value := getattr(self, name))}


_COLUMNS = [getattr(PostalAddress, name) for name in PostalRow.__dataclass_fields__]


def of_people(tx: Tx, people: Sequence[int]) -> list[PostalRow]:
    """Return every address of these people, in the order in which they hold."""
    mine = select(*_COLUMNS).where(PostalAddress.person_id.in_(people))
    rows = [PostalRow(*row) for row in tx.execute(mine)]
    return sorted(rows, key=lambda row: (row.valid_from or date.min, row.id))


def at(tx: Tx, person_id: int, day: date) -> PostalRow | None:
    """Return the address that holds on `day`, the newest where two do, or None."""
    begun = or_(PostalAddress.valid_from.is_(None), PostalAddress.valid_from <= day)
    lasts = or_(PostalAddress.valid_until.is_(None), PostalAddress.valid_until >= day)
    query = select(*_COLUMNS).where(PostalAddress.person_id == person_id, begun, lasts)
    row = tx.execute(query.order_by(PostalAddress.id.desc()).limit(1)).first()
    return PostalRow(*row) if row else None


def holding(tx: Tx, people: Sequence[int], day: date) -> dict[int, PostalRow]:
    """Return the address that holds on `day` of each of these people who has one, by the person's number."""
    return {
        row.person_id: row
        for row in sorted(of_people(tx, people), key=lambda row: row.id)
        if (row.valid_from or date.min) <= day <= (row.valid_until or date.max)
    }


def put(tx: Tx, person_id: int, parts: dict[str, str], *, first_day: date | None, now: datetime) -> None:
    """Let an address hold from `first_day` on (None: at once, in place of all others); earlier ones end the day before.

    Addresses that would begin on that day or later are given up.
    """
    mine = PostalAddress.person_id == person_id
    if first_day is None:
        drop(tx, [person_id])
    else:
        tx.execute(sa.delete(PostalAddress).where(mine, PostalAddress.valid_from >= first_day))
        eve = first_day - timedelta(days=1)
        lasting = or_(PostalAddress.valid_until.is_(None), PostalAddress.valid_until > eve)
        tx.execute(sa.update(PostalAddress).where(mine, lasting).values(valid_until=eve))
    known = {name: parts.get(name, "") for name in PARTS}
    tx.execute(sa.insert(PostalAddress).values(person_id=person_id, valid_from=first_day, created_at=now, **known))


def between(tx: Tx, person_id: int, parts: dict[str, str], days: tuple[date, date | None], *, now: datetime) -> None:
    """Let an address hold from a day until another, both included (None: for good); what held round it goes on.

    An address that held before and after is cut in two; one that would hold within those days alone is given up.
    """
    first, last = days
    eve = first - timedelta(days=1)
    for row in of_people(tx, [person_id]):
        begins, ends = row.valid_from or date.min, row.valid_until or date.max
        if ends < first or (last is not None and begins > last):
            continue
        here = PostalAddress.id == row.id
        goes_on = last is not None and ends > last
        if begins < first:
            tx.execute(sa.update(PostalAddress).where(here).values(valid_until=eve))
        else:
            tx.execute(sa.delete(PostalAddress).where(here))
        if goes_on and last is not None:
            again = {"valid_from": last + timedelta(days=1), "valid_until": row.valid_until, "created_at": now}
            known = {name: getattr(row, name) for name in PARTS}
            tx.execute(sa.insert(PostalAddress).values(person_id=person_id, **known, **again))
    known = {name: parts.get(name, "") for name in PARTS}
    held = {"valid_from": first, "valid_until": last, "created_at": now}
    tx.execute(sa.insert(PostalAddress).values(person_id=person_id, **known, **held))


def remove(tx: Tx, address_id: int, person_id: int) -> bool:
    """Delete one address of a person; return whether there was one."""
    here = (PostalAddress.id == address_id) & (PostalAddress.person_id == person_id)
    return tx.execute(sa.delete(PostalAddress).where(here)).rowcount > 0


def correct(tx: Tx, person_id: int, parts: dict[str, str], *, today: date, now: datetime) -> None:
    """Write an address in place of the one that holds on `today`; those before and after it stay as they are.

    Where none holds, the new one does at once and until the next begins.
    """
    known = {name: parts.get(name, "") for name in PARTS}
    held = at(tx, person_id, today)
    if held is not None:
        tx.execute(sa.update(PostalAddress).where(PostalAddress.id == held.id).values(**known))
        return
    days = [row.valid_from for row in of_people(tx, [person_id]) if row.valid_from and row.valid_from > today]
    until = min(days) - timedelta(days=1) if days else None
    tx.execute(sa.insert(PostalAddress).values(person_id=person_id, valid_until=until, created_at=now, **known))


def drop(tx: Tx, people: Sequence[int]) -> int:
    """Delete all addresses of these people; return how many there were."""
    return tx.execute(sa.delete(PostalAddress).where(PostalAddress.person_id.in_(people))).rowcount


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Give one person's addresses to another who has none, as merging does; else they are deleted."""
    if of_people(tx, [to_person]):
        drop(tx, [from_person])
        return
    mine = PostalAddress.person_id == from_person
    tx.execute(sa.update(PostalAddress).where(mine).values(person_id=to_person))
