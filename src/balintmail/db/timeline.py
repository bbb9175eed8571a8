"""What the ledger knows of one person, for the register's page on them; it never changes a delivery."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from balintmail.db.models import Delivery, Mailing, MailingList
from balintmail.db.session import Tx
from balintmail.domain.grounds import SKIP_WORDS
from balintmail.domain.states import DeliveryState

MOST = 1000  # letters of one person: eighty years of monthly newsletters


@dataclass(frozen=True, slots=True)
class LetterRow:
    """One delivery; `skipped` says why it was skipped, in words, `reply` the relay's words when it was not accepted."""

    at: datetime
    mailing: int
    slug: str | None
    number: str | None
    title: str
    state: DeliveryState
    skipped: str
    reply: str


def letters(tx: Tx, people: Sequence[int]) -> list[LetterRow]:
    """Return what was mailed, or not mailed, to these people, the oldest first."""
    query = (
        select(
            Delivery.at,
            Mailing.id,
            MailingList.slug,
            Mailing.number,
            Mailing.title,
            Delivery.state,
            Delivery.skip_reason,
            Delivery.reply,
        )
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .outerjoin(MailingList, MailingList.id == Mailing.list_id)
        .where(Delivery.person_id.in_(people))
        .order_by(Delivery.at, Delivery.id)
        .limit(MOST)
    )
    found = []
    for at, mailing, slug, number, title, state, skipped, reply in tx.execute(query):
        why = f"skipped, {SKIP_WORDS[skipped]}" if skipped else ""
        said = "" if state is DeliveryState.ACCEPTED else reply
        found.append(LetterRow(at, mailing, slug, number, title, state, why, said))
    return found


def doubtful_mailing(tx: Tx, delivery_id: int) -> int | None:
    """Return the mailing of a delivery of which nobody knows whether it arrived; None for any other delivery."""
    doubtful = select(Delivery.mailing_id).where(Delivery.id == delivery_id, Delivery.state == DeliveryState.UNKNOWN)
    found: int | None = tx.scalar(doubtful)
    return found
