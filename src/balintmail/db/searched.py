"""The Journal's published papers as the search keeps them, and the words that were read out of PDFs.

It decides nothing about who may read what; services/search_index.py does. The search itself: db/search.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models_archive import PdfText
from balintmail.db.models_journal import JournalArticle, JournalAuthor, JournalIssue
from balintmail.db.session import Tx
from balintmail.domain.archive import TextState

_A, _J = JournalArticle, JournalIssue


@dataclass(frozen=True, slots=True)
class Paper:
    """A published paper; `open_on` is the first day on which all may read it, None: from its publication on."""

    id: int
    title: str
    authors: str
    abstract: str
    language: str
    pdf: str | None
    published_on: date
    open_on: date | None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a paper stands: its journal issue's label and year, and the end of its web address."""

    label: str
    year: int
    slug: str
    volume: str
    number: str


@dataclass(frozen=True, slots=True)
class TextRow:
    """The words of one PDF, or why there are none. Pages are parted by a form feed."""

    digest: str
    state: TextState
    remark: str
    pages: int
    words: str
    read_at: datetime


def contents(tx: Tx, today: date) -> dict[int, str]:
    """Return every paper that is published on that day with what tells its state from any other."""
    query = (
        select(_A.id, _A.updated_at, _J.updated_at, _A.pdf, PdfText.state)
        .join(_J, _J.id == _A.journal_issue_id)
        .outerjoin(PdfText, PdfText.digest == _A.pdf)
        .where(_J.published_on <= today)
    )
    return {row[0]: " ".join(str(part) for part in row[1:]) for row in tx.execute(query)}


def papers(tx: Tx, numbers: Sequence[int]) -> list[Paper]:
    """Return these papers with their authors."""
    open_on = func.coalesce(_A.embargo_until, _J.embargo_until)
    language = sa.case((_A.language != "", _A.language), else_=_J.language)
    query = select(_A.id, _A.title, _A.abstract, language, _A.pdf, _J.published_on, open_on)
    rows = tx.execute(query.join(_J, _J.id == _A.journal_issue_id).where(_A.id.in_(numbers)).order_by(_A.id)).all()
    written = select(JournalAuthor.article_id, JournalAuthor.name).where(JournalAuthor.article_id.in_(numbers))
    authors: dict[int, list[str]] = {}
    for number, name in tx.execute(written.order_by(JournalAuthor.article_id, JournalAuthor.position)):
        authors.setdefault(number, []).append(name)
    return [
        Paper(row[0], row[1], ", ".join(authors.get(row[0], [])), row[2], row[3], row[4], row[5], row[6])
        for row in rows
    ]


def places(tx: Tx, numbers: Sequence[int]) -> dict[int, Place]:
    """Return where these papers stand."""
    columns = (_A.id, _J.label, _J.year, _A.slug, _J.volume, _J.number)
    query = select(*columns).join(_J, _J.id == _A.journal_issue_id).where(_A.id.in_(numbers))
    return {row[0]: Place(*row[1:]) for row in tx.execute(query)}


def unread(tx: Tx, most: int) -> list[str]:
    """Return PDFs of papers whose words nobody has read yet."""
    known = select(PdfText.digest).where(PdfText.digest == _A.pdf).exists()
    query = select(_A.pdf).where(_A.pdf.is_not(None), ~known).distinct().order_by(_A.pdf).limit(most)
    return [digest for digest in tx.scalars(query) if digest]


def in_state(tx: Tx, states: Sequence[TextState]) -> list[str]:
    """Return the PDFs of papers of whose reading one of these came."""
    query = select(PdfText.digest).where(
        PdfText.state.in_(states), select(_A.id).where(_A.pdf == PdfText.digest).exists()
    )
    return list(tx.scalars(query.order_by(PdfText.digest)))


def whose(tx: Tx, digest: str) -> str:
    """Return how the paper of a PDF is named, `1973/six-minutes`; the first where several have the same."""
    query = select(_J.label, _A.slug).join(_A, _A.journal_issue_id == _J.id).where(_A.pdf == digest)
    row = tx.execute(query.order_by(_A.id).limit(1)).first()
    return f"{row[0]}/{row[1]}" if row else digest[:12]


def states(tx: Tx) -> dict[TextState, int]:
    """Return how many PDFs of papers are in each state."""
    of_papers = select(_A.id).where(_A.pdf == PdfText.digest).exists()
    query = select(PdfText.state, func.count()).where(of_papers).group_by(PdfText.state)
    return {row[0]: row[1] for row in tx.execute(query)}


def text(tx: Tx, digest: str | None) -> TextRow | None:
    """Return the words of a PDF, None where it was not read yet."""
    columns = [getattr(PdfText, name) for name in TextRow.__dataclass_fields__]
    row = tx.execute(select(*columns).where(PdfText.digest == digest)).first()
    return TextRow(*row) if row else None


def put_text(tx: Tx, row: TextRow) -> None:
    """Keep the words of a PDF, in place of what was kept of it."""
    tx.execute(sa.delete(PdfText).where(PdfText.digest == row.digest))
    tx.execute(sa.insert(PdfText).values(**{name: getattr(row, name) for name in TextRow.__dataclass_fields__}))
