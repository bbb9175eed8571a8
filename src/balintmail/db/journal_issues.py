"""The rows of the Journal: its issues, their papers with their authors, and the printed copies in stock.

It checks no text and opens no file; services/journal_issues.py does. Stock changes only together with its move.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models_journal import Despatch, DespatchCopy, JournalArticle, JournalAuthor, JournalIssue, StockMove
from balintmail.db.session import Tx
from balintmail.domain.despatches import StockReason

_I, _A, _W, _S = JournalIssue, JournalArticle, JournalAuthor, StockMove


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue of the Journal. `cover` and `pdf` are hashes of kept files."""

    id: int
    label: str
    year: int
    volume: str
    number: str
    issn: str
    title: str
    language: str
    published_on: date | None
    embargo_until: date | None
    print_run: int | None
    cover: str | None
    pdf: str | None
    on_shelf: int
    reserved: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ArticleRow:
    """One paper of a journal issue."""

    id: int
    journal_issue_id: int
    slug: str
    position: int
    kind: str
    title: str
    first_page: str
    last_page: str
    abstract: str
    doi: str
    language: str
    pdf: str | None
    embargo_until: date | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class AuthorRow:
    """One author of a paper: the name as printed, and the person on the register where that is known."""

    article_id: int
    position: int
    name: str
    sort_name: str
    affiliation: str
    person_id: int | None


@dataclass(frozen=True, slots=True)
class WrittenRow:
    """A paper that somebody wrote, and their name as it is printed there."""

    journal: str
    title: str
    name: str
    affiliation: str


@dataclass(frozen=True, slots=True)
class StockMoveRow:
    """One change of stock; `on_shelf` and `reserved` are how many more, or fewer."""

    id: int
    reason: StockReason
    on_shelf: int
    reserved: int
    note: str
    actor: str
    at: datetime


_ISSUE = [getattr(_I, name) for name in IssueRow.__dataclass_fields__]
_ARTICLE = [getattr(_A, name) for name in ArticleRow.__dataclass_fields__]
_AUTHOR = [getattr(_W, name) for name in AuthorRow.__dataclass_fields__]
_MOVE = [getattr(_S, name) for name in StockMoveRow.__dataclass_fields__]


def by_label(tx: Tx, label: str) -> IssueRow | None:
    """Return the journal issue of that label, or None."""
    row = tx.execute(select(*_ISSUE).where(_I.label == label)).first()
    return IssueRow(*row) if row else None


def by_id(tx: Tx, number: int) -> IssueRow | None:
    """Return the journal issue of that number, or None."""
    row = tx.execute(select(*_ISSUE).where(_I.id == number)).first()
    return IssueRow(*row) if row else None


def of_copy(tx: Tx, copy_id: int) -> IssueRow | None:
    """Return the journal issue that a copy of a run is of, or None."""
    query = select(*_ISSUE).join(Despatch, Despatch.journal_issue_id == _I.id)
    row = tx.execute(
        query.join(DespatchCopy, DespatchCopy.despatch_id == Despatch.id).where(DespatchCopy.id == copy_id)
    )
    found = row.first()
    return IssueRow(*found) if found else None


def every(tx: Tx) -> list[IssueRow]:
    """Return all journal issues, the newest first."""
    return [IssueRow(*row) for row in tx.execute(select(*_ISSUE).order_by(_I.year.desc(), _I.label.desc()))]


def add(tx: Tx, values: dict[str, Any], *, now: datetime) -> int:
    """Add a journal issue with these columns; return its number."""
    row = {"created_at": now, "updated_at": now, **values}
    added: int = tx.execute(sa.insert(_I).values(**row).returning(_I.id)).scalar_one()
    return added


def update(tx: Tx, number: int, values: dict[str, Any], *, now: datetime) -> None:
    """Change columns of a journal issue."""
    tx.execute(sa.update(_I).where(_I.id == number).values(updated_at=now, **values))


def articles(tx: Tx, journal_issue_id: int) -> list[ArticleRow]:
    """Return the papers of a journal issue in their order."""
    query = select(*_ARTICLE).where(_A.journal_issue_id == journal_issue_id).order_by(_A.position, _A.id)
    return [ArticleRow(*row) for row in tx.execute(query)]


def article(tx: Tx, journal_issue_id: int, slug: str) -> ArticleRow | None:
    """Return the paper at that end of the journal issue's web address, or None."""
    row = tx.execute(select(*_ARTICLE).where(_A.journal_issue_id == journal_issue_id, _A.slug == slug)).first()
    return ArticleRow(*row) if row else None


def article_by_id(tx: Tx, number: int) -> ArticleRow | None:
    """Return the paper of that number, or None."""
    row = tx.execute(select(*_ARTICLE).where(_A.id == number)).first()
    return ArticleRow(*row) if row else None


def of_doi(tx: Tx, doi: str) -> ArticleRow | None:
    """Return the paper with that DOI, or None."""
    row = tx.execute(select(*_ARTICLE).where(_A.doi == doi, _A.doi != "")).first()
    return ArticleRow(*row) if row else None


def counts(tx: Tx) -> dict[int, int]:
    """Return how many papers each journal issue has, by its number."""
    query = select(_A.journal_issue_id, func.count()).group_by(_A.journal_issue_id)
    return {row[0]: row[1] for row in tx.execute(query)}


def add_article(tx: Tx, values: dict[str, Any], *, now: datetime) -> int:
    """Add a paper with these columns; return its number."""
    row = {"created_at": now, "updated_at": now, **values}
    added: int = tx.execute(sa.insert(_A).values(**row).returning(_A.id)).scalar_one()
    return added


def update_article(tx: Tx, number: int, values: dict[str, Any], *, now: datetime) -> None:
    """Change columns of a paper."""
    tx.execute(sa.update(_A).where(_A.id == number).values(updated_at=now, **values))


def remove_article(tx: Tx, number: int) -> None:
    """Delete a paper with its authors."""
    tx.execute(sa.delete(_W).where(_W.article_id == number))
    tx.execute(sa.delete(_A).where(_A.id == number))


def authors(tx: Tx, articles: Sequence[int]) -> dict[int, list[AuthorRow]]:
    """Return the authors of these papers in their order, by the paper's number."""
    found: dict[int, list[AuthorRow]] = {}
    query = select(*_AUTHOR).where(_W.article_id.in_(articles)).order_by(_W.article_id, _W.position)
    for row in tx.execute(query):
        found.setdefault(row[0], []).append(AuthorRow(*row))
    return found


def set_authors(tx: Tx, article_id: int, rows: Sequence[AuthorRow]) -> None:
    """Write the authors of a paper in place of those it had."""
    tx.execute(sa.delete(_W).where(_W.article_id == article_id))
    values = [
        {
            "article_id": article_id,
            "position": position,
            "name": row.name,
            "sort_name": row.sort_name,
            "affiliation": row.affiliation,
            "person_id": row.person_id,
        }
        for position, row in enumerate(rows, start=1)
    ]
    if values:
        tx.execute(sa.insert(_W), values)


def written_by(tx: Tx, people: Sequence[int]) -> list[WrittenRow]:
    """Return every paper that these people wrote, the oldest first."""
    query = (
        select(_I.label, _A.title, _W.name, _W.affiliation)
        .join(_A, _A.id == _W.article_id)
        .join(_I, _I.id == _A.journal_issue_id)
        .where(_W.person_id.in_(people))
        .order_by(_I.year, _A.position)
    )
    return [WrittenRow(*row) for row in tx.execute(query)]


def author_people(tx: Tx, journal_issue_id: int) -> list[int]:
    """Return the people on the register who wrote for a journal issue."""
    query = (
        select(_W.person_id)
        .join(_A, _A.id == _W.article_id)
        .where(_A.journal_issue_id == journal_issue_id, _W.person_id.is_not(None))
        .distinct()
        .order_by(_W.person_id)
    )
    return [number for number in tx.scalars(query) if number is not None]


def forget_authors(tx: Tx, people: Sequence[int]) -> None:
    """Keep no link from a printed name to these people; the name is the Journal's and stays."""
    tx.execute(sa.update(_W).where(_W.person_id.in_(people)).values(person_id=None))


def move_authors(tx: Tx, from_person: int, to_person: int) -> None:
    """Let what one person wrote be another's, who is the same."""
    tx.execute(sa.update(_W).where(_W.person_id == from_person).values(person_id=to_person))


def move_stock(tx: Tx, journal_issue_id: int, move: dict[str, Any], *, now: datetime) -> bool:
    """Change the stock by `on_shelf` and `reserved` of `move` and write it down; False when it is not there.

    One statement asks and takes, so that two at once never take the last copy twice.
    """
    on_shelf, reserved = int(move.get("on_shelf", 0)), int(move.get("reserved", 0))
    there = (_I.reserved + reserved >= 0) & (_I.on_shelf + on_shelf >= _I.reserved + reserved)
    changed = sa.update(_I).where(_I.id == journal_issue_id, there)
    values = {"on_shelf": _I.on_shelf + on_shelf, "reserved": _I.reserved + reserved}
    if tx.execute(changed.values(**values)).rowcount != 1:
        return False
    tx.execute(sa.insert(_S).values(journal_issue_id=journal_issue_id, at=now, **move))
    return True


def moves(tx: Tx, journal_issue_id: int) -> list[StockMoveRow]:
    """Return every change of a journal issue's stock, the oldest first."""
    query = select(*_MOVE).where(_S.journal_issue_id == journal_issue_id).order_by(_S.id)
    return [StockMoveRow(*row) for row in tx.execute(query)]
