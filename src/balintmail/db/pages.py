"""The history of the society's own pages: what each said, since when and by whose hand; it is only ever added to.

A page itself is a file in the instance's `pages/`; services/pages.py holds the two together.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select

from balintmail.db.models_pages import PageVersion
from balintmail.db.session import Tx

_V = PageVersion


@dataclass(frozen=True, slots=True)
class VersionRow:
    """One version; `source` is "" where the page was taken away then."""

    name: str
    number: int
    digest: bytes
    at: datetime
    actor: str
    source: str


def latest(tx: Tx) -> dict[str, bytes]:
    """Return the digest of every page's newest version, empty for one that was taken away."""
    newest = select(_V.name, func.max(_V.number).label("number")).group_by(_V.name).subquery()
    query = select(_V.name, _V.digest).join(newest, (_V.name == newest.c.name) & (_V.number == newest.c.number))
    return {row.name: row.digest for row in tx.execute(query)}


def history(tx: Tx, name: str) -> list[VersionRow]:
    """Return the versions of a page, the newest first."""
    query = _rows().where(_V.name == name).order_by(_V.number.desc())
    return [VersionRow(*row) for row in tx.execute(query)]


def version(tx: Tx, name: str, number: int) -> VersionRow | None:
    """Return one version of a page, or None."""
    row = tx.execute(_rows().where(_V.name == name, _V.number == number)).first()
    return VersionRow(*row) if row else None


def add(tx: Tx, name: str, source: str, digest: bytes, *, actor: str, now: datetime) -> int:
    """Add a version; return its number."""
    number = (tx.scalar(select(func.max(_V.number)).where(_V.name == name)) or 0) + 1
    values = {"name": name, "number": number, "digest": digest, "source": source, "at": now, "actor": actor}
    tx.execute(insert(_V).values(values))
    return number


def _rows() -> "Select[*tuple[Any, ...]]":
    return select(_V.name, _V.number, _V.digest, _V.at, _V.actor, _V.source)
