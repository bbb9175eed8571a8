"""Payments of dues: add, cancel, list and sum up. A payment is never changed; it decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Person
from balintmail.db.models_members import Payment
from balintmail.db.session import Tx
from balintmail.domain.statements import How

_P = Payment


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """One payment; `amount` in pence. `covers_*` are the days that it pays for, None for money that covers none."""

    id: int
    person_id: int
    name: str
    membership_id: int | None
    amount: int
    currency: str
    paid_on: date
    how: How
    reference: str
    covers_from: date | None
    covers_until: date | None
    note: str
    recorded_at: datetime
    recorded_by: str
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which payments to list; None leaves that open. `first` and `last` are days of payment, both included."""

    person: int | None = None
    first: date | None = None
    last: date | None = None
    cancelled: bool = False


def _rows() -> Any:
    columns = [Person.name if name == "name" else getattr(_P, name) for name in PaymentRow.__dataclass_fields__]
    return select(*columns).join(Person, Person.id == _P.person_id)


def get(tx: Tx, payment_id: int) -> PaymentRow | None:
    """Return one payment, or None."""
    row = tx.execute(_rows().where(_P.id == payment_id)).first()
    return PaymentRow(*row) if row else None


def listed(tx: Tx, wanted: Wanted) -> list[PaymentRow]:
    """Return the payments that are wanted, by day."""
    query = _rows()
    if wanted.person is not None:
        query = query.where(_P.person_id == wanted.person)
    if wanted.first is not None:
        query = query.where(_P.paid_on >= wanted.first)
    if wanted.last is not None:
        query = query.where(_P.paid_on <= wanted.last)
    if not wanted.cancelled:
        query = query.where(_P.cancelled_at.is_(None))
    return [PaymentRow(*row) for row in tx.execute(query.order_by(_P.paid_on, _P.id))]


def on_account(tx: Tx, membership_id: int, currency: str) -> list[PaymentRow]:
    """Return what was paid for a membership and covers no days yet: less than a fee, until more comes."""
    mine = (_P.membership_id == membership_id, _P.currency == currency, _P.covers_until.is_(None))
    rows = tx.execute(_rows().where(*mine, _P.cancelled_at.is_(None)).order_by(_P.id))
    return [PaymentRow(*row) for row in rows]


def add(tx: Tx, values: dict[str, Any]) -> int:
    """Add a payment; return its number."""
    added: int = tx.execute(sa.insert(_P).values(**values).returning(_P.id)).scalar_one()
    return added


def cover(tx: Tx, payments: Sequence[int], membership_id: int, days: tuple[date, date]) -> None:
    """Say which days these payments pay for, together."""
    values = {"membership_id": membership_id, "covers_from": days[0], "covers_until": days[1]}
    tx.execute(sa.update(_P).where(_P.id.in_(payments)).values(**values))


def covering(tx: Tx, payment: PaymentRow) -> list[int]:
    """Return the numbers of the payments that pay for the same days as this one, itself too."""
    if payment.covers_until is None:
        return [payment.id]
    same = (_P.membership_id == payment.membership_id, _P.covers_from == payment.covers_from)
    return list(tx.scalars(select(_P.id).where(*same, _P.covers_until == payment.covers_until)))


def uncover(tx: Tx, payments: Sequence[int]) -> None:
    """Let payments cover no days any more."""
    tx.execute(sa.update(_P).where(_P.id.in_(payments)).values(covers_from=None, covers_until=None))


def cancel(tx: Tx, payment_id: int, *, actor: str, now: datetime) -> None:
    """Mark a payment as cancelled; it stays on record."""
    tx.execute(sa.update(_P).where(_P.id == payment_id).values(cancelled_at=now, cancelled_by=actor))


def sums(rows: Sequence[PaymentRow]) -> dict[str, int]:
    """Return what these payments add up to, in pence, by currency; cancelled ones count nothing."""
    found: dict[str, int] = {}
    for row in rows:
        if row.cancelled_at is None:
            found[row.currency] = found.get(row.currency, 0) + row.amount
    return found
