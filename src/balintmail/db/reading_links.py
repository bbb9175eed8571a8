"""Mailed links to something that is not open to all: what each leads to, how long, and how often it was used.

A use is counted in the statement that allows it, so that of two at once only one is the last. It makes no link's text
and decides nothing; services/reading_links.py does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exists, func, select

from balintmail.db.models_archive import ReadingLink
from balintmail.db.models_journal import Despatch, DespatchCopy, JournalArticle, JournalAuthor, JournalIssue
from balintmail.db.session import Tx
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.despatches import CopyStanding

_R, _A, _I = ReadingLink, JournalArticle, JournalIssue
_PLACE = {
    ReadingKind.NEWSLETTER: "mailing_id",
    ReadingKind.ARTICLE: "article_id",
    ReadingKind.JOURNAL_ISSUE: "journal_issue_id",
}


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One link. `person_id` is whose it is, `request_id` the request for a copy that it answers."""

    id: int
    target: Target
    person_id: int | None
    request_id: int | None
    for_members: bool
    created_at: datetime
    expires_at: datetime
    uses: int
    most_uses: int
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class OpenFrom:
    """When something of the Journal came out, on which day it is open to all (None: with that), and its file."""

    published_on: date | None
    open_on: date | None
    pdf: str | None


def add(tx: Tx, row: LinkRow) -> int:
    """Enter a link; return its number."""
    values: dict[str, Any] = {
        name: getattr(row, name) for name in LinkRow.__dataclass_fields__ if name not in {"id", "target"}
    }
    values |= {"kind": row.target.kind, _PLACE[row.target.kind]: row.target.id}
    added: int = tx.execute(sa.insert(_R).values(**values).returning(_R.id)).scalar_one()
    return added


def get(tx: Tx, number: int) -> LinkRow | None:
    """Return one link, or None."""
    row = tx.execute(select(_R.__table__).where(_R.id == number)).first()
    return _row(row) if row else None


def of_request(tx: Tx, request_id: int) -> LinkRow | None:
    """Return the newest link that answers a request for a copy, or None."""
    query = select(_R.__table__).where(_R.request_id == request_id).order_by(_R.id.desc()).limit(1)
    row = tx.execute(query).first()
    return _row(row) if row else None


def use(tx: Tx, number: int, *, now: datetime) -> bool:
    """Count one use; False when the link has run out or was used as often as it may be."""
    good = (_R.id == number) & (_R.uses < _R.most_uses) & (_R.expires_at > now)
    return tx.execute(sa.update(_R).where(good).values(uses=_R.uses + 1, last_used_at=now)).rowcount == 1


def made_since(tx: Tx, person_id: int, since: datetime) -> int:
    """Return how many links a person was mailed since a moment, those that answer a request apart."""
    mine = (_R.person_id == person_id) & _R.request_id.is_(None) & (_R.created_at > since)
    return tx.scalar(select(func.count()).where(mine)) or 0


def end(tx: Tx, request_id: int, *, now: datetime) -> None:
    """Let the links that answer a request end now."""
    tx.execute(sa.update(_R).where(_R.request_id == request_id, _R.expires_at > now).values(expires_at=now))


def any_old(tx: Tx, before: datetime) -> bool:
    """Say whether a link ran out before a moment; it only reads."""
    return bool(tx.scalar(select(exists().where(_R.expires_at < before))))


def tidy(tx: Tx, before: datetime) -> int:
    """Delete the links that ran out before a moment; return how many."""
    return tx.execute(sa.delete(_R).where(_R.expires_at < before)).rowcount


def drop(tx: Tx, requests: Sequence[int]) -> None:
    """Delete the links that answer these requests."""
    tx.execute(sa.delete(_R).where(_R.request_id.in_(requests)))


def article(tx: Tx, number: int) -> OpenFrom | None:
    """Return from when a paper is open to all, or None when there is no such paper."""
    open_on = func.coalesce(_A.embargo_until, _I.embargo_until)
    query = select(_I.published_on, open_on, _A.pdf).join(_I, _I.id == _A.journal_issue_id).where(_A.id == number)
    row = tx.execute(query).first()
    return OpenFrom(*row) if row else None


def journal_issue(tx: Tx, number: int) -> OpenFrom | None:
    """Return from when a journal issue is open to all, with the last of its papers; None when there is none."""
    row = tx.execute(select(_I.published_on, _I.embargo_until, _I.pdf).where(_I.id == number)).first()
    if row is None:
        return None
    latest = tx.scalar(select(func.max(_A.embargo_until)).where(_A.journal_issue_id == number))
    days = [day for day in (row.embargo_until, latest) if day is not None]
    return OpenFrom(row.published_on, max(days, default=None), row.pdf)


def wrote(tx: Tx, article_id: int, person_id: int) -> bool:
    """Say whether somebody is among the authors of a paper."""
    return bool(
        tx.scalar(select(exists().where(JournalAuthor.article_id == article_id, JournalAuthor.person_id == person_id)))
    )


def was_owed(tx: Tx, journal_issue_id: int, person_id: int) -> bool:
    """Say whether somebody was owed a copy of a journal issue and it was not taken back."""
    mine = (DespatchCopy.person_id == person_id) & (DespatchCopy.standing != CopyStanding.NOBODY)
    run = (Despatch.id == DespatchCopy.despatch_id) & (Despatch.journal_issue_id == journal_issue_id)
    return bool(tx.scalar(select(exists().where(mine, run, Despatch.frozen_at.is_not(None)))))


def _row(row: Any) -> LinkRow:
    target = Target(row.kind, getattr(row, _PLACE[row.kind]))
    return LinkRow(
        row.id, target, row.person_id, row.request_id, row.for_members, row.created_at, row.expires_at, row.uses,
        row.most_uses, row.last_used_at,
    )  # fmt: skip
