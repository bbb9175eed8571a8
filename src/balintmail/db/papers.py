"""Papers that were sent in: their rows, files, readers and what happened to them. It decides nothing.

Which state may follow which: domain/papers.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Select, func, insert, or_, select

from balintmail.db.models_pages import Paper, PaperEvent, PaperFile, PaperReader
from balintmail.db.session import Tx
from balintmail.domain.papers import OPEN, PaperState

_P, _R = Paper, PaperReader


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A paper as it stands."""

    id: int
    number: str
    title: str
    authors: str
    abstract: str
    message: str
    name: str
    email: str
    address_key: str
    person_id: int | None
    language: str
    door: str
    state: PaperState
    received_at: datetime
    due_on: date | None
    chased_at: datetime | None
    decided_at: datetime | None
    decided_by: str
    reason: str
    note: str
    journal_issue_id: int | None


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of a paper."""

    position: int
    file_name: str
    kind: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class ReaderRow:
    """Somebody who was asked to read a paper."""

    id: int
    paper_id: int
    person_id: int
    asked_at: datetime
    due_on: date
    chased_at: datetime | None
    answered_at: datetime | None
    advice: str


@dataclass(frozen=True, slots=True)
class EventRow:
    """One thing that happened."""

    at: datetime
    actor: str
    action: str
    remark: str


def _rows() -> "Select[*tuple[Any, ...]]":
    return select(
        _P.id, _P.number, _P.title, _P.authors, _P.abstract, _P.message, _P.name, _P.email, _P.address_key,
        _P.person_id, _P.language, _P.door, _P.state, _P.received_at, _P.due_on, _P.chased_at, _P.decided_at,
        _P.decided_by, _P.reason, _P.note, _P.journal_issue_id,
    )  # fmt: skip


def add(tx: Tx, values: dict[str, Any], files: Sequence[FileRow]) -> int:
    """Enter a paper with its files; return its id."""
    paper: int = tx.execute(insert(_P).values(values).returning(_P.id)).scalar_one()
    rows = [
        {"paper_id": paper, "position": one.position, "file_name": one.file_name, "kind": one.kind, "size": one.size,
         "digest": one.digest}
        for one in files
    ]  # fmt: skip
    tx.execute(insert(PaperFile), rows)
    return paper


def last_number(tx: Tx, year: int) -> str:
    """Return the highest number of a year, "" for none."""
    longest = func.length(_P.number)
    query = select(_P.number).where(_P.number.startswith(f"{year}-")).order_by(longest.desc(), _P.number.desc())
    return tx.scalar(query.limit(1)) or ""


def by_number(tx: Tx, number: str) -> PaperRow | None:
    """Return the paper of that number, or None."""
    row = tx.execute(_rows().where(_P.number == number)).first()
    return PaperRow(*row) if row else None


def by_id(tx: Tx, paper_id: int) -> PaperRow | None:
    """Return the paper of that id, or None."""
    row = tx.execute(_rows().where(_P.id == paper_id)).first()
    return PaperRow(*row) if row else None


def in_states(tx: Tx, *states: PaperState) -> list[PaperRow]:
    """Return the papers in these states, all for none, the oldest first."""
    query = _rows().order_by(_P.received_at, _P.id)
    return [PaperRow(*row) for row in tx.execute(query.where(_P.state.in_(states)) if states else query)]


def of_address_since(tx: Tx, address_key: str, since: datetime) -> list[PaperRow]:
    """Return what came from an address since then."""
    return [PaperRow(*row) for row in tx.execute(_rows().where(_P.address_key == address_key, _P.received_at >= since))]


def update(tx: Tx, paper_id: int, values: dict[str, Any]) -> None:
    """Set columns of a paper."""
    tx.execute(sa.update(_P).where(_P.id == paper_id).values(values))


def become(tx: Tx, paper: PaperRow, state: PaperState, values: dict[str, Any]) -> bool:
    """Bring a paper into another state, unless somebody else did something with it meanwhile; return whether."""
    here = (_P.id == paper.id) & (_P.state == paper.state)
    return tx.execute(sa.update(_P).where(here).values(state=state, **values)).rowcount == 1


def files(tx: Tx, paper_id: int) -> list[FileRow]:
    """Return a paper's files in their order."""
    f = PaperFile
    query = select(f.position, f.file_name, f.kind, f.size, f.digest).where(f.paper_id == paper_id).order_by(f.position)
    return [FileRow(*row) for row in tx.execute(query)]


def note(tx: Tx, paper_id: int, action: str, *, actor: str, now: datetime, remark: str = "") -> None:
    """Write down what happened."""
    values = {"paper_id": paper_id, "at": now, "actor": actor, "action": action, "remark": remark}
    tx.execute(insert(PaperEvent).values(values))


def events(tx: Tx, paper_id: int) -> list[EventRow]:
    """Return what happened to a paper, in order."""
    e = PaperEvent
    query = select(e.at, e.actor, e.action, e.remark).where(e.paper_id == paper_id).order_by(e.id)
    return [EventRow(*row) for row in tx.execute(query)]


def _reader_rows() -> "Select[*tuple[Any, ...]]":
    return select(
        _R.id, _R.paper_id, _R.person_id, _R.asked_at, _R.due_on, _R.chased_at, _R.answered_at, _R.advice
    )  # fmt: skip


def readers(tx: Tx, paper_id: int) -> list[ReaderRow]:
    """Return who was asked to read a paper, in the order of asking."""
    return [ReaderRow(*row) for row in tx.execute(_reader_rows().where(_R.paper_id == paper_id).order_by(_R.id))]


def reader(tx: Tx, reader_id: int) -> ReaderRow | None:
    """Return one reader's row, or None."""
    row = tx.execute(_reader_rows().where(_R.id == reader_id)).first()
    return ReaderRow(*row) if row else None


def ask(tx: Tx, paper_id: int, person_id: int, due_on: date, *, now: datetime) -> int:
    """Enter a reader, or give one who was asked already a new day; return the row's id."""
    known = tx.scalar(select(_R.id).where(_R.paper_id == paper_id, _R.person_id == person_id))
    if known is not None:
        tx.execute(sa.update(_R).where(_R.id == known).values(due_on=due_on, chased_at=None))
        return int(known)
    values = {"paper_id": paper_id, "person_id": person_id, "asked_at": now, "due_on": due_on}
    return int(tx.execute(insert(_R).values(values).returning(_R.id)).scalar_one())


def advise(tx: Tx, reader_id: int, advice: str, *, now: datetime) -> None:
    """Keep what a reader advised."""
    tx.execute(sa.update(_R).where(_R.id == reader_id).values(advice=advice, answered_at=now))


def late(tx: Tx, day: date, *, chased_before: datetime) -> list[PaperRow]:
    """Return the open papers that should have been decided before `day` and were not told of since."""
    quiet = or_(_P.chased_at.is_(None), _P.chased_at < chased_before)
    query = _rows().where(_P.state.in_(OPEN), _P.due_on < day, quiet).order_by(_P.due_on, _P.id)
    return [PaperRow(*row) for row in tx.execute(query)]


def late_readers(tx: Tx, day: date, *, chased_before: datetime) -> list[ReaderRow]:
    """Return the readers of open papers whose day is over, who did not answer and were not reminded since."""
    quiet = or_(_R.chased_at.is_(None), _R.chased_at < chased_before)
    query = (
        _reader_rows()
        .join(_P, _P.id == _R.paper_id)
        .where(_P.state.in_(OPEN), _R.answered_at.is_(None), _R.due_on < day, quiet)
        .order_by(_R.id)
    )
    return [ReaderRow(*row) for row in tx.execute(query)]


def chased(tx: Tx, papers: Sequence[int], reader_ids: Sequence[int], *, now: datetime) -> None:
    """Note that these were told of, or reminded, now."""
    tx.execute(sa.update(_P).where(_P.id.in_(papers)).values(chased_at=now))
    tx.execute(sa.update(_R).where(_R.id.in_(reader_ids)).values(chased_at=now))
