"""A no reaches the open rows of the ledger in the transaction that says it (D4).

Whoever leaves, is suppressed or is erased calls one of these beside their own change: the rows not yet at risk become
`skipped`, and a dispatcher that was about to mark one of them at risk waits for the lock and then finds it gone. It
never touches a row whose dot may have left.
"""

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Update, bindparam, select, update
from sqlalchemy.orm import aliased

from balintmail.db.models import Address, Delivery, Mailing, PersonAddress
from balintmail.db.session import Tx
from balintmail.db.standing import LIVING
from balintmail.domain.deliveries import sources
from balintmail.domain.states import DeliveryState, SkipReason


def stop_subscriber(tx: Tx, person_id: int, list_id: int, reason: SkipReason, *, now: datetime) -> int:
    """Skip what is open for a person of one list, on grounds that need a subscription; return how many rows."""
    of_list = Delivery.mailing_id.in_(select(Mailing.id).where(Mailing.list_id == list_id))
    return _stop(tx, (Delivery.person_id == person_id) & of_list & Delivery.ground.in_(LIVING), reason, now)


def stop_person(tx: Tx, person_id: int, reason: SkipReason, *, now: datetime) -> int:
    """Skip everything that is open for a person, on whatever ground (erasure); return how many rows."""
    return _stop(tx, Delivery.person_id == person_id, reason, now)


def stop_second_copies(tx: Tx, person_id: int, other_id: int, reason: SkipReason, *, now: datetime) -> int:
    """Skip what is open for a person of mailings that another has got, or may have got (merging, D1)."""
    theirs = aliased(Delivery)
    gone = (DeliveryState.ACCEPTED, DeliveryState.AT_RISK, DeliveryState.UNKNOWN)
    had = select(theirs.mailing_id).where(theirs.person_id == other_id, theirs.state.in_(gone))
    return _stop(tx, (Delivery.person_id == person_id) & Delivery.mailing_id.in_(had), reason, now)


def stop_address(tx: Tx, address_key: str, reason: SkipReason, *, now: datetime) -> int:
    """Skip everything that is open to an address (suppression, a final bounce); return how many rows."""
    values = {"state": DeliveryState.SKIPPED, "skip_reason": reason, "at": now, "claim": None, "next_try_at": None}
    return tx.execute(_stopping_address(), {"key": address_key, **values}).rowcount


@cache
def _stopping_address() -> Update:
    # By way of its holders, whose rows have an index; the ledger has none over addresses.
    key = bindparam("key", type_=Delivery.address_key.type)
    holders = select(PersonAddress.person_id).join(Address, Address.id == PersonAddress.address_id)
    held = Delivery.person_id.in_(holders.where(Address.key == key)) | Delivery.person_id.is_(None)
    open_rows = Delivery.state.in_(sources(DeliveryState.SKIPPED))
    return update(Delivery).where(held, Delivery.address_key == key, open_rows)


def stop_domain(tx: Tx, domain: str, reason: SkipReason, *, now: datetime) -> int:
    """Skip everything that is open to any address of a domain (suppression); return how many rows."""
    holders = select(PersonAddress.person_id).join(Address, Address.id == PersonAddress.address_id)
    held = Delivery.person_id.in_(holders.where(Address.domain == domain))
    there = Delivery.address_key.in_(select(Address.key).where(Address.domain == domain))
    return _stop(tx, held & there, reason, now)


def _stop(tx: Tx, whose: ColumnElement[bool], reason: SkipReason, now: datetime) -> int:
    open_rows = whose & Delivery.state.in_(sources(DeliveryState.SKIPPED))
    values: dict[str, Any] = {"state": DeliveryState.SKIPPED, "skip_reason": reason, "at": now, "claim": None}
    return tx.execute(update(Delivery).where(open_rows).values(**values, next_try_at=None)).rowcount
