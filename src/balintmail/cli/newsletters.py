"""`balintmail newsletters`: what stands in the archive, and corrections to it.

It decides nothing by itself; services/errata.py does.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.errata import Shown


@click.group(cls=Group)
def newsletters() -> None:
    """List the newsletters of the archive, and correct one that has gone out."""


@newsletters.command("list")
@click.option("--list", "list_slug", metavar="LIST", default="", help="Those of one list.")
@pass_app
def list_newsletters(app: App, list_slug: str) -> None:
    """Show the newsletters that stand at /newsletters, the newest first."""
    from balintmail.services import errata  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        if list_slug:
            from balintmail.services.lists import known  # noqa: PLC0415

            with ctx.db.read() as tx:
                known(tx, list_slug)
        documents = [_document(ctx, one) for one in errata.listed(ctx, list_slug)]
    app.out.json(documents)
    if not documents:
        app.out.line("No newsletter stands in the archive yet.")
        return
    table = [
        (one["newsletter"], one["at"][:10], one["title"], one["visibility"], len(one["errata"]) or "")
        for one in documents
    ]
    app.out.table(("newsletter", "came out", "title", "for", "errata"), table)


@newsletters.command()
@click.argument("label", metavar="LIST/NUMBER")
@click.argument("words", metavar="[TEXT]", default="")
@click.option("--withdraw", "number", metavar="ID", type=click.IntRange(1, (1 << 63) - 1), help="Take one back.")
@pass_app
def erratum(app: App, label: str, words: str, number: int | None) -> None:
    """Add a correction to a newsletter that has gone out: it stands on its page, with today's date.

    The letter stays as it was sent, and nobody is mailed.
    """
    from balintmail.services import errata  # noqa: PLC0415  (loads SQLAlchemy)

    if bool(words) is (number is not None):
        raise click.UsageError("Give the correction's TEXT, or --withdraw ID.")
    with app.context() as ctx:
        shown = errata.add(ctx, label, words) if number is None else errata.withdraw(ctx, label, number)
        document = _document(ctx, shown)
    app.out.json(document)
    if number is not None:
        app.out.line(f"Erratum {number} no longer stands on the page of {document['newsletter']}.")
        return
    app.out.line(f"Erratum {document['errata'][0]['id']} stands on the page of {document['newsletter']}.")


def _document(ctx: "Context", one: "Shown") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    zone, of = ctx.settings.zone, one.newsletter
    return {
        "newsletter": f"{of.slug}/{of.number}",
        "mailing": of.mailing,
        "title": of.title,
        "visibility": of.visibility.value,
        "at": rfc3339(of.at, zone),
        "errata": [
            {"id": each.id, "words": each.words, "at": rfc3339(each.at, zone), "by": each.actor} for each in one.errata
        ],
    }
