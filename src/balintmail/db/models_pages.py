"""Tables of pages, documents, papers and the society's year."""

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from balintmail.db.models import Base, FileHash, Id, _enum
from balintmail.domain.duties import DutyKind
from balintmail.domain.papers import PaperState
from balintmail.domain.states import Visibility


class PageVersion(Base):
    """What a page of the instance's `pages/` said at some time; the file itself is what the site shows."""

    __tablename__ = "page_versions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    name: Mapped[str]  # of the file, with its ending
    number: Mapped[int]  # from 1, for each name
    digest: Mapped[bytes]  # SHA-256 of the source; empty where the file was taken away
    source: Mapped[str]
    at: Mapped[datetime]
    actor: Mapped[str]
    __table_args__ = (UniqueConstraint("name", "number"),)


class Document(Base):
    """A slide deck or another document that the society offers; its files are its versions."""

    __tablename__ = "documents"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    title: Mapped[str]
    remark: Mapped[str] = mapped_column(server_default="")  # what it is and for whom, shown with it
    language: Mapped[str] = mapped_column(server_default="")  # BCP 47; "": not said
    visibility: Mapped[Visibility] = mapped_column(_enum(Visibility), server_default="public")
    place: Mapped[int] = mapped_column(server_default="0")  # in the list; then by title
    created_at: Mapped[datetime]


class DocumentVersion(Base):
    """One file of a document; the highest number is the one that is offered."""

    __tablename__ = "document_versions"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    document_id: Mapped[int] = mapped_column(Id, ForeignKey("documents.id"))
    number: Mapped[int]
    label: Mapped[str] = mapped_column(server_default="")  # the society's own word for it, such as "2026"
    file_name: Mapped[str]
    kind: Mapped[str]  # its media type, by its content
    size: Mapped[int] = mapped_column(sa.BigInteger())  # octets
    digest: Mapped[str] = mapped_column(FileHash, index=True)
    preview: Mapped[str | None] = mapped_column(FileHash)  # a picture of its first page
    at: Mapped[datetime]
    actor: Mapped[str]
    __table_args__ = (UniqueConstraint("document_id", "number"),)


class Paper(Base):
    """Something sent in for the Journal. Erasure empties who sent it and what it says; the row stays for the count."""

    __tablename__ = "papers"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)  # what the receipt says: 2026-014
    title: Mapped[str]
    authors: Mapped[str]  # one a line, as they are to be printed
    abstract: Mapped[str] = mapped_column(server_default="")
    message: Mapped[str] = mapped_column(server_default="")  # to the editor
    name: Mapped[str]  # of whoever sent it in
    email: Mapped[str]  # emptied by erasure
    envelope: Mapped[str]
    address_key: Mapped[str] = mapped_column(index=True)
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    language: Mapped[str]
    door: Mapped[str]  # "form" or "command"
    state: Mapped[PaperState] = mapped_column(_enum(PaperState), server_default="received")
    received_at: Mapped[datetime]
    due_on: Mapped[date | None]  # when it should be decided; while it is open
    chased_at: Mapped[datetime | None]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")  # told to the author
    note: Mapped[str] = mapped_column(server_default="")  # for the record alone
    journal_issue_id: Mapped[int | None] = mapped_column(Id, ForeignKey("journal_issues.id"), index=True)
    __table_args__ = (
        Index(
            "ix_papers_open",
            "state",
            "due_on",
            sqlite_where=text("state IN ('received', 'in_review')"),
            postgresql_where=text("state IN ('received', 'in_review')"),
        ),
    )


class PaperFile(Base):
    """One file of a paper."""

    __tablename__ = "paper_files"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    paper_id: Mapped[int] = mapped_column(Id, ForeignKey("papers.id"))
    position: Mapped[int]
    file_name: Mapped[str]
    kind: Mapped[str]  # its media type, by its content
    size: Mapped[int] = mapped_column(sa.BigInteger())  # octets
    digest: Mapped[str] = mapped_column(FileHash, index=True)
    __table_args__ = (UniqueConstraint("paper_id", "position"),)


class PaperReader(Base):
    """Somebody who was asked to read a paper, by when, and what they advised."""

    __tablename__ = "paper_readers"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    paper_id: Mapped[int] = mapped_column(Id, ForeignKey("papers.id"))
    person_id: Mapped[int] = mapped_column(Id, ForeignKey("people.id"), index=True)
    asked_at: Mapped[datetime]
    due_on: Mapped[date]
    chased_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    advice: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (UniqueConstraint("paper_id", "person_id"),)


class PaperEvent(Base):
    """What happened to a paper, in order; only ever added to. It names nobody but who did it."""

    __tablename__ = "paper_events"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    paper_id: Mapped[int] = mapped_column(Id, ForeignKey("papers.id"), index=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    remark: Mapped[str] = mapped_column(server_default="")


class Duty(Base):
    """Something that the society does every year, or once: its first day and the months between two."""

    __tablename__ = "duties"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    title: Mapped[str]
    remark: Mapped[str] = mapped_column(server_default="")  # how it is done, for whoever does it first
    kind: Mapped[DutyKind] = mapped_column(_enum(DutyKind), server_default="remind")
    list_id: Mapped[int | None] = mapped_column(Id, ForeignKey("lists.id"))  # of a newsletter
    first_on: Mapped[date]
    every_months: Mapped[int]  # 0: once
    lead_days: Mapped[int]  # the reminder comes so many days before
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class DutyDate(Base):
    """One fall of a duty about which something was done: reminded of, drafted, done. Once for each day."""

    __tablename__ = "duty_dates"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    duty_id: Mapped[int] = mapped_column(Id, ForeignKey("duties.id"))
    on_day: Mapped[date]
    reminded_at: Mapped[datetime | None]
    chased_at: Mapped[datetime | None]  # the day was over and it was not done
    draft: Mapped[str] = mapped_column(server_default="")  # the file that was written for it
    done_at: Mapped[datetime | None]
    done_by: Mapped[str] = mapped_column(server_default="")
    remark: Mapped[str] = mapped_column(server_default="")
    __table_args__ = (UniqueConstraint("duty_id", "on_day"),)
