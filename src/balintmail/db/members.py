"""Memberships and their classes: look up, begin, change, end; and who is a member on a day, for whole registers.

`people.member` follows from here and from nothing else: `refresh` writes it with every change and once a day.
What a membership is worth on a day is domain/members.py; the condition below says the same in SQL.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, exists, or_, select

from balintmail.db.models import Person
from balintmail.db.models_members import MemberClass, Membership
from balintmail.db.session import Tx
from balintmail.domain.members import MembershipState, Rules, Term

PAGE = 500  # memberships held in memory while a long register streams by
_C, _M = MemberClass, Membership
_PERSON = sa.type_coerce(Person.id, sa.BigInteger())


@dataclass(frozen=True, slots=True)
class ClassRow:
    """One class; `fee` in pence for a year, 0 for none. `counts` says whether its people are members."""

    id: int
    slug: str
    name: str
    fee: int
    currency: str
    counts: bool
    paper: bool
    pdf: bool
    votes: bool
    position: int
    archived_at: datetime | None


@dataclass(frozen=True, slots=True)
class MembershipRow:
    """One membership with its class."""

    id: int
    person_id: int
    since: date | None
    paid_until: date | None
    state: MembershipState
    ended_on: date | None
    remark: str
    updated_at: datetime
    of: ClassRow

    @property
    def term(self) -> Term:
        """What domain/members.py judges."""
        return Term(self.since, self.paid_until, self.state, self.ended_on, self.of.fee > 0)


_CLASS_COLUMNS = [getattr(_C, name) for name in ClassRow.__dataclass_fields__]
_COLUMNS = [_M.id, _M.person_id, _M.since, _M.paid_until, _M.state, _M.ended_on, _M.remark, _M.updated_at]


def classes(tx: Tx) -> list[ClassRow]:
    """Return every class, archived ones too, in their order."""
    return [ClassRow(*row) for row in tx.execute(select(*_CLASS_COLUMNS).order_by(_C.position, _C.id))]


def class_named(tx: Tx, slug: str) -> ClassRow | None:
    """Return the class of that short name, or None."""
    row = tx.execute(select(*_CLASS_COLUMNS).where(_C.slug == slug)).first()
    return ClassRow(*row) if row else None


def add_class(tx: Tx, values: dict[str, Any]) -> int:
    """Add a class behind all others; return its number."""
    last: int = tx.scalar(select(sa.func.max(_C.position))) or 0
    added: int = tx.execute(sa.insert(_C).values(position=last + 1, **values).returning(_C.id)).scalar_one()
    return added


def change_class(tx: Tx, class_id: int, values: dict[str, Any]) -> None:
    """Change columns of a class."""
    tx.execute(sa.update(_C).where(_C.id == class_id).values(**values))


def class_sizes(tx: Tx) -> dict[int, int]:
    """Return how many memberships without an end each class has, by the class's number."""
    query = select(_M.class_id, sa.func.count()).where(_M.ended_on.is_(None)).group_by(_M.class_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def of_person(tx: Tx, person_id: int) -> list[MembershipRow]:
    """Return all memberships of a person, the newest first."""
    query = _rows().where(_M.person_id == person_id).order_by(_M.id.desc())
    return [_row(row) for row in tx.execute(query)]


def current(tx: Tx, person_id: int, day: date) -> MembershipRow | None:
    """Return the membership that says where a person stands on `day`: the one without an end, else the latest.

    One that is to end on a later day still counts before one that has ended.
    """
    found = of_person(tx, person_id)
    living = [row for row in found if row.ended_on is None or row.ended_on > day]
    return next(iter([*sorted(living, key=lambda row: (row.since or day) > day), *found]), None)


def entries(tx: Tx, conditions: Sequence[ColumnElement[bool]] = ()) -> Iterator[MembershipRow]:
    """Yield the memberships of living people whom all `conditions` fit, by rising number, in flat memory."""
    after = 0
    living = (Person.erased_at.is_(None), Person.merged_into.is_(None))
    while True:
        query = _rows().join(Person, Person.id == _M.person_id).where(*living, _M.id > after, *conditions)
        page = [_row(row) for row in tx.execute(query.order_by(_M.id).limit(PAGE))]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def owing(until: date) -> list[ColumnElement[bool]]:
    """Return the conditions under which dues are owed by that day, of people alive and memberships without an end."""
    running = (_M.ended_on.is_(None), _C.fee > 0, _M.paid_until < until, Person.died_on.is_(None))
    return list(running)


def some(tx: Tx, conditions: Sequence[ColumnElement[bool]], *, limit: int) -> list[MembershipRow]:
    """Return up to `limit` memberships that all `conditions` fit, with their people joined, by rising number."""
    query = _rows().join(Person, Person.id == _M.person_id).where(*conditions)
    return [_row(row) for row in tx.execute(query.order_by(_M.id).limit(limit))]


def begin(tx: Tx, person_id: int, class_id: int, values: dict[str, Any], *, now: datetime) -> int:
    """Begin a membership with these columns; return its number. A person has at most one without an end."""
    row = {"person_id": person_id, "class_id": class_id, "created_at": now, "updated_at": now, **values}
    added: int = tx.execute(sa.insert(_M).values(**row).returning(_M.id)).scalar_one()
    return added


def change(tx: Tx, membership_id: int, values: dict[str, Any], *, now: datetime) -> None:
    """Change columns of a membership."""
    tx.execute(sa.update(_M).where(_M.id == membership_id).values(updated_at=now, **values))


def _good(day: date, rules: Rules, of: ColumnElement[int], *, counting: bool) -> ColumnElement[bool]:
    latest = max(day, date.min + rules.grace) - rules.grace  # what was paid until then is still within the grace
    paid = or_(_C.fee == 0, _M.paid_until.is_(None), _M.paid_until >= latest)
    begun = or_(_M.since.is_(None), _M.since <= day)
    lasts = or_(_M.ended_on.is_(None), _M.ended_on > day)
    good = and_(_M.person_id == of, begun, lasts, paid)
    return and_(good, _C.counts) if counting else good


def in_good_standing(tx: Tx, day: date, rules: Rules, *, counting: bool = False) -> list[MembershipRow]:
    """Return the memberships in good standing on `day`, one for each living person, by the person's number.

    `counting` leaves out classes that make nobody a member (libraries, exchange).
    """
    good = _good(day, rules, _PERSON, counting=counting)
    query = _rows().join(Person, Person.id == _M.person_id).where(good)
    living = query.where(Person.erased_at.is_(None), Person.merged_into.is_(None)).order_by(_M.person_id, _M.id)
    return list({row.person_id: row for row in map(_row, tx.execute(living))}.values())


def refresh(tx: Tx, day: date, rules: Rules, people: Sequence[int] | None = None) -> int:
    """Write `people.member` of these people, or of all, as their memberships have it today; return how many changed."""
    living = good_members(day, rules)
    changed = 0
    for value, wrong in ((True, and_(living, sa.not_(Person.member))), (False, and_(sa.not_(living), Person.member))):
        statement = sa.update(Person).where(wrong).values(member=value)
        if people is not None:
            statement = statement.where(Person.id.in_(people))
        changed += tx.execute(statement, execution_options={"synchronize_session": False}).rowcount
    return changed


def refresh_due(tx: Tx, day: date, rules: Rules) -> bool:
    """Say whether `refresh` of all would change anybody; it only reads."""
    is_one = good_members(day, rules)
    wrong = or_(and_(is_one, sa.not_(Person.member)), and_(sa.not_(is_one), Person.member))
    return tx.scalar(select(Person.id).where(wrong).limit(1)) is not None


def good_members(day: date, rules: Rules) -> ColumnElement[bool]:
    """Return the condition "is a member on `day`" over Person: alive, in good standing, of a class that counts."""
    mine = exists(
        select(sa.literal(1))
        .select_from(_M)
        .join(_C, _C.id == _M.class_id)
        .where(_good(day, rules, _PERSON, counting=True))
        .correlate(Person)
    )
    return and_(mine, Person.died_on.is_(None), Person.erased_at.is_(None), Person.merged_into.is_(None))


def _rows() -> Any:
    return select(*_COLUMNS, *_CLASS_COLUMNS).select_from(_M).join(_C, _C.id == _M.class_id)


def _row(row: Any) -> MembershipRow:
    head: list[Any] = list(row[: len(_COLUMNS)])
    return MembershipRow(*[*head, ClassRow(*row[len(_COLUMNS) :])])
