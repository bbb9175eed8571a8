"""`balintmail calendar`: the society's year, with reminders and a feed for calendar programs.

It decides nothing by itself; services/duties.py does. The reminders leave with dispatch.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.days import DAY

if TYPE_CHECKING:
    from datetime import date

    from balintmail.db.duties import DutyRow
    from balintmail.services.context import Context
    from balintmail.services.duties import Fall

_EVERY = {"once": 0, "month": 1, "quarter": 3, "half-year": 6, "year": 12}


@click.group(cls=Group)
def calendar() -> None:
    """Keep the society's year: recurring duties with their reminders.

    Newsletters, deadlines, dues, the posting of the Journal. Dispatch reminds the Secretary in time, and once more when
    a day is over and nothing was done.
    """


@calendar.command("list")
@click.option("--days", type=click.IntRange(1, 3660), default=366, show_default=True, help="How far ahead to look.")
@pass_app
def list_duties(app: App, days: int) -> None:
    """Show what is late and what comes, in the order of the days."""
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = [_document(one, ctx) for one in duties.upcoming(ctx, days)]
    app.out.json(found)
    if not found:
        app.out.line("Nothing comes. Begin with what most societies do in a year: balintmail calendar usual")
        return
    rows = [(one["id"], one["on"], one["title"], one["every"], one["state"]) for one in found]
    app.out.table(("duty", "on", "what", "every", "state"), rows)


@calendar.command("add")
@click.argument("title")
@click.option("--on", "first", type=DAY, required=True, help="Its first day.")
@click.option("--every", type=click.Choice(list(_EVERY)), default="year", show_default=True, help="How often it comes.")
@click.option(
    "--notice", type=click.IntRange(0, 366), default=14, show_default=True, metavar="DAYS", help="Days before."
)
@click.option("--remark", default="", help="How it is done; it stands in the reminder.")
@click.option("--newsletter", "list_slug", default="", metavar="LIST", help="Begin the list's next newsletter, too.")
@pass_app
def add_duty(app: App, /, title: str, **said: Any) -> None:
    """Enter a duty with its first day. 29 February falls on the 28th in other years."""
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    new = duties.Said(
        title=title,
        first_on=said["first"],
        months=_EVERY[said["every"]],
        lead_days=said["notice"],
        remark=said["remark"],
        list=said["list_slug"],
    )
    with app.context() as ctx:
        duty = duties.add(ctx, new)
    app.out.json(_duty(duty))
    app.out.line(f'Duty {duty.id}: "{duty.title}", first on {duty.first_on.isoformat()}.')


@calendar.command("usual")
@pass_app
def usual_duties(app: App) -> None:
    """Enter what most societies do in a year: dues, details round, copy deadline, posting, keys, newsletters.

    What is there under the same title is left as it is.
    """
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        added = [_duty(one) for one in duties.add_usual(ctx)]
    app.out.json(added)
    for one in added:
        app.out.line(f'Duty {one["id"]}: "{one["title"]}", {one["every"]}, from {one["first_on"]}.')
    if not added:
        app.out.line("All of them are there already.")


@calendar.command("done")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@click.option("--on", "day", type=DAY, help="The day it fell on (default: the earliest open one).")
@click.option("--remark", default="", help="A word for the record.")
@pass_app
def done_duty(app: App, number: int, day: "date | None", remark: str) -> None:
    """Say that a duty is done, for one of its days."""
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = duties.done(ctx, number, day=day, remark=remark)
        document = _document(found, ctx)
    app.out.json(document)
    app.out.line(f'"{found.duty.title}" of {found.day.isoformat()} is done.')


@calendar.command("end")
@click.argument("number", metavar="ID", type=click.IntRange(1))
@pass_app
def end_duty(app: App, number: int) -> None:
    """Let a duty come no more."""
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        duty = duties.end(ctx, number)
    app.out.json(_duty(duty))
    app.out.line(f'"{duty.title}" comes no more.')


@calendar.command("feed")
@click.option("--new", "renew", is_flag=True, help="Make a new address; the old one leads nowhere then.")
@pass_app
def calendar_feed(app: App, renew: bool) -> None:
    """Print the secret address of the year as iCalendar, for a calendar program to subscribe to.

    Whoever has the address reads the calendar. It names nobody.
    """
    from balintmail.services import duties  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        address = duties.address(ctx, renew=renew)
    app.out.json({"url": address})
    app.out.line(address)


def _duty(duty: "DutyRow") -> dict[str, Any]:
    often = next(
        (name for name, months in _EVERY.items() if months == duty.every_months), f"{duty.every_months} months"
    )
    return {
        "id": duty.id,
        "title": duty.title,
        "first_on": duty.first_on.isoformat(),
        "every": often,
        "notice": duty.lead_days,
        "remark": duty.remark,
        "newsletter": duty.list,
    }


def _document(one: "Fall", ctx: "Context") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    known, zone = one.known, ctx.settings.zone
    today = ctx.clock.now().astimezone(zone).date()
    if one.is_done:
        state = "done"
    elif one.day < today:
        state = "late"
    else:
        state = "reminded" if known and known.reminded_at else "to come"
    return {
        **_duty(one.duty),
        "on": one.day.isoformat(),
        "state": state,
        "draft": known.draft if known else "",
        "done_at": rfc3339(known.done_at, zone) if known and known.done_at else None,
        "done_by": known.done_by if known else "",
        "done_remark": known.remark if known else "",
    }
