"""The record of who agreed to or withdrew what (S42). Rows are only ever added; erasure empties the address in them."""

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db.models import ConsentEvent, MailingList
from balintmail.db.session import Tx
from balintmail.domain.states import ConsentAction, Ground


@dataclass(frozen=True, slots=True)
class Consent:
    """What somebody said and how it is known; `how` is "command", "import" and the like, `actor` who recorded it."""

    words: str
    how: str
    actor: str
    at: datetime
    address: str = ""
    ground: Ground = Ground.CONSENT
    collected_on: date | None = None


@dataclass(frozen=True, slots=True)
class ConsentRow:
    """One recorded event; `slug` is None when it is about no list in particular."""

    at: datetime
    action: ConsentAction
    slug: str | None
    ground: Ground
    words: str
    how: str
    actor: str
    address: str
    collected_on: date | None


def record(tx: Tx, person_id: int, list_id: int | None, action: ConsentAction, consent: Consent) -> None:
    """Add one event."""
    tx.execute(
        sa.insert(ConsentEvent).values(
            person_id=person_id,
            list_id=list_id,
            at=consent.at,
            action=action,
            ground=consent.ground,
            words=consent.words,
            how=consent.how,
            actor=consent.actor,
            collected_on=consent.collected_on,
            address=consent.address,
            evidence={},
        )
    )


def history(tx: Tx, person_id: int) -> list[ConsentRow]:
    """Return a person's events, the oldest first."""
    rows = tx.execute(
        select(
            ConsentEvent.at,
            ConsentEvent.action,
            MailingList.slug,
            ConsentEvent.ground,
            ConsentEvent.words,
            ConsentEvent.how,
            ConsentEvent.actor,
            ConsentEvent.address,
            ConsentEvent.collected_on,
        )
        .outerjoin(MailingList, MailingList.id == ConsentEvent.list_id)
        .where(ConsentEvent.person_id == person_id)
        .order_by(ConsentEvent.at, ConsentEvent.id)
    )
    return [ConsentRow(*row) for row in rows]


def move(tx: Tx, from_person: int, to_person: int) -> None:
    """Give one person's events to another, as merging does."""
    tx.execute(sa.update(ConsentEvent).where(ConsentEvent.person_id == from_person).values(person_id=to_person))
