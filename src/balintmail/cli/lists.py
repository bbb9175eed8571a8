"""`balintmail lists`: list, add, edit and archive mailing lists, and their forms. It puts nobody on a list."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import click

from balintmail.cli import list_forms
from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.states import Policy

if TYPE_CHECKING:
    from balintmail.db.lists import MailingListRow
    from balintmail.services.lists import Manners

_F = TypeVar("_F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--name", metavar="NAME", help="What people call it."),
    click.option("--purpose", metavar="TEXT", help="What it is for, in one line; stands in the foot of letters."),
    click.option("--policy", type=click.Choice([each.value for each in Policy]), help="How people join it."),
    click.option("--language", metavar="TAG", help='Its language, such as "en".'),
    click.option("--from", "sender", metavar="SENDER", help='"Name <address>" or an address; "" for the Secretary.'),
    click.option("--reply-to", metavar="ADDRESS", help='Where answers go; "" for the sender.'),
    click.option("--footer", metavar="TEXT", help="Lines for the foot of every letter."),
    click.option("--words", metavar="TEXT", help="The standing words of consent, when `subscribe` is given none."),
    click.option("--relay", metavar="NAME", help='The relay that its letters try first; "" for the settings\' order.'),
    click.option(
        "--latest/--no-latest", "sends_latest", default=None, help="Whether the latest number goes with the welcome."
    ),
    click.option("--default", "is_default", is_flag=True, default=None, help="The list that commands mean by default."),
)


def _manners_options(function: _F) -> _F:
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.group(cls=Group)
def lists() -> None:
    """List, add, edit and archive mailing lists."""


@lists.command("list")
@pass_app
def list_lists(app: App) -> None:
    """Show all mailing lists, archived ones too."""
    from balintmail.db import lists as rows  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        found, sizes = rows.every(tx), rows.sizes(tx)
    app.out.json([{**_document(row), "people": sizes.get(row.id, 0)} for row in found])
    table = [
        (row.slug, row.name, row.policy.value, row.language, sizes.get(row.id, 0), row.list_id, _remarks(row))
        for row in found
    ]
    app.out.table(("list", "name", "policy", "language", "people", "List-Id", ""), table)


@lists.command()
@click.argument("slug")
@_manners_options
@click.option("--list-id", metavar="ID", default="", help="A List-Id it had elsewhere (default: made from the site).")
@pass_app
def add(app: App, /, slug: str, list_id: str, **given: Any) -> None:
    """Add a mailing list; SLUG is its short name in commands and web addresses and never changes."""
    from balintmail.services import lists as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        row = service.add(ctx, slug, _manners(given), list_id)
    app.out.json(_document(row))
    app.out.line(f'Added the list {row.slug}, "{row.name}", List-Id {row.list_id}, policy {row.policy.value}.')


@lists.command()
@click.argument("slug")
@_manners_options
@pass_app
def edit(app: App, /, slug: str, **given: Any) -> None:
    """Change a mailing list; its short name and List-Id stay."""
    from balintmail.services import lists as service  # noqa: PLC0415  (loads SQLAlchemy)

    manners = _manners(given)
    if manners == service.Manners():
        raise click.UsageError("Say what to change, such as --policy or --footer.")
    with app.context() as ctx:
        done = service.edit(ctx, slug, manners)
    app.out.json({"list": slug, "changed": done})
    app.out.line(f"{slug}: changed {', '.join(done)}." if done else f"{slug}: nothing to change, it was so already.")


@lists.command()
@click.argument("slug")
@click.option("--undo", is_flag=True, help="Open an archived list again.")
@pass_app
def archive(app: App, slug: str, undo: bool) -> None:
    """Close a list for everything new; what it sent and who was on it stays on record."""
    from balintmail.services import lists as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        done = service.unarchive(ctx, slug) if undo else service.archive(ctx, slug)
    app.out.json({"list": slug, "archived": not undo, "changed": done})
    if undo:
        app.out.line(f"{slug} is open again." if done else f"{slug} was not archived.")
    else:
        back = f"To take it back: balintmail lists archive {slug} --undo"
        app.out.line(f"{slug} is archived. {back}" if done else f"{slug} was archived already.")


for _command in (list_forms.questions, list_forms.wording, list_forms.snippet):
    lists.add_command(_command)


def _manners(given: dict[str, Any]) -> "Manners":
    from balintmail.services import lists as service  # noqa: PLC0415  (loads SQLAlchemy)

    manners = service.Manners(
        name=given["name"],
        purpose=given["purpose"],
        policy=Policy(given["policy"]) if given["policy"] else None,
        language=given["language"],
        reply_to=given["reply_to"],
        footer=given["footer"],
        standing_words=given["words"],
        is_default=given["is_default"],
        relay=given["relay"],
        sends_latest=given["sends_latest"],
    )
    if given["sender"] is not None:
        name, address = service.sender(given["sender"])
        manners = replace(manners, from_name=name, from_address=address)
    return manners


def _document(row: "MailingListRow") -> dict[str, Any]:
    return {
        "slug": row.slug,
        "name": row.name,
        "list_id": row.list_id,
        "purpose": row.purpose,
        "policy": row.policy.value,
        "language": row.language,
        "from_name": row.from_name,
        "from_address": row.from_address,
        "reply_to": row.reply_to,
        "footer": row.footer,
        "words": row.standing_words,
        "default": row.is_default,
        "relay": row.relay,
        "sends_latest": row.sends_latest,
        "questions": [dict(each) for each in row.questions],
        "archived": row.archived_at is not None,
    }


def _remarks(row: "MailingListRow") -> str:
    return "archived" if row.archived_at else "default" if row.is_default else ""
