"""`balintmail people`: the group, and who is on the register: list and show. It changes nobody.

Each subcommand's module is imported when it is called, so that `people list` needs no spreadsheet reader.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Command, Group, pass_app

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.db.people import PersonEntry
    from balintmail.db.postal import PostalRow
    from balintmail.db.session import Tx
    from balintmail.services.people import Portrait

# name: (module, attribute); the order is that of the help.
SUBCOMMANDS: dict[str, tuple[str, str]] = {
    "list": ("people", "list_people"),
    "show": ("people", "show"),
    "edit": ("people_changes", "edit"),
    "import": ("people_files", "import_people"),
    "export": ("people_files", "export_people"),
    "held": ("people_held", "held"),
    "merge": ("people_changes", "merge"),
    "erase": ("people_changes", "erase"),
}


class LazyPeople(Group):
    """The group of `people`; a subcommand's module is imported when the subcommand is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in SUBCOMMANDS:
            return None
        module, attribute = SUBCOMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"balintmail.cli.{module}"), attribute)
        return found


@click.group(cls=LazyPeople)
def people() -> None:
    """List, show, edit, import, export, merge and erase people; hand out what is held of one."""


@click.command("list", cls=Command)
@click.option("--list", "list_slug", metavar="LIST", default="", help="Only who is subscribed to it or paused on it.")
@click.option("--member/--not-member", default=None, help="Only members, or only others.")
@click.option("--where", metavar="FILTER", default="", help='A filter, such as: member and language = "hu"')
@pass_app
def list_people(app: App, list_slug: str, member: bool | None, where: str) -> None:
    """List people; the filter language is described in docs/filters.md."""
    from balintmail.services.people import Wanted, entries  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        found = entries(tx, Wanted(list_slug, member, where), ctx)
        if app.out.wants_json:
            app.out.json_array(document(entry) for entry in found)
            return
        rows = [_row(entry) for entry in found]
    if rows:
        app.out.table(("id", "name", "address", "member", "language", "lists"), rows)
    app.out.line(f"{len(rows):,} people" if len(rows) != 1 else "1 person")


@click.command(cls=Command)
@click.argument("who", metavar="PERSON")
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@pass_app
def show(app: App, who: str, person: int | None, everyone: bool) -> None:
    """Show all that is known of a person, named by number or address, and what happened when."""
    from balintmail.services.people import portrait  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx, ctx.db.read() as tx:
        found = [portrait(tx, number) for number in chosen(tx, who, person, everyone=everyone)]
        zone = ctx.settings.zone
    documents = [_whole(each, zone) for each in found]
    app.out.json(documents if everyone else documents[0])
    for number, each in enumerate(found):
        if number:
            app.out.line()
        _describe(app, each, zone)


def chosen(tx: "Tx", who: str, person: int | None, *, everyone: bool) -> list[int]:
    """Return the numbers of the people a command is about; where an address is shared, --person or --all decides."""
    from balintmail.services.people import find, find_one  # noqa: PLC0415  (loaded already)

    if everyone and person is not None:
        raise click.UsageError("--person and --all do not go together.")
    return [row.id for row in find(tx, who)] if everyone else [find_one(tx, who, person=person).id]


def document(entry: "PersonEntry") -> dict[str, Any]:
    """Return a person as the JSON of `people list` has it."""
    return {
        "id": entry.person.id,
        "name": entry.person.name,
        "addresses": [{"address": row.email, "state": row.state} for row in entry.addresses],
        "member": entry.person.member,
        "language": entry.person.language,
        "lists": {slug: state.value for slug, state in entry.lists.items()},
    }


def _row(entry: "PersonEntry") -> Sequence[object]:
    first = entry.addresses[0] if entry.addresses else None
    shown = "" if first is None else first.email if first.state == "ok" else f"{first.email} ({first.state})"
    more = f" +{len(entry.addresses) - 1}" if len(entry.addresses) > 1 else ""
    lists = ", ".join(
        slug if state == "subscribed" else f"{slug} ({state.value})" for slug, state in entry.lists.items()
    )
    person = entry.person
    return (person.id, person.name, shown + more, "yes" if person.member else "no", person.language or "", lists)


def _whole(portrait: "Portrait", zone: "ZoneInfo") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415  (loaded already)

    person = portrait.entry.person
    return {
        **document(portrait.entry),
        "first_name": person.first_name,
        "fields": person.fields,
        "joined": rfc3339(person.joined_at, zone),
        "paused_until": {slug: rfc3339(until, zone) for slug, until in portrait.entry.pauses.items()},
        "journal_format": person.journal_format,
        "post": [
            {
                **row.parts,
                "from": row.valid_from.isoformat() if row.valid_from else None,
                "until": row.valid_until.isoformat() if row.valid_until else None,
            }
            for row in portrait.post
        ],
        "shared": {email: list(others) for email, others in portrait.shared.items()},
        "timeline": [
            {
                "at": rfc3339(moment.at, zone),
                "what": moment.what,
                "by": moment.by,
                **({"message": moment.message} if moment.message else {}),
            }
            for moment in portrait.timeline
        ],
    }


def _describe(app: App, portrait: "Portrait", zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    person = portrait.entry.person
    app.out.line(f"{person.name or '(no name)'}, person {person.id}")
    app.out.line()
    facts = [*_facts(portrait, zone), ("joined", long_form(person.joined_at, zone))]
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        app.out.line(f"  {name.ljust(width)}  {value}".rstrip())
    app.out.line()
    app.out.table(
        ("when", "what", "by"), [(long_form(each.at, zone), each.what, each.by) for each in portrait.timeline]
    )


def _facts(portrait: "Portrait", zone: "ZoneInfo") -> Iterator[tuple[str, str]]:
    from balintmail.domain.times import day_form  # noqa: PLC0415  (loaded already)

    person = portrait.entry.person
    yield "first name", person.first_name
    yield "language", person.language or "(the list's)"
    yield "member", "yes" if person.member else "no"
    for row in portrait.entry.addresses:
        others = ", ".join(f"person {number}" for number in portrait.shared.get(row.email, ()))
        remarks = [
            *(["preferred"] if row.preferred and len(portrait.entry.addresses) > 1 else []),
            *([row.state] if row.state != "ok" else []),
            *([f"shared with {others}"] if others else []),
        ]
        yield "address", row.email + (f"  ({'; '.join(remarks)})" if remarks else "")
    for slug, state in portrait.entry.lists.items():
        until = portrait.entry.pauses.get(slug)
        yield slug, state.value + (f" until {day_form(until.astimezone(zone).date())}" if until else "")
    if person.journal_format:
        yield "Journal", {"paper": "on paper", "pdf": "as PDF", "both": "on paper and as PDF"}[person.journal_format]
    for post in portrait.post:
        yield "post", _post(post, person.name)
    for name, value in sorted(person.fields.items()):
        yield name, str(value)


def _post(row: "PostalRow", name: str) -> str:
    from balintmail.domain.times import day_form  # noqa: PLC0415  (loaded already)
    from balintmail.services.postal import lines  # noqa: PLC0415  (reads address data)

    days = [
        *([f"from {day_form(row.valid_from)}"] if row.valid_from else []),
        *([f"until {day_form(row.valid_until)}"] if row.valid_until else []),
    ]
    where = ", ".join([*(line for line in lines(row.parts, name) if line != name), row.country_code])
    return where + (f"  ({' '.join(days)})" if days else "")
