"""Newsletters of earlier years and errata: rows beside the mailings that they are or correct. It sends nothing.

A newsletter of earlier years is a mailing that was sent before this program was there: it has a number, a letter and a
day, and no delivery.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db import mailings
from balintmail.db.models import Mailing
from balintmail.db.models_archive import Erratum, PastNewsletter
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind, MailingState, Visibility


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPast:
    """A newsletter of earlier years as it is entered; `file` is the hash of the PDF that it was."""

    list_id: int
    number: str
    title: str
    visibility: Visibility
    at: datetime
    source: str
    compiled: bytes
    content_hash: str
    digest: str
    file_name: str
    file: str | None


@dataclass(frozen=True, slots=True)
class ErratumRow:
    """A correction to a newsletter."""

    id: int
    mailing_id: int
    words: str
    at: datetime
    actor: str
    withdrawn_at: datetime | None = None


def add(tx: Tx, new: NewPast, *, actor: str, now: datetime) -> int:
    """Enter a newsletter of earlier years; return its mailing's id."""
    values = {
        "list_id": new.list_id,
        "kind": MailingKind.NEWSLETTER,
        "number": new.number,
        "title": new.title,
        "state": MailingState.SENT,
        "visibility": new.visibility,
        "content_hash": new.content_hash,
        "released_by": actor,
        "created_at": now,
        "frozen_at": new.at,
        "finished_at": new.at,
    }
    number: int = tx.execute(sa.insert(Mailing).values(**values).returning(Mailing.id)).scalar_one()
    mailings.keep_content(tx, number, source=new.source, compiled=new.compiled)
    came = {"digest": new.digest, "file_name": new.file_name, "file": new.file}
    tx.execute(sa.insert(PastNewsletter).values(mailing_id=number, **came, imported_at=now, imported_by=actor))
    return number


def known(tx: Tx, digest: str) -> int | None:
    """Return the mailing that was made from exactly these octets, or None."""
    found: int | None = tx.scalar(select(PastNewsletter.mailing_id).where(PastNewsletter.digest == digest))
    return found


def file(tx: Tx, mailing_id: int) -> tuple[str, str] | None:
    """Return the hash and the name of the PDF that a newsletter was, or None."""
    query = select(PastNewsletter.file, PastNewsletter.file_name)
    row = tx.execute(query.where(PastNewsletter.mailing_id == mailing_id, PastNewsletter.file.is_not(None))).first()
    return (row.file, row.file_name) if row else None


def add_erratum(tx: Tx, row: ErratumRow) -> int:
    """Enter a correction; return its number."""
    values = {"mailing_id": row.mailing_id, "words": row.words, "at": row.at, "actor": row.actor}
    number: int = tx.execute(sa.insert(Erratum).values(**values).returning(Erratum.id)).scalar_one()
    return number


def errata(tx: Tx, mailing_ids: Sequence[int]) -> list[ErratumRow]:
    """Return the corrections to these newsletters that stand, the newest first."""
    columns = [getattr(Erratum, name) for name in ErratumRow.__dataclass_fields__]
    query = select(*columns).where(Erratum.mailing_id.in_(mailing_ids), Erratum.withdrawn_at.is_(None))
    return [ErratumRow(*row) for row in tx.execute(query.order_by(Erratum.at.desc(), Erratum.id.desc()))]


def withdraw(tx: Tx, number: int, mailing_id: int, *, now: datetime) -> bool:
    """Take a correction back; False when there is none of that number on that newsletter."""
    standing = (Erratum.id == number, Erratum.mailing_id == mailing_id, Erratum.withdrawn_at.is_(None))
    return tx.execute(sa.update(Erratum).where(*standing).values(withdrawn_at=now)).rowcount == 1
