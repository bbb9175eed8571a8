"""Read the consent log as it lies there, for whoever checks or exports it. It changes nothing and trusts nothing.

Values come as the driver gives them, so that what another hand wrote into a column is seen and not tidied up.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.consent import ConsentRow, rows_query
from balintmail.db.models import ConsentEvent, ConsentLink, Person
from balintmail.db.session import Tx

_STREAM = {"yield_per": 2_000}


class Link(NamedTuple):
    """One link of the chain as it was written down."""

    id: int
    last_event: int
    root: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class People:
    """What merging and erasing made of people: who went into whom, who is erased."""

    merged: Mapping[int, int]
    erased: frozenset[int]

    def now(self, person: int) -> int:
        """Return the number that a person's entries stand under today."""
        seen = set()
        while person in self.merged and person not in seen:
            seen.add(person)
            person = self.merged[person]
        return person


def one_moment(tx: Tx) -> None:
    """Let everything that this fresh transaction reads be of one moment, whoever writes meanwhile."""
    if tx.dialect.name == "postgresql":
        tx.execution_options(isolation_level="REPEATABLE READ")


def links(tx: Tx) -> Iterator[Link]:
    """Yield the links in their order."""
    query = select(ConsentLink.id, ConsentLink.last_event, ConsentLink.root, ConsentLink.digest)
    for row in tx.execute(query.order_by(ConsentLink.id), execution_options=_STREAM):
        yield Link(*row)


def events(tx: Tx) -> Iterator[Mapping[Any, Any]]:
    """Yield the entries in their order, by column name, as the driver gives them."""
    raw = (column for column in sa.inspect(ConsentEvent).columns if column.name != "evidence")
    plain = [sa.type_coerce(column, sa.types.NULLTYPE).label(column.name) for column in raw]
    evidence = sa.cast(ConsentEvent.evidence, sa.Text).label("evidence")
    yield from tx.execute(select(*plain, evidence).order_by(ConsentEvent.id), execution_options=_STREAM).mappings()


def restated(tx: Tx) -> dict[int, int]:
    """Return the newest entry that stands for each restated one, by the number of the first."""
    query = select(ConsentEvent.restates, sa.func.max(ConsentEvent.id)).where(ConsentEvent.restates.is_not(None))
    pairs: Sequence[Any] = tx.execute(query.group_by(ConsentEvent.restates)).all()
    return {first: newest for first, newest in pairs}  # noqa: C416


def people(tx: Tx) -> People:
    """Return what merging and erasing made of people."""
    gone = select(Person.id, Person.merged_into).where(Person.merged_into.is_not(None))
    pairs: Sequence[Any] = tx.execute(gone).all()
    merged = {person: into for person, into in pairs}  # noqa: C416
    erased = tx.scalars(select(Person.id).where(Person.erased_at.is_not(None)))
    return People(merged, frozenset(erased))


def rows(tx: Tx) -> Iterator[ConsentRow]:
    """Yield every entry in its order, in flat memory."""
    for row in tx.execute(rows_query().order_by(ConsentEvent.id), execution_options=_STREAM):
        yield ConsentRow(*row)
