"""Orders when their buyer asks what is held, is merged or erased: what is shown, moved, and looked through for others.

Forgetting a buyer is db/orders.py's; what accounts keep of one is services/order_errands.py's to say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from balintmail.db import orders
from balintmail.db.models_orders import Order, OrderPayment
from balintmail.db.session import Tx
from balintmail.domain.orders import OrderState, label, reference

# Where somebody else's row may speak of them: (table, columns), for db/erasure.py.
TEXTS: tuple[tuple[Any, tuple[str, ...]], ...] = ((Order, ("reason", "note")), (OrderPayment, ("how",)))
DOERS: tuple[tuple[Any, tuple[str, ...]], ...] = ((Order, ("closed_by",)), (OrderPayment, ("recorded_by",)))


@dataclass(frozen=True, slots=True)
class HeldOrder:
    """One order as whoever placed it may see it; amounts in pence, `copies` and the papers one a line."""

    reference: str
    state: OrderState
    name: str
    email: str
    post: dict[str, Any]
    language: str
    door: str
    copies: str
    currency: str
    postage: int
    total: int
    payments: str
    papers: str
    created_at: datetime
    pay_until: date
    reminded_at: datetime | None
    posted_on: date | None
    closed_at: datetime | None
    reason: str
    note: str


def of_people(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[HeldOrder]:
    """Return the orders of these people, or of addresses that are theirs alone."""
    rows = orders.of_people(tx, people, address_keys)
    numbers = [row.id for row in rows]
    lines, payments, papers = orders.lines(tx, numbers), orders.payments(tx, numbers), orders.documents(tx, numbers)
    return [
        HeldOrder(
            reference=reference(row.id),
            copies="\n".join(f"{line.label}: {line.copies}" for line in lines.get(row.id, ())),
            payments="\n".join(f"{one.paid_on} {one.amount} {one.how}" for one in payments.get(row.id, ())),
            papers="\n".join(label(one.kind, one.year, one.number) for one in papers.get(row.id, ())),
            **{name: getattr(row, name) for name in HeldOrder.__dataclass_fields__ if name not in _MADE},
        )
        for row in rows
    ]


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Let the orders of one person be another's, who is the same."""
    orders.reassign(tx, from_person, to_person)


_MADE = frozenset({"reference", "copies", "payments", "papers"})
