"""Which letters wait for an answer, and what an answer to each stands for; no secret is kept here.

A row holds what a token says, never the token itself, so that a copy of the table opens nothing. It decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.ledger import Addressee
from balintmail.db.models import AwaitedReply, Delivery
from balintmail.db.session import Tx
from balintmail.domain.tokens import Purpose, TokenClaims

_A = AwaitedReply


@dataclass(frozen=True, slots=True)
class Awaited:
    """Who was written to, and what their answer stands for."""

    addressee: Addressee
    claims: TokenClaims


def enter(tx: Tx, mailing_id: int, awaited: Sequence[Awaited], *, expires_at: datetime) -> None:
    """Enter the letters of a mailing that was just enrolled."""
    columns = (Delivery.id, Delivery.person_id, Delivery.address_key, Delivery.data)
    found = tx.execute(select(*columns).where(Delivery.mailing_id == mailing_id)).all()
    numbers = {(row.person_id, row.address_key, row.data): row.id for row in found}
    rows = [
        {
            "delivery_id": numbers[one.addressee.person, one.addressee.address_key, one.addressee.data],
            "purpose": one.claims.purpose.value,
            "person_id": one.claims.person,
            "stamp": one.claims.list,
            "number": one.claims.delivery,
            "expires_at": expires_at,
        }
        for one in awaited
    ]
    if rows:
        tx.execute(sa.insert(_A), rows)


def of_delivery(tx: Tx, delivery_id: int, *, now: datetime) -> TokenClaims | None:
    """Return what an answer to a letter stands for, or None when it stands for nothing, or for nothing any more."""
    query = select(_A.purpose, _A.person_id, _A.stamp, _A.number).where(_A.delivery_id == delivery_id)
    row = tx.execute(query.where(_A.expires_at > now)).one_or_none()
    if row is None:
        return None
    return TokenClaims(Purpose(row.purpose), person=row.person_id, list=row.stamp, delivery=row.number)


def any_expired(tx: Tx, now: datetime) -> bool:
    """Say whether there is anything to forget; it only reads."""
    return tx.scalar(select(_A.delivery_id).where(_A.expires_at <= now).limit(1)) is not None


def forget(tx: Tx, now: datetime) -> int:
    """Forget what nobody answered in time; return how many."""
    return tx.execute(sa.delete(_A).where(_A.expires_at <= now)).rowcount
