"""The newsletters that anybody may look for: those that have gone to their whole list, in the order of their going.

A second copy, a newsletter tried in a sandbox and one that its writer keeps out of the archive are not among them. It
tells of mailings only, never of a reader.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select

from balintmail.db.models import Mailing, MailingList
from balintmail.db.models_archive import Erratum
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind, Visibility

_M = Mailing


@dataclass(frozen=True, slots=True)
class Shelf:
    """A list with newsletters in the archive."""

    slug: str
    name: str
    purpose: str
    language: str
    newsletters: int
    latest: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """One newsletter; `at` is when the first letter could leave."""

    mailing: int
    slug: str
    list_name: str
    number: str
    title: str
    visibility: Visibility
    at: datetime


def _shown() -> Sequence[ColumnElement[bool]]:
    return (
        _M.kind == MailingKind.NEWSLETTER,
        _M.number.is_not(None),
        _M.again_of.is_(None),
        _M.redirected_to == "",
        _M.frozen_at.is_not(None),
        _M.visibility != Visibility.NONE,
        _M.content_hash != "",  # what only the journal of dots knew has no letter
    )


def shelves(tx: Tx) -> list[Shelf]:
    """Return the lists that have newsletters to show, by name."""
    query = (
        select(
            MailingList.slug,
            MailingList.name,
            MailingList.purpose,
            MailingList.language,
            func.count(_M.id),
            func.max(_M.frozen_at),
        )
        .join(_M, _M.list_id == MailingList.id)
        .where(*_shown())
        .group_by(MailingList.id)
        .order_by(MailingList.name, MailingList.id)
    )
    return [_shelf(*row) for row in tx.execute(query)]


def _shelf(slug: str, name: str, purpose: str, language: str, newsletters: int, latest: Any) -> Shelf:
    return Shelf(slug, name, purpose, language, newsletters, latest)


def _issued() -> "Select[*tuple[Any, ...]]":
    columns = (_M.id, MailingList.slug, MailingList.name, _M.number, _M.title, _M.visibility, _M.frozen_at)
    return select(*columns).join(MailingList, MailingList.id == _M.list_id).where(*_shown())


def of_list(tx: Tx, slug: str, *, most: int, skip: int = 0) -> list[Issued]:
    """Return up to `most` newsletters of a list, the newest first, after the first `skip`."""
    query = _issued().where(MailingList.slug == slug).order_by(_M.frozen_at.desc(), _M.id.desc())
    return [Issued(*row) for row in tx.execute(query.limit(most).offset(skip))]


def one(tx: Tx, slug: str, number: str) -> Issued | None:
    """Return the newsletter of that number, or None when it is not in the archive."""
    row = tx.execute(_issued().where(MailingList.slug == slug, _M.number == number)).first()
    return Issued(*row) if row else None


def contents(tx: Tx) -> dict[int, str]:
    """Return every newsletter in the archive with what tells its content, visibility and errata from any other."""
    stand = select(Erratum.mailing_id, func.count().label("number"), func.max(Erratum.id).label("last"))
    errata = stand.where(Erratum.withdrawn_at.is_(None)).group_by(Erratum.mailing_id).subquery()
    query = select(_M.id, _M.content_hash, _M.visibility, errata.c.number, errata.c.last)
    found = tx.execute(query.outerjoin(errata, errata.c.mailing_id == _M.id).where(*_shown(), _M.list_id.is_not(None)))
    return {
        row.id: f"{row.content_hash} {row.visibility.value}" + (f" {row.number} {row.last}" if row.last else "")
        for row in found
    }


def of_mailings(tx: Tx, mailings: Sequence[int]) -> dict[int, Issued]:
    """Return those of these mailings that are in the archive."""
    rows = [Issued(*row) for row in tx.execute(_issued().where(_M.id.in_(mailings)))]
    return {one.mailing: one for one in rows}


def neighbours(tx: Tx, of: Issued) -> tuple[Issued | None, Issued | None]:
    """Return the newsletter before and the one after, on the same list."""
    here = _issued().where(MailingList.slug == of.slug)
    older = here.where((_M.frozen_at < of.at) | ((_M.frozen_at == of.at) & (_M.id < of.mailing)))
    newer = here.where((_M.frozen_at > of.at) | ((_M.frozen_at == of.at) & (_M.id > of.mailing)))
    before = tx.execute(older.order_by(_M.frozen_at.desc(), _M.id.desc()).limit(1)).first()
    after = tx.execute(newer.order_by(_M.frozen_at, _M.id).limit(1)).first()
    return (Issued(*before) if before else None, Issued(*after) if after else None)
