"""The exact words that a list's form asks consent to, by language and version. Rows are only ever added (S42)."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import Wording
from balintmail.db.session import Tx


@dataclass(frozen=True, slots=True)
class WordingRow:
    """The words of one version."""

    list_id: int
    language: str
    version: int
    words: str
    since: datetime


_COLUMNS = [getattr(Wording, name) for name in WordingRow.__dataclass_fields__]


def every(tx: Tx, list_id: int) -> list[WordingRow]:
    """Return all words that a list ever asked consent to, by language, the oldest first."""
    query = select(*_COLUMNS).where(Wording.list_id == list_id).order_by(Wording.language, Wording.version)
    return [WordingRow(*row) for row in tx.execute(query)]


def latest(tx: Tx, list_id: int, language: str) -> WordingRow | None:
    """Return the words in force in a language, or None when the list never had its own or has none any more."""
    query = select(*_COLUMNS).where(Wording.list_id == list_id, Wording.language == language)
    row = tx.execute(query.order_by(Wording.version.desc()).limit(1)).first()
    return WordingRow(*row) if row and row.words else None


def add(tx: Tx, list_id: int, language: str, words: str, *, now: datetime) -> WordingRow:
    """Put new words in force and return them; "" goes back to the usual ones."""
    here = (Wording.list_id == list_id) & (Wording.language == language)
    version = (tx.scalar(select(sa.func.max(Wording.version)).where(here)) or 0) + 1
    row = WordingRow(list_id, language, version, words, now)
    values = {name: getattr(row, name) for name in WordingRow.__dataclass_fields__}
    tx.execute(sa.insert(Wording).values(**values))
    return row
