"""Who dispatches now, and what is put right after one of them has died.

On SQLite the caller holds the one lock, so every claim it finds is a dead process's. On PostgreSQL a worker is dead
when it has not been seen for a lease, by the database's own clock. It never sends and never guesses: claimed rows go
back to the queue, rows at risk become unknown (standards 2.5).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import ColumnElement, delete, func, insert, select, update

from balintmail.db.models import Delivery, Worker
from balintmail.db.session import Tx
from balintmail.domain.states import DeliveryState

LEASE = timedelta(seconds=60)  # six missed signs of life; a worker gives one every ten seconds

_D = Delivery
_S = DeliveryState


@dataclass(frozen=True, slots=True)
class Recovered:
    """What dead workers left: rows given back, rows whose fate is unknown, and rows that are sent again for that."""

    given_back: int
    unknown: int
    resent: int = 0


def arrive(tx: Tx, worker: str, *, host: str, pid: int, now: datetime) -> None:
    """Enter a worker."""
    tx.execute(insert(Worker).values(id=worker, host=host, pid=pid, started_at=now, seen_at=_now(tx)))


def seen(tx: Tx, worker: str) -> bool:
    """Give a sign of life; False when this worker was taken for dead."""
    return tx.execute(update(Worker).where(Worker.id == worker).values(seen_at=_now(tx))).rowcount == 1


def leave(tx: Tx, worker: str) -> None:
    """Strike a worker out."""
    tx.execute(delete(Worker).where(Worker.id == worker))


def living(tx: Tx) -> set[str]:
    """Return the workers that have given a sign of life within a lease."""
    query = select(Worker.id)
    if tx.dialect.name == "postgresql":
        query = query.where(Worker.seen_at >= _now(tx) - LEASE)
    return set(tx.scalars(query))


def anything_held(tx: Tx) -> bool:
    """Say whether any worker, living or dead, holds a row."""
    return tx.scalar(select(_D.id).where(sa.text("state IN ('claimed', 'at_risk')")).limit(1)) is not None


def recover(tx: Tx, worker: str, *, now: datetime) -> Recovered:
    """Put right what dead workers left; `worker` is the one who asks and is never dead itself."""
    living = select(Worker.id)
    if tx.dialect.name == "postgresql":
        tx.execute(delete(Worker).where(Worker.id != worker, Worker.seen_at < _now(tx) - LEASE))
    else:
        tx.execute(delete(Worker).where(Worker.id != worker))
    # Spelled like the partial index over held rows, so that a million final rows cost nothing here.
    orphaned = (sa.text("state IN ('claimed', 'at_risk')"), _D.claim.not_in(living))
    doubted = update(_D).where(*orphaned, _D.state == _S.AT_RISK).values(state=_S.UNKNOWN, at=now)
    freed = update(_D).where(*orphaned, _D.state == _S.CLAIMED).values(state=_S.QUEUED, claim=None, at=now)
    return Recovered(unknown=tx.execute(doubted).rowcount, given_back=tx.execute(freed).rowcount)


def _now(tx: Tx) -> ColumnElement[datetime]:
    """Return the database's own clock."""
    if tx.dialect.name == "postgresql":
        return func.clock_timestamp(type_=sa.DateTime(timezone=True))
    return func.strftime("%Y-%m-%d %H:%M:%f000", "now", type_=sa.DateTime())
