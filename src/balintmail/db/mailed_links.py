"""Links that were mailed to somebody and work for a while; only the hash of a link's secret is kept (S45, 3.1).

It makes no secret and decides nothing; services/fresh_links.py does.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models import Delivery, MailedLink, Mailing
from balintmail.db.session import Tx
from balintmail.domain.states import FINAL, MailingKind


@dataclass(frozen=True, slots=True)
class MailedLinkRow:
    """One link: what it is for, whose it is, and how long it works."""

    id: int
    purpose: str
    person_id: int
    payload: dict[str, Any]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


_PATH, _GONE = "/manage/", "gone"
_SECRET = re.compile(r"(/manage/(?:address/)?)[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])")
_COLUMNS = [getattr(MailedLink, name) for name in MailedLinkRow.__dataclass_fields__]


def add(tx: Tx, row: MailedLinkRow, secret_hash: bytes) -> None:
    """Enter a link; its number is the database's."""
    values = {name: getattr(row, name) for name in MailedLinkRow.__dataclass_fields__ if name != "id"}
    tx.execute(sa.insert(MailedLink).values(**values, secret_hash=secret_hash))


def of_hash(tx: Tx, secret_hash: bytes) -> MailedLinkRow | None:
    """Return the link whose secret has that hash, whatever has become of it, or None."""
    row = tx.execute(select(*_COLUMNS).where(MailedLink.secret_hash == secret_hash)).first()
    return MailedLinkRow(*row) if row else None


def of_people(tx: Tx, people: Sequence[int]) -> list[MailedLinkRow]:
    """Return every link of these people that is still kept, the oldest first."""
    mine = select(*_COLUMNS).where(MailedLink.person_id.in_(people)).order_by(MailedLink.id)
    return [MailedLinkRow(*row) for row in tx.execute(mine)]


def made_since(tx: Tx, person_id: int, purpose: str, since: datetime) -> int:
    """Return how many links for that purpose a person was mailed since a moment."""
    mine = (MailedLink.person_id == person_id) & (MailedLink.purpose == purpose) & (MailedLink.created_at > since)
    return tx.scalar(select(func.count()).where(mine)) or 0


def use(tx: Tx, link_id: int, *, now: datetime) -> bool:
    """Mark a link as used up; return False when it was already, so that of two only one goes on."""
    unused = (MailedLink.id == link_id) & MailedLink.used_at.is_(None)
    return tx.execute(sa.update(MailedLink).where(unused).values(used_at=now)).rowcount == 1


def use_all(tx: Tx, person_id: int, purposes: Sequence[str], *, now: datetime) -> None:
    """Mark every link of a person for these purposes as used up: a newer one stands in their place."""
    mine = (MailedLink.person_id == person_id) & MailedLink.purpose.in_(purposes) & MailedLink.used_at.is_(None)
    tx.execute(sa.update(MailedLink).where(mine).values(used_at=now))


def end_all(tx: Tx, purpose: str, *, now: datetime) -> None:
    """Mark every link for a purpose as used up, whoever's it is."""
    open_ones = (MailedLink.purpose == purpose) & MailedLink.used_at.is_(None)
    tx.execute(sa.update(MailedLink).where(open_ones).values(used_at=now))


def drop(tx: Tx, people: Sequence[int]) -> None:
    """Delete all links of these people, as erasing and merging do."""
    tx.execute(sa.delete(MailedLink).where(MailedLink.person_id.in_(people)))


def any_expired(tx: Tx, before: datetime) -> bool:
    """Say whether any link had expired before a moment; it only reads."""
    return tx.scalar(select(MailedLink.id).where(MailedLink.expires_at < before).limit(1)) is not None


def tidy(tx: Tx, *, expired_before: datetime) -> int:
    """Delete links that had expired before a moment; return how many."""
    return tx.execute(sa.delete(MailedLink).where(MailedLink.expires_at < expired_before)).rowcount


def forget_sent(tx: Tx, *, finished_since: datetime, write: bool) -> int:
    """Take the secrets of links out of what the ledger froze of letters that have left; return how many rows have any.

    Only letters of mailings that ended since then are looked at. Without `write` it only reads.
    """
    ended = select(Mailing.id).where(Mailing.kind == MailingKind.NOTICE, Mailing.finished_at >= finished_since)
    sent = Delivery.mailing_id.in_(ended) & Delivery.state.in_(FINAL) & Delivery.data.contains(_PATH)
    found = 0
    for number, data in tx.execute(select(Delivery.id, Delivery.data).where(sent)).all():
        bare = _SECRET.sub(rf"\g<1>{_GONE}", data or "")
        if bare != data:
            found += 1
            if write:
                tx.execute(sa.update(Delivery).where(Delivery.id == number).values(data=bare))
    return found
