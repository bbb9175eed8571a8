"""What messages said of addresses, and what the ledger notes of it: read and written, never judged.

A report that no token of ours proves is kept with weight 0 and enters no score. Judged by domain/health.py, acted on by
services/returned.py; what an address's own row says is in db/address_health.py.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Delivery, Mailing, MailingList, ReturnEvent
from balintmail.db.session import Tx
from balintmail.domain.health import GONE, Failure
from balintmail.domain.returns import Judged, Reason, Sentence

_E = ReturnEvent
_LEFT = func.coalesce(Delivery.first_tried_at, Delivery.at, type_=Delivery.at.type)


@dataclass(frozen=True, slots=True)
class Letter:
    """A row of the ledger that a report is about; `left_at` is when it was first tried. Erasure empties the address."""

    delivery: int
    mailing: int
    list_id: int | None
    person: int | None
    address: str
    address_key: str
    left_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """What one message said of one address."""

    message: int
    address: str
    address_key: str
    judged: Judged
    evidence: str
    at: datetime
    proven: bool
    person: int | None = None
    delivery: int | None = None
    mailing: int | None = None
    weight: int = 0
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class EventRow:
    """One recorded event; `label` names the mailing as commands do, "" where there is none."""

    message: int
    at: datetime
    address: str
    person: int | None
    label: str
    sentence: Sentence
    reason: Reason
    status: str
    evidence: str
    proven: bool
    weight: int
    outcome: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to list, the newest first; None leaves a question open."""

    address_key: str | None = None
    people: tuple[int, ...] | None = None
    proven: bool | None = None
    sentence: Sentence | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often the systems of one domain refused us by a rule, since when, and the newest of their words."""

    domain: str
    number: int
    since: datetime
    words: str


def letter(tx: Tx, delivery_id: int) -> Letter | None:
    """Return the row of the ledger with that number, or None."""
    query = (
        select(
            Delivery.id,
            Delivery.mailing_id,
            Mailing.list_id,
            Delivery.person_id,
            Delivery.address,
            Delivery.address_key,
            _LEFT,
        )
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(Delivery.id == delivery_id)
    )
    row = tx.execute(query).first()
    return Letter(*row) if row else None


def record(tx: Tx, new: NewEvent) -> bool:
    """Enter an event; return False when the message has said something of that address already."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_E).values(
        message_id=new.message,
        address=new.address,
        address_key=new.address_key,
        person_id=new.person,
        delivery_id=new.delivery,
        mailing_id=new.mailing,
        sentence=new.judged.sentence.value,
        reason=new.judged.reason.value,
        status=new.judged.status,
        evidence=new.evidence,
        proven=new.proven,
        weight=new.weight,
        outcome=new.outcome,
        at=new.at,
    )
    once = statement.on_conflict_do_nothing(index_elements=["message_id", "address_key"]).returning(_E.id)
    return tx.scalar(once) is not None


def conclude(tx: Tx, message: int, address_key: str, outcome: str) -> None:
    """Put down what was done about an event."""
    mine = (_E.message_id == message, _E.address_key == address_key)
    tx.execute(sa.update(_E).where(*mine).values(outcome=outcome))


def failures(tx: Tx, address_key: str, *, since: datetime) -> list[Failure]:
    """Return the proven reports about an address that count, from `since` on; that nobody is there counts always.

    Of those that say the same of one letter, the first and the last stand for all (H21).
    """
    said = (Delivery.id, _LEFT, _E.weight, _E.reason)
    query = (
        select(func.min(_E.at, type_=_E.at.type), func.max(_E.at, type_=_E.at.type), *said)
        .join(Delivery, Delivery.id == _E.delivery_id)
        .where(_E.address_key == address_key, _E.proven, _E.weight > 0)
        .where(or_(_E.at >= since, _E.weight >= GONE))
        .group_by(*said)
    )
    return [
        Failure(at, delivery, left_at, weight, Reason(reason))
        for first, last, delivery, left_at, weight, reason in tx.execute(query)
        for at in {first, last}
    ]


def note_bounced(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Put down beside a delivery's state that it came back; the first time stays, in whatever order they are read."""
    _note(tx, delivery_id, Delivery.bounced_at, at)


def note_complained(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Put down beside a delivery's state that its reader complained of it."""
    _note(tx, delivery_id, Delivery.complained_at, at)


def _note(tx: Tx, delivery_id: int, column: Any, at: datetime) -> None:
    earlier = (Delivery.id == delivery_id, or_(column.is_(None), column > at))
    tx.execute(sa.update(Delivery).where(*earlier).values({column.key: at}))


def every(tx: Tx, wanted: Wanted) -> list[EventRow]:
    """Return the wanted events, the newest first."""
    query = (
        select(
            _E.message_id,
            _E.at,
            _E.address,
            _E.person_id,
            Mailing.id,
            MailingList.slug,
            Mailing.number,
            _E.sentence,
            _E.reason,
            _E.status,
            _E.evidence,
            _E.proven,
            _E.weight,
            _E.outcome,
        )
        .outerjoin(Mailing, Mailing.id == _E.mailing_id)
        .outerjoin(MailingList, MailingList.id == Mailing.list_id)
        .order_by(_E.at.desc(), _E.id.desc())
        .limit(wanted.limit)
    )
    if wanted.address_key is not None:
        query = query.where(_E.address_key == wanted.address_key)
    if wanted.people is not None:
        query = query.where(_E.person_id.in_(wanted.people))
    if wanted.proven is not None:
        query = query.where(_E.proven.is_(wanted.proven))
    if wanted.sentence is not None:
        query = query.where(_E.sentence == wanted.sentence.value)
    return [_row(row) for row in tx.execute(query)]


def _row(row: Any) -> EventRow:
    message, at, address, person, mailing, slug, number, sentence, reason, *rest = row
    label = f"{slug}/{number}" if number else str(mailing or "")
    return EventRow(message, at, address, person, label, Sentence(sentence), Reason(reason), *rest)


def last_id(tx: Tx) -> int:
    """Return the number of the newest event, 0 where there is none."""
    return tx.scalar(select(func.max(_E.id))) or 0


def refusals(tx: Tx, *, after: int) -> list[Refusals]:
    """Return the proven refusals by a rule or a spam filter behind event number `after`, by domain, most first."""
    query = (
        select(_E.address_key, _E.at, _E.evidence)
        .where(_E.id > after, _E.proven, _E.sentence == Sentence.POLICY.value)
        .order_by(_E.id)
    )
    found: dict[str, Refusals] = {}
    for key, at, evidence in tx.execute(query):
        domain = key.rpartition("@")[2]
        before = found.get(domain, Refusals(domain, 0, at, ""))
        found[domain] = Refusals(domain, before.number + 1, min(before.since, at), evidence)
    return sorted(found.values(), key=lambda one: (-one.number, one.domain))
