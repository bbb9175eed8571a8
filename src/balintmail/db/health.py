"""What the database says of itself: how it keeps what was committed, its clock, and who gave a sign of life.

It only reads, and judges nothing; ops/doctor/store.py and house.py do.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models import Address, Worker
from balintmail.db.session import Tx
from balintmail.db.workers import LEASE

_SQLITE = ("journal_mode", "synchronous")
_SYNCHRONOUS = ("off", "normal", "full", "extra")
_POSTGRESQL = ("fsync", "synchronous_commit", "full_page_writes")


@dataclass(frozen=True, slots=True)
class Durability:
    """The engine and its settings as it spells them, in small letters."""

    engine: str
    settings: dict[str, str]


def durability(tx: Tx) -> Durability:
    """Return the settings that decide whether a commit outlives a power cut, as they are in force here."""
    engine = tx.dialect.name
    if engine == "sqlite":
        found = {name: tx.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _SQLITE}
        found["synchronous"] = _SYNCHRONOUS[int(found["synchronous"])]
    else:
        found = {name: tx.exec_driver_sql(f"SHOW {name}").scalar_one() for name in _POSTGRESQL}
    return Durability(engine, {name: str(value).lower() for name, value in found.items()})


def clock(tx: Tx) -> datetime | None:
    """Return the time by the database's own clock; None for SQLite, which has none but the machine's."""
    if tx.dialect.name == "sqlite":
        return None
    now: datetime = tx.execute(select(func.clock_timestamp(type_=sa.DateTime(timezone=True)))).scalar_one()
    return now


def is_dispatching(tx: Tx, now: datetime) -> bool:
    """Say whether some dispatcher gave a sign of life within its lease; `now` is the database's time."""
    seen = tx.scalar(select(func.max(Worker.seen_at)))
    return seen is not None and now - seen < LEASE + timedelta(seconds=5)


def addresses_at(tx: Tx, domains: tuple[str, ...]) -> int:
    """Return how many addresses are at these domains; a `%` at the end of one stands for anything."""
    return tx.scalar(select(func.count()).where(sa.or_(*(Address.domain.like(one) for one in domains)))) or 0
