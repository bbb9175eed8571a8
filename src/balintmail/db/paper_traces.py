"""Papers and their readers when a person is erased, merged, or asks what is held of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import or_, select

from balintmail.db.models_pages import Paper, PaperFile, PaperReader
from balintmail.db.session import Tx
from balintmail.domain.papers import PaperState


@dataclass(frozen=True, slots=True)
class HeldPaper:
    """A paper that somebody sent in; `files` are the names of its files, one a line."""

    files: str
    number: str
    title: str
    authors: str
    abstract: str
    message: str
    name: str
    email: str
    state: PaperState
    received_at: datetime
    decided_at: datetime | None
    decided_by: str
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class HeldReading:
    """A paper that somebody was asked to read."""

    number: str
    asked_at: datetime
    due_on: date
    answered_at: datetime | None
    advice: str


def of_people(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[HeldPaper]:
    """Return the papers that these people sent in, or that came from addresses that are theirs alone."""
    p = Paper
    query: Any = (
        select(
            p.id, p.number, p.title, p.authors, p.abstract, p.message, p.name, p.email, p.state, p.received_at,
            p.decided_at, p.decided_by, p.reason, p.note,
        )
        .where(_theirs(people, address_keys))
        .order_by(p.id)
    )  # fmt: skip
    names = select(PaperFile.file_name).order_by(PaperFile.position)
    return [
        HeldPaper("\n".join(tx.scalars(names.where(PaperFile.paper_id == row.id))), *row[1:])
        for row in tx.execute(query)
    ]


def read_by(tx: Tx, people: Sequence[int]) -> list[HeldReading]:
    """Return the papers that these people were asked to read."""
    r = PaperReader
    query = (
        select(Paper.number, r.asked_at, r.due_on, r.answered_at, r.advice)
        .join(Paper, Paper.id == r.paper_id)
        .where(r.person_id.in_(people))
        .order_by(r.id)
    )
    return [HeldReading(*row) for row in tx.execute(query)]


def files(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[str]:
    """Return the hashes of the files that these people sent in."""
    theirs = select(Paper.id).where(_theirs(people, address_keys))
    return list(tx.scalars(select(PaperFile.digest).where(PaperFile.paper_id.in_(theirs))))


def empty(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> None:
    """Take everything of these people out of the papers; the rows stay, with nothing in them but their state."""
    theirs = list(tx.scalars(select(Paper.id).where(_theirs(people, address_keys))))
    bare = dict.fromkeys(
        ("title", "authors", "abstract", "message", "name", "email", "envelope", "address_key", "reason", "note"), ""
    )
    tx.execute(sa.delete(PaperFile).where(PaperFile.paper_id.in_(theirs)))
    tx.execute(sa.update(Paper).where(Paper.id.in_(theirs)).values(**bare, person_id=None))
    # What was advised about their paper speaks of it; what they advised themselves goes with them.
    tx.execute(sa.update(PaperReader).where(PaperReader.paper_id.in_(theirs)).values(advice=""))
    tx.execute(sa.delete(PaperReader).where(PaperReader.person_id.in_(people)))


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Give one person's papers and readings to another, who is the same; a paper is read once."""
    tx.execute(sa.update(Paper).where(Paper.person_id == from_person).values(person_id=to_person))
    has_own = select(PaperReader.paper_id).where(PaperReader.person_id == to_person)
    theirs = PaperReader.person_id == from_person
    doubled = list(tx.scalars(select(PaperReader.paper_id).where(theirs, PaperReader.paper_id.in_(has_own))))
    tx.execute(sa.update(PaperReader).where(theirs, PaperReader.paper_id.not_in(doubled)).values(person_id=to_person))
    tx.execute(sa.delete(PaperReader).where(theirs, PaperReader.answered_at.is_(None)))


def _theirs(people: Sequence[int], address_keys: Sequence[str]) -> "sa.ColumnElement[bool]":
    return or_(Paper.person_id.in_(people), Paper.address_key.in_([key for key in address_keys if key]))
