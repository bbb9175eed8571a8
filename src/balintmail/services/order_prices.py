"""Say what an order of the Journal would cost: the price of each journal issue, the zone, the postage there.

The settings say it ([orders]), for one journal issue or for all. It takes no order (services/orders.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from balintmail.db import journal_issues
from balintmail.db.journal_issues import IssueRow
from balintmail.db.session import Tx
from balintmail.domain.journal_issues import read_label
from balintmail.domain.money import LARGEST, Money
from balintmail.domain.orders import MOST_LINES, Line, Rate, cost, zone_of
from balintmail.errors import BalintmailError, NotFound
from balintmail.services.context import Context

MOST_COPIES = 1000  # of one journal issue in one order, whoever enters it


class OrderRefused(BalintmailError):
    """An order cannot be taken as it was given; nothing was written."""

    code = "order_refused"


@dataclass(frozen=True, slots=True)
class QuotedLine:
    """So many copies of one journal issue, each at `price` pence."""

    issue: IssueRow
    copies: int
    price: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost; amounts in pence of `currency`."""

    lines: tuple[QuotedLine, ...]
    zone: str
    postage: int
    total: int
    currency: str


def price_of(ctx: Context, issue: IssueRow) -> Money:
    """Return what one copy of a journal issue costs: as the settings say for it, else the usual."""
    settings = ctx.settings.orders
    particular = settings.issues.get(issue.label)
    if particular is not None and particular.price is not None:
        return particular.price
    return settings.price


def is_sold(ctx: Context, issue: IssueRow) -> bool:
    """Say whether a journal issue may be ordered at all: it has come out, and the settings do not keep it back."""
    particular = ctx.settings.orders.issues.get(issue.label)
    kept_back = particular is not None and not particular.sold
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    return not kept_back and issue.published_on is not None and issue.published_on <= today


def quote(ctx: Context, tx: Tx, wanted: Mapping[str, int], country: str) -> Quote:
    """Return what these copies cost, posted to a country; `wanted` is copies by the label of the journal issue.

    Raises OrderRefused for what is not sold, not posted there or no number of copies; NotFound for an unknown label.
    """
    if not 1 <= len(wanted) <= MOST_LINES:
        raise OrderRefused(f"An order is for one journal issue, or for up to {MOST_LINES} of them.")
    settings = ctx.settings.orders
    zone = zone_of(country, settings.zones)
    if not zone:
        raise OrderRefused(
            f"Nothing is posted to {country}: no zone of the settings names it.",
            hint='Add it to a zone under [orders.postage], or "*" for every other country.',
        )
    together: dict[str, int] = {}
    for label, copies in wanted.items():
        _refuse_number(copies)
        issue = str(read_label(label))
        together[issue] = together.get(issue, 0) + copies
    quoted = [_line(ctx, tx, label, copies) for label, copies in together.items()]
    lines = [Line(one.issue.id, one.copies, one.price, _rate(ctx, one.issue.label, zone)) for one in quoted]
    found = cost(lines)
    if found.total > LARGEST:
        raise OrderRefused("That is more than any order comes to.", hint="Is the number of copies right?")
    return Quote(tuple(quoted), zone, found.postage, found.total, settings.price.currency)


def _line(ctx: Context, tx: Tx, wanted: str, copies: int) -> QuotedLine:
    issue = journal_issues.by_label(tx, wanted)
    if issue is None:
        raise NotFound(f"There is no Journal {wanted}.", hint="See what there is: balintmail journal list")
    _refuse_number(copies)
    if not is_sold(ctx, issue):
        raise OrderRefused(f"The Journal {wanted} is not sold: it has not come out, or the settings keep it back.")
    return QuotedLine(issue, copies, price_of(ctx, issue).amount)


def _refuse_number(copies: int) -> None:
    if not 1 <= copies <= MOST_COPIES:
        raise OrderRefused(f"{copies} is no number of copies: it is from 1 to {MOST_COPIES:,}.")


def _rate(ctx: Context, label: str, zone: str) -> Rate:
    settings = ctx.settings.orders
    particular = settings.issues.get(label)
    rate = (particular.postage.get(zone) if particular else None) or settings.rates[zone]
    return Rate(rate.first.amount, rate.more.amount)
