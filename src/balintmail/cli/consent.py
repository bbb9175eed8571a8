"""`balintmail consent`: show, verify and export the record of who agreed to what. It changes nobody's consent."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.output import Tone

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.services.consent import Verdict


@click.group(cls=Group)
def consent() -> None:
    """Show, verify and export the record of who agreed to what, when and in which words."""


@consent.command()
@click.argument("who", metavar="PERSON")
@click.option("--person", metavar="ID", type=int, help="Which one, where people share the address.")
@click.option("--all", "everyone", is_flag=True, help="Everybody who shares the address.")
@pass_app
def show(app: App, who: str, person: int | None, everyone: bool) -> None:
    """Show what a person, named by number or address, agreed to and withdrew, the oldest first."""
    from balintmail.cli.people import chosen  # noqa: PLC0415  (only this command looks for people)
    from balintmail.services import consent as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import by_id  # noqa: PLC0415

    with app.context() as ctx:
        zone = ctx.settings.zone
        with ctx.db.read() as tx:
            found = [by_id(tx, number) for number in chosen(tx, who, person, everyone=everyone)]
        documents: list[dict[str, Any]] = [
            {"person": row.id, "name": row.name, "events": service.shown(ctx, row.id)} for row in found
        ]
    app.out.json(documents if everyone else documents[0])
    for place, each in enumerate(documents):
        if place:
            app.out.line()
        app.out.line(f"Person {each['person']}, {each['name'] or 'no name'}")
        if not each["events"]:
            app.out.line("  Nothing is on record: they never agreed to anything and never left anything.")
        for event in each["events"]:
            _describe(app, event, zone)


@consent.command()
@click.option("--head", metavar="DIGEST", default="", help="A digest noted earlier, which the chain must go through.")
@pass_app
def verify(app: App, head: str) -> int:
    """Recompute the whole record: say what was altered, is missing, was added, and how much was erased as it should be.

    Exit status 1 when anything is wrong.
    """
    from balintmail.services import consent as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.verify(ctx, head)
    app.out.json(_document(found))
    for finding in found.findings:
        app.out.line(f"{finding.kind.value:<8}  {finding.message}", Tone.STOP)
    if (left := sum(found.counts.values()) - len(found.findings)) > 0:
        app.out.line(f"          (the counts below hold {left:,} more)", Tone.MUTED)
    app.out.table(("entries", "links", "erased", *(kind.value for kind in found.counts)), [_numbers(found)])
    app.out.line()
    if found.whole:
        app.out.line("The record is whole.", Tone.GOOD)
        if found.head:
            app.out.line(f"Its end, to be noted elsewhere:  {found.head}")
        return 0
    app.out.line("The record is not whole. A backup from before may show what stood there.", Tone.STOP)
    return 1


@consent.command()
@click.argument("file", type=click.Path(path_type=Path), required=False)
@click.option("--format", "layout", type=click.Choice(["csv", "json"]), help="Default: as the file is named.")
@click.option("--yes", is_flag=True, help="Replace FILE without asking.")
@pass_app
def export(app: App, file: Path | None, layout: str | None, yes: bool) -> None:
    """Write the whole record to FILE, or to standard output.

    CSV is safe in a spreadsheet; the file can be read by you alone (mode 600).
    """
    from balintmail.cli.private_files import may_write, private_file, standard_output  # noqa: PLC0415
    from balintmail.services import consent as service  # noqa: PLC0415  (loads SQLAlchemy)

    named = file.suffix.lower().lstrip(".") if file else ""
    kind = service.Layout(layout or (named if named in {"csv", "json"} else "json" if app.options.json else "csv"))
    with app.context() as ctx:
        if file is None or str(file) == "-":
            with standard_output() as out:
                service.export(ctx, kind, out)
            return
        may_write(app.out, file, yes=yes)
        with private_file(file) as out:
            count = service.export(ctx, kind, out)
    app.out.json({"file": str(file), "events": count})
    app.out.line(f"{count:,} events written to {file}.")


def _describe(app: App, event: dict[str, Any], zone: "ZoneInfo") -> None:
    from balintmail.domain.times import long_form  # noqa: PLC0415  (loaded already)

    verb = "agreed to" if event["action"] == "agreed" else "left"
    at = long_form(datetime.fromisoformat(event["at"]), zone)
    app.out.line(f"  {at}  {verb} {event['list'] or 'everything'} ({event['ground'].replace('_', ' ')})")
    if event["erased"]:
        app.out.line("      what was said is erased")
        return
    app.out.line(f'      "{event["words"]}"')
    day = f", collected {event['collected']}" if event["collected"] else ""
    address = f", {event['address']}" if event["address"] else ""
    app.out.line(f"      {event['how']}, by {event['by']}{day}{address}")
    if event["evidence"]:
        app.out.line("      " + ", ".join(f"{key} {value}" for key, value in event["evidence"].items()))


def _numbers(found: "Verdict") -> tuple[int, ...]:
    return (found.entries, found.links, found.erased, *found.counts.values())


def _document(found: "Verdict") -> dict[str, Any]:
    return {
        "ok": found.whole,
        "entries": found.entries,
        "links": found.links,
        "erased": found.erased,
        **{kind.value: number for kind, number in found.counts.items()},
        "head": found.head,
        "findings": [
            {"kind": finding.kind.value, "entry": finding.entry, "message": finding.message}
            for finding in found.findings
        ],
    }
