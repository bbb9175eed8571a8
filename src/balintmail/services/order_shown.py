"""One order with all that belongs to it: its lines, payments and documents; how it is named, and its days.

It changes nothing; services/orders.py does.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from balintmail.db import journal_issues, orders
from balintmail.db.orders import DocumentRow, LineRow, OrderRow, PaymentRow
from balintmail.db.session import Tx
from balintmail.domain.orders import DocumentKind, OrderState, reference, references_in
from balintmail.errors import NotFound
from balintmail.services.context import Context
from balintmail.services.order_prices import OrderRefused

LATEST = timedelta(days=400)  # a payment or posting is entered within so long; more is a slip of the key
_LARGEST = 2**63 - 1  # of a row in either database (F9)
_CHARGES = (DocumentKind.INVOICE, DocumentKind.CREDIT_NOTE)


@dataclass(frozen=True, slots=True)
class Shown:
    """One order with all that belongs to it."""

    order: OrderRow
    lines: tuple[LineRow, ...]
    payments: tuple[PaymentRow, ...]
    documents: tuple[DocumentRow, ...]

    @property
    def reference(self) -> str:
        """What the payer writes on the transfer."""
        return reference(self.order.id)

    @property
    def received(self) -> int:
        """What has come in and not gone back, in pence."""
        return sum(one.amount for one in self.payments)

    @property
    def invoice(self) -> DocumentRow | None:
        """The invoice that stands: the last one, unless it was taken back before anything was paid."""
        charges = [one for one in self.documents if one.kind in _CHARGES]
        taken_back = bool(charges) and charges[-1].kind is DocumentKind.CREDIT_NOTE and not self.payments
        invoices = [one for one in charges if one.kind is DocumentKind.INVOICE]
        return invoices[-1] if invoices and not taken_back else None


def number_of(text: str) -> int:
    """Return the order that a reference such as J00042V, or a bare number, names; raise OrderRefused."""
    bare = text.strip()
    if re.fullmatch(r"\d{1,19}", bare, re.ASCII) and int(bare) <= _LARGEST:
        return int(bare)
    found = references_in(bare)
    if len(found) == 1:
        return found[0]
    raise OrderRefused(
        f'"{bare[:30]}" is no order.', hint="An order is named by its reference, such as J00042V, or its number."
    )


def shown(tx: Tx, number: int) -> Shown:
    """Return an order; raise NotFound."""
    order = orders.get(tx, number)
    if order is None:
        raise NotFound(
            f"There is no order {reference(number)}.", hint="See what there is: balintmail orders list --all"
        )
    return whole(tx, [order])[0]


def whole(tx: Tx, rows: list[OrderRow]) -> list[Shown]:
    """Return orders with all that belongs to them."""
    numbers = [row.id for row in rows]
    lines, payments = orders.lines(tx, numbers), orders.payments(tx, numbers)
    documents = orders.documents(tx, numbers)
    return [
        Shown(row, tuple(lines.get(row.id, ())), tuple(payments.get(row.id, ())), tuple(documents.get(row.id, ())))
        for row in rows
    ]


def listed(tx: Tx, states: tuple[OrderState, ...], label: str = "") -> list[Shown]:
    """Return the orders in these states, of one journal issue alone where it is named, the oldest first."""
    issue = journal_issues.by_label(tx, label) if label else None
    if label and issue is None:
        raise NotFound(f"There is no Journal {label}.", hint="See what there is: balintmail journal list")
    return whole(tx, orders.in_states(tx, states, issue=issue.id if issue else None))


def the_day(ctx: Context, given: date | None) -> date:
    """Return the day of something that has happened, none for today; raise OrderRefused for one that cannot be."""
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    if given is None:
        return today
    if given > today:
        raise OrderRefused(f"{given.isoformat()} is yet to come; today is {today.isoformat()}.")
    if today - given > LATEST:
        raise OrderRefused(f"{given.isoformat()} is more than a year ago.", hint="Is the year right?")
    return given
