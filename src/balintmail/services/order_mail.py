"""Tell the buyer what became of an order: one letter, `order`, that knows each step.

It is put into the queue in the transaction of the step, and nothing that was typed stands in it: whoever orders in
another's name writes them no words of their own. A buyer without an email address gets none. It decides nothing.
"""

from typing import TYPE_CHECKING

from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.address import parse
from balintmail.domain.money import Money, decimal
from balintmail.domain.notices import Fact, Row
from balintmail.domain.orders import label
from balintmail.domain.states import Ground
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import To, Waiting

if TYPE_CHECKING:
    from balintmail.services.order_shown import Shown

TEMPLATE = "order"
PATH = "/order/"


def token_of(ctx: Context, number: int) -> str:
    """Return the end of the web address at which a buyer sees their order."""
    return tokens.make(TokenClaims(Purpose.ORDER, delivery=number), ctx.keyring.tokens)


def read_token(ctx: Context, token: str) -> int | None:
    """Return the order that a link is for, or None."""
    claims = tokens.read(token, Purpose.ORDER, ctx.keyring.verifying)
    return claims.delivery if claims is not None else None


def payment_url(ctx: Context, of: "Shown") -> str:
    """Return where an order can be paid at the society's payment provider, "" without one."""
    amount = decimal(of.order.total, of.order.currency)
    link = ctx.settings.orders.payment_link
    return link.format(reference=of.reference, amount=amount, currency=of.order.currency)


def tell(ctx: Context, tx: Tx, of: "Shown", step: str) -> None:
    """Put the letter about one step into the queue: placed, free, reminded, paid, posted, cancelled, expired, refunded.

    One that still waits gives way to the next: an order has one letter at a time.
    """
    order = of.order
    if not order.envelope:
        return
    site = ctx.settings.society.url
    copies: list[Row] = [{"issue": line.label, "copies": line.copies} for line in of.lines]
    back = -min((one.amount for one in of.payments[-1:]), default=0)
    facts: dict[str, Fact] = {
        "step": step,
        "reference": of.reference,
        "journal": ctx.settings.journal.name,
        "copies": copies,
        "postage": Money(order.postage, order.currency) if order.postage else "",
        "total": Money(order.total, order.currency),
        "back": Money(max(back, 0), order.currency),
        "pay": [{"line": line.strip()} for line in ctx.settings.orders.pay.split("\n") if line.strip()],
        "pay_url": payment_url(ctx, of),
        "pay_until": order.pay_until,
        "placed_on": order.created_at.astimezone(ctx.settings.zone).date(),
        "posted_on": order.posted_on or order.pay_until,
        "invoice": label(of.invoice.kind, of.invoice.year, of.invoice.number) if of.invoice else "",
        "order_url": f"{site}{PATH}{token_of(ctx, order.id)}" if site else "",
        "reason": order.reason,
    }
    to = To(address=parse(order.email), person=order.person_id, name=order.name, language=order.language)
    waiting = Waiting(
        template=TEMPLATE, to=to, ground=Ground.REQUESTED, language=order.language, facts=facts, key=f"order {order.id}"
    )
    notices.put(ctx, tx, waiting)
