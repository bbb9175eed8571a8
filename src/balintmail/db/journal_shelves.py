"""The published Journal as everybody may look through it: its journal issues, papers, titles and authors' names.

What is in the making is not among it. It tells of no person on the register, only of printed names.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.journal_issues import IssueRow
from balintmail.db.models_journal import JournalArticle, JournalAuthor, JournalIssue
from balintmail.db.session import Tx

_I, _A, _W = JournalIssue, JournalArticle, JournalAuthor
_ISSUE = [getattr(_I, name) for name in IssueRow.__dataclass_fields__]


@dataclass(frozen=True, slots=True)
class Line:
    """A paper as it stands in a list. `open_on` is the first day on which all may read it, none: from its first."""

    id: int
    journal_issue_id: int
    label: str
    year: int
    volume: str
    number: str
    slug: str
    kind: str
    title: str
    first_page: str
    last_page: str
    language: str
    pdf: str | None
    open_on: date | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """An author's name as an index sorts it, and a paper that carries it."""

    sort_name: str
    article_id: int


_OPEN_ON = func.coalesce(_A.embargo_until, _I.embargo_until)
_LANGUAGE = sa.case((_A.language != "", _A.language), else_=_I.language)
_LINE = [
    _A.id, _A.journal_issue_id, _I.label, _I.year, _I.volume, _I.number, _A.slug, _A.kind, _A.title, _A.first_page,
    _A.last_page, _LANGUAGE, _A.pdf, _OPEN_ON, _A.updated_at,
]  # fmt: skip


def published(tx: Tx, today: date, *, year: int | None = None) -> list[IssueRow]:
    """Return the journal issues that are out on that day, the newest first; with `year` those of one year."""
    query = select(*_ISSUE).where(_I.published_on <= today)
    if year is not None:
        query = query.where(_I.year == year)
    found = [IssueRow(*row) for row in tx.execute(query)]
    return sorted(found, key=lambda one: (one.year, int(one.label[5:] or 0)), reverse=True)


def counts(tx: Tx, today: date) -> dict[int, int]:
    """Return how many papers each journal issue that is out has, by its number."""
    query = select(_A.journal_issue_id, func.count()).join(_I, _I.id == _A.journal_issue_id)
    rows = tx.execute(query.where(_I.published_on <= today).group_by(_A.journal_issue_id))
    return {row[0]: row[1] for row in rows}


def of_issues(tx: Tx, numbers: Sequence[int]) -> list[Line]:
    """Return the papers of these journal issues, each in the order of its contents."""
    query = select(*_LINE).join(_I, _I.id == _A.journal_issue_id).where(_A.journal_issue_id.in_(numbers))
    return [Line(*row) for row in tx.execute(query.order_by(_A.journal_issue_id, _A.position, _A.id))]


def titles(tx: Tx, today: date) -> list[Line]:
    """Return every paper that is out."""
    query = select(*_LINE).join(_I, _I.id == _A.journal_issue_id).where(_I.published_on <= today)
    return [Line(*row) for row in tx.execute(query.order_by(_I.year.desc(), _I.label, _A.position))]


def names(tx: Tx, today: date) -> list[Written]:
    """Return every author's name of a paper that is out."""
    query = select(_W.sort_name, _W.article_id).join(_A, _A.id == _W.article_id)
    rows = tx.execute(query.join(_I, _I.id == _A.journal_issue_id).where(_I.published_on <= today))
    return [Written(*row) for row in rows]
