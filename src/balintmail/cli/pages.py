"""`balintmail pages`: the society's own pages on the site: what there is, what it says, and what it said before.

It writes no file by itself; services/pages.py does.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.pages import PageFile

STARTER = """\
---
title: {title}
order: 100
visibility: public
menu: yes
lead:
---

"""


@click.group(cls=Group)
def pages() -> None:
    """Keep the society's own pages: list, edit, show, history.

    They are Markdown files in the folder pages/: about.md stands at /pages/about, about.de.md is the same in German.
    """


@pages.command("list")
@pass_app
def list_pages(app: App) -> int:
    """Show every page with its place on the site, and what keeps one from being shown.

    The reading list (reading-list.bib or reading-list.json in the same folder) is looked at, too. Exit status 1:
    something cannot be shown.
    """
    from balintmail.services.pages import Shelf, note_changes  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.reading import Bookcase  # noqa: PLC0415

    with app.context() as ctx:
        note_changes(ctx)
        found = Shelf(ctx.folder).files()
        books = Bookcase(ctx.folder).reading_list()
    documents = [_document(one) for one in found]
    reading = {"file": books.file, "works": books.works, "problem": books.problem}
    app.out.json({"pages": documents, "reading_list": reading})
    if documents:
        rows = [
            (one["file"], one["path"], one["title"], one["order"], one["visibility"], "yes" if one["menu"] else "no")
            for one in documents
            if not one["problem"]
        ]
        app.out.table(("file", "stands at", "title", "order", "visibility", "menu"), rows)
    else:
        app.out.line("There are no pages yet. Begin one: balintmail pages edit about")
    problems = [f"{one['file']}: {one['problem']}" for one in documents if one["problem"]]
    if books.file and not books.problem:
        app.out.line(f"Reading list: {books.file}, {books.works} titles.")
    elif books.problem:
        problems.append(f"{books.file}: {books.problem}")
    for line in problems:
        app.out.line(f"Not shown: {line}")
    return 1 if problems else 0


@pages.command("edit")
@click.argument("name")
@click.option(
    "--file",
    "source",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Take the page from this file instead of opening an editor.",
)
@click.option("--version", "number", type=click.IntRange(1), help="Put this earlier version back.")
@click.option("--remove", is_flag=True, help="Take the page off the site; its history stays.")
@pass_app
def edit_page(app: App, name: str, source: Path | None, number: int | None, remove: bool) -> None:
    """Change a page, or begin a new one, in your editor.

    What cannot be shown is refused, and nothing is changed then.
    """
    from balintmail.errors import UsageRefused  # noqa: PLC0415
    from balintmail.services import pages as service  # noqa: PLC0415  (loads SQLAlchemy)

    if sum((source is not None, number is not None, remove)) > 1:
        raise UsageRefused("--file, --version and --remove are three different things: give one of them.")
    with app.context() as ctx:
        file = service.file_of(name)
        if remove:
            made = service.remove(ctx, name, by=ctx.actor)
        else:
            before = _before(ctx, name)
            text = _new_text(ctx, name, before, source=source, number=number)
            if text is None:
                app.out.line("Nothing was changed.")
                app.out.json({"file": file, "version": None, "path": _path(file), "changed": False})
                return
            made = service.edit(ctx, name, text, was=service.Source(file, before).digest, by=ctx.actor)
    app.out.json({"file": file, "version": made, "path": _path(file), "changed": True})
    app.out.line(f"{file}: version {made}. " + ("It is off the site." if remove else f"It stands at {_path(file)}."))


@pages.command("show")
@click.argument("name")
@click.option("--version", "number", type=click.IntRange(1), help="What it said in this version.")
@pass_app
def show_page(app: App, name: str, number: int | None) -> None:
    """Print a page's Markdown, as it is or as it was."""
    from balintmail.services import pages as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        text = service.version(ctx, name, number).source if number else service.read(ctx, name).text
        file = service.file_of(name)
    app.out.json({"file": file, "version": number, "source": text})
    app.out.line(text.rstrip("\n"))


@pages.command("history")
@click.argument("name")
@pass_app
def page_history(app: App, name: str) -> None:
    """Show when a page was changed and by whom, the newest first."""
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import pages as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.history(ctx, name)
        zone = ctx.settings.zone
    documents = [
        {
            "version": one.number,
            "at": rfc3339(one.at, zone),
            "by": one.actor,
            "size": len(one.source.encode()),
            "removed": not one.source,
        }
        for one in found
    ]
    app.out.json(documents)
    rows = [
        (one["version"], str(one["at"])[:16], one["by"], "removed" if one["removed"] else f"{one['size']:,} bytes")
        for one in documents
    ]
    app.out.table(("version", "at", "by", "size"), rows)


def _before(ctx: "Context", name: str) -> str:
    from balintmail.errors import NotFound  # noqa: PLC0415
    from balintmail.services import pages as service  # noqa: PLC0415

    try:
        return service.read(ctx, name).text
    except NotFound:
        return ""


def _new_text(ctx: "Context", name: str, before: str, *, source: Path | None, number: int | None) -> str | None:
    """Return what the page shall say, None where nothing was changed."""
    from balintmail.composing.refusals import FileUnreadable  # noqa: PLC0415
    from balintmail.services import pages as service  # noqa: PLC0415

    if number is not None:
        return service.version(ctx, name, number).source
    if source is not None:
        try:
            return source.read_text("utf-8-sig")
        except (OSError, UnicodeError) as exc:
            raise FileUnreadable(source.name, 0, "it cannot be read as UTF-8 text.") from exc
    title = service.file_of(name).partition(".")[0].replace("-", " ").capitalize()
    written = click.edit(before or STARTER.format(title=title), extension=".md")
    return written if written is not None and written != before else None


def _path(file: str) -> str:
    from balintmail.services.pages import path_of  # noqa: PLC0415

    return path_of(file.partition(".")[0])


def _document(one: "PageFile") -> dict[str, Any]:
    said = one.page.text if one.page else None
    return {
        "file": one.file,
        "path": one.page.path if one.page else None,
        "language": one.page.language if one.page else "",
        "title": said.title if said else "",
        "order": said.place if said else None,
        "visibility": said.visibility.value if said else "",
        "menu": said.in_menu if said else False,
        "problem": one.problem,
    }
