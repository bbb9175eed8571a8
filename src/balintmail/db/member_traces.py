"""What membership, dues and rounds hold of people: shown to them, given to whom they were merged into, or emptied.

Payments and bank lines stay as rows after an erasure, because accounts must add up; nothing of the person is in them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models_members import (
    BankLine,
    DuesReminder,
    MemberClass,
    Membership,
    Payment,
    Round,
    RoundAnswer,
)
from balintmail.db.session import Tx
from balintmail.domain.members import MembershipState
from balintmail.domain.rounds import AnswerState
from balintmail.domain.statements import How, LineState

# Where somebody else's row may speak of them: (table, columns), for db/erasure.py.
TEXTS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Membership, ("remark",)),
    (Payment, ("reference", "note")),
    (BankLine, ("payer", "reference", "reason")),
    (RoundAnswer, ("note",)),
)
DOERS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Payment, ("recorded_by", "cancelled_by")),
    (BankLine, ("settled_by", "file")),
    (Round, ("started_by", "closed_by")),
    (RoundAnswer, ("answered_by",)),
)


@dataclass(frozen=True, slots=True)
class HeldMembership:
    """One membership, as whoever it is of may see it."""

    kind: str
    since: date | None
    paid_until: date | None
    state: MembershipState
    ended_on: date | None
    remark: str
    reminded_at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class HeldPayment:
    """Dues that somebody paid; `amount` in pence."""

    paid_on: date
    amount: int
    currency: str
    how: How
    reference: str
    covers_from: date | None
    covers_until: date | None
    note: str
    recorded_at: datetime
    recorded_by: str
    cancelled_at: datetime | None


@dataclass(frozen=True, slots=True)
class HeldBankLine:
    """A line of the society's statement that is, or may be, theirs."""

    paid_on: date
    amount: int
    currency: str
    payer: str
    reference: str
    state: LineState
    reason: str
    imported_at: datetime


@dataclass(frozen=True, slots=True)
class HeldAnswer:
    """What somebody answered in a round of details."""

    name: str
    state: AnswerState
    mailed_at: datetime | None
    reminded_at: datetime | None
    elsewhere_at: datetime | None
    answered_at: datetime | None
    answered_by: str
    note: str


def memberships(tx: Tx, people: Sequence[int]) -> list[HeldMembership]:
    """Return the memberships of these people, the oldest first."""
    m = Membership
    query = (
        select(m.id, MemberClass.name, m.since, m.paid_until, m.state, m.ended_on, m.remark)
        .join(MemberClass, MemberClass.id == m.class_id)
        .where(m.person_id.in_(people))
        .order_by(m.id)
    )
    found = tx.execute(query).all()
    reminded: dict[int, list[datetime]] = {}
    of = DuesReminder.membership_id.in_([row[0] for row in found])
    for number, at in tx.execute(select(DuesReminder.membership_id, DuesReminder.sent_at).where(of)):
        reminded.setdefault(number, []).append(at)
    return [HeldMembership(*row[1:], tuple(sorted(reminded.get(row[0], ())))) for row in found]


def payments(tx: Tx, people: Sequence[int]) -> list[HeldPayment]:
    """Return what these people have paid, the oldest first."""
    columns = [getattr(Payment, name) for name in HeldPayment.__dataclass_fields__]
    query = select(*columns).where(Payment.person_id.in_(people)).order_by(Payment.paid_on, Payment.id)
    return [HeldPayment(*row) for row in tx.execute(query)]


def bank_lines(tx: Tx, people: Sequence[int]) -> list[HeldBankLine]:
    """Return the lines of statements that are, or may be, theirs."""
    columns = [getattr(BankLine, name) for name in HeldBankLine.__dataclass_fields__]
    query = select(*columns).where(BankLine.person_id.in_(people)).order_by(BankLine.id)
    return [HeldBankLine(*row) for row in tx.execute(query)]


def answers(tx: Tx, people: Sequence[int]) -> list[HeldAnswer]:
    """Return what these people answered in rounds of details."""
    a = RoundAnswer
    query = (
        select(Round.name, a.state, a.mailed_at, a.reminded_at, a.elsewhere_at, a.answered_at, a.answered_by, a.note)
        .join(Round, Round.id == a.round_id)
        .where(a.person_id.in_(people))
        .order_by(a.id)
    )
    return [HeldAnswer(*row) for row in tx.execute(query)]


def empty(tx: Tx, people: Sequence[int]) -> None:
    """Forget memberships and answers of these people; what was paid stays, with nothing of them in it."""
    tx.execute(sa.delete(RoundAnswer).where(RoundAnswer.person_id.in_(people)))
    theirs = select(Membership.id).where(Membership.person_id.in_(people))
    tx.execute(sa.delete(DuesReminder).where(DuesReminder.membership_id.in_(theirs)))
    bare = {"membership_id": None, "reference": "", "note": ""}
    tx.execute(sa.update(Payment).where(Payment.person_id.in_(people)).values(**bare))
    paid = select(Payment.bank_line_id).where(Payment.person_id.in_(people), Payment.bank_line_id.is_not(None))
    lines = BankLine.person_id.in_(people) | BankLine.id.in_(paid)
    tx.execute(sa.update(BankLine).where(lines).values(person_id=None, payer="", reference=""))
    tx.execute(sa.delete(Membership).where(Membership.person_id.in_(people)))


def move(tx: Tx, from_person: int, to_person: int, *, now: datetime) -> None:
    """Give one person's memberships, payments and answers to another who is the same.

    Where both have a membership without an end, one stays: paid as long as either was, since the earlier day.
    """
    m = Membership
    running = select(m.id, m.since, m.paid_until).where(m.ended_on.is_(None))
    ours = tx.execute(running.where(m.person_id == to_person)).first()
    theirs = tx.execute(running.where(m.person_id == from_person)).first()
    if ours is not None and theirs is not None:
        known = [row.paid_until for row in (ours, theirs) if row.paid_until is not None]
        began = [row.since for row in (ours, theirs)]
        since = None if None in began else min(began)
        values = {"since": since, "paid_until": max(known, default=None), "updated_at": now}
        tx.execute(sa.update(m).where(m.id == ours.id).values(**values))
        tx.execute(sa.update(Payment).where(Payment.membership_id == theirs.id).values(membership_id=ours.id))
        tx.execute(sa.delete(DuesReminder).where(DuesReminder.membership_id == theirs.id))
        tx.execute(sa.delete(m).where(m.id == theirs.id))
    a = RoundAnswer
    said = select(a.round_id).where(a.person_id == from_person, a.state != AnswerState.WAITING)
    unsaid = (a.person_id == to_person) & (a.state == AnswerState.WAITING)
    tx.execute(sa.delete(a).where(unsaid & a.round_id.in_(said)))  # an answer stays, whichever of them gave it
    answered = select(a.round_id).where(a.person_id == to_person)
    twice = (RoundAnswer.person_id == from_person) & RoundAnswer.round_id.in_(answered)
    tx.execute(sa.delete(RoundAnswer).where(twice))
    for table in (m, Payment, BankLine, RoundAnswer):
        tx.execute(sa.update(table).where(table.person_id == from_person).values(person_id=to_person))
