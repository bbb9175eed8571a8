"""The messages that came in: stored before anything else happens to them, read once, acted on once.

Two with the same octets are one row, so a repeat costs nothing. It understands no message and deletes none.
"""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import Delivery, InboundMessage, Mailing
from balintmail.db.session import Database, Tx
from balintmail.domain.inbox import About
from balintmail.domain.returns import Kind
from balintmail.domain.states import InboundState

_M = InboundMessage
_ALONE = 0x62616C696E  # the number of our advisory lock; it holds within one database


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A message as a mailbox gave it. `size` is what it has there; `raw` is less where it was too large to keep."""

    mailbox: str
    place: str
    raw: bytes = b""
    size: int
    received_at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A stored message that nobody has read yet; `attempts` is how often that was begun."""

    id: int
    mailbox: str
    raw: bytes
    received_at: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What a message was found to be, and what became of it."""

    state: InboundState
    kind: str
    remark: str = ""
    sender: str = ""
    sender_key: str = ""
    subject: str = ""
    message_id: str = ""
    robot: bool = True
    person: int | None = None
    delivery: int | None = None
    forgotten: bool = False  # its octets go at once


def store(tx: Tx, arrival: Arrival) -> int | None:
    """Enter a message to be read; return its number, or None when it is here already."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_M).values(
        mailbox=arrival.mailbox,
        place=arrival.place,
        digest=hashlib.sha256(arrival.raw).digest(),
        raw=arrival.raw,
        size=arrival.size,
        received_at=arrival.received_at,
        remark=arrival.remark,
        state=InboundState.NEW,
    )
    added = statement.on_conflict_do_nothing(index_elements=["digest"]).returning(_M.id)
    found: int | None = tx.scalar(added)
    return found


def store_place(tx: Tx, arrival: Arrival) -> None:
    """Put down a message that its mailbox does not give, by its place; once."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_M).values(
        mailbox=arrival.mailbox,
        place=arrival.place,
        digest=_place_digest(arrival.mailbox, arrival.place),
        size=arrival.size,
        received_at=arrival.received_at,
        remark=arrival.remark,
        kind=Kind.BROKEN.value,
        state=InboundState.SET_ASIDE,
    )
    tx.execute(statement.on_conflict_do_nothing(index_elements=["digest"]))


def not_given(tx: Tx, mailbox: str, places: str, *, since: datetime) -> list[str]:
    """Return the places, beginning with `places`, of messages that the mailbox did not give since then."""
    query = select(_M.place).where(
        _M.mailbox == mailbox,
        _M.state == InboundState.SET_ASIDE,
        _M.raw.is_(None),
        _M.received_at >= since,
        _M.place.startswith(places, autoescape=True),
    )
    return list(tx.scalars(query.order_by(_M.id)))


def given_after_all(tx: Tx, mailbox: str, place: str) -> None:
    """Close what was put down of a message that its mailbox gave at a later try."""
    here = _M.digest == _place_digest(mailbox, place)
    tx.execute(sa.update(_M).where(here).values(state=InboundState.DONE, remark="read at a later try"))


def places(tx: Tx, mailbox: str) -> set[str]:
    """Return where the messages lay that were taken from a mailbox."""
    return set(tx.scalars(select(_M.place).where(_M.mailbox == mailbox)))


@contextmanager
def alone(database: Database) -> Iterator[bool]:
    """Hold what only one machine may do at a time; yields False when another has it. SQLite serves one machine."""
    if database.is_sqlite:
        yield True
        return
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        held = bool(connection.scalar(select(func.pg_try_advisory_lock(_ALONE))))
        try:
            yield held
        finally:
            if held:
                connection.execute(select(func.pg_advisory_unlock(_ALONE)))


def anything_new(tx: Tx) -> bool:
    """Say whether a message waits to be read."""
    return bool(tx.scalar(select(exists().where(_M.state == InboundState.NEW))))


def open_counts(tx: Tx) -> dict[str, int]:
    """Return how many messages are in each state but done."""
    query = select(_M.state, func.count()).where(_M.state != InboundState.DONE).group_by(_M.state)
    return {InboundState(row[0]).value: row[1] for row in tx.execute(query)}


def any_from(tx: Tx, mailbox: str) -> bool:
    """Say whether a message ever came from that mailbox."""
    return bool(tx.scalar(select(exists().where(_M.mailbox == mailbox))))


def unread(tx: Tx, *, limit: int, most_attempts: int) -> list[Unread]:
    """Return the oldest messages that wait to be read, those first that were begun least often."""
    query = (
        select(_M.id, _M.mailbox, _M.raw, _M.received_at, _M.attempts)
        .where(_M.state == InboundState.NEW, _M.attempts < most_attempts)
        .order_by(_M.attempts, _M.id)
        .limit(limit)
    )
    return [Unread(row.id, row.mailbox, row.raw or b"", row.received_at, row.attempts) for row in tx.execute(query)]


def worn_out(tx: Tx, *, most_attempts: int) -> list[int]:
    """Return the messages that were begun so often, and never finished."""
    query = select(_M.id).where(_M.state == InboundState.NEW, _M.attempts >= most_attempts)
    return list(tx.scalars(query))


def begin(tx: Tx, ids: Sequence[int]) -> None:
    """Put down that these are being read now, so that one which takes the process along is known by it."""
    tx.execute(sa.update(_M).where(_M.id.in_(ids)).values(attempts=_M.attempts + 1))


def leave(tx: Tx, ids: Sequence[int]) -> None:
    """Take back that these are being read: something else stopped it."""
    tx.execute(sa.update(_M).where(_M.id.in_(ids), _M.attempts > 0).values(attempts=_M.attempts - 1))


def claim(tx: Tx, message_id: int) -> bool:
    """Hold a message until the transaction ends; False when somebody else has dealt with it."""
    return tx.scalar(_claiming(), {"message": message_id}) is not None


@cache
def _claiming() -> "sa.Select[Any]":
    return select(_M.id).where(_M.id == sa.bindparam("message"), _M.state == InboundState.NEW).with_for_update()


def settle(tx: Tx, message_id: int, settled: Settled) -> None:
    """Put down what a message is and what became of it; what was said of it when it was stored stays, if nothing is
    said now.
    """
    values = {
        "message": message_id,
        "state": settled.state,
        "kind": settled.kind,
        "sender": settled.sender,
        "sender_key": settled.sender_key,
        "subject": settled.subject,
        "message_id": settled.message_id,
        "robot": settled.robot,
        "person_id": settled.person,
        "delivery_id": settled.delivery,
    }
    if settled.forgotten:
        values["raw"] = None
    if settled.remark:
        values["remark"] = settled.remark
    tx.execute(_settling(), values)


@cache
def _settling() -> sa.Update:
    return sa.update(_M).where(_M.id == sa.bindparam("message"))


def _place_digest(mailbox: str, place: str) -> bytes:
    return hashlib.sha256(f"place\0{mailbox}\0{place}".encode()).digest()


def about(tx: Tx, delivery_id: int) -> About | None:
    """Return the letter with that number in the ledger."""
    row = tx.execute(_about(), {"delivery": delivery_id}).one_or_none()
    if row is None:
        return None
    return About(row.id, row.mailing_id, row.person_id or 0, row.address_key, row.list_id or 0, row.at)


@cache
def _about() -> Any:
    return (
        select(Delivery.id, Delivery.mailing_id, Delivery.person_id, Delivery.address_key, Mailing.list_id, Delivery.at)
        .join(Mailing, Mailing.id == Delivery.mailing_id)
        .where(Delivery.id == sa.bindparam("delivery"))
    )
