"""`balintmail returns`: what came back, which addresses are not reached for it, and striking those off.

It mails nobody and lets nobody be mailed again; that is `suppress remove`.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.returns import REASON_WORDS

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from balintmail.db.returns import EventRow
    from balintmail.services.returns import Unreached, Way


@click.group(cls=Group)
def returns() -> None:
    """Show what came back and who is not reached for it: list, dead, done."""


@returns.command("list")
@click.argument("who", metavar="[ADDRESS|PERSON]", default="")
@click.option("--unproven", is_flag=True, help="Only what carries no token of ours, and therefore changed nothing.")
@click.option("--policy", is_flag=True, help="Only refusals by a rule or a spam filter, which count against nobody.")
@pass_app
def list_all(app: App, who: str, unproven: bool, policy: bool) -> None:
    """List bounces and complaints, of all or of one, the newest first, at most 1,000.

    The raw message is one step away: balintmail inbox show NUMBER --raw
    """
    from balintmail.services.returns import Asked, events  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = events(ctx, Asked(who, unproven, policy))
        zone = ctx.settings.zone
    app.out.json([_event(row, zone) for row in found])
    if not found:
        app.out.line("Nothing came back.")
        return
    app.out.table(
        ("when", "address", "mailing", "what", "status", "done", "message"),
        [
            (
                _moment(row.at, zone),
                row.address,
                row.label,
                "complaint" if row.sentence == "complaint" else REASON_WORDS[row.reason],
                row.status,
                row.outcome.partition(": ")[2] or row.outcome,
                row.message,
            )
            for row in found
        ],
    )


@returns.command()
@pass_app
def dead(app: App) -> None:
    """List the addresses that are not mailed for what came back, and how else their people are reached.

    Those that are only paused are tried again by themselves; `returns done` strikes an address off.
    """
    from balintmail.services.returns import unreached  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = unreached(ctx)
        zone = ctx.settings.zone
    app.out.json([_unreached(row, zone) for row in found])
    if not found:
        app.out.line("Every address is mailed, as far as anybody knows.")
        return
    rows = [
        (
            row.address,
            " & ".join(f"{way.name or '(no name)'} ({way.person})" for way in row.people),
            REASON_WORDS[row.reason],
            _moment(row.since, zone) if row.since else "",
            f"{row.standing.value}, next {_day(row.next_at, zone)}" if row.next_at else row.standing.value,
            "; ".join(filter(None, (_ways(way) for way in row.people))) or "no other way",
        )
        for row in found
    ]
    app.out.table(("address", "whose", "why", "since", "stands", "other ways"), rows)
    app.out.line("When you have seen to one: balintmail returns done ADDRESS")


@returns.command()
@click.argument("address", metavar="ADDRESS", nargs=-1, required=True)
@pass_app
def done(app: App, address: tuple[str, ...]) -> None:
    """Strike addresses off the list of those that are not reached. They stay unmailed, and paused ones are tried on."""
    from balintmail.services.returns import done as strike  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = strike(ctx, address)
    app.out.json([{"address": text, "result": "done" if listed else "already"} for text, listed in found])
    for text, listed in found:
        app.out.line(f"{text}: {'struck off' if listed else 'was not on the list'}")


def _event(row: "EventRow", zone: "ZoneInfo") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    return {
        "message": row.message,
        "at": rfc3339(row.at, zone),
        "address": row.address,
        "person": row.person,
        "mailing": row.label or None,
        "verdict": row.sentence.value,
        "reason": row.reason.value,
        "status": row.status,
        "evidence": row.evidence,
        "proven": row.proven,
        "weight": row.weight,
        "outcome": row.outcome,
    }


def _unreached(row: "Unreached", zone: "ZoneInfo") -> dict[str, Any]:
    from balintmail.domain.times import rfc3339  # noqa: PLC0415

    return {
        "address": row.address,
        "state": row.standing.name.lower(),
        "reason": row.reason.value,
        "since": rfc3339(row.since, zone) if row.since else None,
        "next_at": rfc3339(row.next_at, zone) if row.next_at else None,
        "people": [
            {
                "id": way.person,
                "name": way.name,
                "addresses": list(way.others),
                "post": way.post,
                "phone": way.phone or None,
            }
            for way in row.people
        ],
    }


def _ways(way: "Way") -> str:
    return ", ".join([*way.others, *(["post"] if way.post else []), *([way.phone] if way.phone else [])])


def _moment(at: Any, zone: "ZoneInfo") -> str:
    from balintmail.domain.times import long_form  # noqa: PLC0415

    return long_form(at, zone)


def _day(at: Any, zone: "ZoneInfo") -> str:
    local = at.astimezone(zone)
    return f"{local.day} {local:%B}"
