"""Remind members of their dues, on the days that the society has set; each reminder once, and none once it is paid.

Dispatch calls `remind` with every look. The letter is a system mail on the ground of membership: about their own
membership, to people whose membership runs. The dead, those who resigned and classes without dues get none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from balintmail.db import dues, people, reminders
from balintmail.db import members as rows
from balintmail.db import notices as waiting
from balintmail.db.members import MembershipRow
from balintmail.db.session import Tx
from balintmail.domain.members import grace_ends, reference, reminder_due
from balintmail.domain.money import Money
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.services import members, notices
from balintmail.services.context import Context
from balintmail.services.notices import Waiting

TEMPLATE = "dues_reminder"
AT_ONCE = 500  # reminders put in one transaction
_ONLY_HERE = "notice.paid_until"  # the fact by which the ledger's rows are known


@dataclass(frozen=True, slots=True)
class Reminded:
    """How somebody who owes dues, or soon will, stands with reminders: those sent, and the day of the next."""

    row: MembershipRow
    name: str
    owed: Money
    sent: tuple[datetime, ...]
    next_on: date | None
    reached: bool


def remind(ctx: Context) -> int:
    """Put every reminder whose day has come; return how many."""
    days = ctx.settings.members.reminders
    if not days:
        return 0
    today, put = members.today(ctx), 0
    with ctx.db.read() as tx:
        if not reminders.due(tx, days, today, limit=1):
            return 0
    while True:
        with ctx.db.write() as tx:
            people.lock(tx)
            found = reminders.due(tx, days, today, limit=AT_ONCE)
            for row in found:
                _put(ctx, tx, row, days)
        put += len(found)
        if len(found) < AT_ONCE:
            return put


def stop(ctx: Context, tx: Tx, row: MembershipRow) -> None:
    """Take back a reminder that has not left: it is paid, or they resigned. One that never left was not sent."""
    now = ctx.clock.now()
    withdrawn = waiting.withdraw(tx, [_key(row)])
    if withdrawn + reminders.stop(tx, row.person_id, _ONLY_HERE, now=now) and row.paid_until is not None:
        steps = [step for until, step, _ in reminders.sent(tx, row.id) if until == row.paid_until]
        for step in steps[-1:]:
            reminders.forget(tx, row.id, row.paid_until, step)


def listed(ctx: Context, within: timedelta) -> list[Reminded]:
    """Return who owes dues, or will within that time, with the reminders that they got and the next one."""
    today, days = members.today(ctx), ctx.settings.members.reminders
    with ctx.db.read() as tx:
        conditions = rows.owing(today + within)
        return [_listed(ctx, tx, row, days) for row in rows.entries(tx, conditions)]


def _listed(ctx: Context, tx: Tx, row: MembershipRow, days: Sequence[int]) -> Reminded:
    person, to = people.get(tx, row.person_id), notices.to_person(tx, row.person_id)
    sent = reminders.sent(tx, row.id)
    return Reminded(
        row,
        person.name if person else "",
        owed(tx, row),
        tuple(at for _, _, at in sent),
        _next(row, days, [step for until, step, _ in sent if until == row.paid_until], members.today(ctx)),
        to is not None,
    )


def _next(row: MembershipRow, days: Sequence[int], sent: Sequence[int], today: date) -> date | None:
    """Return the day of the next reminder, today for one that is due."""
    if row.paid_until is None:
        return None
    if reminder_due(row.paid_until, days, sent, today) is not None:
        return today
    coming = [row.paid_until + timedelta(days=step) for step in sorted(days)]
    return next((day for day in coming if day > today), None)


def owed(tx: Tx, row: MembershipRow) -> Money:
    """Return what is left to a year's fee."""
    held = sum(each.amount for each in dues.on_account(tx, row.id, row.of.currency))
    return Money(max(row.of.fee - held, 0), row.of.currency)


def _put(ctx: Context, tx: Tx, row: MembershipRow, days: Sequence[int]) -> None:
    today, now = members.today(ctx), ctx.clock.now()
    to = notices.to_person(tx, row.person_id)
    if to is None or row.paid_until is None:  # not so: `reminders.due` leaves them out
        return
    sent = [step for until, step, _ in reminders.sent(tx, row.id) if until == row.paid_until]
    step = reminder_due(row.paid_until, days, sent, today)
    if step is None:
        return
    facts: dict[str, Fact] = {
        "kind": row.of.name,
        "amount": owed(tx, row),
        "reference": reference(row.person_id),
        "paid_until": row.paid_until,
        "about": _about(ctx, row, row.paid_until),
        "days": abs((today - row.paid_until).days),
        "grace_until": grace_ends(row.paid_until, members.rules(ctx)),
        "pay_to": ctx.settings.members.pay_to,
    }
    notices.put(ctx, tx, Waiting(template=TEMPLATE, to=to, ground=Ground.MEMBERSHIP, facts=facts, key=_key(row)))
    reminders.note(tx, row.id, row.paid_until, step, now=now)


def _about(ctx: Context, row: MembershipRow, paid_until: date) -> str:
    today = members.today(ctx)
    if today <= paid_until:
        return "soon" if today < paid_until else "today"
    if row.since is not None and paid_until < row.since:
        return "first"
    return "late" if today <= grace_ends(paid_until, members.rules(ctx)) else "lapsed"


def _key(row: MembershipRow) -> str:
    return f"{TEMPLATE} {row.id}"
