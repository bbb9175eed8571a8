"""The addresses and domains that must not be mailed, found by a keyed hash. An erased one keeps only that (D7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Suppression
from balintmail.db.session import Tx
from balintmail.domain.states import SuppressionReason


@dataclass(frozen=True, slots=True)
class SuppressionRow:
    """Why, when and by whom an address, or its whole domain, was suppressed; `key` is none once erased."""

    reason: SuppressionReason
    note: str
    at: datetime
    actor: str
    key: str | None = None

    @property
    def whole_domain(self) -> bool:
        """Whether a domain is meant, and not one address."""
        return self.key is not None and self.key.startswith("@")


_COLUMNS = [getattr(Suppression, name) for name in ("reason", "note", "at", "actor", "address_key")]


def of_hash(tx: Tx, address_hash: bytes) -> SuppressionRow | None:
    """Return the suppression of the address with that keyed hash, or None."""
    row = tx.execute(_of_hash(), {"hash": address_hash}).first()
    return SuppressionRow(*row) if row else None


@cache
def _of_hash() -> "sa.Select[Any]":
    return select(*_COLUMNS).where(Suppression.address_hash == sa.bindparam("hash"))


def of_address(tx: Tx, address_hash: bytes, domain: str) -> SuppressionRow | None:
    """Return what keeps an address from being mailed: its own suppression, else its domain's, else None."""
    return of_hash(tx, address_hash) or of_domain(tx, domain)


def of_domain(tx: Tx, domain: str) -> SuppressionRow | None:
    """Return the suppression of a whole domain, or None."""
    row = tx.execute(select(*_COLUMNS).where(Suppression.address_key == f"@{domain}")).first()
    return SuppressionRow(*row) if row else None


def every(tx: Tx) -> list[SuppressionRow]:
    """Return all suppressions, the oldest first; those of erased people hold nothing but that they are."""
    return [SuppressionRow(*row) for row in tx.execute(select(*_COLUMNS).order_by(Suppression.at, Suppression.id))]


def among(tx: Tx, hashes: Sequence[bytes]) -> frozenset[bytes]:
    """Return those of `hashes` whose addresses are suppressed or erased."""
    return frozenset(tx.scalars(select(Suppression.address_hash).where(Suppression.address_hash.in_(hashes))))


def is_erased(tx: Tx, address_hash: bytes) -> bool:
    """Say whether an address was erased."""
    return tx.scalar(_erased(), {"hash": address_hash}) is not None


@cache
def _erased() -> "sa.Select[Any]":
    of_hash = Suppression.address_hash == sa.bindparam("hash")
    return select(Suppression.id).where(of_hash, Suppression.reason == SuppressionReason.ERASED)


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
