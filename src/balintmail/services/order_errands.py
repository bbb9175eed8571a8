"""What time brings about for orders: a reminder, the end of one that nobody paid, and that buyers are forgotten.

An order that nobody paid is forgotten three months after its end; every other when the years are over in which accounts
are kept, and until then an invoice stays as it was issued (Charities Act 2011 section 131, Companies Act 2006 section
388, UK GDPR Art. 17(3)(b)). Dispatch runs `tidy` with every look; services/erasure.py calls `erase`.
"""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from balintmail.db import audit, orders
from balintmail.db.session import Tx
from balintmail.domain.orders import OrderState
from balintmail.errors import Conflict
from balintmail.services import files, order_mail
from balintmail.services.context import Context
from balintmail.services.order_shown import shown
from balintmail.services.orders import close

UNPAID_KEPT = timedelta(days=90)
_LIVE = (OrderState.OPEN, OrderState.PAID)


def tidy(ctx: Context) -> None:
    """Remind, once, those who have not paid; let expire what nobody paid in time; forget whom nothing wants known.

    It only reads unless that is due.
    """
    now = ctx.clock.now()
    today = now.astimezone(ctx.settings.zone).date()
    made_before, years = now - ctx.settings.orders.remind_after, _years_over(ctx, today)
    begun = datetime.combine(years, time.min, ctx.settings.zone)
    with ctx.db.read() as tx:
        over, late = orders.overdue(tx, today), orders.to_remind(tx, made_before=made_before)
        old = orders.to_forget(tx, unpaid_before=now - UNPAID_KEPT, made_before=begun)
        gone = orders.old_files(tx, years)
    if over or late:
        with ctx.db.write() as tx:
            _end_or_remind(ctx, tx, today, made_before)
    if old or gone:
        with ctx.db.write() as tx:
            orders.forget(tx, old, whole=True, now=now)
            orders.drop_files(tx, years)
        files.discard(ctx, gone)


def erase(ctx: Context, tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> int:
    """Take whoever is erased out of their orders; return how many numbered papers stay for the accounts.

    An order that waits to be paid is cancelled without a word. One that is paid keeps name and postal address until it
    is posted or the money is back; an invoice keeps them as long as accounts are kept.
    """
    rows = orders.of_people(tx, people, address_keys)
    for order in rows:
        if order.state is OrderState.OPEN:
            close(ctx, tx, shown(tx, order.id), OrderState.CANCELLED)
        orders.forget(tx, [order.id], whole=order.state is not OrderState.PAID, now=ctx.clock.now())
    papers = orders.documents(tx, [order.id for order in rows])
    return sum(one.file is not None for held in papers.values() for one in held)


def forget(ctx: Context, number: int) -> None:
    """Forget the buyer of an order that is over, who is on no register and asked for it; raise Conflict before."""
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        found = shown(tx, number)
        if found.order.state in _LIVE:
            raise Conflict(
                f"The order {found.reference} is {found.order.state}.",
                hint="Post it, cancel it or give the money back first; then its buyer can be forgotten.",
            )
        orders.forget(tx, [number], whole=True, now=ctx.clock.now())
        audit.note(tx, "buyer forgotten", actor=ctx.actor, now=ctx.clock.now(), detail={"order": number})


def _end_or_remind(ctx: Context, tx: Tx, today: date, made_before: datetime) -> None:
    for order in orders.overdue(tx, today):
        close(ctx, tx, shown(tx, order.id), OrderState.EXPIRED)
        order_mail.tell(ctx, tx, shown(tx, order.id), "expired")
    for order in orders.to_remind(tx, made_before=made_before):
        orders.reminded(tx, order.id, now=ctx.clock.now())
        order_mail.tell(ctx, tx, shown(tx, order.id), "reminded")


def _years_over(ctx: Context, today: date) -> date:
    """Return the first day whose accounts are still kept."""
    return date(today.year - ctx.settings.orders.keep_years, 1, 1)
