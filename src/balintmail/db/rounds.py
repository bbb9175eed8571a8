"""Rounds of details and what each person answered. It decides nothing and mails nobody."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models import Person
from balintmail.db.models_members import Round, RoundAnswer
from balintmail.db.session import Tx
from balintmail.domain.rounds import AnswerState

_R, _A = Round, RoundAnswer


@dataclass(frozen=True, slots=True)
class RoundRow:
    """One round; `closes_on` is the last day on which its links work."""

    id: int
    name: str
    started_at: datetime
    started_by: str
    closes_on: date
    closed_at: datetime | None
    closed_by: str


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """What one person answered, or has yet to."""

    id: int
    round_id: int
    person_id: int
    state: AnswerState
    mailed_at: datetime | None
    reminded_at: datetime | None
    elsewhere_at: datetime | None
    answered_at: datetime | None
    answered_by: str
    note: str


_ROUND = [getattr(_R, name) for name in RoundRow.__dataclass_fields__]
_ANSWER = [getattr(_A, name) for name in AnswerRow.__dataclass_fields__]
_ALIVE = (Person.died_on.is_(None), Person.erased_at.is_(None), Person.merged_into.is_(None))


def running(tx: Tx) -> RoundRow | None:
    """Return the round that is not closed, or None."""
    row = tx.execute(select(*_ROUND).where(_R.closed_at.is_(None)).order_by(_R.id.desc()).limit(1)).first()
    return RoundRow(*row) if row else None


def latest(tx: Tx) -> RoundRow | None:
    """Return the round that was started last, closed or not, or None."""
    row = tx.execute(select(*_ROUND).order_by(_R.id.desc()).limit(1)).first()
    return RoundRow(*row) if row else None


def named(tx: Tx, name: str) -> RoundRow | None:
    """Return the round of that name, or None."""
    row = tx.execute(select(*_ROUND).where(_R.name == name)).first()
    return RoundRow(*row) if row else None


def add(tx: Tx, values: dict[str, Any]) -> int:
    """Add a round; return its number."""
    added: int = tx.execute(sa.insert(_R).values(**values).returning(_R.id)).scalar_one()
    return added


def close(tx: Tx, round_id: int, *, actor: str, now: datetime) -> None:
    """Mark a round as closed."""
    tx.execute(sa.update(_R).where(_R.id == round_id).values(closed_at=now, closed_by=actor))


def ask(tx: Tx, round_id: int, people: Sequence[int]) -> None:
    """Enter people as those who have not answered."""
    if people:
        tx.execute(sa.insert(_A), [{"round_id": round_id, "person_id": person} for person in people])


def waiting(tx: Tx, round_id: int) -> list[AnswerRow]:
    """Return those who have not answered and are alive, by number."""
    query = select(*_ANSWER).join(Person, Person.id == _A.person_id)
    mine = query.where(_A.round_id == round_id, _A.state == AnswerState.WAITING, *_ALIVE)
    return [AnswerRow(*row) for row in tx.execute(mine.order_by(_A.person_id))]


def of_person(tx: Tx, round_id: int, person_id: int) -> AnswerRow | None:
    """Return what one person answered, or None for somebody who was not asked."""
    mine = (_A.round_id == round_id, _A.person_id == person_id)
    row = tx.execute(select(*_ANSWER).where(*mine)).first()
    return AnswerRow(*row) if row else None


def change(tx: Tx, answer_id: int, values: dict[str, Any]) -> None:
    """Change columns of an answer."""
    tx.execute(sa.update(_A).where(_A.id == answer_id).values(**values))


def counts(tx: Tx, round_id: int) -> dict[AnswerState, int]:
    """Return how many living people gave which answer."""
    query = select(_A.state, func.count()).join(Person, Person.id == _A.person_id)
    found = {row[0]: row[1] for row in tx.execute(query.where(_A.round_id == round_id, *_ALIVE).group_by(_A.state))}
    return {state: found.get(state, 0) for state in AnswerState}


def due_reminders(tx: Tx, round_id: int, *, mailed_before: datetime) -> list[AnswerRow]:
    """Return those who were mailed before a moment, have not answered, and were not reminded."""
    late = (_A.mailed_at <= mailed_before, _A.reminded_at.is_(None))
    query = select(*_ANSWER).join(Person, Person.id == _A.person_id)
    mine = query.where(_A.round_id == round_id, _A.state == AnswerState.WAITING, *_ALIVE, *late)
    return [AnswerRow(*row) for row in tx.execute(mine.order_by(_A.person_id))]
