"""`balintmail journal articles`: the papers of a journal issue. services/journal_articles.py keeps them."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.errors import NotFound, UsageRefused

if TYPE_CHECKING:
    from balintmail.db.journal_issues import ArticleRow, AuthorRow
    from balintmail.services.journal_articles import ArticleChanges

_FILE = click.Path(path_type=Path)
_DETAILS = (
    click.option("--title", metavar="TEXT", help="Its title."),
    click.option(
        "--author",
        "authors",
        metavar="NAME",
        multiple=True,
        help='An author as printed; "NAME <WHO>" links the name to somebody on the register. Repeat for each.',
    ),
    click.option("--pages", metavar="PAGES", help="Its pages, such as 12-19."),
    click.option("--abstract", metavar="TEXT", help="Its abstract."),
    click.option("--abstract-file", metavar="FILE", type=_FILE, help="A text file with its abstract."),
    click.option("--doi", metavar="DOI", help="Its DOI."),
    click.option("--language", metavar="LANGUAGE", help="Its language, where it is not the journal issue's."),
    click.option("--kind", metavar="TEXT", help="What it is, such as editorial, review or obituary."),
    click.option("--embargo", metavar="DAY", help="When it is open to everybody, where it has a day of its own."),
    click.option("--pdf", metavar="FILE", type=_FILE, help="The paper as PDF."),
    click.option("--position", metavar="NUMBER", type=click.IntRange(1), help="Its place in the contents."),
)


def _details(function: Any) -> Any:
    for option in reversed(_DETAILS):
        function = option(function)
    return function


@click.group(cls=Group)
def articles() -> None:
    """Add, change and remove the papers of a journal issue."""


@articles.command("add")
@click.argument("label", metavar="YEAR")
@_details
@pass_app
def add_article(app: App, /, label: str, **said: Any) -> None:
    """Add a paper to a journal issue, at its end unless --position says otherwise."""
    from balintmail.services import journal_articles as service  # noqa: PLC0415  (loads SQLAlchemy)

    changes = _changes(said)
    with app.context() as ctx:
        added = service.add(ctx, label, changes)
        _show(app, ctx, added, "added")


@articles.command("edit")
@click.argument("label", metavar="YEAR")
@click.argument("paper", metavar="PAPER")
@_details
@pass_app
def edit_article(app: App, /, label: str, paper: str, **said: Any) -> None:
    """Change a paper, named by its place in the contents or by the end of its web address.

    Authors that are given take the place of all it had.
    """
    from balintmail.services import journal_articles as service  # noqa: PLC0415  (loads SQLAlchemy)

    if all(value is None or value == () for value in said.values()):
        raise UsageRefused("Nothing to change was named.", hint="See: balintmail journal articles edit --help")
    changes = _changes(said)
    with app.context() as ctx:
        changed = service.edit(ctx, label, paper, changes)
        _show(app, ctx, changed, "changed")


@articles.command("remove")
@click.argument("label", metavar="YEAR")
@click.argument("paper", metavar="PAPER")
@pass_app
def remove_article(app: App, label: str, paper: str) -> None:
    """Take a paper out of a journal issue that is not published yet."""
    from balintmail.services import journal_articles as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        gone = service.remove(ctx, label, paper)
    app.out.json(article_document(gone, ()))
    app.out.line(f'"{gone.title}" removed.')


def article_document(row: "ArticleRow", authors: "Sequence[AuthorRow]") -> dict[str, Any]:
    """Return a paper as commands print it under --json."""
    from balintmail.domain.journal_issues import pages_shown  # noqa: PLC0415

    return {
        "position": row.position,
        "slug": row.slug,
        "kind": row.kind,
        "title": row.title,
        "authors": [{"name": one.name, "sorted_as": one.sort_name, "person": one.person_id} for one in authors],
        "pages": pages_shown(row.first_page, row.last_page),
        "abstract": row.abstract,
        "doi": row.doi,
        "language": row.language,
        "embargo_until": row.embargo_until.isoformat() if row.embargo_until else None,
        "pdf": row.pdf,
    }


def _show(app: App, ctx: Any, row: "ArticleRow", done: str) -> None:
    from balintmail.db import journal_issues as rows  # noqa: PLC0415  (loads SQLAlchemy)

    with ctx.db.read() as tx:
        authors = rows.authors(tx, [row.id]).get(row.id, [])
    app.out.json(article_document(row, authors))
    app.out.line(f'{row.position}. "{row.title}" {done}.')


def _changes(said: dict[str, Any]) -> "ArticleChanges":
    from balintmail.services.journal_articles import ArticleChanges  # noqa: PLC0415  (loads SQLAlchemy)

    path: Path | None = said.pop("abstract_file")
    if path is not None:
        if said["abstract"] is not None:
            raise UsageRefused("--abstract and --abstract-file say the same thing; give one of them.")
        try:
            said["abstract"] = path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as exc:
            raise NotFound(f"{path} cannot be read as a text in UTF-8.") from exc
    authors = said.pop("authors") or None
    return ArticleChanges(authors=authors, **said)
