"""Empty every row that knows a person: their own, and every text anywhere that mentions them (S45).

Rows that the ledger counts stay, with nothing in them. It never decides who is erased; services/erasure.py does.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db import (
    consent,
    despatches,
    free_texts,
    inbound_erasure,
    journal_issues,
    member_traces,
    paper_traces,
    search,
)
from balintmail.db.mentions import Mentions, mentions
from balintmail.db.models import (
    CopyRequest,
    Delivery,
    JoinRequest,
    MailedLink,
    MailingList,
    Notice,
    Person,
    PostalAddress,
    Subscription,
)
from balintmail.db.session import Tx


@dataclass(frozen=True, slots=True)
class Traces:
    """What is looked for: the person's rows, and the spellings of the addresses that are theirs alone.

    `names` are whole names that nobody else bears, `words` such as a first name (db/mentions.py).
    """

    people: tuple[int, ...]
    spellings: tuple[str, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    @property
    def mentions(self) -> Mentions:
        """What finds them in a text."""
        return mentions(self.spellings, self.names, self.words)


def letters(tx: Tx, traces: Traces) -> list[int]:
    """Return the numbers of all deliveries to these people or these addresses, and of those that tell of them."""
    theirs = set(tx.scalars(select(Delivery.id).where(_theirs(traces))))
    return sorted(theirs | {number for number, _ in _telling(tx, traces)})


def empty(tx: Tx, traces: Traces, *, now: datetime) -> None:
    """Take every trace out of the rows; open deliveries must have been stopped before (db/stops.py)."""
    gone: dict[str, Any] = {"name": "", "first_name": "", "language": None, "member": False, "fields": {}}
    gone |= {"journal_format": None, "died_on": None}
    mine = Person.id.in_(traces.people)
    tx.execute(sa.update(Person).where(mine).values(**gone, erased_at=now, updated_at=now))
    tx.execute(sa.delete(Subscription).where(Subscription.person_id.in_(traces.people)))
    consent.erase(tx, traces.people)
    for waiting in (JoinRequest, Notice):
        theirs = waiting.person_id.in_(traces.people) | waiting.address_key.in_(traces.keys)
        tx.execute(sa.delete(waiting).where(theirs))
    for own in (MailedLink, PostalAddress):
        tx.execute(sa.delete(own).where(own.person_id.in_(traces.people)))
    inbound_erasure.empty(tx, traces.people, traces.keys, traces.spellings, traces.names)
    despatches.erase(tx, traces.people, now=now)
    journal_issues.forget_authors(tx, traces.people)
    paper_traces.empty(tx, traces.people, traces.keys)
    member_traces.empty(tx, traces.people)
    bare: dict[str, Any] = {"address": "", "envelope": "", "address_key": "", "data": None, "reply": ""}
    tx.execute(sa.update(Delivery).where(_theirs(traces)).values(**bare))
    for number, text in _telling(tx, traces):
        data = json.dumps(traces.mentions.blotted(json.loads(text)), ensure_ascii=False)
        tx.execute(sa.update(Delivery).where(Delivery.id == number).values(data=data))
    for table, columns in free_texts.TEXTS:
        for column in columns:
            _blot(tx, table, column, traces.mentions)
    for table, columns in free_texts.NAMED:
        for column in columns:
            _blot(tx, table, column, traces.mentions.of_addresses())
    search.forget(tx, traces.mentions)
    consent.restate(tx, traces.mentions)  # what others' consent says of them is said anew without it


def names(tx: Tx, people: Sequence[int], keys: Sequence[str]) -> set[str]:
    """Return the names that these people go by: on the register, on their post, and in what they asked for.

    A request that nobody confirmed may bear any name, and tells nothing.
    """
    r, c, o = JoinRequest, CopyRequest, PostalAddress
    confirmed = r.person_id.in_(people) | (r.address_key.in_(keys) & r.confirmed_at.is_not(None))
    found = {
        *tx.scalars(select(Person.name).where(Person.id.in_(people))),
        *tx.scalars(select(r.name).where(confirmed)),
        *tx.scalars(select(c.name).where(c.person_id.in_(people))),
        *tx.scalars(select(o.name).where(o.person_id.in_(people))),
    }
    return found - {""}


def others_called(tx: Tx, names: Sequence[str], people: Sequence[int]) -> set[str]:
    """Return those of these names that somebody else who lives on the register bears too."""
    alive = Person.erased_at.is_(None) & Person.merged_into.is_(None) & ~Person.id.in_(people)
    return set(tx.scalars(select(Person.name).where(Person.name.in_(names), alive)))


def speaks_for(tx: Tx, keys: Sequence[str]) -> str | None:
    """Return the slug of a list that is sent from, or answered at, one of these addresses, or None."""
    wanted = [key.lower() for key in keys]
    ours = sa.func.lower(MailingList.from_address).in_(wanted) | sa.func.lower(MailingList.reply_to).in_(wanted)
    found: str | None = tx.scalar(select(MailingList.slug).where(ours).order_by(MailingList.id).limit(1))
    return found


def _theirs(traces: Traces) -> sa.ColumnElement[bool]:
    return Delivery.person_id.in_(traces.people) | Delivery.address_key.in_(traces.keys)


def _telling(tx: Tx, traces: Traces) -> list[tuple[int, str]]:
    """Return the letters to others that tell of these people, with their data: what the Secretary was asked."""
    sought = traces.mentions
    rows = select(Delivery.id, Delivery.data).where(~_theirs(traces), sought.possible(Delivery.data))
    return [(number, text) for number, text in tx.execute(rows).all() if text and sought.stand_in(text)]


def _blot(tx: Tx, table: Any, name: str, sought: Mentions) -> None:
    """Blot out each mention in one column; whole addresses and names only, so that longer ones stay."""
    column, key = getattr(table, name), sa.inspect(table).primary_key[0]
    for row_id, value in tx.execute(select(key, column).where(sought.possible(column))).all():
        if (blotted := sought.blotted(value)) != value:
            tx.execute(sa.update(table).where(key == row_id).values({name: blotted}))
