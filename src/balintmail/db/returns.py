"""What messages said of addresses, and what the ledger notes of it: read and written, never judged.

A report that no token of ours proves is kept with weight 0 and enters no score. Judged by domain/health.py, acted on by
services/returned.py; what an address's own row says is in db/address_health.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
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


@dataclass(frozen=True, slots=True)
class Afterwards:
    """How many letters of a mailing came back after they were taken, and how many readers complained of one."""

    bounced: int = 0
    complained: int = 0


def of_mailing(tx: Tx, mailing_id: int) -> Afterwards:
    """Return what came back of a mailing's letters; of the erased nothing is known any more."""
    failed = _E.sentence.in_((Sentence.HARD, Sentence.SOFT, Sentence.POLICY))
    letters = func.count(sa.distinct(sa.case((failed, _E.delivery_id))))
    complaints = func.count(sa.distinct(sa.case((_E.sentence == Sentence.COMPLAINT, _E.delivery_id))))
    query = select(letters, complaints).where(_E.mailing_id == mailing_id, _E.proven)
    return Afterwards(*tx.execute(query).one())


def hard_ones(tx: Tx, address_keys: Sequence[str]) -> dict[str, tuple[datetime, Reason]]:
    """Return when and why letters to these addresses last came back for good, as a token of ours proves."""
    query = (
        select(_E.address_key, _E.at, _E.reason)
        .where(_E.address_key.in_(address_keys), _E.proven, _E.sentence == Sentence.HARD)
        .order_by(_E.at)
    )
    return {key: (at, Reason(reason)) for key, at, reason in tx.execute(query)}


def letter(tx: Tx, delivery_id: int) -> Letter | None:
    """Return the row of the ledger with that number, or None."""
    row = tx.execute(_letter(), {"delivery": delivery_id}).first()
    return Letter(*row) if row else None


@cache
def _letter() -> Any:
    own = (Delivery.person_id, Delivery.address, Delivery.address_key)
    return (
        select(Delivery.id, Delivery.mailing_id, Mailing.list_id, *own, _LEFT)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(Delivery.id == sa.bindparam("delivery"))
    )


def record(tx: Tx, new: NewEvent) -> bool:
    """Enter an event; return False when the message has said something of that address already."""
    values = {
        "message_id": new.message,
        "address": new.address,
        "address_key": new.address_key,
        "person_id": new.person,
        "delivery_id": new.delivery,
        "mailing_id": new.mailing,
        "sentence": new.judged.sentence.value,
        "reason": new.judged.reason.value,
        "status": new.judged.status,
        "evidence": new.evidence,
        "proven": new.proven,
        "weight": new.weight,
        "outcome": new.outcome,
        "at": new.at,
    }
    return tx.scalar(_recording(tx.dialect.name), values) is not None


@cache
def _recording(dialect: str) -> Any:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    return insert(_E).on_conflict_do_nothing(index_elements=["message_id", "address_key"]).returning(_E.id)


def conclude(tx: Tx, message: int, address_key: str, outcome: str) -> None:
    """Put down what was done about an event."""
    tx.execute(_concluding(), {"message": message, "key": address_key, "outcome": outcome})


@cache
def _concluding() -> sa.Update:
    return sa.update(_E).where(_E.message_id == sa.bindparam("message"), _E.address_key == sa.bindparam("key"))


def failures(tx: Tx, address_key: str, *, since: datetime) -> list[Failure]:
    """Return the proven reports about an address that count, from `since` on; that nobody is there counts always.

    Of those that say the same of one letter, the first and the last stand for all (H21).
    """
    rows = tx.execute(_failures(), {"key": address_key, "since": since})
    return [
        Failure(at, delivery, left_at, weight, Reason(reason))
        for first, last, delivery, left_at, weight, reason in rows
        for at in {first, last}
    ]


@cache
def _failures() -> Any:
    said = (Delivery.id, _LEFT, _E.weight, _E.reason)
    return (
        select(func.min(_E.at, type_=_E.at.type), func.max(_E.at, type_=_E.at.type), *said)
        .join(Delivery, Delivery.id == _E.delivery_id)
        .where(_E.address_key == sa.bindparam("key"), _E.proven, _E.weight > 0)
        .where(or_(_E.at >= sa.bindparam("since"), _E.weight >= GONE))
        .group_by(*said)
    )


def note_bounced(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Put down beside a delivery's state that it came back; the first time stays, in whatever order they are read."""
    tx.execute(_noting("bounced_at"), {"delivery": delivery_id, "bounced_at": at, "earlier": at})


def note_complained(tx: Tx, delivery_id: int, at: datetime) -> None:
    """Put down beside a delivery's state that its reader complained of it."""
    tx.execute(_noting("complained_at"), {"delivery": delivery_id, "complained_at": at, "earlier": at})


@cache
def _noting(name: str) -> sa.Update:
    column = getattr(Delivery, name)
    earlier = or_(column.is_(None), column > sa.bindparam("earlier"))
    return sa.update(Delivery).where(Delivery.id == sa.bindparam("delivery"), earlier)


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
