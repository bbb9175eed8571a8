"""The rows of people: look up, add, change, list. It never decides who somebody is and knows nothing of consent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select

from balintmail.db import addresses
from balintmail.db.filters import ON_LIST
from balintmail.db.models import Address, MailingList, Person, PersonAddress, Subscription
from balintmail.db.session import Tx
from balintmail.domain.states import SubscriptionState

PAGE = 500  # people held in memory while a long register streams by

# The tables whose rows say who is on the register and who may be mailed.
_LOCK = "LOCK TABLE people, addresses, person_addresses, subscriptions, suppressions IN SHARE ROW EXCLUSIVE MODE"


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One person. `merged_into` and `erased_at` mark rows that are emptied and stay for the ledger's counts."""

    id: int
    name: str
    first_name: str
    language: str | None
    member: bool
    fields: dict[str, Any]
    joined_at: datetime
    updated_at: datetime
    erased_at: datetime | None
    merged_into: int | None
    journal_format: str | None = None
    died_on: date | None = None


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A person with the addresses (preferred one first) and the state on each list by slug.

    `pauses` holds when a pause ends by itself, by the list's slug.
    """

    person: PersonRow
    addresses: tuple[addresses.AddressRow, ...]
    lists: dict[str, SubscriptionState]
    pauses: dict[str, datetime] = field(default_factory=dict)


_COLUMNS = [getattr(Person, name) for name in PersonRow.__dataclass_fields__]
LIVING = Person.erased_at.is_(None) & Person.merged_into.is_(None)


def lock(tx: Tx) -> None:
    """Keep every other writer of the register out until the transaction ends; readers and the ledger go on.

    SQLite has taken its one write lock at BEGIN.
    """
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(_LOCK)


def get(tx: Tx, person_id: int) -> PersonRow | None:
    """Return the person of that number, living or not, or None."""
    row = tx.execute(_one(), {"id": person_id}).first()
    return PersonRow(*row) if row else None


@cache
def _one() -> "sa.Select[Any]":
    return select(*_COLUMNS).where(Person.id == sa.bindparam("id"))


def at_address(tx: Tx, key: str) -> list[PersonRow]:
    """Return the living people who hold the address of that key, the oldest row first."""
    return [PersonRow(*row) for row in tx.execute(_at_address(), {"key": key})]


@cache
def _at_address() -> "sa.Select[Any]":
    return (
        select(*_COLUMNS)
        .join(PersonAddress, PersonAddress.person_id == Person.id)
        .join(Address, Address.id == PersonAddress.address_id)
        .where(Address.key == sa.bindparam("key"), LIVING)
        .order_by(Person.id)
    )


def resembling(tx: Tx, patterns: Sequence[str], *, most: int = 500) -> list[PersonRow]:
    """Return living people whose name fits one of these LIKE patterns, the newest first; it reads all names."""
    fits = sa.or_(sa.false(), *(Person.name.ilike(pattern, escape="\\") for pattern in patterns))
    query = select(*_COLUMNS).where(LIVING, Person.name != "", fits).order_by(Person.id.desc()).limit(most)
    return [PersonRow(*row) for row in tx.execute(query)]


def called(tx: Tx, name: str) -> list[PersonRow]:
    """Return living people of that name, whatever its capitals where the database knows them; it reads all names."""
    same = sa.or_(Person.name == name, sa.func.lower(Person.name) == name.lower())
    return [PersonRow(*row) for row in tx.execute(select(*_COLUMNS).where(LIVING, same).order_by(Person.id))]


def insert(tx: Tx, values: dict[str, Any], *, now: datetime) -> int:
    """Add a person with these columns, joined now unless they say otherwise; return the number."""
    row = {"fields": {}, "joined_at": now, "updated_at": now, **values}
    added: int = tx.execute(sa.insert(Person).values(**row).returning(Person.id)).scalar_one()
    return added


def any_rows(tx: Tx) -> bool:
    """Say whether the register has ever held anybody."""
    return tx.scalar(select(Person.id).limit(1)) is not None


def update(tx: Tx, person_id: int, values: dict[str, Any], *, now: datetime) -> None:
    """Change columns of a person."""
    tx.execute(sa.update(Person).where(Person.id == person_id).values(updated_at=now, **values))


def absorbed(tx: Tx, person_id: int) -> list[int]:
    """Return the numbers of the emptied rows that were merged into this person, however many steps ago."""
    found: list[int] = []
    wave = [person_id]
    while wave:
        wave = list(tx.scalars(select(Person.id).where(Person.merged_into.in_(wave)).order_by(Person.id)))
        found.extend(wave)
    return found


def on_list(slug: str) -> ColumnElement[bool]:
    """Return the condition "is subscribed to, or paused on, the list of that slug"."""
    return sa.exists(
        select(sa.literal(1))
        .select_from(Subscription)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.person_id == Person.id, MailingList.slug == slug, Subscription.state.in_(ON_LIST))
        .correlate(Person)
    )


def entries(tx: Tx, conditions: Sequence[ColumnElement[bool]] = ()) -> Iterator[PersonEntry]:
    """Yield the living people whom all `conditions` fit, by rising number, in flat memory."""
    after = 0
    while True:
        query = select(*_COLUMNS).where(LIVING, Person.id > after, *conditions).order_by(Person.id).limit(PAGE)
        page = [PersonRow(*row) for row in tx.execute(query)]
        yield from _complete(tx, page)
        if len(page) < PAGE:
            return
        after = page[-1].id


def entry(tx: Tx, person_id: int) -> PersonEntry | None:
    """Return one person with addresses and lists, or None."""
    row = get(tx, person_id)
    return next(iter(_complete(tx, [row])), None) if row else None


def _complete(tx: Tx, page: Sequence[PersonRow]) -> Iterator[PersonEntry]:
    numbers = [person.id for person in page]
    held = addresses.of_people(tx, numbers)
    states: dict[int, dict[str, SubscriptionState]] = {}
    pauses: dict[int, dict[str, datetime]] = {}
    for person_id, slug, state, until in tx.execute(
        select(Subscription.person_id, MailingList.slug, Subscription.state, Subscription.paused_until)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(Subscription.person_id.in_(numbers))
        .order_by(MailingList.id)
    ):
        states.setdefault(person_id, {})[slug] = state
        if state is SubscriptionState.PAUSED and until is not None:
            pauses.setdefault(person_id, {})[slug] = until
    for person in page:
        number = person.id
        yield PersonEntry(person, tuple(held.get(number, ())), states.get(number, {}), pauses.get(number, {}))
