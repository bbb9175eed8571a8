"""How far each folder of each mailbox was read, and what went wrong with it last.

It reads no mailbox. A folder's numbers of messages begin anew with its UIDVALIDITY; what was read is known by its
octets then (db/inbox.py).
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Mailbox
from balintmail.db.session import Tx

_B = Mailbox


@dataclass(frozen=True, slots=True)
class MailboxRow:
    """A folder of a mailbox. `last_uid` counts under `validity` alone; `failing_since` is none while it is well."""

    name: str
    folder: str
    validity: int | None
    last_uid: int
    read_at: datetime | None
    failing_since: datetime | None
    error: str


def every(tx: Tx) -> list[MailboxRow]:
    """Return all folders that were ever tried."""
    return [_row(row) for row in tx.execute(select(_B.__table__).order_by(_B.name, _B.folder))]


def get(tx: Tx, name: str, folder: str) -> MailboxRow | None:
    """Return what is known of one folder."""
    row = tx.execute(select(_B.__table__).where(_B.name == name, _B.folder == folder)).one_or_none()
    return _row(row) if row is not None else None


def reached(tx: Tx, name: str, folder: str, *, validity: int, uid: int) -> None:
    """Put down that everything up to `uid` is stored here, and dealt with there."""
    _put(tx, name, folder, {"uidvalidity": validity, "last_uid": uid})


def succeeded(tx: Tx, name: str, folder: str, *, now: datetime) -> None:
    """Put down that a folder was read to its end."""
    _put(tx, name, folder, {"read_at": now, "failing_since": None, "error": ""})


def failed(tx: Tx, name: str, folder: str, *, error: str, now: datetime) -> datetime:
    """Put down that a folder could not be read, and why; return since when."""
    before = get(tx, name, folder)
    since = before.failing_since if before is not None and before.failing_since is not None else now
    _put(tx, name, folder, {"failing_since": since, "error": error})
    return since


def _put(tx: Tx, name: str, folder: str, values: dict[str, object]) -> None:
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_B).values(name=name, folder=folder, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["name", "folder"], set_=values))


def _row(row: "sa.Row[tuple[object, ...]]") -> MailboxRow:
    found = row._mapping
    return MailboxRow(
        found["name"],
        found["folder"],
        found["uidvalidity"],
        found["last_uid"] or 0,
        found["read_at"],
        found["failing_since"],
        found["error"],
    )
