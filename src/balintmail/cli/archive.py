"""`balintmail archive`: take in newsletters of earlier years, and make the search's index anew.

It decides nothing by itself; services/past_newsletters.py and services/search_index.py do.
"""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.states import Visibility

if TYPE_CHECKING:
    from balintmail.services.context import Context
    from balintmail.services.past_newsletters import Order, Taken


@click.group(cls=Group)
def archive() -> None:
    """Take in newsletters of earlier years; make the index of the search anew."""


@archive.command("import")
@click.argument("path", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--list", "list_slug", metavar="LIST", default="", help="Whose newsletters they are; the default list's.")
@click.option(
    "--visibility",
    type=click.Choice([each.value for each in Visibility]),
    default=Visibility.PUBLIC.value,
    help="Who may read those that do not say it themselves.",
)
@click.option("--dry-run", is_flag=True, help="Say what would happen, and write nothing.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def import_(app: App, path: Path, list_slug: str, visibility: str, dry_run: bool, yes: bool) -> int:
    """Take in a folder of newsletters: Markdown, HTML, PDF, .eml and mailboxes (.mbox). It mails nobody.

    Day, number and title are taken from what a file says of itself, else from its name, such as
    2019-03-01-newsletter-84.pdf. The same file never comes in twice. Shows the dry run first and asks.
    """
    from balintmail.services.past_newsletters import Order  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        order = Order(path, list_slug, Visibility(visibility))
        written = yes and not dry_run
        taken = _run(app, ctx, order, write=written)
        if not written and not dry_run and any(one.result.value == "new" for one in taken):
            written = app.out.confirm("Take them into the archive?")
            if written:
                taken = _run(app, ctx, order, write=True, quiet=True)
    counts = Counter(one.result.value for one in taken)
    app.out.json(
        {
            **{name: counts[name] for name in ("new", "unchanged", "refused")},
            "newsletters": [_document(one) for one in taken],
            "written": written,
        }
    )
    said = f"{counts['new']} new, {counts['unchanged']} there already, {counts['refused']} refused."
    app.out.line(f"{said} {'Written.' if written else 'Nothing was written.'}")
    return 0 if written or dry_run or not counts["new"] else 1


@archive.command()
@click.option("--again", is_flag=True, help="Those that could not be read before, too.")
@pass_app
def read(app: App, again: bool) -> None:
    """Read the words of the Journal's PDFs, so that the search finds them; dispatch reads new ones by itself.

    Scans without a text layer are read by ocrmypdf where it is installed, which takes some seconds a page.
    """
    from balintmail.services import search_index  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        counts = read_papers(app, ctx, again=again)
        search_index.keep_in_step(ctx)
    app.out.json({**counts, "recogniser": _recogniser()})


@archive.command()
@pass_app
def index(app: App) -> None:
    """Make the index of the search anew, from all newsletters and papers."""
    from balintmail.services import search_index  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        entries = search_index.make_anew(ctx)
    app.out.json({"entries": entries})
    app.out.line(f"The search knows {entries} newsletters and papers.")


def _run(app: App, ctx: "Context", order: "Order", *, write: bool, quiet: bool = False) -> "list[Taken]":
    """Take in what the order names and tell of each; with `quiet` it has been told already."""
    from dataclasses import replace  # noqa: PLC0415

    from balintmail.services.past_newsletters import take_in  # noqa: PLC0415  (loads SQLAlchemy)

    found = []
    for one in take_in(ctx, replace(order, write=write)):
        found.append(one)
        if not quiet:
            told = f"{one.number}, {one.on}, {one.title}" if one.on else one.reason or one.title
            app.out.line(f"  {one.result.value:<10} {one.file}  {told}")
    return found


def read_papers(app: App, ctx: "Context", *, again: bool = False) -> dict[str, int]:
    """Read the PDFs whose words are not known, tell of those that give none; return how all of them stand."""
    from balintmail.db import searched  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.archive import TextState  # noqa: PLC0415
    from balintmail.services import pdf_texts  # noqa: PLC0415

    good = (TextState.READ, TextState.RECOGNISED)
    for count, row in enumerate(pdf_texts.read_waiting(ctx, again=again), start=1):
        if row.state not in good:
            with ctx.db.read() as tx:
                app.out.line(f"  {row.state.value:<10} {searched.whose(tx, row.digest)}: {row.remark}")
        elif count % 100 == 0:
            app.out.line(f"  {count:,} PDFs read")
    with ctx.db.read() as tx:
        states = searched.states(tx)
    counts = {state.value: states.get(state, 0) for state in TextState}
    known, scans = counts["read"] + counts["recognised"], counts["scan"]
    app.out.line(f"{known:,} PDFs can be searched; {scans + counts['locked'] + counts['broken']:,} give no words.")
    if scans and not _recogniser():
        app.out.line(
            f"{scans:,} are scans without a text layer, found by title, authors and abstract alone, and ocrmypdf is not"
            " installed. Install it (Debian: apt install ocrmypdf) and run: balintmail archive read"
        )
    return counts


def _recogniser() -> bool:
    from balintmail.receiving import ocr  # noqa: PLC0415

    return ocr.installed()


def _document(one: "Taken") -> dict[str, Any]:
    return {
        "file": one.file,
        "result": one.result.value,
        "number": one.number,
        "on": one.on.isoformat() if one.on else None,
        "title": one.title,
        "reason": one.reason,
    }
