"""What a mailing's receipt tells: how many rows are in which state, who was not reached, which are in doubt.

It changes nothing; the rows are changed by db/ledger.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, or_, select

from balintmail.db.models import Delivery, Person
from balintmail.db.session import Tx
from balintmail.domain.states import FINAL, DeliveryState, SkipReason

_D = Delivery
_S = DeliveryState
_OPEN = tuple(state for state in DeliveryState if state not in FINAL)
_UNREACHED = (_S.REFUSED, _S.DEFERRED, _S.UNKNOWN, _S.WRITTEN_OFF)


@dataclass(frozen=True, slots=True)
class NotReached:
    """Somebody whom a mailing did not reach, or not yet, with the relay's words."""

    delivery: int
    person: int | None
    name: str
    address: str
    state: DeliveryState
    relay: str
    stage: str
    code: int
    enhanced: str
    reply: str
    at: datetime
    next_try_at: datetime | None


def counts(tx: Tx, mailing_id: int) -> dict[DeliveryState, int]:
    """Return the number of rows in each of the nine states; they add up to the audience (P1)."""
    query = select(_D.state, func.count()).where(_D.mailing_id == mailing_id).group_by(_D.state)
    found = {row[0]: row[1] for row in tx.execute(query)}
    return {state: found.get(state, 0) for state in DeliveryState}


def counts_of_all(tx: Tx) -> dict[int, dict[DeliveryState, int]]:
    """Return the same for every mailing that has rows."""
    found: dict[int, dict[DeliveryState, int]] = {}
    query = select(_D.mailing_id, _D.state, func.count()).group_by(_D.mailing_id, _D.state)
    for mailing, state, number in tx.execute(query):
        found.setdefault(mailing, dict.fromkeys(DeliveryState, 0))[state] = number
    return found


def skipped_by_reason(tx: Tx, mailing_id: int) -> dict[SkipReason, int]:
    """Return how many rows were skipped for each reason that occurs."""
    query = select(_D.skip_reason, func.count()).where(_D.mailing_id == mailing_id, _D.state == _S.SKIPPED)
    found = {row[0]: row[1] for row in tx.execute(query.group_by(_D.skip_reason))}
    return {reason: found[reason] for reason in SkipReason if reason in found}


def not_reached(tx: Tx, mailing_id: int) -> Iterator[NotReached]:
    """Yield whom the relay, their own data or an open doubt kept from being reached, in the ledger's order."""
    of_content = (_D.state == _S.SKIPPED) & (_D.skip_reason == SkipReason.CONTENT)
    query = (
        select(
            _D.id,
            _D.person_id,
            func.coalesce(Person.name, ""),
            _D.address,
            _D.state,
            _D.relay,
            _D.stage,
            _D.code,
            _D.enhanced,
            _D.reply,
            _D.at,
            _D.next_try_at,
        )
        .outerjoin(Person, Person.id == _D.person_id)
        .where(_D.mailing_id == mailing_id, or_(_D.state.in_(_UNREACHED), of_content))
        .order_by(_D.id)
    )
    for row in tx.execute(query).all():
        values: list[Any] = list(row)
        yield NotReached(*values)


def anything_open(tx: Tx, mailing_id: int) -> bool:
    """Say whether any row of a mailing is not final yet."""
    return bool(tx.scalar(select(exists().where(_D.mailing_id == mailing_id, _D.state.in_(_OPEN)))))


def anything_to_do(tx: Tx, mailing_id: int, *, now: datetime) -> bool:
    """Say whether a dispatcher finds work in a mailing: a queued row, a deferred one that is due, or nothing open."""
    of = _D.mailing_id == mailing_id
    is_due = or_(_D.next_try_at.is_(None), _D.next_try_at <= now)
    queued = exists().where(of, _D.state == _S.QUEUED, is_due)
    awake = exists().where(of, _D.state == _S.DEFERRED, is_due)
    return bool(tx.scalar(select(or_(queued, awake)))) or not anything_open(tx, mailing_id)


def unknown(tx: Tx, mailing_ids: Sequence[int] | None = None, *, attempts_below: int | None = None) -> list[int]:
    """Return the deliveries in doubt: of these mailings or of all, tried fewer times than that or however often."""
    query = select(_D.id).where(_D.state == _S.UNKNOWN).order_by(_D.id)
    if mailing_ids is not None:
        query = query.where(_D.mailing_id.in_(mailing_ids))
    if attempts_below is not None:
        query = query.where(_D.attempts < attempts_below)
    return list(tx.scalars(query))
