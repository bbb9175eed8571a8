"""The run of a journal issue: what is owed, one row per person and way or per order, and where each of them stands.

A copy moves only from where domain/despatches.py lets it. It decides nobody's claim; services/despatches.py does.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from operator import attrgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, select

from balintmail.db.models import Person
from balintmail.db.models_journal import Despatch, DespatchCopy, JournalIssue
from balintmail.db.session import Tx
from balintmail.domain.despatches import NEXT, CopyStanding, DespatchState, Doubt, OwedFor, Way
from balintmail.domain.states import JournalFormat

AT_ONCE = 10_000  # rows in one statement; PostgreSQL takes 65,535 values
PAGE = 1000
_D, _C = Despatch, DespatchCopy


@dataclass(frozen=True, slots=True)
class DespatchRow:
    """The run of one journal issue; `standing_on` is the day on which members had to be in good standing."""

    id: int
    journal_issue_id: int
    standing_on: date
    state: DespatchState
    planned_at: datetime
    frozen_at: datetime | None
    frozen_by: str
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Planned:
    """What the plan says of one envelope or link: whose, which way, and the name and address it would go to.

    It is either somebody's on the register or an order's, which may be for several copies.
    """

    person_id: int | None
    way: Way
    owed_for: OwedFor
    standing: CopyStanding
    doubt: Doubt | None = None
    wrong: str = ""
    name: str = ""
    address_lines: tuple[str, ...] = ()
    country_code: str = ""
    postal_code: str = ""
    order_id: int | None = None
    copies: int = 1


@dataclass(frozen=True, slots=True)
class JournalCopyRow:
    """One envelope or link of a run. Name and address are as they were at the freeze."""

    id: int
    person_id: int | None
    order_id: int | None
    copies: int
    way: Way
    owed_for: OwedFor
    remark: str
    standing: CopyStanding
    doubt: Doubt | None
    wrong: str
    name: str
    address_lines: tuple[str, ...]
    country_code: str
    postal_code: str
    posted_times: int
    posted_on: date | None
    returned_times: int
    mailing_id: int | None
    link_until: datetime | None
    opened_times: int
    at: datetime


@dataclass(frozen=True, slots=True)
class HeldJournalCopy:
    """One copy of the Journal that somebody is or was owed, as they may read it."""

    journal: str
    way: Way
    owed_for: OwedFor
    standing: CopyStanding
    doubt: Doubt | None
    remark: str
    name: str
    address_lines: list[str]
    country_code: str
    posted_on: date | None
    posted_times: int
    returned_times: int
    link_until: datetime | None
    opened_times: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who is owed a copy: what the plan has to know of them."""

    id: int
    name: str
    language: str | None
    wanted: JournalFormat | None


_DESPATCH = [getattr(_D, name) for name in DespatchRow.__dataclass_fields__]
_COPY = [getattr(_C, name) for name in JournalCopyRow.__dataclass_fields__]
_LINES = list(JournalCopyRow.__dataclass_fields__).index("address_lines")
_PLANNED = [field.name for field in fields(Planned)]
_ORDER_AT = _PLANNED.index("order_id") + 1  # behind the row's number
_IN_ORDER = attrgetter(*_PLANNED)
_KEPT = frozenset({"person_id", "order_id", "copies", "way", "owed_for", "standing"})


def of_issue(tx: Tx, journal_issue_id: int) -> DespatchRow | None:
    """Return the run of a journal issue, or None while there is none."""
    row = tx.execute(select(*_DESPATCH).where(_D.journal_issue_id == journal_issue_id)).first()
    return DespatchRow(*row) if row else None


def begin(tx: Tx, journal_issue_id: int, standing_on: date, *, now: datetime) -> int:
    """Begin the run of a journal issue; return its number."""
    values = {"standing_on": standing_on, "state": DespatchState.PLANNED, "planned_at": now}
    statement = sa.insert(_D).values(journal_issue_id=journal_issue_id, **values).returning(_D.id)
    added: int = tx.execute(statement).scalar_one()
    return added


def lock(tx: Tx, despatch_id: int) -> None:
    """Let nobody else work on this run until the transaction ends (SQLite has one writer anyway)."""
    tx.execute(select(_D.id).where(_D.id == despatch_id).with_for_update())


def change(tx: Tx, despatch_id: int, values: Mapping[str, Any]) -> None:
    """Change columns of a run."""
    tx.execute(sa.update(_D).where(_D.id == despatch_id).values(**values))


def replan(tx: Tx, despatch_id: int, planned: Sequence[Planned], *, now: datetime) -> int:
    """Make the rows of a run be these, each person and way, or order, once; return how many were added, changed or
    removed.

    What the Secretary added by hand stays, and comes first.
    """
    rows = tx.execute(select(_C.id, *[getattr(_C, name) for name in _PLANNED]).where(_C.despatch_id == despatch_id))
    held = {(row[1], row[_ORDER_AT], row[2]): (row[0], _tupled(row[1:])) for row in rows}
    gifts = {key for key, (_, values) in held.items() if values[2] is OwedFor.GIFT}
    wanted = {(one.person_id, one.order_id, one.way): one for one in planned}
    new = [one for key, one in wanted.items() if key not in held]
    gone = [held[key][0] for key in held if key not in wanted and key not in gifts]
    changed = [
        (held[key][0], one)
        for key, one in wanted.items()
        if key in held and key not in gifts and held[key][1] != _values(one)
    ]
    for start in range(0, len(gone), AT_ONCE):
        tx.execute(sa.delete(_C).where(_C.id.in_(gone[start : start + AT_ONCE])))
    for number, one in changed:
        tx.execute(sa.update(_C).where(_C.id == number).values(**_columns(one), at=now))
    add(tx, despatch_id, new, now=now)
    return len(new) + len(gone) + len(changed)


def add(tx: Tx, despatch_id: int, planned: Sequence[Planned], *, now: datetime, remark: str = "") -> None:
    """Add copies to a run."""
    for start in range(0, len(planned), AT_ONCE):
        part = planned[start : start + AT_ONCE]
        more = {"despatch_id": despatch_id, "at": now, "remark": remark}
        tx.execute(sa.insert(_C), [{**_columns(one), **more} for one in part])


def update(tx: Tx, copies: Sequence[int], values: Mapping[str, Any]) -> None:
    """Change columns of copies other than their standing."""
    for start in range(0, len(copies), AT_ONCE):
        tx.execute(sa.update(_C).where(_C.id.in_(copies[start : start + AT_ONCE])).values(**values))


def write_over(tx: Tx, copy_id: int, fresh: Planned) -> None:
    """Write name, address and doubt of now over those that a copy was frozen with; its claim and standing stay."""
    columns = _columns(fresh)
    kept = {name: columns[name] for name in columns if name not in _KEPT}
    tx.execute(sa.update(_C).where(_C.id == copy_id).values(**kept))


def move(tx: Tx, copies: Sequence[int], to: CopyStanding, values: Mapping[str, Any], *, now: datetime) -> int:
    """Let copies stand at `to`, from wherever they may come there; return how many did."""
    allowed = [standing for standing, following in NEXT.items() if to in following]
    moved = 0
    for start in range(0, len(copies), AT_ONCE):
        mine = _C.id.in_(copies[start : start + AT_ONCE]) & _C.standing.in_(allowed)
        moved += tx.execute(sa.update(_C).where(mine).values(standing=to, at=now, **values)).rowcount
    return moved


def count_posted(tx: Tx, copies: Sequence[int]) -> None:
    """Count one more envelope for each of these copies."""
    for start in range(0, len(copies), AT_ONCE):
        mine = _C.id.in_(copies[start : start + AT_ONCE])
        tx.execute(sa.update(_C).where(mine).values(posted_times=_C.posted_times + 1))


def count_returned(tx: Tx, copies: Sequence[int]) -> None:
    """Count one more envelope that came back for each of these copies."""
    mine = _C.id.in_(copies)
    tx.execute(sa.update(_C).where(mine).values(returned_times=_C.returned_times + 1))


def count_opened(tx: Tx, copy_id: int) -> None:
    """Count one more use of a copy's link."""
    tx.execute(sa.update(_C).where(_C.id == copy_id).values(opened_times=_C.opened_times + 1))


def any_waits(tx: Tx, despatch_id: int) -> bool:
    """Say whether a copy of the run has yet to go."""
    waits = _C.standing.in_((CopyStanding.OWED, CopyStanding.LABELLED))
    return tx.scalar(select(_C.id).where(_C.despatch_id == despatch_id, waits).limit(1)) is not None


def copies(tx: Tx, despatch_id: int, *conditions: ColumnElement[bool]) -> Iterator[JournalCopyRow]:
    """Yield the copies of a run that fit, by rising number, in flat memory."""
    after = 0
    while True:
        query = select(*_COPY).where(_C.despatch_id == despatch_id, _C.id > after, *conditions)
        page = [_row(row) for row in tx.execute(query.order_by(_C.id).limit(PAGE))]
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].id


def standing_at(way: Way, *standings: CopyStanding) -> ColumnElement[bool]:
    """Return the condition "goes this way and stands at one of these"."""
    return (_C.way == way) & _C.standing.in_(standings)


def of_person(tx: Tx, despatch_id: int, person_id: int) -> list[JournalCopyRow]:
    """Return the copies of one person in a run."""
    query = select(*_COPY).where(_C.despatch_id == despatch_id, _C.person_id == person_id).order_by(_C.id)
    return [_row(row) for row in tx.execute(query)]


def of_order(tx: Tx, despatch_id: int, order_id: int) -> list[JournalCopyRow]:
    """Return the envelope of one order in a run, or none."""
    query = select(*_COPY).where(_C.despatch_id == despatch_id, _C.order_id == order_id)
    return [_row(row) for row in tx.execute(query)]


def waiting_of_order(tx: Tx, order_id: int) -> list[tuple[int, DespatchRow]]:
    """Return the envelopes of an order that have yet to go, each with its run."""
    waits = _C.standing.in_((CopyStanding.OWED, CopyStanding.LABELLED))
    query = select(_C.id, *_DESPATCH).join(_D, _D.id == _C.despatch_id).where(_C.order_id == order_id, waits)
    return [(row[0], DespatchRow(*row[1:])) for row in tx.execute(query.order_by(_C.id))]


def drop(tx: Tx, copy_id: int) -> None:
    """Take an envelope out of a run that is only planned."""
    tx.execute(sa.delete(_C).where(_C.id == copy_id))


def of_people(tx: Tx, people: Sequence[int]) -> list[HeldJournalCopy]:
    """Return every copy of the Journal that these people are or were owed, the oldest first."""
    columns = [getattr(_C, name) for name in list(HeldJournalCopy.__dataclass_fields__)[1:]]
    query = select(JournalIssue.label, *columns).join(_D, _D.id == _C.despatch_id)
    mine = query.join(JournalIssue, JournalIssue.id == _D.journal_issue_id).where(_C.person_id.in_(people))
    return [HeldJournalCopy(*row) for row in tx.execute(mine.order_by(JournalIssue.year, _C.id))]


def get(tx: Tx, copy_id: int) -> JournalCopyRow | None:
    """Return one copy, or None."""
    row = tx.execute(select(*_COPY).where(_C.id == copy_id)).first()
    return _row(row) if row else None


def counted(tx: Tx, despatch_id: int) -> Iterator[tuple[int, Way, OwedFor, CopyStanding, Doubt | None]]:
    """Yield how many copies of a run are alike in way, claim, standing and doubt."""
    alike = (_C.way, _C.owed_for, _C.standing, _C.doubt)
    query = select(sa.func.sum(_C.copies), *alike).where(_C.despatch_id == despatch_id).group_by(*alike)
    for row in tx.execute(query):
        yield int(row[0]), row[1], row[2], row[3], row[4]


def reached(tx: Tx, despatch_id: int) -> dict[frozenset[Way], int]:
    """Return how many people of a run are reached by which ways; by none are those to whom nothing goes.

    Whoever ordered counts once for each order.
    """
    goes = _C.standing != CopyStanding.NOBODY
    paper = sa.func.max(sa.case((goes & (_C.way == Way.PAPER), 1), else_=0))
    pdf = sa.func.max(sa.case((goes & (_C.way == Way.PDF), 1), else_=0))
    each = select(paper.label("paper"), pdf.label("pdf")).where(_C.despatch_id == despatch_id)
    each = each.group_by(_C.person_id, _C.order_id)
    people = each.subquery()
    query = select(people.c.paper, people.c.pdf, sa.func.count()).group_by(people.c.paper, people.c.pdf)
    return {
        frozenset(way for way, by in ((Way.PAPER, row[0]), (Way.PDF, row[1])) if by): row[2]
        for row in tx.execute(query)
    }


def sums(tx: Tx, despatch_id: int) -> tuple[int, int]:
    """Return how many envelopes of a run were posted, and how many came back."""
    posted, returned = sa.func.sum(_C.posted_times), sa.func.sum(_C.returned_times)
    row = tx.execute(select(posted, returned).where(_C.despatch_id == despatch_id)).one()
    return row[0] or 0, row[1] or 0


def owners(tx: Tx, people: Sequence[int]) -> dict[int, Owner]:
    """Return those of these people who live and are on the register."""
    found: dict[int, Owner] = {}
    living = (Person.erased_at.is_(None), Person.merged_into.is_(None), Person.died_on.is_(None))
    for start in range(0, len(people), AT_ONCE):
        chosen = Person.id.in_(people[start : start + AT_ONCE])
        for number, name, language, wanted in tx.execute(
            select(Person.id, Person.name, Person.language, Person.journal_format).where(chosen, *living)
        ):
            found[number] = Owner(number, name, language, JournalFormat(wanted) if wanted else None)
    return found


def died(tx: Tx, despatch_id: int) -> list[int]:
    """Return the copies of people who have died, that have not gone yet."""
    query = select(_C.id).join(Person, Person.id == _C.person_id).where(_C.despatch_id == despatch_id)
    waits = (_C.standing.in_((CopyStanding.OWED, CopyStanding.LABELLED)), Person.died_on.is_not(None))
    return list(tx.scalars(query.where(*waits)))


def erase(tx: Tx, people: Sequence[int], *, now: datetime) -> None:
    """Keep nothing of these people in any run; the row stays for the counts, and what had not gone goes to nobody."""
    mine = _C.person_id.in_(people)
    bare: dict[str, Any] = {"name": "", "address_lines": [], "country_code": "", "postal_code": "", "remark": ""}
    tx.execute(sa.update(_C).where(mine).values(**bare, wrong="", link_until=None))
    waits = mine & _C.standing.in_((CopyStanding.OWED, CopyStanding.LABELLED))
    tx.execute(sa.update(_C).where(waits).values(standing=CopyStanding.NOBODY, doubt=Doubt.ERASED, at=now))


def move_person(tx: Tx, from_person: int, to_person: int, *, now: datetime) -> None:
    """Give the copies of one person to another, who is the same; nobody is owed the same copy twice for it.

    A second copy that has not gone goes to nobody; one that has gone stays where it is, for the counts.
    """
    theirs = {(row[0], row[1]) for row in tx.execute(select(_C.despatch_id, _C.way).where(_C.person_id == to_person))}
    query = select(_C.id, _C.despatch_id, _C.way, _C.standing).where(_C.person_id == from_person)
    for number, despatch_id, way, standing in tx.execute(query).all():
        if (despatch_id, way) not in theirs:
            tx.execute(sa.update(_C).where(_C.id == number).values(person_id=to_person))
        elif CopyStanding.NOBODY in NEXT[standing]:
            values = {"standing": CopyStanding.NOBODY, "doubt": Doubt.WITHDRAWN, "at": now}
            tx.execute(sa.update(_C).where(_C.id == number).values(**values))


def _values(one: Planned) -> tuple[Any, ...]:
    found: tuple[Any, ...] = _IN_ORDER(one)
    return found


def _columns(one: Planned) -> dict[str, Any]:
    columns = dict(zip(_PLANNED, _values(one), strict=True))
    columns["address_lines"] = list(one.address_lines)
    return columns


def _tupled(row: Any) -> tuple[Any, ...]:
    return tuple(tuple(value) if isinstance(value, list) else value for value in row)


def _row(row: Any) -> JournalCopyRow:
    values = list(row)
    values[_LINES] = tuple(values[_LINES])
    return JournalCopyRow(*values)
