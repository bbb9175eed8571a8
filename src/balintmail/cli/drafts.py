"""`balintmail drafts`: newsletters that officers mailed in, for a terminal.

It releases nothing: that is done on the page behind the link that the Secretary gets, or with `send` once it is saved.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.services.draft_desk import Listed

_NUMBER = click.argument("number", metavar="N", type=click.IntRange(1))


@click.group(cls=Group)
def drafts() -> None:
    """List, save and drop newsletters that were mailed in.

    The Secretary releases them on the page behind the link that is mailed back; docs/inbox.md tells of it.
    """


@drafts.command("list")
@pass_app
def list_drafts(app: App) -> None:
    """Show the drafts that may be released, the newest first."""
    from balintmail.services import draft_desk  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        documents = [_document(one, ctx.settings.zone) for one in draft_desk.listed(ctx)]
    app.out.json(documents)
    if not documents:
        app.out.line("No draft waits. Mail a newsletter to the address for drafts, and it will stand here.")
        return
    table = [
        (
            one["id"],
            one["received_at"][:16].replace("T", " "),
            one["by"],
            f"{one['list']}/{one['number']}",
            one["title"],
        )
        for one in documents
    ]
    app.out.table(("draft", "came in", "in the name of", "newsletter", "title"), table)


@drafts.command("save")
@_NUMBER
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@pass_app
def save(app: App, number: int, folder: Path) -> None:
    """Write a draft as newsletter.md, with the files that came with it, into a folder: here unless it is named.

    Nothing is overwritten. Then it is sent as any other: check, preview, send.
    """
    from balintmail.services import draft_desk  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        saved = draft_desk.save(ctx, number, folder)
    app.out.json({"id": number, "files": [str(path) for path in saved]})
    for path in saved:
        app.out.line(str(path))


@drafts.command("drop")
@_NUMBER
@pass_app
def drop(app: App, number: int) -> None:
    """End a draft without sending it. Nobody is mailed."""
    from balintmail.services import draft_desk  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        draft_desk.drop(ctx, number)
    app.out.json({"id": number, "dropped": True})
    app.out.line(f"Draft {number} is dropped. Nobody has been mailed.")


def _document(one: "Listed", zone: "ZoneInfo") -> dict[str, Any]:
    """Return one draft as JSON shows it."""
    row = one.row
    return {
        "id": row.id,
        "received_at": row.created_at.astimezone(zone).isoformat(timespec="seconds"),
        "expires_at": row.expires_at.astimezone(zone).isoformat(timespec="seconds"),
        "by": one.by,
        "list": one.list,
        "number": one.number,
        "title": one.title,
    }
