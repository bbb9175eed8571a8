"""`balintmail copies`: who asks for a past newsletter, and the Secretary's answer.

It decides nothing by itself; services/copies.py does. The mails that follow leave with dispatch.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

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
    from balintmail.domain.times import table_form  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        found = rows.in_states(tx, *(() if everything else rows.OPEN))
        documents = [_document(ctx, tx, row) for row in found]
        zone = ctx.settings.zone
    app.out.json(documents)
    if not documents:
        app.out.line("Nobody waits for a copy.")
        return
    table = [
        (row.id, table_form(row.created_at, zone), row.name, row.email, row.wanted, row.state.value, one["waits_for"])
        for row, one in zip(found, documents, strict=True)
    ]
    app.out.table(("request", "asked", "name", "address", "wants", "state", "waits for"), table)


@copies.command()
@click.argument("number", metavar="ID", type=click.IntRange(1))
@pass_app
def show(app: App, number: int) -> None:
    """Show one request: who asks for what, and what became of it."""
    from balintmail.services import copies as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            row = service.shown(tx, number)
            document = _document(ctx, tx, row)
        zone = ctx.settings.zone
    app.out.json(document)
    _describe(app, row, document, zone)


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


def _describe(app: App, row: "CopyRow", document: dict[str, Any], zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    app.out.line(f"Request {row.id} for a copy, {row.name or 'no name'} <{row.email or 'forgotten'}>")
    facts = [
        ("wants", row.wanted),
        ("that is", f'{document["mailing"]} "{document["title"]}"' if document["mailing"] else "none that was sent"),
        ("person", row.person_id),
        ("state", row.state.value),
        ("waits for", document["waits_for"]),
        ("asked", f"{long_form(row.created_at, zone)}, by {row.door}"),
        ("ends", long_form(row.expires_at, zone) if row.expires_at and row.is_open else ""),
        ("decided", f"{long_form(row.decided_at, zone)}, {row.decided_by}" if row.decided_at else ""),
        ("reason", row.reason),
        ("note", row.note),
        ("message", f"{row.inbound_id}: balintmail inbox show {row.inbound_id}" if row.inbound_id else ""),
    ]
    app.out.table(("", ""), [(f"  {name}", value) for name, value in facts if value])
    if document["waits_for"] == _WAITS_FOR["waiting"]:
        app.out.line(f"Decide: balintmail copies send {row.id}, or decline {row.id} --reason TEXT")


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
