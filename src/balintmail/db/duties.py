"""The duties of the society's year, and what was done about each of their days. It decides nothing.

When a duty falls: domain/duties.py.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import MailingList
from balintmail.db.models_pages import Duty, DutyDate
from balintmail.db.session import Tx
from balintmail.domain.duties import DutyKind, Rule

_D, _F = Duty, DutyDate


@dataclass(frozen=True, slots=True)
class DutyRow:
    """A duty; `list` is the slug of a newsletter's list, or None."""

    id: int
    title: str
    remark: str
    kind: DutyKind
    list: str | None
    first_on: date
    every_months: int
    lead_days: int
    created_at: datetime
    ended_at: datetime | None

    @property
    def rule(self) -> Rule:
        return Rule(self.first_on, self.every_months)


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day of a duty about which something was done."""

    duty_id: int
    on_day: date
    reminded_at: datetime | None
    chased_at: datetime | None
    draft: str
    done_at: datetime | None
    done_by: str
    remark: str


def _rows() -> "Select[*tuple[Any, ...]]":
    return select(
        _D.id, _D.title, _D.remark, _D.kind, MailingList.slug, _D.first_on, _D.every_months, _D.lead_days,
        _D.created_at, _D.ended_at,
    ).outerjoin(MailingList, MailingList.id == _D.list_id)  # fmt: skip


def every(tx: Tx, *, ended: bool = False) -> list[DutyRow]:
    """Return the duties by title, those that have ended only when asked for."""
    query = _rows().order_by(_D.title, _D.id)
    return [DutyRow(*row) for row in tx.execute(query if ended else query.where(_D.ended_at.is_(None)))]


def by_id(tx: Tx, number: int) -> DutyRow | None:
    """Return the duty of that number, or None."""
    row = tx.execute(_rows().where(_D.id == number)).first()
    return DutyRow(*row) if row else None


def add(tx: Tx, values: dict[str, Any]) -> int:
    """Enter a duty; return its number."""
    return int(tx.execute(insert(_D).values(values).returning(_D.id)).scalar_one())


def end(tx: Tx, number: int, *, now: datetime) -> None:
    """Let a duty fall no more."""
    tx.execute(sa.update(_D).where(_D.id == number).values(ended_at=now))


def days(tx: Tx, since: date, until: date) -> dict[tuple[int, date], DayRow]:
    """Return the days of all duties about which something was done, by duty and day."""
    query = select(
        _F.duty_id, _F.on_day, _F.reminded_at, _F.chased_at, _F.draft, _F.done_at, _F.done_by, _F.remark
    ).where(_F.on_day >= since, _F.on_day <= until)
    return {(row.duty_id, row.on_day): DayRow(*row) for row in tx.execute(query)}


def begin(tx: Tx, number: int, day: date) -> None:
    """Make the row of a day, unless it is there."""
    insert_new = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert_new(_F).values(duty_id=number, on_day=day)
    tx.execute(statement.on_conflict_do_nothing(index_elements=["duty_id", "on_day"]))


def remind(tx: Tx, number: int, day: date, *, draft: str, now: datetime) -> bool:
    """Note that somebody is reminded of a day; return False when that was done already, by another process."""
    here = _of(number, day) & _F.reminded_at.is_(None)
    return tx.execute(sa.update(_F).where(here).values(reminded_at=now, draft=draft)).rowcount == 1


def chase(tx: Tx, number: int, day: date, *, now: datetime) -> bool:
    """Note that somebody is told that a day is over; return False when that was done already."""
    here = _of(number, day) & _F.chased_at.is_(None) & _F.done_at.is_(None)
    return tx.execute(sa.update(_F).where(here).values(chased_at=now)).rowcount == 1


def done(tx: Tx, number: int, day: date, values: dict[str, Any]) -> None:
    """Note that a day's duty is done."""
    tx.execute(sa.update(_F).where(_of(number, day)).values(values))


def _of(number: int, day: date) -> "sa.ColumnElement[bool]":
    return (_F.duty_id == number) & (_F.on_day == day)
