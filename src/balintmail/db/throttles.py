"""Count how often something was asked for in the last hours: by an address, a network, or everybody.

A key is a keyed hash, so that a copy of the table names nobody. It counts and decides nothing.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Throttle
from balintmail.db.session import Tx

SPAN = 3600  # seconds of one slot: a window is so many whole slots and the one that has begun

_T = Throttle


def add(tx: Tx, key: bytes, *, now: datetime) -> int:
    """Count one more; return how many there are in the slot of this hour."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_T).values(key=key, span=SPAN, slot=_slot(now), taken=1)
    more = statement.on_conflict_do_update(index_elements=["key", "span", "slot"], set_={"taken": _T.taken + 1})
    counted: int = tx.execute(more.returning(_T.taken)).scalar_one()
    return counted


def taken(tx: Tx, key: bytes, window: timedelta, *, now: datetime) -> int:
    """Return how many were counted within `window`, which is rounded up to whole hours."""
    slots = -(-int(window.total_seconds()) // SPAN)
    here = (_T.key == key) & (_T.span == SPAN) & (_T.slot >= _slot(now) - slots)
    return tx.scalar(select(func.coalesce(func.sum(_T.taken), 0)).where(here)) or 0


def pace(tx: Tx, key: bytes, *, now: datetime) -> float:
    """Return how many were counted in the last hour: this slot's, and the due part of the one before it."""
    rows = tx.execute(select(_T.slot, _T.taken).where(_T.key == key, _T.span == SPAN, _T.slot >= _slot(now) - 1))
    found: dict[int, int] = {row[0]: row[1] for row in rows}
    gone = now.timestamp() % SPAN / SPAN
    return found.get(_slot(now), 0) + found.get(_slot(now) - 1, 0) * (1 - gone)


def last(tx: Tx, key: bytes) -> datetime | None:
    """Return when the newest slot begins in which something was counted, also one that is still to come."""
    slot: int | None = tx.scalar(select(func.max(_T.slot)).where(_T.key == key, _T.span == SPAN))
    return datetime.fromtimestamp(slot * SPAN, UTC) if slot is not None else None


def forget(tx: Tx, *, before: datetime) -> int:
    """Drop what was counted before then; return how many rows went."""
    return tx.execute(sa.delete(_T).where(_T.span == SPAN, _T.slot < _slot(before))).rowcount


def _slot(moment: datetime) -> int:
    return int(moment.timestamp()) // SPAN
