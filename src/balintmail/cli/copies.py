"""`balintmail copies`: who asks for a copy of a newsletter or of the Journal, and entering such a wish.

It decides nothing by itself; services/copies.py does. The Secretary's answers: cli/copy_answers.py. The mails that
follow leave with dispatch.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.copy_answers import answer, decline, quote
from balintmail.cli.copy_documents import WAITS_FOR, document
from balintmail.errors import UsageRefused

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.services.copies import Standing
    from balintmail.services.copy_requests import Asked

_DONE = {
    "sent": "They may have it: it leaves with the next dispatch.",
    "asked": "It waits for the Secretary: balintmail copies answer {number}",
    "known": "They have asked for the same already: request {number}.",
    "refused": "Nothing is sent: the address must not be mailed.",
}


@click.group(cls=Group)
def copies() -> None:
    """List, enter and answer requests for copies of newsletters and of the Journal.

    Whoever may have a copy gets it at once; here is what waits for you.
    """


@copies.command("list")
@click.option("--all", "everything", is_flag=True, help="Decided ones, too.")
@pass_app
def list_copies(app: App, everything: bool) -> None:
    """Show the requests that wait, the oldest first: those for you, and those that wait for whoever asked."""
    from balintmail.db import copies as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.times import table_form  # noqa: PLC0415
    from balintmail.services.copy_requests import asked_of  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        found = rows.in_states(tx, *(() if everything else rows.OPEN))
        documents = [document(ctx, tx, asked_of(ctx, tx, row)) for row in found]
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
    """Show one request: who asks for what, on which terms, and what became of it."""
    from balintmail.services import copy_requests  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        with ctx.db.read() as tx:
            asked = copy_requests.asked_of(ctx, tx, copy_requests.shown(tx, number))
            found = document(ctx, tx, asked)
        zone = ctx.settings.zone
    app.out.json(found)
    _describe(app, asked, found, zone)


@copies.command("request")
@click.argument("address")
@click.argument("wanted", metavar="WHAT")
@click.option("--name", metavar="NAME", default="", help="Who it is, where the register does not say.")
@click.option("--language", metavar="TAG", default="", help="In which language they are written to, such as hu.")
@click.option("--paper", is_flag=True, help="A printed copy, by post.")
@click.option("--to", "post", metavar="LINE", multiple=True, help="A line of the envelope; none: as registered.")
@pass_app
def request_copy(app: App, /, address: str, wanted: str, post: tuple[str, ...], **said: Any) -> None:
    """Ask for a copy on behalf of somebody who telephoned or wrote.

    WHAT is newsletter/84, journal/2026, journal/2026/PAPER, latest, or their own words. They get it at once if they may
    have it; else it waits for the Secretary. Nobody asks the address whether it was them: you say so.
    """
    from balintmail.domain.address import AddressRefused, parse  # noqa: PLC0415
    from balintmail.domain.hygiene import language as tag  # noqa: PLC0415
    from balintmail.services import copies as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import copy_requests  # noqa: PLC0415

    if post and not said["paper"]:
        raise UsageRefused("--to names lines of an envelope.", hint="Add --paper.")
    try:
        whose = parse(address)
    except AddressRefused as exc:
        raise UsageRefused(f"{address} is not an address: {exc.reason}.") from exc
    language = tag(said["language"]) if said["language"] else ""
    with app.context() as ctx:
        wish = service.clean(
            service.Wish(
                wanted=wanted,
                address=whose,
                at=ctx.clock.now(),
                name=said["name"],
                language=language,
                door=copy_requests.COMMAND,
                paper=said["paper"],
                post="\n".join(post),
            )
        )
        with ctx.db.write() as tx:
            standing, number = service.ask(ctx, tx, wish)
            found = document(ctx, tx, copy_requests.asked_of(ctx, tx, copy_requests.shown(tx, number)))
    app.out.json({**found, "result": standing.value})
    app.out.line(f"Request {number}: {found['title'] or found['wanted']}, for {found['address']}.")
    app.out.line(_said(standing, number))


def _said(standing: "Standing", number: int) -> str:
    return _DONE[standing.value].format(number=number)


def _describe(app: App, asked: "Asked", found: dict[str, Any], zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    row, terms = asked.row, asked.terms
    app.out.line(f"Request {row.id} for a copy, {row.name or 'no name'} <{row.email or 'forgotten'}>")
    used = found["link"]
    facts = [
        ("wants", row.wanted),
        ("that is", f'{found["target"]} "{found["title"]}"' if found["target"] else "nothing that has come out here"),
        ("on", "paper" if terms.paper else ""),
        ("to", ", ".join(found["post"])),
        ("in stock", f"{found['free']} free" if terms.paper else ""),
        ("price", f"{found['price']}, {'agreed to' if terms.agreed_at else 'asked for'}" if found["price"] else ""),
        ("person", row.person_id),
        ("state", row.state.value),
        ("waits for", found["waits_for"]),
        ("asked", f"{long_form(row.created_at, zone)}, by {row.door}"),
        ("ends", long_form(row.expires_at, zone) if row.expires_at and row.is_open else ""),
        ("decided", f"{long_form(row.decided_at, zone)}, {row.decided_by}" if row.decided_at else ""),
        ("reason", row.reason),
        ("note", row.note),
        ("link", f"used {used['uses']} of {used['most_uses']} times, until {used['expires_at']}" if used else ""),
        ("message", f"{row.inbound_id}: balintmail inbox show {row.inbound_id}" if row.inbound_id else ""),
    ]
    app.out.table(("", ""), [(f"  {name}", value) for name, value in facts if value])
    if found["waits_for"] == WAITS_FOR["waiting"]:
        app.out.line(f"Decide: copies answer {row.id}, copies quote {row.id} PRICE, or copies decline {row.id}")


for _command in (answer, quote, decline):
    copies.add_command(_command)
