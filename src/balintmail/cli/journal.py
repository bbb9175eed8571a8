"""`balintmail journal`: the issues of the Journal, their papers, the copies in stock, and the yearly despatch.

It decides nothing by itself: services/journal_issues.py, journal_articles.py and despatches.py do.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.despatches import despatch
from balintmail.cli.journal_articles import articles
from balintmail.cli.journal_import import import_papers
from balintmail.errors import UsageRefused

if TYPE_CHECKING:
    from balintmail.db.journal_issues import IssueRow
    from balintmail.services.context import Context
    from balintmail.services.journal_articles import Contents

_FILE = click.Path(path_type=Path)
_DETAILS = (
    click.option("--volume", metavar="TEXT", help="The volume, such as 53."),
    click.option("--number", metavar="TEXT", help="The number within the volume."),
    click.option("--issn", metavar="ISSN", help="Its ISSN, where it is not the one in the settings."),
    click.option("--title", metavar="TEXT", help="A title of its own, such as a theme."),
    click.option("--language", metavar="LANGUAGE", help="The language of its papers."),
    click.option("--published", metavar="DAY", help='The day it is published; "" while it is in the making.'),
    click.option("--embargo", metavar="DAY", help="The first day on which its papers are open to everybody."),
    click.option("--print-run", metavar="NUMBER", help="How many copies were ordered from the printer."),
    click.option("--pdf", metavar="FILE", type=_FILE, help="The whole of it as PDF, for e-copies."),
    click.option("--cover", metavar="FILE", type=_FILE, help="A picture of the cover, PNG or JPEG."),
)
_COUNTS = ("printed", "given", "lost", "found")


def _details(function: Any) -> Any:
    for option in reversed(_DETAILS):
        function = option(function)
    return function


@click.group(cls=Group)
def journal() -> None:
    """Keep the issues of the Journal, and see that everybody gets their copy."""


journal.add_command(articles)
journal.add_command(despatch)
journal.add_command(import_papers)


@journal.command("add")
@click.argument("label", metavar="YEAR")
@_details
@pass_app
def add_issue(app: App, /, label: str, **said: Any) -> None:
    """Add a journal issue, named by its year: 2026, or 2026-2 for the second of a year."""
    from balintmail.services import journal_issues as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        added = service.add(ctx, label, service.IssueChanges(**said))
        app.out.json(issue_document(ctx, added))
        app.out.line(f"Journal {added.label} added. Its papers: balintmail journal articles add {added.label}")


@journal.command("edit")
@click.argument("label", metavar="YEAR")
@_details
@pass_app
def edit_issue(app: App, /, label: str, **said: Any) -> None:
    """Change a journal issue; an empty text empties what it names."""
    from balintmail.services import journal_issues as service  # noqa: PLC0415  (loads SQLAlchemy)

    if all(value is None for value in said.values()):
        raise UsageRefused("Nothing to change was named.", hint="See: balintmail journal edit --help")
    with app.context() as ctx:
        changed = service.edit(ctx, label, service.IssueChanges(**said))
        app.out.json(issue_document(ctx, changed))
        app.out.line(f"Journal {changed.label} changed.")


@journal.command("list")
@pass_app
def list_issues(app: App) -> None:
    """Show the issues of the Journal, the newest first."""
    from balintmail.db import journal_issues as rows  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        papers = rows.counts(tx)
        found = rows.every(tx)
        documents = [{**issue_document(ctx, row), "papers": papers.get(row.id, 0)} for row in found]
    app.out.json(documents)
    if not documents:
        app.out.line("There is no issue of the Journal yet. Add one: balintmail journal add YEAR")
        return
    table = [
        (
            one["label"],
            one["volume"],
            one["number"],
            one["published_on"] or "in the making",
            one["papers"],
            "yes" if one["pdf"] else "no",
            one["stock"]["free"],
        )
        for one in documents
    ]
    app.out.table(("journal", "volume", "number", "published", "papers", "PDF", "copies free"), table)


@journal.command("show")
@click.argument("label", metavar="YEAR")
@pass_app
def show_issue(app: App, label: str) -> None:
    """Show a journal issue with its contents and its stock."""
    from balintmail.services import journal_articles as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            found = service.contents(tx, label)
        document = {**issue_document(ctx, found.issue), "contents": _contents_documents(found)}
    app.out.json(document)
    stock = document["stock"]
    facts = [
        ("volume", " ".join(filter(None, (document["volume"], document["number"] and f"({document['number']})")))),
        ("title", document["title"]),
        ("ISSN", document["issn"]),
        ("language", document["language"]),
        ("published", document["published_on"] or "in the making"),
        ("open from", document["embargo_until"] or ""),
        ("print run", "" if document["print_run"] is None else f"{document['print_run']:,} copies"),
        ("PDF", "yes" if document["pdf"] else "no"),
        ("cover", "yes" if document["cover"] else "no"),
        ("stock", f"{stock['on_shelf']:,} on the shelf, {stock['reserved']:,} set aside, {stock['free']:,} free"),
    ]
    app.out.line(f"Journal {found.issue.label}")
    app.out.line()
    for name, value in facts:
        if value:
            app.out.line(f"  {name:<11} {value}")
    app.out.line()
    if not document["contents"]:
        app.out.line(f"No papers yet. Add one: balintmail journal articles add {found.issue.label} --title TEXT")
        return
    table = [
        (one["position"], ", ".join(who["name"] for who in one["authors"]), one["title"], one["pages"])
        for one in document["contents"]
    ]
    app.out.table(("paper", "authors", "title", "pages"), table)


@journal.command("stock")
@click.argument("label", metavar="YEAR")
@click.option("--printed", metavar="NUMBER", type=click.IntRange(1), help="So many came from the printer.")
@click.option("--given", metavar="NUMBER", type=click.IntRange(1), help="So many were given away.")
@click.option("--lost", metavar="NUMBER", type=click.IntRange(1), help="So many are damaged or missing.")
@click.option("--found", metavar="NUMBER", type=click.IntRange(1), help="So many more were there than counted.")
@click.option("--note", metavar="TEXT", default="", help="A note for the record.")
@pass_app
def stock(app: App, /, label: str, note: str, **said: int | None) -> None:
    """Show the printed copies of a journal issue, or count some in or out."""
    from balintmail.db import journal_issues as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.despatches import StockReason  # noqa: PLC0415
    from balintmail.domain.times import rfc3339  # noqa: PLC0415
    from balintmail.services import journal_issues as service  # noqa: PLC0415

    wanted = [(name, number) for name in _COUNTS if (number := said[name]) is not None]
    if len(wanted) > 1:
        raise UsageRefused("One count at a time.", hint="Each is on record with its own reason.")
    with app.context() as ctx:
        for name, number in wanted:
            service.change_stock(ctx, label, StockReason(name), number, note=note)
        with ctx.db.read() as tx:
            issue = service.named(tx, label)
            moves = rows.moves(tx, issue.id)
        document = {
            "label": issue.label,
            "print_run": issue.print_run,
            **_stock(issue),
            "moves": [
                {
                    "at": rfc3339(move.at, ctx.settings.zone),
                    "reason": move.reason.value,
                    "on_shelf": move.on_shelf,
                    "reserved": move.reserved,
                    "note": move.note,
                    "by": move.actor,
                }
                for move in moves
            ],
        }
    app.out.json(document)
    counted = f"{document['on_shelf']:,} on the shelf, {document['reserved']:,} set aside, {document['free']:,} free."
    app.out.line(f"Journal {issue.label}: {counted}")
    if moves:
        app.out.line()
        table = [
            (one["at"][:10], one["reason"], one["on_shelf"], one["reserved"], one["by"], one["note"])
            for one in document["moves"]
        ]
        app.out.table(("day", "reason", "on shelf", "set aside", "by", "note"), table)


def issue_document(ctx: "Context", row: "IssueRow") -> dict[str, Any]:
    """Return a journal issue as its commands print it under --json."""
    return {
        "label": row.label,
        "year": row.year,
        "volume": row.volume,
        "number": row.number,
        "issn": row.issn or ctx.settings.journal.issn,
        "title": row.title,
        "language": row.language,
        "published_on": row.published_on.isoformat() if row.published_on else None,
        "embargo_until": row.embargo_until.isoformat() if row.embargo_until else None,
        "print_run": row.print_run,
        "pdf": row.pdf,
        "cover": row.cover,
        "stock": _stock(row),
    }


def _stock(row: "IssueRow") -> dict[str, Any]:
    return {"on_shelf": row.on_shelf, "reserved": row.reserved, "free": row.on_shelf - row.reserved}


def _contents_documents(found: "Contents") -> list[dict[str, Any]]:
    from balintmail.cli.journal_articles import article_document  # noqa: PLC0415

    return [article_document(paper, authors) for paper, authors in found.papers]
