"""`balintmail documents`: the slide decks and documents that the resources page offers.

It keeps no file by itself; services/documents.py does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.db.documents import DocumentRow
    from balintmail.services.context import Context
    from balintmail.services.documents import Said

_SAID = (
    click.option("--title", help="What it is called."),
    click.option("--remark", help="A sentence about it, shown with it."),
    click.option("--language", metavar="TAG", help="The language it is in, such as hu."),
    click.option(
        "--visibility",
        type=click.Choice(["public", "members", "none"]),
        help="Who may have it; none takes it off the site.",
    ),
    click.option("--order", "place", type=click.IntRange(0, 100_000), help="Its place: small numbers first."),
)


def _said(command: Any) -> Any:
    for option in reversed(_SAID):
        command = option(command)
    return command


@click.group(cls=Group)
def documents() -> None:
    """Offer slide decks and documents on the resources page: add, edit, list."""


@documents.command("list")
@pass_app
def list_documents(app: App) -> None:
    """Show every document with its newest version."""
    from balintmail.db import documents as rows  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        found = [_document(ctx, one) for one in rows.every(tx)]
    app.out.json(found)
    if not found:
        app.out.line('There are no documents yet. Begin: balintmail documents add slides.pptx --title "…"')
        return
    table = [
        (one["name"], one["title"], one["version"], one["label"], one["size"], one["visibility"], one["added_at"][:10])
        for one in found
    ]
    app.out.table(("name", "title", "version", "called", "bytes", "visibility", "since"), table)


@documents.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--name", "slug", default="", help="The document of which this is the next version.")
@click.option("--version", "label", default="", help="What this version is called, such as 2026.")
@_said
@pass_app
def add_document(app: App, /, file: Path, slug: str, label: str, **said: Any) -> None:
    """Offer a document, or the next version of one: PDF, Word, OpenDocument, slides, text or a picture.

    Macros are refused. A picture of the first page is made where poppler, and for slides LibreOffice, are installed.
    """
    from balintmail.services import documents as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        done = service.add(ctx, file, _of(said, label), slug=slug)
        document = _document(ctx, done.document)
    app.out.json({**document, "again": done.again})
    what = "is there already" if done.again else f"version {document['version']}"
    app.out.line(f"{document['name']}: {what}, at /resources/files/{document['name']}")
    if done.without:
        app.out.line(f"Without a preview picture: {done.without}.")


@documents.command("edit")
@click.argument("name")
@_said
@pass_app
def edit_document(app: App, /, name: str, **said: Any) -> None:
    """Change what is said of a document, or who may have it."""
    from balintmail.services import documents as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        document = _document(ctx, service.edit(ctx, name, _of(said)))
    app.out.json(document)
    app.out.line(f'{name}: "{document["title"]}", {document["visibility"]}.')


def _of(said: dict[str, Any], label: str = "") -> "Said":
    from balintmail.domain.states import Visibility  # noqa: PLC0415
    from balintmail.services.documents import Said  # noqa: PLC0415

    visibility = Visibility(said.pop("visibility")) if said.get("visibility") else said.pop("visibility")
    return Said(**said, visibility=visibility, label=label)


def _document(ctx: "Context", one: "DocumentRow") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    return {
        "name": one.slug,
        "title": one.title,
        "remark": one.remark,
        "language": one.language,
        "visibility": one.visibility.value,
        "order": one.place,
        "version": one.version,
        "label": one.label,
        "file": one.file_name,
        "kind": one.kind,
        "size": one.size,
        "preview": one.preview is not None,
        "added_at": rfc3339(one.at, ctx.settings.zone),
        "by": one.actor,
    }
