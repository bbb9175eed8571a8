"""Join requests: who asks to join which list, and how it was decided. It never makes anybody a person."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import JoinRequest
from balintmail.db.session import Tx
from balintmail.domain.states import RequestState

OPEN = (RequestState.PENDING, RequestState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class RequestRow:
    """One request."""

    id: int
    list_id: int
    email: str
    address_key: str
    name: str
    language: str | None
    words: str
    how: str
    actor: str
    state: RequestState
    created_at: datetime


_COLUMNS = [getattr(JoinRequest, name) for name in RequestRow.__dataclass_fields__]


def waiting(tx: Tx, list_id: int, address_key: str) -> list[RequestRow]:
    """Return the open requests of an address for a list, the oldest first."""
    here = (JoinRequest.list_id == list_id) & (JoinRequest.address_key == address_key)
    query = select(*_COLUMNS).where(here, JoinRequest.state.in_(OPEN)).order_by(JoinRequest.id)
    return [RequestRow(*row) for row in tx.execute(query)]


def open_request(tx: Tx, row: RequestRow) -> None:
    """Add a request; its number is the database's."""
    values = {name: getattr(row, name) for name in RequestRow.__dataclass_fields__ if name != "id"}
    tx.execute(sa.insert(JoinRequest).values(**values))


def decide(tx: Tx, request_id: int, state: RequestState, *, actor: str, now: datetime) -> None:
    """Record how a request was decided."""
    here = JoinRequest.id == request_id
    tx.execute(sa.update(JoinRequest).where(here).values(state=state, decided_at=now, decided_by=actor))


def forget(tx: Tx, address_key: str) -> None:
    """Delete every request of an address, decided ones too (erasure)."""
    tx.execute(sa.delete(JoinRequest).where(JoinRequest.address_key == address_key))
