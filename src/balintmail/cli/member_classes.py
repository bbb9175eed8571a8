"""`balintmail members class`: the classes of members, their fees and what each includes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from balintmail.cli.command import App, Group, pass_app

if TYPE_CHECKING:
    from balintmail.db.members import ClassRow

_F = TypeVar("_F", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--name", metavar="NAME", help="What people call it."),
    click.option("--fee", metavar="AMOUNT", help='A year\'s dues, such as "30.00" or "EUR 35"; 0 for none.'),
    click.option("--counts/--no-counts", default=None, help="Whether its people are members, in filters and letters."),
    click.option("--paper/--no-paper", default=None, help="Whether the Journal on paper is included."),
    click.option("--pdf/--no-pdf", default=None, help="Whether the Journal as a PDF is included."),
    click.option("--votes/--no-votes", default=None, help="Whether its people vote."),
)


def _class_options(function: _F) -> _F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.group(cls=Group)
def classes() -> None:
    """List, add and edit the classes of members."""


@classes.command("list")
@pass_app
def list_classes(app: App) -> None:
    """Show every class with its fee, what it includes and how many are of it."""
    from balintmail.db import members as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.money import written  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        found, sizes = rows.classes(tx), rows.class_sizes(tx)
    app.out.json([{**_document(row), "people": sizes.get(row.id, 0)} for row in found])
    table = [
        (
            row.slug,
            row.name,
            written(row.fee, row.currency) if row.fee else "no dues",
            _includes(row),
            sizes.get(row.id, 0),
            "archived" if row.archived_at else "",
        )
        for row in found
    ]
    app.out.table(("class", "name", "a year", "includes", "people", ""), table)


@classes.command()
@click.argument("slug", metavar="CLASS")
@_class_options
@pass_app
def add(app: App, /, slug: str, **given: Any) -> None:
    """Add a class; CLASS is its short name and never changes."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        row = service.add_class(ctx, slug, service.ClassFacts(**given))
    _tell(app, "Added the class", row)


@classes.command()
@click.argument("slug", metavar="CLASS")
@_class_options
@click.option("--archive/--no-archive", "archived", default=None, help="Whether nobody new may be of it.")
@pass_app
def edit(app: App, /, slug: str, **given: Any) -> None:
    """Change a class: its name, its fee, what it includes."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    facts = service.ClassFacts(**given)
    if facts == service.ClassFacts():
        raise click.UsageError("Say what to change, such as --fee or --name.")
    with app.context() as ctx:
        row = service.edit_class(ctx, slug, facts)
    _tell(app, "The class", row)


def _tell(app: App, what: str, row: "ClassRow") -> None:
    from balintmail.domain.money import written  # noqa: PLC0415

    app.out.json(_document(row))
    fee = f"{written(row.fee, row.currency)} a year" if row.fee else "no dues"
    app.out.line(f'{what} {row.slug}, "{row.name}": {fee}; includes {_includes(row) or "nothing"}.')


def _includes(row: "ClassRow") -> str:
    named = {"membership": row.counts, "paper": row.paper, "PDF": row.pdf, "vote": row.votes}
    return ", ".join(name for name, held in named.items() if held)


def _document(row: "ClassRow") -> dict[str, Any]:
    return {
        "class": row.slug,
        "name": row.name,
        "fee": row.fee,
        "currency": row.currency,
        "counts": row.counts,
        "paper": row.paper,
        "pdf": row.pdf,
        "votes": row.votes,
        "archived": row.archived_at is not None,
    }
