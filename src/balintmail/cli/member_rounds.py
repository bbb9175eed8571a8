"""`balintmail members round`: ask every member once a year whether what is held of them is still right.

It decides nothing by itself; services/rounds.py does.
"""

from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.days import DAY
from balintmail.domain.rounds import AnswerState, NextWay

if TYPE_CHECKING:
    from datetime import tzinfo

    from balintmail.services.rounds import State

WAY_WORDS = {
    NextWay.WAIT: "wait: the letter has just gone",
    NextWay.MAIL: "mail",
    NextWay.REMIND: "remind by mail",
    NextWay.OTHER_ADDRESS: "mail their other address",
    NextWay.POST: "by post",
    NextWay.TELEPHONE: "ring them",
    NextWay.ASK_OTHERS: "ask others: no way is known",
}


@click.group("round", cls=Group)
def rounds() -> None:
    """Ask every member whether what is held of them is still right: start, status, remind, answer, close."""


@rounds.command()
@click.option("--due", type=DAY, metavar="DATE", help="The last day to answer; in six weeks unless you say.")
@click.option("--name", metavar="NAME", default="", help="What the round is called; the year unless you say.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def start(app: App, due: Any, name: str, yes: bool) -> int:
    """Mail everybody in good standing a link to their own page, to confirm it or to correct it.

    Who has no address that mail reaches is listed with the next way to reach them.
    """
    from balintmail.services import rounds as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        asked, reached = service.planned(ctx)
        if asked and not yes and not app.out.confirm(f"Ask {asked:,} people, {reached:,} of them by mail?"):
            app.out.json({"round": None, "asked": 0})
            app.out.line("Nobody was asked." + ("" if app.out.interactive else f" Add --yes to ask {asked:,} people."))
            return 1
        found = service.start(ctx, due, name)
        zone = ctx.settings.zone
    mailed = sum(each.answer.mailed_at is not None or each.answer.elsewhere_at is not None for each in found.missing)
    app.out.json(_document(found, zone))
    app.out.line(f"The round {found.row.name} lasts until {found.row.closes_on}; asked: {found.asked:,}.")
    app.out.line(f"Letters that wait for dispatch: {mailed:,}.")
    _list(app, found, [each for each in NextWay if each is not NextWay.WAIT])
    return 0


@rounds.command()
@click.argument("name", metavar="[ROUND]", default="")
@pass_app
def status(app: App, name: str) -> None:
    """Show how many have answered, and who has not, with the next way to reach each of them."""
    from balintmail.services import rounds as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.state(ctx, name)
        zone = ctx.settings.zone
    app.out.json(_document(found, zone))
    closed = f", closed on {found.row.closed_at.astimezone(zone).date()}" if found.row.closed_at else ""
    app.out.line(f"Round {found.row.name}, until {found.row.closes_on}{closed}")
    for state, words in (
        (AnswerState.CONFIRMED, "all is right"),
        (AnswerState.CORRECTED, "corrected something"),
        (AnswerState.WAITING, "no answer yet"),
    ):
        app.out.line(f"  {found.counts[state]:>6,}  {words}")
    _list(app, found, list(NextWay))
    if not found.row.closed_at and any(each.way in service.BY_MAIL for each in found.missing):
        app.out.line("To mail those whom mail reaches: balintmail members round remind")


@rounds.command()
@click.argument("who", metavar="[PERSON]...", nargs=-1)
@pass_app
def remind(app: App, who: tuple[str, ...]) -> None:
    """Mail those whose next way is a mail, at their other address where that is next; or the people you name.

    Dispatch reminds everybody once by itself: [members] round_reminder.
    """
    from balintmail.services import rounds as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import find_one  # noqa: PLC0415

    with app.context() as ctx:
        with ctx.db.read() as tx:
            only = [find_one(tx, each).id for each in who]
        mailed = service.remind(ctx, only)
    app.out.json({"mailed": mailed})
    app.out.line(f"Letters that wait for dispatch: {mailed:,}.")


@rounds.command()
@click.argument("who", metavar="PERSON")
@click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
@click.option("--corrected", is_flag=True, help="Something was wrong, and you have corrected it.")
@click.option("--note", metavar="TEXT", default="", help="How they were reached, for the record.")
@pass_app
def answer(app: App, who: str, person: int | None, corrected: bool, note: str) -> None:
    """Record what somebody said by post or on the telephone: all is right, unless you say otherwise."""
    from balintmail.services import rounds as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import find_one  # noqa: PLC0415

    said = AnswerState.CORRECTED if corrected else AnswerState.CONFIRMED
    with app.context() as ctx:
        with ctx.db.read() as tx:
            number = find_one(tx, who, person=person).id
        row = service.record(ctx, number, said, note)
    app.out.json({"person": row.person_id, "answer": row.state.value, "note": row.note})
    app.out.line(f"Person {row.person_id} has answered: {row.state.value}.")


@rounds.command()
@pass_app
def close(app: App) -> None:
    """End the round: its links work no more, and who has not answered is listed."""
    from balintmail.services import rounds as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.close(ctx)
        zone = ctx.settings.zone
    app.out.json(_document(found, zone))
    answered = found.asked - found.counts[AnswerState.WAITING]
    app.out.line(f"The round {found.row.name} is closed: {answered:,} of {found.asked:,} answered.")
    _list(app, found, list(NextWay))


def _list(app: App, found: "State", ways: list[NextWay]) -> None:
    shown = [each for each in found.missing if each.way in ways]
    table = [(each.answer.person_id, each.name, WAY_WORDS[each.way], each.where) for each in shown]
    if table:
        app.out.line()
        app.out.table(("person", "name", "next way", "where"), table)


def _document(found: "State", zone: "tzinfo") -> dict[str, Any]:
    def moment(at: Any) -> str | None:
        return at.astimezone(zone).isoformat() if at else None

    return {
        "round": found.row.name,
        "started_at": moment(found.row.started_at),
        "until": found.row.closes_on.isoformat(),
        "closed_at": moment(found.row.closed_at),
        "asked": found.asked,
        "counts": {state.value: number for state, number in found.counts.items()},
        "missing": [
            {
                "person": each.answer.person_id,
                "name": each.name,
                "next": each.way.value,
                "where": each.where,
                "mailed_at": moment(each.answer.mailed_at),
                "reminded_at": moment(each.answer.reminded_at),
                "elsewhere_at": moment(each.answer.elsewhere_at),
            }
            for each in found.missing
        ],
    }
