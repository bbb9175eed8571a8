"""The copies of an order that a run was to post, when the order is posted by hand or its money goes back.

Nothing goes twice: what waits in a frozen run is said to be posted, or goes to nobody; a plan is made anew without it.
The run itself is services/despatches.py.
"""

from collections.abc import Sequence
from datetime import date

from balintmail.db import despatches as rows
from balintmail.db import journal_issues
from balintmail.db.orders import LineRow
from balintmail.db.session import Tx
from balintmail.domain.despatches import CopyStanding, DespatchState, Doubt
from balintmail.services import despatches, order_posting
from balintmail.services.context import Context


def by_hand(ctx: Context, tx: Tx, lines: Sequence[LineRow], day: date) -> None:
    """Say that what is left of an order was posted on a day, and let no run post it again."""
    for number in {line.order_id for line in lines}:
        _settle(ctx, tx, number, CopyStanding.POSTED, day)
    order_posting.post_lines(ctx, tx, lines, day)


def keep_back(ctx: Context, tx: Tx, number: int) -> None:
    """Let no run post an order whose money went back."""
    _settle(ctx, tx, number, CopyStanding.NOBODY, None)


def _settle(ctx: Context, tx: Tx, number: int, to: CopyStanding, day: date | None) -> None:
    now = ctx.clock.now()
    for copy, held in rows.waiting_of_order(tx, number):
        rows.lock(tx, held.id)
        if held.state is DespatchState.PLANNED:
            rows.drop(tx, copy)
            continue
        values = {"posted_on": day} if to is CopyStanding.POSTED else {"doubt": Doubt.WITHDRAWN}
        if rows.move(tx, [copy], to, values, now=now) and to is CopyStanding.POSTED:
            rows.count_posted(tx, [copy])
        issue = journal_issues.by_id(tx, held.journal_issue_id)
        if issue is not None:
            despatches.settle(ctx, tx, issue)
