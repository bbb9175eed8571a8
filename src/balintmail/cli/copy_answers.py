"""`balintmail copies answer`, `quote` and `decline`: the Secretary's answers to requests for copies.

It decides nothing by itself; services/copy_answers.py does.
"""

import click

from balintmail.cli.command import App, Command, pass_app
from balintmail.cli.copy_documents import document
from balintmail.errors import UsageRefused


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--with", "label", metavar="WHAT", default="", help="Something else than was asked for: newsletter/84.")
@click.option("--paper", is_flag=True, help="A printed copy out of stock, by post.")
@click.option("--pdf", is_flag=True, help="By email, although they asked for paper.")
@pass_app
def answer(app: App, number: int, label: str, paper: bool, pdf: bool) -> None:
    """Send what was asked for: a newsletter, a link to a PDF, or a printed copy, which comes out of stock.

    A link works for a while and counts its uses. A copy on paper is told of by mail; the envelope is shown here.
    """
    from balintmail.services import copy_answers as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.reconcile import require_permission  # noqa: PLC0415

    if paper and pdf:
        raise UsageRefused("A copy goes on paper or by email, not both.", hint="Give --paper or --pdf.")
    how = service.Answer(label=label, paper=True if paper else False if pdf else None)
    with app.context() as ctx:
        require_permission(ctx)
        with ctx.db.write() as tx:
            asked = service.send(ctx, tx, number, by=ctx.actor, answer=how)
            found = document(ctx, tx, asked)
    app.out.json(found)
    if not found["paper"]:
        app.out.line(f'"{found["title"]}" leaves for {found["address"]} with the next dispatch.')
        return
    app.out.line(f'"{found["title"]}" comes out of stock, {found["free"]} are left. On the envelope:')
    for line in found["post"]:
        app.out.line(f"  {line}")


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.argument("price")
@click.option("--words", metavar="TEXT", default="", help="What you say about it in the letter.")
@pass_app
def quote(app: App, number: int, price: str, words: str) -> None:
    """Name a PRICE such as 5.00: a letter says what it costs, how to pay, and how to say yes.

    It waits for whoever asked until the price lapses ([joining] decide_within); when they agree, you hear of it.
    """
    from balintmail.domain import money  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import copy_answers as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        amount = money.parse(price, ctx.settings.members.currency)
        with ctx.db.write() as tx:
            asked = service.quote(ctx, tx, number, amount, by=ctx.actor, words=words)
            found = document(ctx, tx, asked)
        until = rfc3339(asked.row.expires_at, ctx.settings.zone)[:10] if asked.row.expires_at else ""
    app.out.json(found)
    app.out.line(f"{found['price']} is named to {found['address']}; it holds until {until}.")


@click.command(cls=Command)
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--reason", metavar="TEXT", default="", help="Why; it is told to whoever asked.")
@click.option("--note", metavar="TEXT", default="", help="A note for the record, which nobody else reads.")
@pass_app
def decline(app: App, number: int, reason: str, note: str) -> None:
    """Decline a request: a courteous mail tells whoever asked, with --reason.

    Nobody is written to whose address was never confirmed.
    """
    from balintmail.services import copy_answers as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import copy_requests  # noqa: PLC0415

    with app.context() as ctx, ctx.db.write() as tx:
        service.decline(ctx, tx, number, by=ctx.actor, reason=reason, note=note)
        found = document(ctx, tx, copy_requests.asked_of(ctx, tx, copy_requests.shown(tx, number)))
    app.out.json(found)
    app.out.line(f"Declined: {found['address']}.")
