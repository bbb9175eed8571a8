"""Say that copies of orders went to the post: they leave the shelf, and an order of which all has gone is posted.

Part of a transaction of services/despatches.py (the yearly run) or services/order_copies.py (by hand).
"""

from collections.abc import Iterable
from datetime import date

from balintmail.db import audit, orders
from balintmail.db.orders import LineRow
from balintmail.db.session import Tx
from balintmail.domain.orders import OrderState
from balintmail.services import order_mail, order_stock
from balintmail.services.context import Context
from balintmail.services.order_shown import shown


def post_lines(ctx: Context, tx: Tx, lines: Iterable[LineRow], day: date) -> None:
    """Take these lines of paid orders out of stock; the buyer is told once the whole order has gone."""
    gone = [line for line in lines if line.posted_on is None]
    for line in sorted(gone, key=lambda one: one.journal_issue_id):
        order_stock.sell(ctx, tx, line)
        orders.mark_posted(tx, line, day)
    for number in dict.fromkeys(line.order_id for line in gone):
        found = shown(tx, number)
        if any(line.posted_on is None for line in found.lines):
            continue
        order_stock.step(tx, found.order, OrderState.POSTED, posted_on=day)
        audit.note(tx, "order posted", actor=ctx.actor, now=ctx.clock.now(), detail={"order": number})
        order_mail.tell(ctx, tx, shown(tx, number), "posted")
        if found.order.forgotten_at is not None:  # the address was kept for this envelope alone
            orders.forget(tx, [number], whole=True, now=ctx.clock.now())
