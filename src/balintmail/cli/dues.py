"""`balintmail dues`: what members have paid. It decides nothing by itself; services/dues.py does."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from balintmail.cli.command import App, Group, pass_app
from balintmail.domain.statements import How, LineState

if TYPE_CHECKING:
    from balintmail.db.bank_lines import BankLineRow
    from balintmail.db.dues import PaymentRow

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(cls=Group)
def dues() -> None:
    """Record, list, import and cancel what members have paid."""


@dues.command("list")
@click.argument("who", metavar="[PERSON]", required=False)
@click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
@click.option("--from", "first", type=_DAY, help="Paid on this day or later.")
@click.option("--to", "last", type=_DAY, help="Paid on this day or earlier.")
@click.option("--all", "everything", is_flag=True, help="Cancelled ones, too.")
@click.option("--doubtful", "doubts", is_flag=True, help="The lines of statements that wait for you, and nothing else.")
@pass_app
def list_dues(app: App, /, who: str | None, person: int | None, **given: Any) -> None:
    """Show what was paid, by day, and what it adds up to."""
    if given["doubts"]:
        _show_doubtful(app)
        return
    from balintmail.db import dues as rows  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services.people import find_one  # noqa: PLC0415

    first, last = (given[name].date() if given[name] else None for name in ("first", "last"))
    with app.context() as ctx, ctx.db.read() as tx:
        number = find_one(tx, who, person=person).id if who else person
        found = rows.listed(tx, rows.Wanted(number, first, last, given["everything"]))
    app.out.json([payment_document(row) for row in found])
    if not found:
        app.out.line("No payment is on record. To record one: balintmail dues record PERSON AMOUNT")
        return
    table = [
        (
            row.id,
            str(row.paid_on),
            row.person_id,
            row.name,
            written(row.amount, row.currency),
            row.how.value,
            str(row.covers_until or ""),
            "cancelled" if row.cancelled_at else row.reference,
        )
        for row in found
    ]
    app.out.table(("payment", "paid", "person", "name", "amount", "how", "until", ""), table)
    sums = ", ".join(written(amount, currency) for currency, amount in sorted(rows.sums(found).items()))
    app.out.line(f"{len(found):,} payments, together {sums or 'nothing'}.")


@dues.command()
@click.argument("who", metavar="PERSON")
@click.argument("amount")
@click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
@click.option("--on", type=_DAY, help="When it was paid; today unless you say.")
@click.option("--how", type=click.Choice([each.value for each in How]), default=How.BANK.value, help="How it came.")
@click.option("--reference", metavar="TEXT", default="", help="What stands on it.")
@click.option("--note", metavar="TEXT", default="", help="A note for the record.")
@pass_app
def record(app: App, /, who: str, amount: str, person: int | None, **given: Any) -> None:
    """Record what somebody paid; enough for a year renews the membership.

    AMOUNT is written like 30.00, or with another currency like "EUR 35". What is less than a year's fee is kept until
    the rest comes.
    """
    from balintmail.domain import money  # noqa: PLC0415
    from balintmail.services import dues as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import find_one  # noqa: PLC0415

    with app.context() as ctx:
        found = money.parse(amount, ctx.settings.members.currency)
        with ctx.db.read() as tx:
            number = find_one(tx, who, person=person).id
        day = given["on"].date() if given["on"] else None
        paid = service.Paid(found, day, How(given["how"]), given["reference"], given["note"])
        done = service.record(ctx, number, paid)
    until = done.until.isoformat() if done.until else None
    app.out.json({"payment": done.payment, "person": number, "amount": found.amount, "currency": found.currency,
                  "paid_until": until, "short": done.short})  # fmt: skip
    if done.short:
        short = money.written(done.short, found.currency)
        app.out.line(f"Recorded {found} as payment {done.payment}; {short} more renew the membership.")
        return
    said = f"; paid until {until}" if until else "; the class has no dues"
    app.out.line(f"Recorded {found} of person {number} as payment {done.payment}{said}.")


@dues.command()
@click.option("--days", type=click.IntRange(0, 366), default=60, help="Those whose paid time ends within so many days.")
@pass_app
def reminders(app: App, days: int) -> None:
    """Show who owes dues or soon will, which reminders they got, and when the next one goes.

    The days are set in balintmail.toml: [members] reminders. Reminders stop when dues are paid.
    """
    from datetime import timedelta  # noqa: PLC0415

    from balintmail.services import reminders as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.listed(ctx, timedelta(days=days))
        zone, are_set = ctx.settings.zone, bool(ctx.settings.members.reminders)
    app.out.json(
        [
            {
                "person": each.row.person_id,
                "name": each.name,
                "class": each.row.of.slug,
                "paid_until": each.row.paid_until.isoformat() if each.row.paid_until else None,
                "owed": each.owed.amount,
                "currency": each.owed.currency,
                "sent": [at.astimezone(zone).isoformat() for at in each.sent],
                "next": each.next_on.isoformat() if each.next_on else None,
                "address": each.reached,
            }
            for each in found
        ]
    )
    if not are_set:
        app.out.line("No reminders are sent: [members] reminders is not set.")
    if not found:
        app.out.line("Nobody owes dues.")
        return
    table = [
        (
            each.row.person_id,
            each.name,
            str(each.row.paid_until),
            str(each.owed),
            ", ".join(str(at.astimezone(zone).date()) for at in each.sent),
            "no address" if not each.reached else str(each.next_on or "none"),
        )
        for each in found
    ]
    app.out.table(("person", "name", "paid until", "owed", "reminded on", "next"), table)


@dues.command()
@click.argument("payment", metavar="PAYMENT", type=click.IntRange(1))
@pass_app
def cancel(app: App, payment: int) -> None:
    """Cancel a payment that was recorded by mistake or came back; it stays on record, and its year is owed again."""
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import dues as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        row = service.cancel(ctx, payment)
    app.out.json({"payment": row.id, "person": row.person_id, "cancelled": True})
    app.out.line(f"Payment {row.id}, {written(row.amount, row.currency)} of person {row.person_id}, is cancelled.")


@dues.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--map", "maps", metavar="COLUMN=FIELD", multiple=True, help="Correct the meaning of a column.")
@click.option("--dry-run", is_flag=True, help="Show what would be recorded, and record nothing.")
@pass_app
def import_statement(app: App, file: Path, maps: tuple[str, ...], dry_run: bool) -> None:
    """Take in a bank statement (CSV or XLSX): members are found by reference or name, and by the amount.

    A line counts once, however often it is imported. On a terminal it asks whose the doubtful ones are; else, and
    where you do not know yet, they wait: `dues list --doubtful` and `dues settle`.
    """
    from balintmail.cli.people_files import mapping  # noqa: PLC0415
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.ops.importers import statement  # noqa: PLC0415
    from balintmail.services import dues_import as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = statement.read(file, ctx.settings.members.currency, mapping(maps))
        done = service.take_in(ctx, found.entries, file.name, write=not dry_run)
    app.out.json(
        {
            "columns": found.columns,
            "lines": [
                {
                    "line": each.entry.line,
                    "paid_on": each.entry.paid_on.isoformat(),
                    "amount": each.entry.money.amount,
                    "currency": each.entry.money.currency,
                    "payer": each.entry.payer,
                    "reference": each.entry.reference,
                    "state": each.match.state.value,
                    "person": each.match.person,
                    "reason": each.match.reason,
                }
                for each in done.lines
            ],
            "imported_before": list(done.before),
            "money_out": done.out,
            "refused": [{"line": each.line, "reason": each.reason} for each in found.refused],
            "written": not dry_run,
        }
    )
    app.out.line(f"{file.name}: " + ", ".join(f'{name} is "{title}"' for name, title in found.columns.items()))
    table = [
        (
            each.entry.line,
            str(each.entry.paid_on),
            written(each.entry.money.amount, each.entry.money.currency),
            each.entry.payer or each.entry.reference,
            each.match.state.value,
            each.name,
            each.match.reason,
        )
        for each in done.lines
    ]
    if table:
        app.out.table(("line", "paid", "amount", "from", "result", "member", "why"), table)
    for refused in found.refused:
        app.out.line(f"  line {refused.line} cannot be read: {refused.reason}")
    matched = sum(each.match.state is LineState.MATCHED for each in done.lines)
    app.out.line(
        f"{'Dry run: ' if dry_run else ''}{matched:,} recorded, {len(done.lines) - matched:,} doubtful,"
        f" {len(done.before):,} imported before, {done.out:,} money out, {len(found.refused):,} unreadable."
    )
    if len(done.lines) > matched and not dry_run:
        app.out.line("Say whose the doubtful ones are: balintmail dues doubtful")
        if app.out.interactive:
            from balintmail.cli.dues_doubts import ask  # noqa: PLC0415

            with app.context() as ctx:
                ask(app, ctx, file.name, {each.entry.line for each in done.lines})


@dues.command()
@pass_app
def doubtful(app: App) -> None:
    """Show the lines of statements that wait for you to say whose they are."""
    _show_doubtful(app)


def _show_doubtful(app: App) -> None:
    from balintmail.domain.money import written  # noqa: PLC0415
    from balintmail.services import dues_import as service  # noqa: PLC0415  (loads SQLAlchemy)

    with app.context() as ctx:
        found = service.doubtful(ctx)
    app.out.json([_line_document(row) for row in found])
    if not found:
        app.out.line("No line is doubtful.")
        return
    table = [
        (
            row.id,
            str(row.paid_on),
            written(row.amount, row.currency),
            row.payer,
            row.reference,
            f"{row.person_id} {row.name}" if row.person_id else "",
            row.reason,
        )
        for row in found
    ]
    app.out.table(("line", "paid", "amount", "from", "reference", "perhaps", "why"), table)
    app.out.line("To say whose it is: balintmail dues settle LINE PERSON, or --ignore")


@dues.command()
@click.argument("line", metavar="LINE", type=click.IntRange(1))
@click.argument("who", metavar="[PERSON]", required=False)
@click.option("--person", type=click.IntRange(1), metavar="ID", help="Which one, where an address is shared.")
@click.option("--ignore", is_flag=True, help="It is nobody's dues.")
@pass_app
def settle(app: App, line: int, who: str | None, person: int | None, ignore: bool) -> None:
    """Say whose dues a doubtful line of a statement is."""
    from balintmail.services import dues_import as service  # noqa: PLC0415  (loads SQLAlchemy)
    from balintmail.services.people import find_one  # noqa: PLC0415

    if bool(who) == ignore:
        raise click.UsageError("Name the person whose dues it is, or say --ignore.")
    with app.context() as ctx:
        number = None
        if who:
            with ctx.db.read() as tx:
                number = find_one(tx, who, person=person).id
        row = service.settle(ctx, line, number)
    app.out.json(_line_document(row))
    app.out.line(f"Line {row.id} is {row.state.value}" + (f": person {row.person_id}." if row.person_id else "."))


def _line_document(row: "BankLineRow") -> dict[str, Any]:
    return {
        "id": row.id,
        "paid_on": row.paid_on.isoformat(),
        "amount": row.amount,
        "currency": row.currency,
        "payer": row.payer,
        "reference": row.reference,
        "state": row.state.value,
        "person": row.person_id,
        "reason": row.reason,
    }


def payment_document(row: "PaymentRow") -> dict[str, Any]:
    """Return a payment as JSON has it; amounts are whole pence."""
    return {
        "id": row.id,
        "person": row.person_id,
        "name": row.name,
        "amount": row.amount,
        "currency": row.currency,
        "paid_on": row.paid_on.isoformat(),
        "how": row.how.value,
        "reference": row.reference,
        "covers_from": row.covers_from.isoformat() if row.covers_from else None,
        "covers_until": row.covers_until.isoformat() if row.covers_until else None,
        "note": row.note,
        "recorded_by": row.recorded_by,
        "cancelled": row.cancelled_at is not None,
    }
