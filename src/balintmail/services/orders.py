"""Orders of the Journal by those who are no members, from the asking to the money.

    placed: priced, copies set aside, pro-forma mailed ──► paid: invoice and receipt ──► posted
      └► nobody pays: reminded once, then expired     └► refunded: credit note      └► cancelled before payment

Each step is one transaction with its stock, its money and its mail, and happens from the state before it alone, so that
nothing is done twice. What may follow what: domain/orders.py. Prices: services/order_prices.py; the post:
services/order_copies.py; papers with numbers: services/invoices.py; mails: services/order_mail.py; what time brings
about, and forgetting: services/order_errands.py. No card data ever comes here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from balintmail.db import audit, bank_lines, orders, people
from balintmail.db.orders import DocumentRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, names
from balintmail.domain.address import Address, AddressRefused, parse
from balintmail.domain.money import written
from balintmail.domain.orders import DocumentKind, OrderState
from balintmail.domain.statements import LineState
from balintmail.errors import Conflict
from balintmail.services import invoices, order_copies, order_mail, order_stock, postal
from balintmail.services.context import Context
from balintmail.services.order_prices import OrderRefused, Quote, quote
from balintmail.services.order_shown import Shown, shown, the_day

OPEN_AT_MOST = 5  # orders of one address that wait to be paid


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """Who orders; `post` are the parts of a postal address, `address` may be "" for somebody without email."""

    name: str
    address: str
    post: Mapping[str, str]
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """Money that came in, or goes back: `amount` in pence, none for all of it; `on` none for today.

    `line` is the doubtful line of a bank statement that shows it; it says how much came, and when.
    """

    amount: int | None = None
    on: date | None = None
    how: str = "bank"
    line: int | None = None


def place(ctx: Context, buyer: Buyer, wanted: Mapping[str, int], *, door: str = "command", note: str = "") -> Shown:
    """Take an order: price it, set its copies aside and mail the pro-forma; return it.

    What costs nothing is paid at once. Raises OrderRefused, PostalRefused for an address that cannot be right, Conflict
    where there are not enough copies or the address has too many open orders.
    """
    name, address, post = _name(buyer.name), _address(buyer.address), postal.checked(buyer.post)
    kept, now = hygiene.one_line(note, what="the note"), ctx.clock.now()
    language = hygiene.language(buyer.language) if buyer.language else ctx.settings.society.languages[0]
    with ctx.db.write() as tx:
        priced = quote(ctx, tx, wanted, post["country_code"])
        if address is not None and orders.open_at(tx, address.key) >= OPEN_AT_MOST:
            raise Conflict(
                f"This address has {OPEN_AT_MOST} orders that wait to be paid.",
                hint="Cancel those that nobody wants any more: balintmail orders cancel REFERENCE",
            )
        said = {"name": name, "post": post, "door": door, "note": kept}
        values = {**said, **_of_address(tx, address), **_of_quote(ctx, priced)}
        values["language"] = language
        number = orders.add(tx, values, [(one.issue.id, one.copies, one.price) for one in priced.lines])
        made = shown(tx, number)
        order_stock.set_aside(ctx, tx, made.lines)
        audit.note(tx, "order placed", actor=ctx.actor, now=now, detail={"order": number, "total": priced.total})
        order_mail.tell(ctx, tx, made, "placed" if priced.total else "free")
    return made


def paid(ctx: Context, number: int, payment: Payment | None = None) -> Shown:
    """Record that an order is paid, give it its invoice and receipt, and tell the buyer; return it.

    The amount is the order's total unless it is said. An order that has expired is paid as long as there are copies.
    Raises Conflict, OrderRefused.
    """
    asked = payment or Payment()
    means, now = hygiene.one_line(asked.how, what="the way of payment"), ctx.clock.now()
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        before = shown(tx, number)
        order = before.order
        given = _from_bank(ctx, tx, before, asked)
        day = the_day(ctx, given.on)
        came = order.total if given.amount is None else given.amount
        if came <= 0:
            raise OrderRefused("A payment is more than nothing.")
        if order.state is OrderState.EXPIRED:
            order_stock.set_aside(ctx, tx, before.lines)
        order_stock.step(tx, order, OrderState.PAID, closed_at=None, closed_by="")
        row = {"order_id": number, "amount": came, "currency": order.currency, "paid_on": day, "how": means}
        row["bank_line_id"] = given.line
        orders.add_payment(tx, {**row, "recorded_at": now, "recorded_by": ctx.actor})
        if before.invoice is None:
            invoices.issue(ctx, tx, shown(tx, number), DocumentKind.INVOICE, order.total)
        invoices.issue(ctx, tx, shown(tx, number), DocumentKind.RECEIPT, came)
        detail = {"order": number, "amount": came, "currency": order.currency}
        audit.note(tx, "order paid", actor=ctx.actor, now=now, detail=detail)
        made = shown(tx, number)
        order_mail.tell(ctx, tx, made, "paid")
    return made


def invoice(ctx: Context, number: int) -> DocumentRow:
    """Return an order's invoice, and issue it now where a buyer wants one before paying; raise Conflict."""
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        found = shown(tx, number)
        made = found.invoice
        if made is not None:
            return made
        if found.order.state is not OrderState.OPEN or not found.order.total:
            raise Conflict(
                f"{found.reference} is {found.order.state} and has no invoice.",
                hint="An invoice is for an order that is to be paid.",
            )
        made = invoices.issue(ctx, tx, found, DocumentKind.INVOICE, found.order.total)
        audit.note(tx, "invoice issued", actor=ctx.actor, now=ctx.clock.now(), detail={"order": number})
        return made


def cancel(ctx: Context, number: int, *, reason: str = "", note: str = "") -> Shown:
    """Cancel an order that nobody paid: its copies are free again, the buyer is told with the reason; return it.

    Raises Conflict for one that is paid, or over.
    """
    told, kept = hygiene.one_line(reason, what="the reason"), hygiene.one_line(note, what="the note")
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        before = shown(tx, number)
        if before.order.state in {OrderState.PAID, OrderState.POSTED}:
            raise Conflict(
                f"{before.reference} is paid.", hint=f"Give the money back: balintmail orders refund {before.reference}"
            )
        close(ctx, tx, before, OrderState.CANCELLED, reason=told, **({"note": kept} if kept else {}))
        order_mail.tell(ctx, tx, shown(tx, number), "cancelled")
        return shown(tx, number)


def close(ctx: Context, tx: Tx, of: Shown, state: OrderState, **values: Any) -> None:
    """End an order that nobody paid: its copies are free again, and an invoice that was issued is taken back."""
    now = ctx.clock.now()
    order_stock.step(tx, of.order, state, closed_at=now, closed_by=ctx.actor, **values)
    order_stock.set_free(ctx, tx, of.lines)
    if of.invoice is not None:
        invoices.issue(ctx, tx, of, DocumentKind.CREDIT_NOTE, of.order.total)
    audit.note(tx, f"order {state}", actor=ctx.actor, now=now, detail={"order": of.order.id})


def refund(ctx: Context, number: int, payment: Payment | None = None, *, reason: str = "") -> Shown:
    """Record that money went back, all that came in unless an amount is said, with a credit note; return the order.

    Once everything is back the order is refunded, and copies that were not posted are free again. Raises Conflict.
    """
    given = payment or Payment()
    day, told, now = the_day(ctx, given.on), hygiene.one_line(reason, what="the reason"), ctx.clock.now()
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        before = shown(tx, number)
        order, held = before.order, before.received
        back = held if given.amount is None else given.amount
        if not 0 < back <= held:
            raise Conflict(
                f"{written(back, order.currency)} cannot go back for {before.reference}:"
                f" {written(held, order.currency)} is what was received and kept."
            )
        row = {"order_id": number, "amount": -back, "currency": order.currency, "paid_on": day, "how": "refund"}
        orders.add_payment(tx, {**row, "recorded_at": now, "recorded_by": ctx.actor})
        if back == held:
            order_stock.step(tx, order, OrderState.REFUNDED, closed_at=now, closed_by=ctx.actor, reason=told)
            order_stock.set_free(ctx, tx, before.lines if order.state is OrderState.PAID else ())
            order_copies.keep_back(ctx, tx, number)
            if order.forgotten_at is not None:  # the address was kept for an envelope that does not go
                orders.forget(tx, [number], whole=True, now=now)
        invoices.issue(ctx, tx, before, DocumentKind.CREDIT_NOTE, back)
        audit.note(tx, "order refunded", actor=ctx.actor, now=now, detail={"order": number, "amount": back})
        made = shown(tx, number)
        order_mail.tell(ctx, tx, made, "refunded")
    return made


def posted(ctx: Context, number: int, day: date | None = None) -> Shown:
    """Say that what is left of a paid order was posted by hand; its copies leave the shelf, and the buyer is told.

    A despatch that was to post it does not post it again. Raises Conflict unless it is paid.
    """
    on = the_day(ctx, day)
    with ctx.db.write() as tx:
        orders.lock(tx, number)
        before = shown(tx, number)
        if before.order.state is not OrderState.PAID:
            raise Conflict(
                f"The order {before.reference} is {before.order.state}, so it cannot become posted.",
                hint=f"Look at it: balintmail orders show {before.reference}",
            )
        order_copies.by_hand(ctx, tx, before.lines, on)
        return shown(tx, number)


def _from_bank(ctx: Context, tx: Tx, of: Shown, given: Payment) -> Payment:
    """Return a payment as the line of a bank statement shows it; the line is settled, and counts for nothing else."""
    if given.line is None:
        return given
    line = bank_lines.get(tx, given.line)
    if line is None or line.state is not LineState.DOUBTFUL:
        raise Conflict(f"Line {given.line} is none that waits.", hint="See what waits: balintmail dues doubtful")
    if line.currency != of.order.currency:
        raise Conflict(f"Line {given.line} is in {line.currency}, the order in {of.order.currency}.")
    settled = {"settled_at": ctx.clock.now(), "settled_by": ctx.actor, "reason": f"order {of.reference}"}
    bank_lines.settle(tx, line.id, {**settled, "state": LineState.MATCHED, "person_id": None})
    return replace(given, amount=line.amount, on=line.paid_on)


def _of_quote(ctx: Context, priced: Quote) -> dict[str, Any]:
    now = ctx.clock.now()
    return {
        "state": OrderState.OPEN if priced.total else OrderState.PAID,
        "zone": priced.zone,
        "currency": priced.currency,
        "postage": priced.postage,
        "total": priced.total,
        "created_at": now,
        "pay_until": now.astimezone(ctx.settings.zone).date() + ctx.settings.orders.pay_within,
    }


def _of_address(tx: Tx, address: Address | None) -> dict[str, Any]:
    """Return the columns of an email address; whose it is, where it is one person's alone, is known to us only."""
    if address is None:
        return {}
    holders = people.at_address(tx, address.key)
    person = holders[0].id if len(holders) == 1 else None
    return {"email": address.text, "envelope": address.envelope, "address_key": address.key, "person_id": person}


def _name(text: str) -> str:
    try:
        name = names.clean(text)
    except hygiene.TextRefused as exc:
        raise OrderRefused(f"The name cannot be taken: {exc.message}") from exc
    if not name:
        raise OrderRefused("An order needs a name.")
    return name


def _address(text: str) -> Address | None:
    if not text.strip():
        return None
    try:
        return parse(text)
    except AddressRefused as exc:
        raise OrderRefused(f"That is no email address: {exc.reason}.") from exc
