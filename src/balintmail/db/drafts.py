"""Newsletters that officers mailed in: kept until they are released, dropped or too old. It checks none of them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models import Draft, InboundMessage
from balintmail.db.session import Tx

_D = Draft


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One draft. `source` is "" until the mail was read; `mailing_id` is what it was released as."""

    id: int
    list_id: int | None
    officer_id: int
    inbound_id: int | None
    source: str
    created_at: datetime
    expires_at: datetime
    mailing_id: int | None = None
    closed_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it may still be released."""
        return self.closed_at is None and bool(self.source)


_COLUMNS = [getattr(_D, name) for name in DraftRow.__dataclass_fields__]


def add(tx: Tx, row: DraftRow) -> int:
    """Enter a draft and return its number."""
    values = {name: getattr(row, name) for name in DraftRow.__dataclass_fields__ if name != "id"}
    added: int = tx.execute(sa.insert(_D).values(**values).returning(_D.id)).scalar_one()
    return added


def get(tx: Tx, number: int) -> DraftRow | None:
    """Return one draft, or None."""
    row = tx.execute(select(*_COLUMNS).where(_D.id == number)).first()
    return DraftRow(*row) if row else None


def unread(tx: Tx) -> list[DraftRow]:
    """Return the drafts whose mail nobody has read yet, the oldest first."""
    query = select(*_COLUMNS).where(_D.source == "", _D.closed_at.is_(None)).order_by(_D.id)
    return [DraftRow(*row) for row in tx.execute(query)]


def open_ones(tx: Tx) -> list[DraftRow]:
    """Return the drafts that may still be released, the newest first."""
    query = select(*_COLUMNS).where(_D.source != "", _D.closed_at.is_(None)).order_by(_D.id.desc())
    return [DraftRow(*row) for row in tx.execute(query)]


def made_since(tx: Tx, officer_id: int, since: datetime) -> int:
    """Return how many drafts came in an officer's name since a moment."""
    mine = (_D.officer_id == officer_id) & (_D.created_at > since)
    return tx.scalar(select(func.count()).where(mine)) or 0


def any_unread(tx: Tx) -> bool:
    """Say whether the mail of a draft waits to be read."""
    return tx.scalar(select(_D.id).where(_D.source == "", _D.closed_at.is_(None)).limit(1)) is not None


def raw(tx: Tx, inbound_id: int | None) -> tuple[bytes | None, int]:
    """Return the octets of the mail that a draft came in, none where they are gone, and how many came."""
    mine = InboundMessage.id == inbound_id
    row = tx.execute(select(InboundMessage.raw, InboundMessage.size).where(mine)).first()
    return (row[0], row[1]) if row else (None, 0)


def fill(tx: Tx, number: int, *, source: str, list_id: int | None) -> bool:
    """Put down the letter that was in the mail; False when that was done already."""
    blank = (_D.id == number) & (_D.source == "") & _D.closed_at.is_(None)
    return tx.execute(sa.update(_D).where(blank).values(source=source, list_id=list_id)).rowcount == 1


def close(tx: Tx, number: int, *, now: datetime, mailing_id: int | None = None) -> bool:
    """End a draft, released as a mailing or dropped; False when it had ended already."""
    mine = (_D.id == number) & _D.closed_at.is_(None)
    return tx.execute(sa.update(_D).where(mine).values(closed_at=now, mailing_id=mailing_id)).rowcount == 1


def reopen(tx: Tx, number: int) -> None:
    """Let a draft be released again, whose mailing was taken back."""
    tx.execute(sa.update(_D).where(_D.id == number).values(closed_at=None))


def any_expired(tx: Tx, now: datetime) -> bool:
    """Say whether the time of a draft has run out; it only reads."""
    return tx.scalar(select(_D.id).where(_D.expires_at <= now, _D.source != "").limit(1)) is not None


def forget(tx: Tx, now: datetime) -> int:
    """End the drafts whose time has run out, and empty them; return how many."""
    over = (_D.expires_at <= now) & (_D.source != "")
    values = {"source": "", "closed_at": func.coalesce(_D.closed_at, now)}
    return tx.execute(sa.update(_D).where(over).values(values)).rowcount
