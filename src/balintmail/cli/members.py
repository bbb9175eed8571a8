"""`balintmail members`: who is a member, since when, paid until when; begin, correct, renew and end memberships.

It decides nothing by itself; services/memberships.py does. What was paid is `balintmail dues`.
"""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.cli.member_classes import classes
from balintmail.cli.member_files import export_members, import_members
from balintmail.cli.member_post import post
from balintmail.cli.member_rounds import rounds
from balintmail.domain.members import Standing, reference

if TYPE_CHECKING:
    from balintmail.db.members import MembershipRow
    from balintmail.services.memberships import Entry

_DAY = click.DateTime(formats=["%Y-%m-%d"])
_PERSON = click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
STANDING_WORDS = {
    Standing.PAID: "paid",
    Standing.FREE: "no dues",
    Standing.UNKNOWN: "paid until not known",
    Standing.GRACE: "dues owed",
    Standing.LAPSED: "lapsed",
    Standing.COMING: "not begun",
    Standing.RESIGNED: "resigned",
    Standing.DIED: "died",
}


@click.group(cls=Group)
def members() -> None:
    """List, show, add, edit, renew and end memberships, and keep the classes of members.

    Who is a member in filters and letters follows from here.
    """


members.add_command(classes, "class")
members.add_command(rounds, "round")
members.add_command(post)
members.add_command(import_members)
members.add_command(export_members)


@members.command("list")
@click.option("--class", "of_class", metavar="CLASS", default="", help="Those of one class.")
@click.option("--standing", type=click.Choice([each.value for each in Standing]), help="Those who stand so today.")
@click.option("--all", "everything", is_flag=True, help="Those that have ended, too.")
@pass_app
def list_members(app: App, of_class: str, standing: str | None, everything: bool) -> None:
    """Show the memberships that run, with what each is worth today."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    wanted = service.Wanted(of_class, Standing(standing) if standing else None, everything)
    with app.context() as ctx, ctx.db.read() as tx:
        found = list(service.entries(ctx, tx, wanted))
    app.out.json([_document(each) for each in found])
    if not found:
        app.out.line("There is no such membership. To begin one: balintmail members add PERSON")
        return
    table = [
        (
            each.person.id,
            each.person.name,
            each.row.of.slug,
            _shown(each.row.since),
            _shown(each.row.paid_until) if each.row.of.fee else "",
            STANDING_WORDS[each.standing],
        )
        for each in found
    ]
    app.out.table(("person", "name", "class", "since", "paid until", "standing"), table)


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@pass_app
def show(app: App, who: str, person: int | None) -> None:
    """Show somebody's memberships, what they paid, and the reference for their payments."""
    from balintmail.cli.dues import payment_document  # noqa: PLC0415
    from balintmail.db import dues as payments  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import memberships as service  # noqa: PLC0415
    from balintmail.services.people import find_one  # noqa: PLC0415

    with app.context() as ctx, ctx.db.read() as tx:
        row = find_one(tx, who, person=person)
        found = service.of_person(ctx, tx, row.id)
        paid = payments.listed(tx, payments.Wanted(person=row.id, cancelled=True))
    app.out.json(
        {
            "person": row.id,
            "name": row.name,
            "member": row.member,
            "died": row.died_on.isoformat() if row.died_on else None,
            "reference": reference(row.id),
            "memberships": [_document(each) for each in found],
            "payments": [payment_document(each) for each in paid],
        }
    )
    app.out.line(f"{row.name or '(no name)'}, person {row.id}" + (f", died {row.died_on}" if row.died_on else ""))
    app.out.line(f"  reference for payments  {reference(row.id)}")
    for each in found:
        ended = f", ended {each.row.ended_on}" if each.row.ended_on else ""
        remark = f"  ({each.row.remark})" if each.row.remark else ""
        app.out.line(f"  {each.row.of.slug}  {_terms(each.row)}{ended}  {STANDING_WORDS[each.standing]}{remark}")
    if not found:
        app.out.line("  never a member")
    for payment in paid:
        covers = f"  until {payment.covers_until}" if payment.covers_until else ""
        gone = "  cancelled" if payment.cancelled_at else ""
        amount = written(payment.amount, payment.currency)
        app.out.line(f"  paid {payment.paid_on}  {amount}  {payment.how.value}{covers}{gone}")


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@click.option("--class", "of_class", metavar="CLASS", help="Of which class; full unless you say.")
@click.option("--since", type=_DAY, help="The first day; today unless you say.")
@click.option("--paid-until", type=_DAY, help="The last day that is paid for; none unless you say.")
@click.option("--remark", metavar="TEXT", help="A remark for the record.")
@pass_app
def add(app: App, /, who: str, person: int | None, **given: Any) -> None:
    """Begin a membership of somebody on the register."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = _number(ctx, who, person)
        row = service.add(ctx, number, _facts(given))
    app.out.json(_row_document(row))
    app.out.line(f"Person {row.person_id} is a member of the class {row.of.slug}, {_terms(row)}.")


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@click.option("--class", "of_class", metavar="CLASS", help="Of which class.")
@click.option("--since", type=_DAY, help="The first day.")
@click.option("--paid-until", type=_DAY, help="The last day that is paid for.")
@click.option("--remark", metavar="TEXT", help="A remark for the record.")
@pass_app
def edit(app: App, /, who: str, person: int | None, **given: Any) -> None:
    """Correct the membership that somebody has."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    facts = _facts(given)
    if facts == service.Facts():
        raise click.UsageError("Say what to change, such as --class or --paid-until.")
    with app.context() as ctx:
        number = _number(ctx, who, person)
        done = service.edit(ctx, number, facts)
    app.out.json({"person": number, "changed": done})
    app.out.line(f"Person {number}: changed {', '.join(done)}." if done else f"Person {number}: it was so already.")


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@click.option("--until", type=_DAY, help="The last day that is paid for; the end of the next period unless you say.")
@pass_app
def renew(app: App, who: str, person: int | None, until: Any) -> None:
    """Let somebody's membership be paid for the next period, without recording money."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        row = service.renew(ctx, _number(ctx, who, person), _date(until))
    app.out.json(_row_document(row))
    app.out.line(f"Person {row.person_id} is paid until {row.paid_until}.")


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@click.option("--on", type=_DAY, help="The first day on which they are no member; today unless you say.")
@click.option("--remark", metavar="TEXT", default="", help="A remark for the record.")
@click.option("--undo", is_flag=True, help="It was a mistake: take the latest resignation back.")
@pass_app
def resign(app: App, /, who: str, person: int | None, on: Any, remark: str, undo: bool) -> None:
    """End somebody's membership at their wish; their newsletters go on until they leave the list."""
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services import taken_back  # noqa: PLC0415

    if undo and (on is not None or remark):
        raise click.UsageError("--undo takes back what was recorded, and says nothing else.")
    with app.context() as ctx:
        number = _number(ctx, who, person)
        row = taken_back.resignation(ctx, number) if undo else service.resign(ctx, number, _date(on), remark)
    app.out.json(_row_document(row))
    if undo:
        app.out.line(f"Person {row.person_id} has not resigned: {row.of.slug}, {_terms(row)}.")
        return
    app.out.line(f"Person {row.person_id} is no member from {row.ended_on} on. Their lists stay as they are.")


@members.command()
@click.argument("who", metavar="PERSON")
@_PERSON
@click.option("--on", type=_DAY, help="The day of the death, where you know it.")
@click.option("--remark", metavar="TEXT", default="", help="A remark for the record.")
@click.option("--undo", is_flag=True, help="It was a mistake: restore what was.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@pass_app
def died(app: App, /, who: str, person: int | None, **given: Any) -> None:
    """Record that somebody has died: nothing is mailed or posted to them any more."""
    if given["undo"]:
        if given["on"] is not None or given["remark"]:
            raise click.UsageError("--undo takes back what was recorded, and says nothing else.")
        _lives(app, who, person, yes=given["yes"])
        return
    from balintmail.cli.output import NotConfirmed  # noqa: PLC0415  (loaded already)
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = _number(ctx, who, person)
        if not given["yes"] and not app.out.confirm(
            f"Record that person {number} has died, and stop all mail to them?"
        ):
            raise NotConfirmed("Nothing was recorded.", hint="Off a terminal, add --yes.")
        left = service.died(ctx, number, _date(given["on"]), given["remark"])
    app.out.json({"person": number, "lists_left": left})
    app.out.line(f"It is recorded that person {number} has died. Nothing is mailed or posted to them any more;")
    app.out.line("whoever shared an address with them keeps getting their own letters.")


def _lives(app: App, who: str, person: int | None, *, yes: bool) -> None:
    from balintmail.cli.output import NotConfirmed  # noqa: PLC0415  (loaded already)
    from balintmail.services import taken_back  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        number = _number(ctx, who, person)
        if not yes and not app.out.confirm(f"Take back that person {number} has died, and mail them again?"):
            raise NotConfirmed("Nothing was changed.", hint="Off a terminal, add --yes.")
        on = taken_back.death(ctx, number)
    app.out.json({"person": number, "lists": on})
    app.out.line(f"Person {number} lives: lists {on}, addresses and membership are as they were.")
    app.out.line("What was mailed in the meantime is not sent to them afterwards.")


def _number(ctx: Any, who: str, person: int | None) -> int:
    from balintmail.services.people import find_one  # noqa: PLC0415  (loads SQLAlchemy)

    with ctx.db.read() as tx:
        return find_one(tx, who, person=person).id


def _facts(given: dict[str, Any]) -> Any:
    from balintmail.services import memberships as service  # noqa: PLC0415  (loads SQLAlchemy)

    return service.Facts(given["of_class"], _date(given["since"]), _date(given["paid_until"]), given["remark"])


def _date(given: Any) -> date | None:
    return given.date() if given is not None else None


def _shown(day: date | None) -> str:
    return day.isoformat() if day else "not known"


def _terms(row: "MembershipRow") -> str:
    since = f"since {row.since}" if row.since else "since a day not known"
    if not row.of.fee:
        return since
    if row.paid_until is not None and row.since is not None and row.paid_until < row.since:
        return f"{since}, dues not paid yet"
    return f"{since}, paid until {_shown(row.paid_until)}"


def _row_document(row: "MembershipRow") -> dict[str, Any]:
    return {
        "person": row.person_id,
        "class": row.of.slug,
        "since": row.since.isoformat() if row.since else None,
        "paid_until": row.paid_until.isoformat() if row.paid_until else None,
        "state": row.state.value,
        "ended": row.ended_on.isoformat() if row.ended_on else None,
        "remark": row.remark,
    }


def _document(each: "Entry") -> dict[str, Any]:
    return {**_row_document(each.row), "name": each.person.name, "standing": each.standing.value}
