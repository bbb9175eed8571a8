"""Who is on which list. Whoever joins or leaves does it with a consent event in the same call: there is no other way.

It never asks whether somebody may join; services/subscriptions.py does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db import consent as consents
from balintmail.db import stops
from balintmail.db.consent import Consent
from balintmail.db.models import MailingList, Subscription
from balintmail.db.session import Tx
from balintmail.domain.states import ConsentAction, Ground, SkipReason, SubscriptionState


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """One person's standing on one list."""

    person_id: int
    list_id: int
    state: SubscriptionState
    ground: Ground
    since: datetime
    paused_until: datetime | None
    ended_at: datetime | None


_COLUMNS = [getattr(Subscription, name) for name in SubscriptionRow.__dataclass_fields__]


def get(tx: Tx, person_id: int, list_id: int) -> SubscriptionRow | None:
    """Return a person's standing on a list, or None when they were never on it."""
    row = tx.execute(_one(), {"person": person_id, "list": list_id}).first()
    return SubscriptionRow(*row) if row else None


@cache
def _one() -> "sa.Select[Any]":
    mine = Subscription.person_id == sa.bindparam("person")
    return select(*_COLUMNS).where(mine, Subscription.list_id == sa.bindparam("list"))


def of_person(tx: Tx, person_id: int) -> list[SubscriptionRow]:
    """Return all of a person's subscriptions, ended ones too."""
    query = select(*_COLUMNS).where(Subscription.person_id == person_id).order_by(Subscription.list_id)
    return [SubscriptionRow(*row) for row in tx.execute(query)]


def any_pause_over(tx: Tx, now: datetime) -> bool:
    """Say whether the end of any pause has come; it only reads."""
    return tx.scalar(select(Subscription.id).where(_over(now)).limit(1)) is not None


def pauses_over(tx: Tx, now: datetime) -> list[SubscriptionRow]:
    """Return the paused subscriptions whose pause has come to its end."""
    query = select(*_COLUMNS).where(_over(now)).order_by(Subscription.list_id, Subscription.person_id)
    return [SubscriptionRow(*row) for row in tx.execute(query)]


def begin(tx: Tx, person_id: int, list_id: int, consent: Consent) -> None:
    """Subscribe a person, on the ground that `consent` names, and record it (D6)."""
    consents.record(tx, person_id, list_id, ConsentAction.AGREED, consent)
    values = {
        "state": SubscriptionState.SUBSCRIBED,
        "ground": consent.ground,
        "since": consent.at,
        "paused_until": None,
        "ended_at": None,
    }
    here = (Subscription.person_id == person_id) & (Subscription.list_id == list_id)
    if tx.execute(sa.update(Subscription).where(here).values(**values)).rowcount == 0:
        tx.execute(sa.insert(Subscription).values(person_id=person_id, list_id=list_id, **values))


def answer(tx: Tx, person_id: int, list_id: int, answers: Mapping[str, str]) -> None:
    """Keep what somebody answered to the questions of the list's form; nothing happens when they are not on it."""
    here = (Subscription.person_id == person_id) & (Subscription.list_id == list_id)
    tx.execute(sa.update(Subscription).where(here).values(answers=dict(answers)))


def end(tx: Tx, row: SubscriptionRow, consent: Consent) -> None:
    """End a subscription, record it, and take the person's open deliveries of that list back (D4)."""
    consents.record(tx, row.person_id, row.list_id, ConsentAction.WITHDREW, consent)
    values = {"state": SubscriptionState.UNSUBSCRIBED, "ended_at": consent.at, "paused_until": None}
    tx.execute(sa.update(Subscription).where(_same(row)).values(**values))
    stops.stop_subscriber(tx, row.person_id, row.list_id, SkipReason.NOT_SUBSCRIBED, now=consent.at)


def pause(tx: Tx, row: SubscriptionRow, *, until: datetime | None, now: datetime) -> None:
    """Pause a living subscription and take the open deliveries back; its ground stays."""
    values = {"state": SubscriptionState.PAUSED, "paused_until": until}
    tx.execute(sa.update(Subscription).where(_same(row)).values(**values))
    stops.stop_subscriber(tx, row.person_id, row.list_id, SkipReason.PAUSED, now=now)


def resume(tx: Tx, row: SubscriptionRow) -> None:
    """Go on with a paused subscription on the ground it always had; anything else is left as it is."""
    paused = _same(row) & (Subscription.state == SubscriptionState.PAUSED)
    values = {"state": SubscriptionState.SUBSCRIBED, "paused_until": None}
    tx.execute(sa.update(Subscription).where(paused).values(**values))


def take_over(tx: Tx, row: SubscriptionRow, person_id: int) -> None:
    """Give a subscription as it stands to another person who has none on that list, as merging does."""
    tx.execute(sa.update(Subscription).where(_same(row)).values(person_id=person_id))


def quieten(tx: Tx, row: SubscriptionRow, like: SubscriptionRow) -> None:
    """Give a subscription the state and times of a quieter one of the same list: a no wins over a yes (merging)."""
    if like.state is SubscriptionState.SUBSCRIBED:
        raise ValueError("nobody is subscribed without a consent event")
    values = {"state": like.state, "paused_until": like.paused_until, "ended_at": like.ended_at}
    tx.execute(sa.update(Subscription).where(_same(row)).values(**values))


def drop(tx: Tx, person_id: int) -> None:
    """Delete all subscriptions of a person whose row is emptied."""
    tx.execute(sa.delete(Subscription).where(Subscription.person_id == person_id))


def _over(now: datetime) -> sa.ColumnElement[bool]:
    # By list, because that is how the index goes; the others would be a walk through every subscription each minute.
    paused = Subscription.list_id.in_(select(MailingList.id)) & (Subscription.state == SubscriptionState.PAUSED)
    return paused & (Subscription.paused_until <= now)


def _same(row: SubscriptionRow) -> sa.ColumnElement[bool]:
    return (Subscription.person_id == row.person_id) & (Subscription.list_id == row.list_id)
