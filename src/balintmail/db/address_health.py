"""What an address's own row says of its health: paused, tried again, on trial, given up, struck off the list.

It decides nothing; domain/health.py does. A suppression is kept apart, by key (db/suppressions.py).
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import and_, exists, select

from balintmail.db.models import Address, Delivery, Officer, Person, PersonAddress, Subscription, Suppression
from balintmail.db.session import Tx
from balintmail.db.standing import LIVING, membership_runs
from balintmail.domain.health import Known
from balintmail.domain.returns import Reason
from balintmail.domain.states import AddressHealth, DeliveryState, Ground, SubscriptionState

_A = Address


@dataclass(frozen=True, slots=True)
class HealthRow:
    """One address with all that is known of its health; `trouble` is a Reason, or "" while there is none."""

    id: int
    email: str
    key: str
    domain: str
    health: AddressHealth
    bounced_at: datetime | None
    trouble: str
    probes: int
    probe_at: datetime | None
    trial_until: datetime | None
    trusted_at: datetime | None

    @property
    def known(self) -> Known:
        """What domain/health.py asks for."""
        return Known(self.health, self.trusted_at, self.trial_until)


@dataclass(frozen=True, slots=True)
class Holder:
    """A living person who holds an address, and why they may be mailed: a list they are on, an office, a membership.

    `list_id` is none where it is no list.
    """

    person: int
    language: str | None
    list_id: int | None
    ground: Ground


@dataclass(frozen=True, slots=True)
class DeadRow:
    """An address that is not mailed for what came back, and one living person who holds it."""

    address: HealthRow
    suppressed: bool
    person: int
    name: str
    fields: dict[str, Any]


_STILL: dict[str, Any] = {"probe_at": None, "trial_until": None}
_UNSEEN: dict[str, Any] = {"handled_at": None, "handled_by": ""}
_LISTED = (_A.health == AddressHealth.BOUNCED, _A.handled_at.is_(None))
_COLUMNS = [getattr(_A, name) for name in HealthRow.__dataclass_fields__]


def of_key(tx: Tx, key: str) -> HealthRow | None:
    """Return the address of that key, or None when nobody has it."""
    row = tx.execute(_of_key(), {"key": key}).first()
    return HealthRow(*row) if row else None


@cache
def _of_key() -> "sa.Select[Any]":
    return select(*_COLUMNS).where(_A.key == sa.bindparam("key"))


def end(tx: Tx, row: HealthRow, reason: Reason, *, now: datetime) -> None:
    """Put down that nobody is there: nothing tries it any more."""
    new = {**_UNSEEN, **_STILL, "bounced_at": row.bounced_at or now}
    _set(tx, row.id, health=AddressHealth.BOUNCED, trouble=reason.value, **new)


def pause(tx: Tx, row: HealthRow, reason: Reason, *, probe_at: datetime | None, now: datetime) -> None:
    """Pause an address, to be tried at `probe_at` or never."""
    new = {**_UNSEEN, **_STILL, "bounced_at": now, "probe_at": probe_at}
    _set(tx, row.id, health=AddressHealth.BOUNCED, trouble=reason.value, **new)


def blame(tx: Tx, row: HealthRow, reason: Reason) -> None:
    """Put down what came back of a paused address last."""
    _set(tx, row.id, trouble=reason.value)


def probe(tx: Tx, row: HealthRow, *, until: datetime, now: datetime) -> None:
    """Put down that a probe is on its way, which was taken if nothing has come back by `until`."""
    _set(tx, row.id, probes=row.probes + 1, probe_at=None, trial_until=until, trusted_at=now)


def wait_for_probe(tx: Tx, row: HealthRow, probe_at: datetime | None) -> None:
    """Put down when a paused address is tried next; None: never by itself."""
    _set(tx, row.id, probe_at=probe_at, trial_until=None)


def lengthen(tx: Tx, row: HealthRow, until: datetime) -> None:
    """Give a probe or a trial more time."""
    _set(tx, row.id, trial_until=until)


def trust(tx: Tx, row: HealthRow, *, until: datetime, now: datetime) -> None:
    """Mail an address again, on trial until a moment."""
    _set(tx, row.id, health=AddressHealth.OK, probe_at=None, trial_until=until, trusted_at=now)


def pass_trial(tx: Tx, row: HealthRow) -> None:
    """Put down that an address is as good as any."""
    _set(tx, row.id, bounced_at=None, trouble="", probes=0, **_UNSEEN, **_STILL)


def handle(tx: Tx, row: HealthRow, *, by: str, now: datetime) -> None:
    """Strike an address off the list of those that are not reached; it stays unmailed, and is tried on."""
    _set(tx, row.id, handled_at=now, handled_by=by)


def is_listed(tx: Tx, row: HealthRow) -> bool:
    """Say whether an address is among those that are not reached and that nobody has seen to."""
    return tx.scalar(select(_A.id).where(_A.id == row.id, *_LISTED)) is not None


def _set(tx: Tx, address_id: int, **values: Any) -> None:
    tx.execute(_setting(), {"address": address_id, **values})


@cache
def _setting() -> sa.Update:
    return sa.update(_A).where(_A.id == sa.bindparam("address"))


def anything_due(tx: Tx, now: datetime) -> bool:
    """Say whether a probe's time has come or a trial is over; it only reads."""
    due = [select(_A.id).where(column <= now).limit(1) for column in (_A.probe_at, _A.trial_until)]
    return any(tx.scalar(query) is not None for query in due)


def probes_due(tx: Tx, now: datetime, *, limit: int) -> list[HealthRow]:
    """Return paused addresses whose time to be tried has come, the longest due first."""
    query = select(*_COLUMNS).where(_A.probe_at <= now).order_by(_A.probe_at, _A.id).limit(limit)
    return [HealthRow(*row) for row in tx.execute(query)]


def trials_over(tx: Tx, now: datetime, *, limit: int) -> list[HealthRow]:
    """Return addresses whose probe or trial has had its time."""
    query = select(*_COLUMNS).where(_A.trial_until <= now).order_by(_A.trial_until, _A.id).limit(limit)
    return [HealthRow(*row) for row in tx.execute(query)]


def holder(tx: Tx, address_id: int) -> Holder | None:
    """Return somebody who gets letters at this address and may be mailed there, or None.

    Whoever is on a list comes first, then who holds an office, then whose membership runs.
    """
    living = (
        select(Person.id, Person.language)
        .join(PersonAddress, PersonAddress.person_id == Person.id)
        .where(PersonAddress.address_id == address_id, PersonAddress.preferred)
        .where(Person.erased_at.is_(None), Person.merged_into.is_(None), Person.died_on.is_(None))
        .order_by(Person.id)
        .limit(1)
    )
    on_a_list = (
        living.add_columns(Subscription.list_id, Subscription.ground)
        .join(Subscription, Subscription.person_id == Person.id)
        .where(Subscription.state == SubscriptionState.SUBSCRIBED, Subscription.ground.in_(LIVING))
        .order_by(Subscription.list_id)
    )
    if (row := tx.execute(on_a_list).first()) is not None:
        return Holder(*row)
    runs = membership_runs(PersonAddress.person_id, correlate=PersonAddress)
    in_office = exists().where(Officer.person_id == Person.id, Officer.until.is_(None)).correlate(Person)
    for ground, holds in ((Ground.OFFICER, in_office), (Ground.MEMBERSHIP, runs)):
        if (row := tx.execute(living.where(holds)).first()) is not None:
            return Holder(row[0], row[1], None, ground)
    return None


def came_of(tx: Tx, row: HealthRow, since: datetime) -> list[tuple[DeliveryState, datetime]]:
    """Return what was mailed to a paused address since a moment, with when each was settled last: only probes are."""
    holders = select(PersonAddress.person_id).where(PersonAddress.address_id == row.id)
    tried = (Delivery.person_id.in_(holders), Delivery.address_key == row.key, Delivery.at >= since)
    return [(state, at) for state, at in tx.execute(select(Delivery.state, Delivery.at).where(*tried))]


def dead(tx: Tx) -> list[DeadRow]:
    """Return the addresses that are not mailed for what came back and not struck off, with who holds them."""
    query = (
        select(*_COLUMNS, Suppression.id, Person.id, Person.name, Person.fields)
        .join(PersonAddress, PersonAddress.address_id == _A.id)
        .join(Person, Person.id == PersonAddress.person_id)
        .outerjoin(Suppression, Suppression.address_key == _A.key)
        .where(*_LISTED)
        .where(and_(Person.erased_at.is_(None), Person.merged_into.is_(None)))
        .order_by(_A.bounced_at, _A.id, Person.id)
    )
    width = len(_COLUMNS)
    return [
        DeadRow(HealthRow(*row[:width]), row[width] is not None, row[width + 1], row[width + 2], row[width + 3])
        for row in tx.execute(query).all()
    ]
