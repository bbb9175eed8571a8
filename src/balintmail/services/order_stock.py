"""Take an order from one state to the next, and move its copies: set aside, free again, or out of the house.

Each is part of a transaction of services/orders.py or services/order_posting.py. It tells nobody.
"""

from collections.abc import Iterable
from typing import Any

from balintmail.db import journal_issues, orders
from balintmail.db.orders import LineRow, OrderRow
from balintmail.db.session import Tx
from balintmail.domain.despatches import StockReason
from balintmail.domain.orders import NEXT, OrderState, reference
from balintmail.errors import Conflict
from balintmail.services.context import Context


def step(tx: Tx, order: OrderRow, after: OrderState, **values: Any) -> None:
    """Let an order come to a state, with these columns; raise Conflict where it cannot from where it is now."""
    if after not in NEXT[order.state] or not orders.move(tx, order.id, order.state, after, values):
        now = orders.get(tx, order.id) or order
        raise Conflict(
            f"The order {reference(order.id)} is {now.state}, so it cannot become {after}.",
            hint=f"Look at it: balintmail orders show {reference(order.id)}",
        )


def set_aside(ctx: Context, tx: Tx, lines: Iterable[LineRow]) -> None:
    """Keep copies back for an order; raise Conflict when there are not enough."""
    for line in sorted(lines, key=_in_one_order):
        _move(ctx, tx, line, StockReason.RESERVED, reserved=line.copies)


def set_free(ctx: Context, tx: Tx, lines: Iterable[LineRow]) -> None:
    """Let copies that were set aside and not posted be anybody's again."""
    for line in sorted(lines, key=_in_one_order):
        if line.posted_on is None:
            _move(ctx, tx, line, StockReason.RELEASED, reserved=-line.copies)


def sell(ctx: Context, tx: Tx, line: LineRow) -> None:
    """Take the copies of a line, which were set aside, off the shelf."""
    _move(ctx, tx, line, StockReason.SOLD, on_shelf=-line.copies, reserved=-line.copies)


def _in_one_order(line: LineRow) -> int:
    """Return what lines are sorted by, so that no two orders wait for each other on PostgreSQL."""
    return line.journal_issue_id


def _move(ctx: Context, tx: Tx, line: LineRow, reason: StockReason, **change: int) -> None:
    move = {"reason": reason, "actor": ctx.actor, "note": f"order {reference(line.order_id)}", **change}
    if not journal_issues.move_stock(tx, line.journal_issue_id, move, now=ctx.clock.now()):
        found = journal_issues.by_id(tx, line.journal_issue_id)
        free = found.on_shelf - found.reserved if found else 0
        raise Conflict(
            f"There are {free:,} copies of the Journal {line.label} left, not {line.copies:,}."
            if free
            else f"The Journal {line.label} is out of print: no copy of it is left.",
            hint=f"Count in what came: balintmail journal stock {line.label} --printed NUMBER",
        )
