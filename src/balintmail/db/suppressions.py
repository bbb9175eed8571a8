"""The addresses that must not be mailed, found by a keyed hash. An erased one keeps nothing but that hash (D7)."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Suppression
from balintmail.db.session import Tx
from balintmail.domain.states import SuppressionReason


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """Why, when and by whom an address was suppressed."""

    reason: SuppressionReason
    note: str
    at: datetime
    actor: str


def of_hash(tx: Tx, address_hash: bytes) -> SuppressionRow | None:
    """Return the suppression of the address with that keyed hash, or None."""
    row = tx.execute(
        select(Suppression.reason, Suppression.note, Suppression.at, Suppression.actor).where(
            Suppression.address_hash == address_hash
        )
    ).first()
    return SuppressionRow(*row) if row else None


def erased_hashes(tx: Tx) -> frozenset[bytes]:
    """Return the keyed hashes of all that was erased, for whoever has many rows to hold against them."""
    query = select(Suppression.address_hash).where(Suppression.reason == SuppressionReason.ERASED)
    return frozenset(tx.scalars(query))


def add(tx: Tx, address_hash: bytes, address_key: str, why: SuppressionRow) -> None:
    """Suppress an address; an existing suppression keeps its first reason."""
    if of_hash(tx, address_hash) is None:
        _insert(tx, address_hash, address_key, why)


def erase(tx: Tx, address_hash: bytes, *, actor: str, now: datetime) -> None:
    """Keep an address out for ever by its hash alone, whatever was recorded of it before."""
    tx.execute(sa.delete(Suppression).where(Suppression.address_hash == address_hash))
    _insert(tx, address_hash, None, SuppressionRow(SuppressionReason.ERASED, "", now, actor))


def lift(tx: Tx, address_hash: bytes) -> bool:
    """Take a suppression away, never one that stands for an erasure; return whether there was one."""
    liftable = (Suppression.address_hash == address_hash) & (Suppression.reason != SuppressionReason.ERASED)
    return tx.execute(sa.delete(Suppression).where(liftable)).rowcount > 0


def _insert(tx: Tx, address_hash: bytes, address_key: str | None, why: SuppressionRow) -> None:
    values = {"reason": why.reason, "note": why.note, "at": why.at, "actor": why.actor}
    tx.execute(sa.insert(Suppression).values(address_hash=address_hash, address_key=address_key, **values))
