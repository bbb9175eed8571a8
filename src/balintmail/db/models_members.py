"""Tables of members: their classes, periods, dues, and the yearly round of details.

Money is whole pence with an ISO 4217 code. Days are the society's. What the accounts need stays when a
person is erased, with nothing of them in it.
"""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from balintmail.db.models import Base, Id, _enum
from balintmail.domain.members import MembershipState
from balintmail.domain.rounds import AnswerState
from balintmail.domain.statements import How, LineState


class MemberClass(Base):
    """A kind of membership: its fee for a year, 0 for none, and what it includes."""

    __tablename__ = "member_classes"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    fee: Mapped[int] = mapped_column(server_default="0")  # pence
    currency: Mapped[str] = mapped_column(server_default="GBP")
    counts: Mapped[bool] = mapped_column(server_default=sa.true())  # as a member: a library gets the Journal alone
    paper: Mapped[bool] = mapped_column(server_default=sa.true())  # the Journal on paper is included
    pdf: Mapped[bool] = mapped_column(server_default=sa.true())  # the Journal as PDF is
    votes: Mapped[bool] = mapped_column(server_default=sa.false())
    position: Mapped[int] = mapped_column(server_default="0")
    archived_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("fee >= 0", name="fee_not_negative"),)


class Membership(Base):
    """A person's membership, from a day on. Whoever comes back after a lapse begins a new one."""

    __tablename__ = "memberships"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    class_id: Mapped[int] = mapped_column(Id, ForeignKey("member_classes.id"))
    since: Mapped[date | None]  # the first day; none: nobody has said, and it was always so
    paid_until: Mapped[date | None]  # the last day; none: nobody has said
    state: Mapped[MembershipState] = mapped_column(_enum(MembershipState), server_default="active")
    ended_on: Mapped[date | None]  # the first day without it
    remark: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        CheckConstraint("(state = 'active') = (ended_on IS NULL)", name="ended_says_when"),
        Index(
            "uq_memberships_active",
            "person_id",
            unique=True,
            sqlite_where=text("ended_on IS NULL"),
            postgresql_where=text("ended_on IS NULL"),
        ),
        Index("ix_memberships_paid_until", "paid_until"),
    )


class BankLine(Base):
    """One line of a bank statement, kept by its digest so that it never counts twice.

    The digest is keyed (HMAC-SHA-256) over day, amount, payer, reference and the bank's own number.
    """

    __tablename__ = "bank_lines"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    digest: Mapped[bytes] = mapped_column(unique=True)
    paid_on: Mapped[date]
    amount: Mapped[int]  # pence; below nothing for money out
    currency: Mapped[str]
    payer: Mapped[str] = mapped_column(server_default="")  # emptied by erasure
    reference: Mapped[str] = mapped_column(server_default="")
    state: Mapped[LineState] = mapped_column(_enum(LineState))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)  # whose it is, or may be
    reason: Mapped[str] = mapped_column(server_default="")  # of the state, in words
    file: Mapped[str] = mapped_column(server_default="")
    line: Mapped[int] = mapped_column(server_default="0")
    imported_at: Mapped[datetime]
    settled_at: Mapped[datetime | None]
    settled_by: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        Index(
            "ix_bank_lines_doubtful",
            "state",
            sqlite_where=text("state = 'doubtful'"),
            postgresql_where=text("state = 'doubtful'"),
        ),
    )


class Payment(Base):
    """Dues that were paid; never changed, at most cancelled. `covers_*` are the days they pay for, if any."""

    __tablename__ = "payments"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    membership_id: Mapped[int | None] = mapped_column(Id, ForeignKey("memberships.id", ondelete="SET NULL"), index=True)
    amount: Mapped[int]  # pence
    currency: Mapped[str]
    paid_on: Mapped[date] = mapped_column(index=True)
    how: Mapped[How] = mapped_column(_enum(How))
    reference: Mapped[str] = mapped_column(server_default="")  # emptied by erasure
    bank_line_id: Mapped[int | None] = mapped_column(Id, ForeignKey("bank_lines.id"), unique=True)
    covers_from: Mapped[date | None]
    covers_until: Mapped[date | None]
    note: Mapped[str] = mapped_column(server_default="")
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str] = mapped_column(server_default="")
    cancelled_at: Mapped[datetime | None]
    cancelled_by: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_above_nothing"),
        CheckConstraint("(covers_from IS NULL) = (covers_until IS NULL)", name="covers_whole"),
    )


class DuesReminder(Base):
    """A reminder that was mailed: for which end of a paid period, and how many days after it (negative: before)."""

    __tablename__ = "dues_reminders"
    membership_id: Mapped[int] = mapped_column(Id, ForeignKey("memberships.id", ondelete="CASCADE"), primary_key=True)
    paid_until: Mapped[date] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sent_at: Mapped[datetime]


class Round(Base):
    """A round of details: every member is asked once whether what is held of them is right."""

    __tablename__ = "rounds"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # mostly the year
    started_at: Mapped[datetime]
    started_by: Mapped[str] = mapped_column(server_default="")
    closes_on: Mapped[date]  # the last day on which the mailed link works
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(server_default="")


class RoundAnswer(Base):
    """What one person answered in a round, or has yet to. `mailed_at` is none for whom no mail reaches."""

    __tablename__ = "round_answers"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    round_id: Mapped[int] = mapped_column(Id, ForeignKey("rounds.id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    state: Mapped[AnswerState] = mapped_column(_enum(AnswerState), server_default="waiting")
    mailed_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    elsewhere_at: Mapped[datetime | None]  # mailed at another address than the one that they prefer
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str] = mapped_column(server_default="")
    note: Mapped[str] = mapped_column(server_default="")  # the Secretary's: how they were reached
    __table_args__ = (UniqueConstraint("round_id", "person_id"),)
