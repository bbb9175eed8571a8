"""Move what is still to be mailed from one person to another, one row of the ledger per mailing (D1)."""

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import aliased

from balintmail.db.models import Delivery
from balintmail.db.session import Tx
from balintmail.domain.deliveries import sources
from balintmail.domain.states import DeliveryState


def move_open_deliveries(tx: Tx, from_person: int, to_person: int) -> int:
    """Give a person's open deliveries to another who has none in that mailing; return how many were moved.

    The address stays as it was frozen. What is at risk or final stays where it is.
    """
    theirs = aliased(Delivery)
    has_own = select(theirs.id).where(theirs.person_id == to_person, theirs.mailing_id == Delivery.mailing_id)
    movable = (
        (Delivery.person_id == from_person)
        & Delivery.state.in_(sources(DeliveryState.SKIPPED))
        & ~has_own.correlate(Delivery).exists()
    )
    return tx.execute(sa.update(Delivery).where(movable).values(person_id=to_person)).rowcount
