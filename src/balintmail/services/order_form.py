"""Orders that come by the form on the site: what can be ordered, and taking an order without telling anything.

Whoever is a member and whoever is not gets the same answer, in the same time. An address, a network and all together
have only so many orders at a time, so that nobody empties the shelf or fills a mailbox (services/caps.py). The order
itself is services/orders.py's.
"""

from dataclasses import dataclass
from datetime import timedelta

from balintmail.db import journal_issues, orders
from balintmail.db.journal_issues import IssueRow
from balintmail.domain.address import parse
from balintmail.domain.money import Money
from balintmail.errors import BalintmailError, Conflict
from balintmail.services import caps, postal
from balintmail.services.context import Context
from balintmail.services.order_prices import OrderRefused, Quote, is_sold, price_of, quote
from balintmail.services.orders import OPEN_AT_MOST, Buyer, place

DOOR = "form"
MOST_A_DAY = 3  # orders of one address by the form that are taken within a day
DAY = timedelta(days=1)


class Crowded(BalintmailError):
    """Too many order at the same time; nothing was written."""

    code = "crowded"


class SoldOut(BalintmailError):
    """There are fewer copies than are wanted; nothing was written."""

    code = "sold_out"

    def __init__(self, left: int) -> None:
        super().__init__(f"There are only {left:,} copies left.")
        self.left = left


@dataclass(frozen=True, slots=True)
class ForSale:
    """A journal issue that can be ordered: its price, and how many copies are free, up to what one order may have."""

    issue: IssueRow
    price: Money
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a visitor filled in; `trapped` says that a program did."""

    buyer: Buyer
    label: str
    copies: int
    network: str
    trapped: bool = False


def for_sale(ctx: Context) -> list[ForSale]:
    """Return what can be ordered on the site, the newest first; nothing while the settings keep the form closed."""
    settings = ctx.settings.orders
    if not settings.open:
        return []
    with ctx.db.read() as tx:
        rows = [row for row in journal_issues.every(tx) if row.on_shelf > row.reserved and is_sold(ctx, row)]
    return [ForSale(row, price_of(ctx, row), min(settings.most_copies, row.on_shelf - row.reserved)) for row in rows]


def take(ctx: Context, asked: Asked) -> Quote:
    """Take an order, and return what it comes to, whether it was kept or not.

    Raises OrderRefused, AddressRefused and PostalRefused for what is to be put right, SoldOut and Crowded.
    """
    address, post = parse(asked.buyer.address), postal.checked(asked.buyer.post)
    if not 1 <= asked.copies <= ctx.settings.orders.most_copies:
        raise OrderRefused(f"{asked.copies} is no number of copies that may be ordered here.")
    with ctx.db.write() as tx:
        priced = quote(ctx, tx, {asked.label: asked.copies}, post["country_code"])
        crowded = caps.crowded(ctx, tx, "orders", asked.network)
        begun = ctx.clock.now() - DAY
        many = orders.since(tx, address.key, begun, door=DOOR) >= MOST_A_DAY
        many = many or orders.open_at(tx, address.key) >= OPEN_AT_MOST
        (line,) = priced.lines
        left = line.issue.on_shelf - line.issue.reserved
    if crowded:
        raise Crowded("Many people are ordering now.", hint="Try again in an hour.")
    if left < asked.copies:
        raise SoldOut(left)
    if not asked.trapped and not many:
        try:
            place(ctx, asked.buyer, {asked.label: asked.copies}, door=DOOR)
        except Conflict:  # somebody else took the last copies meanwhile
            raise SoldOut(0) from None
    return priced
