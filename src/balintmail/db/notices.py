"""The system mails that wait to be written: put in by whoever changes something, taken out by services/notices.py.

A row is taken and deleted in the transaction that makes a mailing of it, so a crash between the two leaves it waiting
and nobody gets two. It decides nothing about who may be mailed; it says what is known of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Address, Notice, Person, Subscription
from balintmail.db.session import Tx
from balintmail.db.standing import StandingColumns, false_when_null, membership_runs, refusal, suppressed
from balintmail.domain.health import PROBE
from balintmail.domain.states import AddressHealth, Ground, SkipReason

_N = Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class NewNotice:
    """What waits for one person; `facts` is JSON (domain/notices.py), `person` is none for somebody not registered."""

    template: str
    language: str
    person: int | None
    address: str
    envelope: str
    address_key: str
    ground: Ground
    due_at: datetime
    list_id: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """What makes notices one mailing: the same letter in the same language for the same list."""

    template: str
    list_id: int | None
    language: str


@dataclass(frozen=True, slots=True)
class DueNotice:
    """One row that was taken, with what is known of its person now; `refused` is why they may not be mailed."""

    id: int
    person: int | None
    address: str
    envelope: str
    address_key: str
    ground: Ground
    facts: dict[str, Any]
    name: str
    first_name: str
    member: bool
    fields: dict[str, Any]
    refused: SkipReason | None


def put(tx: Tx, new: NewNotice, *, now: datetime) -> None:
    """Enter a notice; it takes the place of one with the same key that still waits."""
    values = {
        "template": new.template,
        "key": new.key,
        "list_id": new.list_id,
        "language": new.language,
        "person_id": new.person,
        "address": new.address,
        "envelope": new.envelope,
        "address_key": new.address_key,
        "ground": new.ground,
        "facts": new.facts,
        "due_at": new.due_at,
        "created_at": now,
    }
    # In one statement, so that two who put the same at one moment do not stumble over each other.
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(insert(_N).values(**values).on_conflict_do_update(index_elements=["key"], set_=values))


def anything_due(tx: Tx, now: datetime) -> bool:
    """Say whether a notice's time has come."""
    return bool(tx.scalar(select(exists().where(_N.due_at <= now))))


def due(tx: Tx, now: datetime) -> list[Batch]:
    """Return what is due, batch by batch, the one that has waited longest first."""
    query = select(_N.template, _N.list_id, _N.language).where(_N.due_at <= now)
    grouped = query.group_by(_N.template, _N.list_id, _N.language).order_by(func.min(_N.id))
    return [Batch(*row) for row in tx.execute(grouped)]


def take(tx: Tx, batch: Batch, *, limit: int, now: datetime) -> list[DueNotice]:
    """Delete up to `limit` due notices of a batch and return them, the oldest first.

    Whoever asks at the same moment is given others.
    """
    same_list = _N.list_id.is_(None) if batch.list_id is None else _N.list_id == batch.list_id
    mine = (_N.template == batch.template, same_list, _N.language == batch.language, _N.due_at <= now)
    locked = select(_N.id).where(*mine).order_by(_N.id).limit(limit).with_for_update(skip_locked=True)
    chosen = list(tx.scalars(locked))
    if not chosen:
        return []
    found = [_row(row) for row in tx.execute(_known().where(_N.id.in_(chosen)).order_by(_N.id))]
    tx.execute(sa.delete(_N).where(_N.id.in_(chosen)))
    return found


def _known() -> Any:
    query = select(
        _N.id,
        _N.person_id,
        _N.address,
        _N.envelope,
        _N.address_key,
        _N.ground,
        _N.facts,
        func.coalesce(Person.name, ""),
        func.coalesce(Person.first_name, ""),
        func.coalesce(Person.member, sa.false()),
        Person.fields,
        _refusal(),
    )
    return (
        query.outerjoin(Person, Person.id == _N.person_id)
        .outerjoin(Subscription, and_(Subscription.person_id == _N.person_id, Subscription.list_id == _N.list_id))
        .outerjoin(Address, Address.key == _N.address_key)
    )


def _refusal() -> sa.ColumnElement[str | None]:
    is_probe = (_N.template == PROBE) & Address.trial_until.is_not(None)
    return refusal(
        StandingColumns(
            ground=sa.type_coerce(_N.ground, _N.ground.type),
            subscription=sa.type_coerce(Subscription.state, Subscription.state.type),
            has_address=_N.envelope != "",
            erased=Person.erased_at.is_not(None),
            suppressed=sa.or_(Person.died_on.is_not(None), suppressed(sa.type_coerce(_N.address_key, sa.String()))),
            bounced=false_when_null((Address.health == AddressHealth.BOUNCED) & ~is_probe),
            own_membership=and_(_N.list_id.is_(None), membership_runs(_N.person_id, correlate=_N)),
        )
    )


def _row(row: Any) -> DueNotice:
    values: list[Any] = [*row[:10], row[10] or {}, SkipReason(row[11]) if row[11] is not None else None]
    return DueNotice(*values)


def waits(tx: Tx, key: str) -> bool:
    """Say whether the notice with that key still waits."""
    return bool(tx.scalar(select(exists().where(_N.key == key))))


def withdraw(tx: Tx, keys: Sequence[str]) -> int:
    """Delete the notices with these keys that still wait; return how many."""
    return tx.execute(sa.delete(_N).where(_N.key.in_(keys))).rowcount
