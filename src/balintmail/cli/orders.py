"""`balintmail orders`: who ordered the Journal, who paid, what was posted, and the sheet for the Treasurer.

It decides nothing by itself; services/orders.py does. The mails leave with dispatch.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.days import DAY
from balintmail.cli.order_papers import paper, statement
from balintmail.domain.orders import OrderState, reference

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.order_shown import Shown

_LIVE = (OrderState.OPEN, OrderState.PAID)
# The parts of a postal address, as the options call them.
_NAMES = {
    "street": "street_address",
    "city": "city",
    "postcode": "postal_code",
    "area": "country_area",
    "company": "company_name",
    "country": "country_code",
}


@click.group(cls=Group)
def orders() -> None:
    """Take orders of the Journal: list, show, add, paid, posted, cancel, refund, and the sheet for the Treasurer.

    An order is named by its reference, such as J00042V, or by its number.
    """


orders.add_command(paper)
orders.add_command(statement)


@orders.command("list")
@click.option("--state", type=click.Choice([each.value for each in OrderState]), help="Those in one state.")
@click.option("--journal", "label", metavar="YEAR", default="", help="Those of one journal issue.")
@click.option("--all", "everything", is_flag=True, help="Those that are over, too.")
@pass_app
def list_orders(app: App, state: str | None, label: str, everything: bool) -> None:
    """Show the orders that wait to be paid or posted, the oldest first."""
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)

    states = (OrderState(state),) if state else tuple(OrderState) if everything else _LIVE
    with app.context() as ctx, ctx.db.read() as tx:
        found = order_shown.listed(tx, states, label)
        app.out.json([document(ctx, one) for one in found])
        if not found:
            app.out.line("No order waits." if states == _LIVE else "There is no such order.")
            return
        table = [
            (
                one.reference,
                one.order.created_at.astimezone(ctx.settings.zone).date().isoformat(),
                one.order.name or "(forgotten)",
                ", ".join(f"{line.label}: {line.copies}" for line in one.lines),
                written(one.order.total, one.order.currency),
                one.order.state.value,
                one.order.pay_until.isoformat() if one.order.state is OrderState.OPEN else "",
            )
            for one in found
        ]
    app.out.table(("order", "came", "name", "copies", "total", "state", "pay by"), table)


@orders.command("show")
@click.argument("order")
@pass_app
def show_order(app: App, order: str) -> None:
    """Show one order: who it is for, what it costs, what was paid, and its papers."""
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        _show(app, ctx, order_shown.shown(tx, order_shown.number_of(order)))


@orders.command("add")
@click.argument("copies", metavar="YEAR[:COPIES]...", nargs=-1, required=True)
@click.option("--name", required=True, help="Who orders.")
@click.option("--address", default="", help="Their email address, which gets the pro-forma; none: nobody is mailed.")
@click.option("--country", required=True, metavar="CODE", help="Where it is posted to, such as GB.")
@click.option("--street", default="", metavar="TEXT", help="Street and house; lines are parted by a comma and a blank.")
@click.option("--city", default="", help="Town or city.")
@click.option("--postcode", default="", help="Postcode.")
@click.option("--area", default="", help="State, county or province, where the country's addresses have one.")
@click.option("--company", default="", help="Practice, library or firm.")
@click.option("--language", default="", metavar="TAG", help="The language in which we write to them.")
@click.option("--note", default="", metavar="TEXT", help="A note for you alone.")
@pass_app
def add_order(app: App, /, copies: tuple[str, ...], **said: Any) -> None:
    """Enter an order that came by letter or telephone; its copies are set aside.

    YEAR names a journal issue, such as 2026, or 2026:3 for three copies.
    """
    from balintmail.services import orders as service  # noqa: PLC0415  (loads SQLAlchemy)

    post = {_NAMES[name]: said[name] for name in _NAMES if said[name]}
    if said["street"]:
        post["street_address"] = said["street"].replace(", ", "\n")
    with app.context() as ctx:
        buyer = service.Buyer(name=said["name"], address=said["address"], post=post, language=said["language"])
        made = service.place(ctx, buyer, _wanted(copies), note=said["note"])
        _show(app, ctx, made)


@orders.command("paid")
@click.argument("order")
@click.option("--amount", default="", help="What came, where it is not the total; written like 12.50.")
@click.option("--on", "day", type=DAY, help="When it came; today unless you say.")
@click.option("--how", default="bank", metavar="TEXT", help="How it came: bank, cheque, cash …")
@click.option("--line", type=click.IntRange(1), help="The line of a bank statement that shows it (dues doubtful).")
@click.option("--yes", is_flag=True, help="Take another amount without asking.")
@pass_app
def pay_order(app: App, /, order: str, amount: str, day: date | None, **said: Any) -> int:
    """Record that an order is paid: it gets an invoice and a receipt, and the buyer a letter."""
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import orders as service  # noqa: PLC0415

    if said["line"] and (amount or day):
        raise click.UsageError("--line says how much came and when; leave --amount and --on out.")
    with app.context() as ctx:
        number = order_shown.number_of(order)
        with ctx.db.read() as tx:
            before = order_shown.shown(tx, number)
        came = _amount(amount, before)
        differs = came is not None and came != before.order.total
        if differs and not said["yes"] and not app.out.confirm(f"{amount} is not the total. Is the order paid by it?"):
            app.out.json(document(ctx, before))
            app.out.line("Nothing was recorded." + ("" if app.out.interactive else " Add --yes to record it."))
            return 1
        payment = service.Payment(amount=came, on=day, how=said["how"], line=said["line"])
        _show(app, ctx, service.paid(ctx, number, payment))
    return 0


@orders.command("posted")
@click.argument("order")
@click.option("--on", "day", type=DAY, help="When it was posted; today unless you say.")
@pass_app
def post_order(app: App, order: str, day: date | None) -> None:
    """Say that an order was posted by hand: its copies leave the shelf, and no despatch posts it again."""
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import orders as service  # noqa: PLC0415

    with app.context() as ctx:
        _show(app, ctx, service.posted(ctx, order_shown.number_of(order), day))


@orders.command("cancel")
@click.argument("order")
@click.option("--reason", default="", metavar="TEXT", help="Why; the buyer is told.")
@click.option("--note", default="", metavar="TEXT", help="A note for you alone.")
@pass_app
def cancel_order(app: App, order: str, reason: str, note: str) -> None:
    """Cancel an order that nobody paid: its copies are free again."""
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import orders as service  # noqa: PLC0415

    with app.context() as ctx:
        _show(app, ctx, service.cancel(ctx, order_shown.number_of(order), reason=reason, note=note))


@orders.command("refund")
@click.argument("order")
@click.option("--amount", default="", help="What went back, where it is not all; written like 5.00.")
@click.option("--on", "day", type=DAY, help="When it went back; today unless you say.")
@click.option("--reason", default="", metavar="TEXT", help="Why; the buyer is told.")
@pass_app
def refund_order(app: App, order: str, amount: str, day: date | None, reason: str) -> None:
    """Record that you gave money back: the buyer gets a credit note, and once all is back the copies are free."""
    from balintmail.services import order_shown  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import orders as service  # noqa: PLC0415

    with app.context() as ctx:
        number = order_shown.number_of(order)
        with ctx.db.read() as tx:
            back = _amount(amount, order_shown.shown(tx, number))
        _show(app, ctx, service.refund(ctx, number, service.Payment(amount=back, on=day), reason=reason))


@orders.command("forget")
@click.argument("order")
@pass_app
def forget_buyer(app: App, order: str) -> None:
    """Forget the buyer of an order that is over, who is on no register and asked for it.

    Sums and days stay for the accounts, and an invoice stays as it was issued for as long as the law wants it.
    """
    from balintmail.services import order_errands, order_shown  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = order_shown.number_of(order)
        order_errands.forget(ctx, number)
    app.out.json({"order": number, "forgotten": True})
    app.out.line(f"The buyer of {reference(number)} is forgotten.")


def document(ctx: "Context", of: "Shown") -> dict[str, Any]:
    """Return an order as commands print it under --json; amounts are whole pence."""
    from balintmail.domain.orders import label  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    order, zone = of.order, ctx.settings.zone
    return {
        "id": order.id,
        "reference": of.reference,
        "state": order.state.value,
        "name": order.name,
        "address": order.email,
        "post": order.post,
        "language": order.language,
        "copies": [
            {"journal": line.label, "copies": line.copies, "price": line.price, "posted_on": _iso(line.posted_on)}
            for line in of.lines
        ],
        "zone": order.zone,
        "currency": order.currency,
        "postage": order.postage,
        "total": order.total,
        "received": of.received,
        "payments": [
            {"amount": one.amount, "on": one.paid_on.isoformat(), "how": one.how, "by": one.recorded_by}
            for one in of.payments
        ],
        "papers": [
            {"number": label(one.kind, one.year, one.number), "on": one.issued_on.isoformat(), "amount": one.amount}
            for one in of.documents
        ],
        "came_at": rfc3339(order.created_at, zone),
        "pay_until": order.pay_until.isoformat(),
        "posted_on": _iso(order.posted_on),
        "closed_at": rfc3339(order.closed_at, zone) if order.closed_at else None,
        "reason": order.reason,
        "note": order.note,
    }


def _show(app: App, ctx: "Context", of: "Shown") -> None:
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import postal  # noqa: PLC0415  (loaded already)

    found = document(ctx, of)
    app.out.json(found)
    post = {name: str(value) for name, value in of.order.post.items()}
    lines = postal.lines(post, of.order.name) if of.order.name else ["(forgotten)"]
    money = of.order.currency
    facts = [
        ("state", found["state"] + (f", to be paid by {found['pay_until']}" if found["state"] == "open" else "")),
        ("for", ", ".join([*lines, post.get("country_code", "")])),
        ("address", found["address"]),
        ("copies", ", ".join(f"{one['journal']}: {one['copies']}" for one in found["copies"])),
        ("total", f"{written(found['total'], money)}, of it postage {written(found['postage'], money)}"),
        ("received", written(found["received"], money) if found["payments"] else ""),
        ("posted", found["posted_on"] or ""),
        ("papers", ", ".join(one["number"] for one in found["papers"])),
        ("reason", found["reason"]),
        ("note", found["note"]),
    ]
    app.out.line(f"Order {found['reference']}")
    for name, value in facts:
        if value:
            app.out.line(f"  {name:<10}{value}")


def _wanted(copies: tuple[str, ...]) -> dict[str, int]:
    found: dict[str, int] = {}
    for text in copies:
        label, _, number = text.partition(":")
        if number and not (number.isascii() and number.isdigit() and len(number) < 7):
            raise click.UsageError(f'"{text[:30]}" is none: write 2026, or 2026:3 for three copies.')
        found[label] = found.get(label, 0) + int(number or "1")
    return found


def _amount(text: str, of: "Shown") -> int | None:
    """Return an amount in pence, none where none was said; raise MoneyRefused, OrderRefused for another currency."""
    from balintmail.domain import money  # noqa: PLC0415
    from balintmail.services.order_prices import OrderRefused  # noqa: PLC0415  (loaded already)

    if not text:
        return None
    found = money.parse(text, of.order.currency)
    if found.currency != of.order.currency:
        raise OrderRefused(f"The order is in {of.order.currency}, not {found.currency}.")
    return found.amount


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
