"""Requests for copies: who asks for what, on which terms, and how it was answered. It decides and sends nothing.

A state is changed only from one that is still open, in the statement itself, so that of two who decide at once one
wins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exists, func, select

from balintmail.db.models import CopyRequest, Delivery, Mailing, MailingList
from balintmail.db.models_archive import CopyTerms
from balintmail.db.session import Tx
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.states import CopyState, DeliveryState, MailingKind, MailingState, Visibility

_C, _T = CopyRequest, CopyTerms
OPEN = (CopyState.PENDING, CopyState.WAITING, CopyState.QUOTED)
_BEGUN = (MailingState.SENDING, MailingState.PAUSED, MailingState.SENT)


@dataclass(frozen=True, slots=True)
class CopyRow:
    """One request; `mailing_id` is the newsletter that `wanted` names, where it names one."""

    id: int
    wanted: str
    mailing_id: int | None
    person_id: int | None
    email: str
    envelope: str
    address_key: str
    name: str
    language: str | None
    door: str
    inbound_id: int | None
    state: CopyState
    created_at: datetime
    expires_at: datetime | None = None
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class TermsRow:
    """What a request is about where it is about the Journal, how it is to come, and what it costs."""

    request_id: int
    journal_issue_id: int | None = None
    article_id: int | None = None
    paper: bool = False
    post: str = ""
    price_pence: int | None = None
    currency: str | None = None
    words: str = ""
    quoted_at: datetime | None = None
    agreed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A newsletter that was sent, as far as a wish for a copy needs it."""

    id: int
    list_id: int
    label: str  # newsletter/84
    title: str
    visibility: Visibility


_TERMS = [getattr(_T, name) for name in TermsRow.__dataclass_fields__]
_COLUMNS = [getattr(_C, name) for name in CopyRow.__dataclass_fields__]
# What is left of a request that nobody confirmed, or that was decided long ago.
_EMPTY: dict[str, Any] = {
    "wanted": "", "email": "", "envelope": "", "address_key": "", "name": "", "reason": "", "note": "",
    "person_id": None, "language": None,
}  # fmt: skip


def add(tx: Tx, row: CopyRow) -> int:
    """Enter a request and return its number."""
    values = {name: getattr(row, name) for name in CopyRow.__dataclass_fields__ if name != "id"}
    added: int = tx.execute(sa.insert(_C).values(**values).returning(_C.id)).scalar_one()
    return added


def get(tx: Tx, number: int) -> CopyRow | None:
    """Return one request, or None."""
    row = tx.execute(select(*_COLUMNS).where(_C.id == number)).first()
    return CopyRow(*row) if row else None


def put_terms(tx: Tx, row: TermsRow) -> None:
    """Write the terms of a request in place of those it had."""
    values = {name: getattr(row, name) for name in TermsRow.__dataclass_fields__}
    tx.execute(sa.delete(_T).where(_T.request_id == row.request_id))
    tx.execute(sa.insert(_T).values(**values))


def terms(tx: Tx, number: int) -> TermsRow:
    """Return the terms of a request; the usual ones where nothing is said."""
    row = tx.execute(select(*_TERMS).where(_T.request_id == number)).first()
    return TermsRow(*row) if row else TermsRow(number)


def target(row: CopyRow, of: TermsRow) -> Target | None:
    """Return what a request was understood to be about, or None."""
    if row.mailing_id is not None:
        return Target(ReadingKind.NEWSLETTER, row.mailing_id)
    if of.article_id is not None:
        return Target(ReadingKind.ARTICLE, of.article_id)
    return Target(ReadingKind.JOURNAL_ISSUE, of.journal_issue_id) if of.journal_issue_id is not None else None


def quote(tx: Tx, number: int, *, until: datetime) -> bool:
    """Let a request wait for whoever asked to agree to a price; False when it is decided already."""
    statement = sa.update(_C).where(_C.id == number, _C.state.in_((CopyState.WAITING, CopyState.QUOTED)))
    return tx.execute(statement.values(state=CopyState.QUOTED, expires_at=until)).rowcount == 1


def agree(tx: Tx, number: int, *, now: datetime) -> bool:
    """Let a request whose price was agreed to wait for the Secretary again; False when it waits for nobody's word."""
    quoted = (_C.id == number) & (_C.state == CopyState.QUOTED) & (_C.expires_at > now)
    if tx.execute(sa.update(_C).where(quoted).values(state=CopyState.WAITING, expires_at=None)).rowcount != 1:
        return False
    tx.execute(sa.update(_T).where(_T.request_id == number).values(agreed_at=now))
    return True


def in_states(tx: Tx, *states: CopyState) -> list[CopyRow]:
    """Return the requests in one of `states`, the oldest first; all of them where none is named."""
    query = select(*_COLUMNS).where(_C.email != "").order_by(_C.id)
    rows = tx.execute(query.where(_C.state.in_(states)) if states else query)
    return [CopyRow(*row) for row in rows]


def same_open(tx: Tx, address_key: str, wanted: str) -> CopyRow | None:
    """Return the open request of an address for the same thing, or None."""
    query = select(*_COLUMNS).where(_C.address_key == address_key, _C.wanted == wanted, _C.state.in_(OPEN))
    row = tx.execute(query.order_by(_C.id)).first()
    return CopyRow(*row) if row else None


def confirm(tx: Tx, number: int) -> bool:
    """Let a request wait for the Secretary whose address said that it asked; False when that was done already."""
    statement = sa.update(_C).where(_C.id == number, _C.state == CopyState.PENDING)
    return tx.execute(statement.values(state=CopyState.WAITING, expires_at=None)).rowcount == 1


def decide(tx: Tx, number: int, state: CopyState, values: dict[str, Any]) -> bool:
    """End an open request; False when it is decided already."""
    statement = sa.update(_C).where(_C.id == number, _C.state.in_(OPEN))
    return tx.execute(statement.values(state=state, expires_at=None, **values)).rowcount == 1


def any_expired(tx: Tx, now: datetime) -> bool:
    """Say whether a request is left that nobody confirmed, or agreed to the price of, in time; it only reads."""
    return bool(tx.scalar(select(exists().where(_C.state.in_(OPEN), _C.expires_at <= now))))


def expire(tx: Tx, now: datetime) -> int:
    """Empty and end the requests that nobody confirmed, or agreed to the price of, in time (S46); return how many."""
    late = (_C.state.in_(OPEN), _C.expires_at <= now)
    _empty_terms(tx, late)
    statement = sa.update(_C).where(*late)
    return tx.execute(statement.values(state=CopyState.EXPIRED, decided_at=now, **_EMPTY)).rowcount


def any_old(tx: Tx, before: datetime) -> bool:
    """Say whether a request was decided before then and still names somebody; it only reads."""
    return bool(tx.scalar(select(exists().where(*_old(before)))))


def empty_decided(tx: Tx, *, before: datetime) -> int:
    """Forget who asked in requests decided before then; return how many."""
    _empty_terms(tx, _old(before))
    return tx.execute(sa.update(_C).where(*_old(before)).values(**_EMPTY)).rowcount


def _empty_terms(tx: Tx, which: Sequence[sa.ColumnElement[bool]]) -> None:
    """Forget what was written on the terms of these requests: an address, words; sums stay."""
    tx.execute(sa.update(_T).where(_T.request_id.in_(select(_C.id).where(*which))).values(post="", words=""))


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Let somebody's requests be those of whom they were merged into."""
    tx.execute(sa.update(_C).where(_C.person_id == from_person).values(person_id=to_person))


def issues(tx: Tx, number: str) -> list[Issue]:
    """Return the newsletters of any list that were sent under a number, in the order of the lists."""
    query = _sent().where(func.lower(Mailing.number) == number.lower())
    return [_issue(row) for row in tx.execute(query.order_by(MailingList.is_default.desc(), MailingList.id))]


def latest(tx: Tx, list_id: int) -> Issue | None:
    """Return the newest newsletter that a list has sent, or None."""
    query = _sent().where(Mailing.list_id == list_id).order_by(Mailing.frozen_at.desc(), Mailing.id.desc())
    row = tx.execute(query.limit(1)).first()
    return _issue(row) if row else None


def issue(tx: Tx, mailing_id: int) -> Issue | None:
    """Return the newsletter of that id, if it was sent."""
    row = tx.execute(_sent().where(Mailing.id == mailing_id)).first()
    return _issue(row) if row else None


def had(tx: Tx, mailing_id: int, person_id: int) -> bool:
    """Say whether a newsletter went to somebody, so that a copy shows them nothing new."""
    mine = (Delivery.mailing_id == mailing_id) & (Delivery.person_id == person_id)
    gone = Delivery.state.in_((DeliveryState.ACCEPTED, DeliveryState.UNKNOWN, DeliveryState.REFUSED))
    return bool(tx.scalar(select(exists().where(mine, gone))))


def _sent() -> "sa.Select[*tuple[Any, ...]]":
    columns = (Mailing.id, Mailing.list_id, MailingList.slug, Mailing.number, Mailing.title, Mailing.visibility)
    whole = (Mailing.kind == MailingKind.NEWSLETTER, Mailing.number.is_not(None), Mailing.again_of.is_(None))
    joined = select(*columns).join(MailingList, MailingList.id == Mailing.list_id)
    return joined.where(*whole, Mailing.state.in_(_BEGUN), Mailing.frozen_at.is_not(None))


def _issue(row: Any) -> Issue:
    return Issue(row.id, row.list_id, f"{row.slug}/{row.number}", row.title, row.visibility)


def _old(before: datetime) -> Sequence[sa.ColumnElement[bool]]:
    return (_C.state.not_in(OPEN), _C.decided_at < before, _C.email != "")
