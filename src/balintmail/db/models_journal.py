"""Tables of the Journal: journal issues, articles, stock and the yearly despatch; its orders are models_orders.py."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from balintmail.db.models import Base, FileHash, Id, Json, _enum
from balintmail.domain.despatches import CopyStanding, DespatchState, Doubt, OwedFor, StockReason, Way


class JournalIssue(Base):
    """One issue of the Journal. `on_shelf` and `reserved` are the sums of its stock moves."""

    __tablename__ = "journal_issues"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)  # how commands and web addresses name it: 2026, or 2026-2
    year: Mapped[int] = mapped_column(index=True)
    volume: Mapped[str] = mapped_column(server_default="")
    number: Mapped[str] = mapped_column(server_default="")
    issn: Mapped[str] = mapped_column(server_default="")  # none: the one in the settings
    title: Mapped[str] = mapped_column(server_default="")  # of this one, such as a theme
    language: Mapped[str] = mapped_column(server_default="en")
    published_on: Mapped[date | None]  # none: in the making, and seen by nobody
    embargo_until: Mapped[date | None]  # the first day on which its papers are open to all
    print_run: Mapped[int | None]  # as ordered from the printer
    cover: Mapped[str | None] = mapped_column(FileHash)
    pdf: Mapped[str | None] = mapped_column(FileHash)
    on_shelf: Mapped[int] = mapped_column(server_default="0")
    reserved: Mapped[int] = mapped_column(server_default="0")
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        # The database itself keeps two orders at once from taking the last copy twice.
        CheckConstraint("reserved >= 0 AND on_shelf >= reserved", name="stock_is_there"),
    )


class JournalArticle(Base):
    """One paper of a journal issue. `slug` is the end of its web address and never changes."""

    __tablename__ = "journal_articles"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    journal_issue_id: Mapped[int] = mapped_column(Id, ForeignKey("journal_issues.id"))
    slug: Mapped[str]
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(server_default="")  # article, editorial, review, obituary …
    title: Mapped[str]
    first_page: Mapped[str] = mapped_column(server_default="")
    last_page: Mapped[str] = mapped_column(server_default="")
    abstract: Mapped[str] = mapped_column(server_default="")
    doi: Mapped[str] = mapped_column(server_default="")  # without https://doi.org/
    language: Mapped[str] = mapped_column(server_default="")  # none: the journal issue's
    pdf: Mapped[str | None] = mapped_column(FileHash)
    embargo_until: Mapped[date | None]  # none: the journal issue's
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    __table_args__ = (
        UniqueConstraint("journal_issue_id", "slug"),
        Index(
            "uq_journal_articles_doi",
            "doi",
            unique=True,
            sqlite_where=text("doi <> ''"),
            postgresql_where=text("doi <> ''"),
        ),
    )


class JournalAuthor(Base):
    """Who wrote a paper: the name as it is printed, and whose on the register it is.

    The printed name is the Journal's and outlasts an erasure; the link to the person does not.
    """

    __tablename__ = "journal_authors"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    article_id: Mapped[int] = mapped_column(Id, ForeignKey("journal_articles.id"))
    position: Mapped[int]
    name: Mapped[str]  # as printed, in its own order
    sort_name: Mapped[str] = mapped_column(server_default="", index=True)  # "Balint, Michael"
    affiliation: Mapped[str] = mapped_column(server_default="")
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    __table_args__ = (UniqueConstraint("article_id", "position"),)


class Despatch(Base):
    """The run of one journal issue: who was owed a copy on which day, and how far it is."""

    __tablename__ = "despatches"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    journal_issue_id: Mapped[int] = mapped_column(Id, ForeignKey("journal_issues.id"), unique=True)
    standing_on: Mapped[date]  # the day on which members are in good standing
    state: Mapped[DespatchState] = mapped_column(_enum(DespatchState))
    planned_at: Mapped[datetime]
    frozen_at: Mapped[datetime | None]
    frozen_by: Mapped[str] = mapped_column(server_default="")
    done_at: Mapped[datetime | None]


class DespatchCopy(Base):
    """One envelope or link that is owed: person x way, once (whoever wants paper and PDF is owed two), or an order.

    It counts in every report with its `copies`: an order may be for several in one envelope. The address is as it was
    at the freeze; erasure empties it and the row stays.
    """

    __tablename__ = "despatch_copies"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    despatch_id: Mapped[int] = mapped_column(Id, ForeignKey("despatches.id"))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    order_id: Mapped[int | None] = mapped_column(Id, ForeignKey("orders.id"), index=True)  # whose buyer gets it
    copies: Mapped[int] = mapped_column(server_default="1")
    way: Mapped[Way] = mapped_column(_enum(Way))
    owed_for: Mapped[OwedFor] = mapped_column(_enum(OwedFor))
    remark: Mapped[str] = mapped_column(server_default="")  # of the Secretary, such as whose review copy it is
    standing: Mapped[CopyStanding] = mapped_column(_enum(CopyStanding))
    doubt: Mapped[Doubt | None] = mapped_column(_enum(Doubt))  # why it goes to nobody, or what to look at
    wrong: Mapped[str] = mapped_column(server_default="")  # the parts of the address to look at
    name: Mapped[str] = mapped_column(server_default="")  # from here on as frozen
    address_lines: Mapped[list[Any]] = mapped_column(Json, server_default=text("'[]'"))  # without the country
    country_code: Mapped[str] = mapped_column(server_default="")
    postal_code: Mapped[str] = mapped_column(server_default="")
    posted_times: Mapped[int] = mapped_column(server_default="0")
    posted_on: Mapped[date | None]  # last
    returned_times: Mapped[int] = mapped_column(server_default="0")
    mailing_id: Mapped[int | None] = mapped_column(Id, ForeignKey("mailings.id"))  # that took its link, the last one
    link_until: Mapped[datetime | None]
    opened_times: Mapped[int] = mapped_column(server_default="0")  # through its link
    at: Mapped[datetime]  # of the last change of standing
    __table_args__ = (
        UniqueConstraint("despatch_id", "person_id", "way"),
        UniqueConstraint("despatch_id", "order_id"),
        CheckConstraint("(person_id IS NULL) <> (order_id IS NULL)", name="goes_to_one"),
        CheckConstraint("copies > 0", name="some_copies"),
        CheckConstraint("returned_times >= 0 AND returned_times <= posted_times", name="returned_was_posted"),
        Index("ix_despatch_copies_standing", "despatch_id", "standing"),
    )


class StockMove(Base):
    """Why the stock of a journal issue changed, and by how much. Only ever added to."""

    __tablename__ = "stock_moves"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    journal_issue_id: Mapped[int] = mapped_column(Id, ForeignKey("journal_issues.id"), index=True)
    reason: Mapped[StockReason] = mapped_column(_enum(StockReason))
    on_shelf: Mapped[int] = mapped_column(server_default="0")  # copies more, or fewer, on the shelf
    reserved: Mapped[int] = mapped_column(server_default="0")  # copies more, or fewer, set aside
    despatch_id: Mapped[int | None] = mapped_column(Id, ForeignKey("despatches.id"))
    note: Mapped[str] = mapped_column(server_default="")
    actor: Mapped[str]
    at: Mapped[datetime]
