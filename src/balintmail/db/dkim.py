"""Which DKIM keys each mailing was frozen with; the keys themselves are never here, only their selectors (S48)."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from balintmail.db.models import Mailing
from balintmail.db.session import Tx
from balintmail.domain.dkim import SignedWith
from balintmail.domain.states import MailingState

_ENDED = (MailingState.SENT, MailingState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Use:
    """All mailings signed with the same keys: how many are not finished, and when the last of the others ended."""

    signed_with: SignedWith
    open_mailings: int
    last_end: datetime | None


@dataclass(frozen=True, slots=True)
class Frozen:
    """What one mailing signs with, and the moment that all its signatures name."""

    signed_with: SignedWith
    signed_at: datetime


def remember(tx: Tx, mailing_id: int, signed_with: SignedWith | None) -> None:
    """Write down what a mailing signs with; None for a mailing that is not signed."""
    text = signed_with.dump() if signed_with else ""
    tx.execute(update(Mailing).where(Mailing.id == mailing_id).values(signed_with=text))


def frozen(tx: Tx, mailing_id: int) -> Frozen | None:
    """Return what a mailing signs with, or None when it is not signed.

    The moment is the freeze, and for a mailing that has no audience to freeze, when it was made.
    """
    moment = func.coalesce(Mailing.frozen_at, Mailing.created_at, type_=Mailing.created_at.type)
    row = tx.execute(select(Mailing.signed_with, moment).where(Mailing.id == mailing_id)).first()
    signed_with = SignedWith.parse(row[0]) if row else None
    return Frozen(signed_with, row[1]) if row and signed_with else None


def uses(tx: Tx) -> list[Use]:
    """Return every set of keys that a mailing was ever signed with."""
    ended = Mailing.state.in_(_ENDED)
    last_end = func.max(
        func.coalesce(Mailing.finished_at, Mailing.frozen_at, Mailing.created_at), type_=Mailing.created_at.type
    ).filter(ended)
    rows = tx.execute(
        select(Mailing.signed_with, func.count().filter(~ended), last_end)
        .where(Mailing.signed_with != "")
        .group_by(Mailing.signed_with)
        .order_by(Mailing.signed_with)
    )
    return [Use(found, open_mailings, end) for text, open_mailings, end in rows if (found := SignedWith.parse(text))]
