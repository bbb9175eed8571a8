"""Move what is still to be mailed, or waits, from one person to another, one row of the ledger per mailing (D1)."""

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import aliased

from balintmail.db.models import (
    AwaitedReply,
    CopyRequest,
    Delivery,
    Draft,
    InboundMessage,
    JoinRequest,
    Notice,
    Subscription,
)
from balintmail.db.models_archive import ReadingLink
from balintmail.db.session import Tx
from balintmail.db.subscriptions import SubscriptionRow
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


def move_what_waits(tx: Tx, from_person: int, to_person: int) -> None:
    """Give what waits of a person to another: notices and requests, each to its own address; letters and links."""
    for table in (Notice, JoinRequest, CopyRequest, AwaitedReply, ReadingLink):
        tx.execute(sa.update(table).where(table.person_id == from_person).values(person_id=to_person))
    taken_on = InboundMessage.assigned_to == from_person
    tx.execute(sa.update(InboundMessage).where(taken_on).values(assigned_to=to_person))
    tx.execute(sa.update(Draft).where(Draft.officer_id == from_person).values(officer_id=to_person))


def join_answers(tx: Tx, theirs: SubscriptionRow, ours: SubscriptionRow) -> None:
    """Complete what one person answered to a list's questions by what another, who is the same, did."""

    def of(row: SubscriptionRow) -> sa.ColumnElement[bool]:
        return (Subscription.person_id == row.person_id) & (Subscription.list_id == row.list_id)

    said = {row: tx.scalar(select(Subscription.answers).where(of(row))) or {} for row in (theirs, ours)}
    if said[theirs]:
        tx.execute(sa.update(Subscription).where(of(ours)).values(answers={**said[theirs], **said[ours]}))
