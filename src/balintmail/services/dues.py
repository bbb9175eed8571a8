"""Dues that were paid: recorded by hand, and what they pay for. A payment stays on record; a mistake is cancelled.

A payment of a year's fee, alone or with what was paid before and covered nothing, renews the membership; less than that
waits for the rest. It asks nobody for money.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from balintmail.db import audit, dues, people
from balintmail.db import members as rows
from balintmail.db.dues import PaymentRow, Wanted
from balintmail.db.members import MembershipRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.money import Money, written
from balintmail.domain.statements import How
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import members, memberships
from balintmail.services.context import Context
from balintmail.services.people import by_id

LONGEST_TEXT = 200  # characters of a reference or a note
MOST_YEARS = 10  # that one payment pays for


@dataclass(frozen=True, slots=True)
class Paid:
    """A payment as it is recorded; `bank_line` is the line of a statement that shows it."""

    money: Money
    paid_on: date | None = None
    how: How = How.BANK
    reference: str = ""
    note: str = ""
    bank_line: int | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """What became of a payment: `until` is the last day paid for now; `short` pence are left to a year's fee."""

    payment: int
    until: date | None
    short: int = 0


def record(ctx: Context, person_id: int, paid: Paid) -> Recorded:
    """Record a payment of somebody who is, or was, a member, and renew where it is enough.

    Raises UsageRefused for nothing and for a day to come, Conflict for a class without dues or in another currency.
    """
    if paid.money.amount <= 0:
        raise UsageRefused("A payment is more than nothing.")
    with ctx.db.write() as tx:
        people.lock(tx)
        return enter(ctx, tx, by_id(tx, person_id).id, paid)


def enter(ctx: Context, tx: Tx, person_id: int, paid: Paid) -> Recorded:
    """Do what `record` does, in a transaction that holds the register; the person is a living one."""
    today = members.today(ctx)
    day = paid.paid_on or today
    if day > today or day.year not in memberships.YEARS:
        raise UsageRefused(f"{day} is not a day on which it can have been paid.")
    row = rows.current(tx, person_id, today)
    if row is None or (row.ended_on is not None and row.ended_on <= today):
        hint = f"To begin a membership: balintmail members add {person_id}"
        raise NotFound(f"Person {person_id} is not a member.", hint=hint)
    if row.of.fee and paid.money.currency != row.of.currency:
        raise Conflict(f"The dues of {row.of.slug} members are in {row.of.currency}, not {paid.money.currency}.")
    number = _enter(ctx, tx, row, paid, day)
    found = _renew(ctx, tx, row, number, day)
    detail = {"payment": number, "amount": str(paid.money)}
    audit.note_person(tx, person_id, "dues recorded", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
    return found


def cancel(ctx: Context, payment_id: int) -> PaymentRow:
    """Cancel a payment that was recorded by mistake, or came back; the days that it paid for are owed again.

    Raises Conflict where later payments build on it: those are cancelled first.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        row = dues.get(tx, payment_id) if 0 < payment_id < 1 << 63 else None
        if row is None:
            raise NotFound(f"There is no payment {payment_id}.", hint="See: balintmail dues list")
        if row.cancelled_at is not None:
            raise Conflict(f"Payment {payment_id} is cancelled already.")
        if row.covers_until is not None and row.covers_from is not None:
            held = [each for each in rows.of_person(tx, row.person_id) if each.id == row.membership_id]
            if held and held[0].paid_until != row.covers_until:
                raise Conflict(
                    f"Dues were paid or changed after payment {payment_id}.", hint="Cancel the later payment first."
                )
            dues.uncover(tx, dues.covering(tx, row))
            for each in held:
                rows.change(tx, each.id, {"paid_until": row.covers_from - timedelta(days=1)}, now=now)
        dues.cancel(tx, row.id, actor=ctx.actor, now=now)
        members.refresh(ctx, tx, [row.person_id])
        detail = {"payment": row.id, "amount": written(row.amount, row.currency)}
        audit.note_person(tx, row.person_id, "dues cancelled", actor=ctx.actor, now=now, detail=detail)
        return row


def payments(ctx: Context, tx: Tx, wanted: Wanted) -> list[PaymentRow]:
    """Return the payments that are wanted."""
    return dues.listed(tx, wanted)


def _enter(ctx: Context, tx: Tx, row: MembershipRow, paid: Paid, day: date) -> int:
    return dues.add(
        tx,
        {
            "person_id": row.person_id,
            "membership_id": row.id,
            "amount": paid.money.amount,
            "currency": paid.money.currency,
            "paid_on": day,
            "how": paid.how,
            "reference": hygiene.one_line(paid.reference, what="the reference", longest=LONGEST_TEXT),
            "note": hygiene.one_line(paid.note, what="the note", longest=LONGEST_TEXT),
            "bank_line_id": paid.bank_line,
            "recorded_at": ctx.clock.now(),
            "recorded_by": ctx.actor,
        },
    )


def _renew(ctx: Context, tx: Tx, row: MembershipRow, number: int, day: date) -> Recorded:
    """Renew as many years as what is on account pays for; what is more than that is a gift."""
    if not row.of.fee:
        return Recorded(number, row.paid_until)
    waiting = dues.on_account(tx, row.id, row.of.currency)
    whole = sum(each.amount for each in waiting)
    years = min(whole // row.of.fee, MOST_YEARS)
    if not years:
        return Recorded(number, row.paid_until, row.of.fee - whole)
    days = memberships.extend(ctx, tx, row, years=years, on=day)
    renewed = rows.current(tx, row.person_id, members.today(ctx)) or row
    dues.cover(tx, [each.id for each in waiting], renewed.id, days)
    return Recorded(number, days[1])
