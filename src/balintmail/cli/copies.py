"""`balintmail copies`: who asks for a past newsletter, and the Secretary's answer.

It decides nothing by itself; services/copies.py does. The mails that follow leave with dispatch.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.db.copies import CopyRow
    from balintmail.db.session import Tx
    from balintmail.services.context import Context

_WAITS_FOR = {"pending": "the address", "waiting": "the Secretary", "quoted": "whoever asked"}


@click.group(cls=Group)
def copies() -> None:
    """List, answer and decline requests for past newsletters.

    Whoever may have a newsletter gets it at once; here is what waits for you.
    """


@copies.command("list")
@click.option("--all", "everything", is_flag=True, help="Decided ones, too.")
@pass_app
def list_copies(app: App, everything: bool) -> None:
    """Show the requests that wait, the oldest first: those for you, and those that the address has to confirm."""
    from balintmail.db import copies as rows  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        documents = [_document(ctx, tx, row) for row in rows.in_states(tx, *(() if everything else rows.OPEN))]
    app.out.json(documents)
    if not documents:
        app.out.line("Nobody waits for a copy.")
        return
    table = [
        (one["id"], one["asked_at"][:16], one["name"], one["address"], one["wanted"], one["state"], one["waits_for"])
        for one in documents
    ]
    app.out.table(("request", "asked", "name", "address", "wants", "state", "waits for"), table)


@copies.command("send")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--number", "label", metavar="LIST/NUMBER", default="", help="This newsletter, if theirs names none.")
@pass_app
def send_copy(app: App, number: int, label: str) -> None:
    """Send whoever asked the newsletter: a second copy, on record as asked for."""
    from balintmail.services import copies as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.reconcile import require_permission  # noqa: PLC0415

    with app.context() as ctx:
        require_permission(ctx)
        with ctx.db.write() as tx:
            mailing = service.send(ctx, tx, number, by=ctx.actor, label=label.lower())
            document = _document(ctx, tx, service.shown(tx, number))
    app.out.json(document)
    app.out.line(f'"{mailing.title}" leaves for {document["address"]} with the next dispatch.')


@copies.command("decline")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--reason", metavar="TEXT", default="", help="Why; it is told to whoever asked.")
@click.option("--note", metavar="TEXT", default="", help="A note for the record, which nobody else reads.")
@pass_app
def decline_copy(app: App, number: int, reason: str, note: str) -> None:
    """Decline a request: a courteous mail tells whoever asked, with --reason.

    Nobody is written to whose address was never confirmed.
    """
    from balintmail.services import copies as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.write() as tx:
        service.decline(ctx, tx, number, by=ctx.actor, reason=reason, note=note)
        document = _document(ctx, tx, service.shown(tx, number))
    app.out.json(document)
    app.out.line(f"Declined: {document['address']}.")


def _document(ctx: "Context", tx: "Tx", row: "CopyRow") -> dict[str, Any]:
    from balintmail.db.copies import issue  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    found = issue(tx, row.mailing_id) if row.mailing_id else None
    zone = ctx.settings.zone
    return {
        "id": row.id,
        "wanted": row.wanted,
        "mailing": found.label if found else None,
        "title": found.title if found else None,
        "name": row.name,
        "address": row.email,
        "person": row.person_id,
        "language": row.language,
        "state": row.state.value,
        "waits_for": _WAITS_FOR.get(row.state.value, ""),
        "asked_at": rfc3339(row.created_at, zone),
        "expires_at": rfc3339(row.expires_at, zone) if row.expires_at else None,
        "decided_at": rfc3339(row.decided_at, zone) if row.decided_at else None,
        "decided_by": row.decided_by,
        "reason": row.reason,
        "note": row.note,
    }
