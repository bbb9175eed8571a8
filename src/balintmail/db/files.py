"""Which files of the instance's `files/` some row still names: every column of the type FileHash is asked.

It touches no file; services/files.py does.
"""

from collections.abc import Iterable

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import FileHash
from balintmail.db.schema import Base
from balintmail.db.session import Tx

_AT_ONCE = 500  # hashes in one question; both databases take more


def columns() -> list["sa.Column[str]"]:
    """Return every column that names a file."""
    return [
        column for table in Base.metadata.sorted_tables for column in table.columns if isinstance(column.type, FileHash)
    ]


def named(tx: Tx, digests: Iterable[str]) -> set[str]:
    """Return those of these files that a row still names."""
    wanted = sorted(set(digests))
    found: set[str] = set()
    for column in columns():
        for start in range(0, len(wanted), _AT_ONCE):
            query = select(column).where(column.in_(wanted[start : start + _AT_ONCE])).distinct()
            found.update(tx.scalars(query))
    return found
