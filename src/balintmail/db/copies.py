"""Requests for past newsletters: who asks for what, and how it was answered. It decides nothing and sends nothing.

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
from balintmail.db.session import Tx
from balintmail.domain.states import CopyState, DeliveryState, MailingKind, MailingState, Visibility

_C = CopyRequest
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
class Issue:
    """A newsletter that was sent, as far as a wish for a copy needs it."""

    id: int
    list_id: int
    label: str  # newsletter/84
    title: str
    visibility: Visibility


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
    """Say whether a request is left that nobody confirmed in time; it only reads."""
    return bool(tx.scalar(select(exists().where(_C.state == CopyState.PENDING, _C.expires_at <= now))))


def expire(tx: Tx, now: datetime) -> int:
    """Empty and end the requests that nobody confirmed in time (S46); return how many."""
    statement = sa.update(_C).where(_C.state == CopyState.PENDING, _C.expires_at <= now)
    return tx.execute(statement.values(state=CopyState.EXPIRED, decided_at=now, **_EMPTY)).rowcount


def any_old(tx: Tx, before: datetime) -> bool:
    """Say whether a request was decided before then and still names somebody; it only reads."""
    return bool(tx.scalar(select(exists().where(*_old(before)))))


def empty_decided(tx: Tx, *, before: datetime) -> int:
    """Forget who asked in requests decided before then; return how many."""
    return tx.execute(sa.update(_C).where(*_old(before)).values(**_EMPTY)).rowcount


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
