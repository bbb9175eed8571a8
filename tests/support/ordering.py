"""Orders of the Journal for tests: an issue in stock, and somebody who buys it."""

from datetime import date

from balintmail.domain.despatches import StockReason
from balintmail.services import journal_issues, orders
from balintmail.services.context import Context
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.order_shown import Shown
from balintmail.services.orders import Buyer, Payment

POST = {
    "country_code": "GB", "street_address": "1 Example Road", "city": "London", "postal_code": "NW1 6XE",
}  # fmt: skip
YEAR = "2025"


def stock(ctx: Context, copies: int = 20, label: str = YEAR) -> None:
    """Put a journal issue that has come out on the shelf."""
    journal_issues.add(ctx, label, IssueChanges(volume="52", published=f"{label[:4]}-09-15"))
    if copies:
        journal_issues.change_stock(ctx, label, StockReason.PRINTED, copies)


def order(ctx: Context, copies: int = 1, *, label: str = YEAR, address: str = "buyer@example.org") -> Shown:
    """Order a journal issue as a command does."""
    return orders.place(ctx, Buyer(name="Bálint Mihály", address=address, post=POST), {label: copies})


def pay(ctx: Context, number: int, amount: int | None = None, on: date | None = None) -> Shown:
    """Record that it is paid."""
    return orders.paid(ctx, number, Payment(amount=amount, on=on))
