"""Join requests: who asks to join which list, and how it was decided. It never makes anybody a person.

A state is changed only from one that domain/requests.py allows, in the statement itself, so that of two who decide at
once one wins and the other is told.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import JoinRequest
from balintmail.db.session import Tx
from balintmail.domain.requests import OPEN, Act, Door, Held, after, sources
from balintmail.domain.states import RequestState

_R = JoinRequest
_PAGE = 500


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request; `batch` is the first request of one form, which may have asked for several lists."""

    id: int
    list_id: int
    email: str
    envelope: str
    address_key: str
    name: str
    language: str | None
    words: str
    how: str
    actor: str
    state: RequestState
    created_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""
    person_id: int | None = None
    batch: int | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)
    held: str = ""
    confirmed_at: datetime | None = None
    expires_at: datetime | None = None
    reminded_at: datetime | None = None
    reason: str = ""
    note: str = ""

    @property
    def door(self) -> Door:
        return Door(self.how)

    @property
    def why_held(self) -> Held:
        return Held(self.held)

    @property
    def approved_before(self) -> bool:
        """Whether the Secretary approved it although the address has not confirmed yet."""
        return self.state is RequestState.PENDING and self.decided_at is not None

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which requests to list; empty leaves that question open."""

    states: tuple[RequestState, ...] = ()
    list_id: int | None = None
    address_key: str = ""


_COLUMNS = [getattr(_R, name) for name in RequestRow.__dataclass_fields__]
# What is left of a request that has expired, or was decided long ago: that there was one (S46).
_EMPTY: dict[str, Any] = {
    "email": "", "envelope": "", "address_key": "", "name": "", "words": "", "actor": "", "answers": {}, "evidence": {},
    "reason": "", "note": "", "person_id": None, "language": None,
}  # fmt: skip


def get(tx: Tx, request_id: int) -> RequestRow | None:
    """Return one request, or None."""
    row = tx.execute(select(*_COLUMNS).where(_R.id == request_id)).first()
    return RequestRow(*row) if row else None


def of_batch(tx: Tx, batch: int) -> list[RequestRow]:
    """Return the requests that came with one form, in the order of their numbers."""
    rows = tx.execute(select(*_COLUMNS).where((_R.batch == batch) | (_R.id == batch)).order_by(_R.id))
    return [RequestRow(*row) for row in rows]


def waiting(tx: Tx, list_id: int, address_key: str) -> list[RequestRow]:
    """Return the open requests of an address for a list, the oldest first."""
    here = (_R.list_id == list_id) & (_R.address_key == address_key)
    return [RequestRow(*row) for row in tx.execute(select(*_COLUMNS).where(here, _is_open()).order_by(_R.id))]


def open_of_address(tx: Tx, address_key: str) -> list[RequestRow]:
    """Return all open requests of an address, the oldest first."""
    rows = tx.execute(select(*_COLUMNS).where(_R.address_key == address_key, _is_open()).order_by(_R.id))
    return [RequestRow(*row) for row in rows]


def add(tx: Tx, row: RequestRow) -> int | None:
    """Add a request and return its number, or None when the same one is open already."""
    values = {name: getattr(row, name) for name in RequestRow.__dataclass_fields__ if name != "id"}
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_R).values(**values).on_conflict_do_nothing().returning(_R.id)
    added: int | None = tx.execute(statement).scalar()
    return added


def listed(tx: Tx, wanted: Wanted, *, most: int = 10_000) -> list[RequestRow]:
    """Return the requests that are wanted, the oldest first; emptied ones are left out."""
    query = select(*_COLUMNS).where(_R.address_key != "")
    if wanted.states:
        query = query.where(_R.state.in_(wanted.states))
    if wanted.list_id is not None:
        query = query.where(_R.list_id == wanted.list_id)
    if wanted.address_key:
        query = query.where(_R.address_key == wanted.address_key)
    return [RequestRow(*row) for row in tx.execute(query.order_by(_R.id).limit(most))]


def confirm(tx: Tx, row: RequestRow, *, expires_at: datetime, now: datetime) -> bool:
    """Note that whoever reads the mailbox confirmed; False when it is no longer pending."""
    values = {"confirmed_at": now, "expires_at": expires_at, "held": ""}
    return _move(tx, row.id, Act.CONFIRM, values)


def decide(tx: Tx, row: RequestRow, act: Act, decision: Mapping[str, Any], *, now: datetime) -> bool:
    """Record how a request was decided; False when it has been decided already.

    `decision` may hold `decided_by`, `reason`, `note` and `person_id`.
    """
    return _move(tx, row.id, act, {"decided_at": now, "held": "", "expires_at": None, **decision})


def _move(tx: Tx, request_id: int, act: Act, values: Mapping[str, Any]) -> bool:
    """Carry out `act` where the state allows it, and nowhere else."""
    goals = {after(state, act) for state in sources(act)}
    (goal,) = goals
    here = (_R.id == request_id) & _R.state.in_(sources(act))
    return tx.execute(sa.update(_R).where(here).values(state=goal, **values)).rowcount == 1


def approve_before(tx: Tx, row: RequestRow, decision: Mapping[str, Any], *, now: datetime) -> bool:
    """Note that the Secretary approved a request that is still pending; it goes on once the address has confirmed."""
    here = (_R.id == row.id) & (_R.state == RequestState.PENDING)
    return tx.execute(sa.update(_R).where(here).values(decided_at=now, held="", **decision)).rowcount == 1


def renew(tx: Tx, ids: Sequence[int], *, expires_at: datetime) -> None:
    """Give pending requests whose confirmation is mailed (again) the time to be confirmed."""
    here = _R.id.in_(ids) & (_R.state == RequestState.PENDING)
    tx.execute(sa.update(_R).where(here).values(expires_at=expires_at, held=""))


def into_batch(tx: Tx, request_id: int, batch: int) -> None:
    """Count a request to the form of another."""
    tx.execute(sa.update(_R).where(_R.id == request_id).values(batch=batch))


def told(tx: Tx, ids: Sequence[int], *, now: datetime) -> None:
    """Note that the Secretary was told of these."""
    for start in range(0, len(ids), _PAGE):
        tx.execute(sa.update(_R).where(_R.id.in_(ids[start : start + _PAGE])).values(reminded_at=now))


def turns(tx: Tx, *, most: int = 1000) -> list[RequestRow]:
    """Return the requests to open lists that wait to be taken, the oldest first."""
    here = (_R.state == RequestState.PENDING) & (_R.held == Held.TURN.value)
    return [RequestRow(*row) for row in tx.execute(select(*_COLUMNS).where(here).order_by(_R.id).limit(most))]


def any_turn(tx: Tx) -> bool:
    """Say whether a request to an open list waits to be taken."""
    here = (_R.state == RequestState.PENDING) & (_R.held == Held.TURN.value)
    return tx.scalar(select(_R.id).where(here).limit(1)) is not None


def expire(tx: Tx, *, now: datetime) -> int:
    """End the open requests whose time is over and empty them (S46); return how many."""
    here = _is_open() & (_R.expires_at <= now)
    return tx.execute(sa.update(_R).where(here).values(state=RequestState.EXPIRED, held="", **_EMPTY)).rowcount


def empty_decided(tx: Tx, *, before: datetime) -> int:
    """Empty the requests that were decided before then; return how many."""
    old = _R.state.in_((RequestState.APPROVED, RequestState.DECLINED)) & (_R.decided_at < before)
    return tx.execute(sa.update(_R).where(old, _R.address_key != "").values(**_EMPTY)).rowcount


def first_expiry(tx: Tx) -> datetime | None:
    """Return when the next open request ends by itself."""
    found: datetime | None = tx.scalar(select(func.min(_R.expires_at)).where(_is_open()))
    return found


def untold(tx: Tx, *, held: bool) -> list[RequestRow]:
    """Return the open requests that the Secretary has not been told of: held ones, or confirmed ones."""
    kept = (_R.state == RequestState.PENDING, _R.held.not_in(("", Held.TURN.value)))
    here = kept if held else (_R.state == RequestState.CONFIRMED,)
    query = select(*_COLUMNS).where(*here, _R.reminded_at.is_(None)).order_by(_R.id).limit(_PAGE)
    return [RequestRow(*row) for row in tx.execute(query)]


def stale(tx: Tx, *, told_before: datetime) -> list[RequestRow]:
    """Return the confirmed requests of which the Secretary last heard before then, the oldest first."""
    here = (_R.state == RequestState.CONFIRMED) & (_R.reminded_at <= told_before)
    return [RequestRow(*row) for row in tx.execute(select(*_COLUMNS).where(here).order_by(_R.id).limit(_PAGE))]


def declined(tx: Tx, address_key: str) -> list[RequestRow]:
    """Return the requests of an address that were declined, the newest first."""
    here = (_R.state == RequestState.DECLINED) & (_R.address_key == address_key)
    return [RequestRow(*row) for row in tx.execute(select(*_COLUMNS).where(here).order_by(_R.id.desc()).limit(20))]


def declined_names(tx: Tx) -> list[RequestRow]:
    """Return all declined requests that still have a name, the newest first: few, for a look at their names."""
    here = (_R.state == RequestState.DECLINED) & (_R.name != "")
    return [RequestRow(*row) for row in tx.execute(select(*_COLUMNS).where(here).order_by(_R.id.desc()).limit(_PAGE))]


def forget(tx: Tx, address_key: str) -> None:
    """Delete every request of an address, decided ones too (erasure)."""
    tx.execute(sa.delete(_R).where(_R.address_key == address_key))


def _is_open() -> sa.ColumnElement[bool]:
    return _R.state.in_(OPEN)
