"""Tables of the archive: what is searched, errata, newsletters of earlier years, texts of PDFs, links to read by.

On SQLite the words of `search_entries` are indexed by an FTS5 table, `search_words`, that triggers keep in step; on
PostgreSQL by GIN. Neither is described here, since one database only has it; migration 0006 makes both.
"""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from balintmail.db.models import Base, FileHash, Id, _enum
from balintmail.domain.archive import ReadingKind, TextState

# Words as they are looked for: folded and with blanks between them; on PostgreSQL with their places (db/search.py).
Searchable = sa.Text().with_variant(TSVECTOR(), "postgresql")


class Erratum(Base):
    """A correction to a newsletter that has gone out; it stands above the newsletter's page with its date."""

    __tablename__ = "errata"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailing_id: Mapped[int] = mapped_column(Id, ForeignKey("mailings.id"), index=True)
    words: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(server_default="")
    withdrawn_at: Mapped[datetime | None]


class PastNewsletter(Base):
    """Where a newsletter of earlier years came from: it is a mailing that was sent to nobody from here."""

    __tablename__ = "past_newsletters"
    mailing_id: Mapped[int] = mapped_column(Id, ForeignKey("mailings.id"), primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(unique=True)  # SHA-256 of what was read: the same never comes in twice
    file_name: Mapped[str] = mapped_column(server_default="")  # as it was called
    file: Mapped[str | None] = mapped_column(FileHash)  # the PDF itself
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(server_default="")


class PdfText(Base):
    """The words of a PDF by its content, so that none is read twice. Pages are parted by a form feed."""

    __tablename__ = "pdf_texts"
    digest: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[TextState] = mapped_column(_enum(TextState))
    remark: Mapped[str] = mapped_column(server_default="")
    pages: Mapped[int] = mapped_column(server_default="0")
    words: Mapped[str] = mapped_column(server_default="")
    read_at: Mapped[datetime]


class SearchEntry(Base):
    """A newsletter or a paper as it is searched.

    `head` (title, authors, abstract) is found by everybody; `words`, which has it all, by everybody from `open_from`
    on, and never where that is missing.
    """

    __tablename__ = "search_entries"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"), unique=True)
    article_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_articles.id"), unique=True)
    at: Mapped[datetime]  # when it came out; what is small stands before what SQLite keeps on pages of its own
    open_from: Mapped[datetime | None]
    fingerprint: Mapped[str]  # of what it was made from, to see when it must be made anew
    language: Mapped[str] = mapped_column(server_default="")
    title: Mapped[str]
    authors: Mapped[str] = mapped_column(server_default="")
    summary: Mapped[str] = mapped_column(server_default="")  # an abstract
    body: Mapped[str] = mapped_column(server_default="")
    head: Mapped[str] = mapped_column(Searchable)
    words: Mapped[str] = mapped_column(Searchable)
    __table_args__ = (CheckConstraint("(mailing_id IS NULL) <> (article_id IS NULL)", name="is_of_one"),)


class CopyTerms(Base):
    """What a request for a copy is about where it is about the Journal, and what the Secretary asks for it."""

    __tablename__ = "copy_terms"
    request_id: Mapped[int] = mapped_column(Id, ForeignKey("copy_requests.id"), primary_key=True, autoincrement=False)
    journal_issue_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_issues.id"))
    article_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_articles.id"))
    paper: Mapped[bool] = mapped_column(server_default=sa.false())
    post: Mapped[str] = mapped_column(server_default="")  # where a copy on paper goes, as they wrote it, line by line
    price_pence: Mapped[int | None]
    currency: Mapped[str | None]
    words: Mapped[str] = mapped_column(server_default="")  # that go with the price
    quoted_at: Mapped[datetime | None]
    agreed_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("price_pence IS NULL OR price_pence >= 0", name="price_not_negative"),
        CheckConstraint("(price_pence IS NULL) = (currency IS NULL)", name="price_has_currency"),
    )


class ReadingLink(Base):
    """A mailed link to something that is not open to all: it ends, and its uses are counted.

    The link itself is a token over this row's number (domain/tokens.py). `kind` says which of the three is meant.
    """

    __tablename__ = "reading_links"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[ReadingKind] = mapped_column(_enum(ReadingKind))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(Id, ForeignKey("copy_requests.id"), index=True)
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))
    article_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_articles.id"))
    journal_issue_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_issues.id"))
    for_members: Mapped[bool]  # works only while the person is one
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    uses: Mapped[int] = mapped_column(server_default="0")
    most_uses: Mapped[int]
    last_used_at: Mapped[datetime | None]
    __table_args__ = (
        CheckConstraint("uses >= 0 AND uses <= most_uses", name="uses_are_few"),
        CheckConstraint(
            "(CASE WHEN mailing_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN article_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN journal_issue_id IS NULL THEN 0 ELSE 1 END) = 1",
            name="leads_to_one",
        ),
    )


__all__ = [
    "CopyTerms", "Erratum", "PastNewsletter", "PdfText", "ReadingLink", "SearchEntry", "Searchable",
]  # fmt: skip
