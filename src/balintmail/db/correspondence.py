"""The messages that came in, as people deal with them: which wait, whose they are, who has taken them on, what is done.

It reads no message and decides nothing about one; how they are stored and settled stands in db/inbox.py.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.orm import aliased

from balintmail.db.models import InboundMessage, Person
from balintmail.db.session import Tx
from balintmail.domain.returns import Kind
from balintmail.domain.states import InboundState

MOST = 1000  # messages of one person on their timeline
_LIKE = 5  # earlier letters of one Message-ID that are looked at
_M = InboundMessage
_WRITER, _TAKER = aliased(Person), aliased(Person)
_REPORTS = (Kind.BOUNCE.value, Kind.COMPLAINT.value)


@dataclass(frozen=True, slots=True)
class MessageRow:
    """One message without its octets; `kept` says whether these are still here.

    `sender` is what its From says, which proves nothing; `person` is the one whose address that is. `assigned` is who
    has taken it on, 0 for nobody.
    """

    id: int
    mailbox: str
    received_at: datetime
    state: InboundState
    kind: str
    remark: str
    sender: str
    subject: str
    robot: bool
    size: int
    kept: bool
    person: int
    person_name: str
    delivery: int
    assigned: int
    assigned_name: str
    forwarded_at: datetime | None
    closed_at: datetime | None
    closed_by: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages to list; what is empty or none leaves that question open. `most` are given, the newest."""

    states: Sequence[InboundState] = ()
    kinds: Sequence[str] = ()
    people: Sequence[int] = ()
    assigned: int | None = None
    mailbox: str = ""
    most: int = 1000


def listed(tx: Tx, wanted: Wanted) -> list[MessageRow]:
    """Return messages, the oldest first."""
    query = _rows()
    if wanted.states:
        query = query.where(_M.state.in_(wanted.states))
    if wanted.kinds:
        query = query.where(_M.kind.in_(wanted.kinds))
    if wanted.people:
        query = query.where(_M.person_id.in_(wanted.people))
    if wanted.assigned is not None:
        query = query.where(_M.assigned_to == wanted.assigned)
    if wanted.mailbox:
        query = query.where(_M.mailbox == wanted.mailbox)
    found = [_row(row) for row in tx.execute(query.order_by(_M.id.desc()).limit(wanted.most))]
    return found[::-1]


def get(tx: Tx, message_id: int) -> MessageRow | None:
    """Return the message of that number."""
    row = tx.execute(_rows().where(_M.id == message_id)).one_or_none()
    return _row(row) if row is not None else None


def lock(tx: Tx, message_id: int) -> bool:
    """Hold a message until the transaction ends; False when there is none of that number."""
    return tx.scalar(select(_M.id).where(_M.id == message_id).with_for_update()) is not None


def raw(tx: Tx, message_id: int) -> bytes | None:
    """Return a message as it came; None where it is kept no longer."""
    found: bytes | None = tx.scalar(select(_M.raw).where(_M.id == message_id))
    return found


def letters_like(tx: Tx, sender_key: str, message_id: str, *, before: int) -> list[tuple[MessageRow, bytes]]:
    """Return the letters, as they came, that say the same sender and Message-ID and were stored earlier."""
    same = (_M.sender_key == sender_key, _M.message_id == message_id, _M.kind == Kind.LETTER.value)
    found = tx.execute(_rows().where(*same, _M.id < before).order_by(_M.id).limit(_LIKE)).all()
    return [(_row(row), raw(tx, row[0]) or b"") for row in found]


def mailboxes(tx: Tx) -> list[str]:
    """Return the names of all mailboxes that messages came from."""
    return list(tx.scalars(select(_M.mailbox).distinct().order_by(_M.mailbox)))


def assign(tx: Tx, message_id: int, person_id: int | None) -> None:
    """Put down who has taken a message on."""
    _set(tx, message_id, assigned_to=person_id)


def close(tx: Tx, message_id: int, *, by: str, now: datetime) -> None:
    """Put down that somebody has dealt with a message."""
    _set(tx, message_id, state=InboundState.DONE, closed_at=now, closed_by=by)


def reopen(tx: Tx, message_id: int, state: InboundState) -> None:
    """Let a message wait again; one that becomes NEW is read anew."""
    more: dict[str, Any] = {"attempts": 0, "remark": ""} if state is InboundState.NEW else {}
    _set(tx, message_id, state=state, closed_at=None, closed_by="", **more)


def forwarded(tx: Tx, message_id: int, *, now: datetime) -> None:
    """Put down that a message was sent on to an officer."""
    _set(tx, message_id, forwarded_at=now)


def of_people(tx: Tx, people: Sequence[int]) -> list[MessageRow]:
    """Return what was filed under these people, but for reports about their addresses, the oldest first."""
    query = _rows().where(_M.person_id.in_(people), _M.kind.not_in(_REPORTS)).order_by(_M.id.desc()).limit(MOST)
    return [_row(row) for row in tx.execute(query)][::-1]


def old(tx: Tx, *, before: datetime, limit: int) -> list[int]:
    """Return messages that were dealt with, came before that time, and whose octets are still kept."""
    query = (
        select(_M.id)
        .where(_M.received_at < before, _M.state == InboundState.DONE, _M.raw.is_not(None))
        .order_by(_M.received_at)
        .limit(limit)
    )
    return list(tx.scalars(query))


def forget(tx: Tx, ids: Sequence[int]) -> None:
    """Let the octets of messages go; of a stranger's, whose they were and what they were about, too."""
    tx.execute(sa.update(_M).where(_M.id.in_(ids)).values(raw=None))
    strangers = _M.id.in_(ids) & _M.person_id.is_(None)
    tx.execute(sa.update(_M).where(strangers).values(sender="", sender_key="", subject=""))


def _set(tx: Tx, message_id: int, **values: Any) -> None:
    tx.execute(sa.update(_M).where(_M.id == message_id).values(**values))


def _rows() -> "sa.Select[*tuple[Any, ...]]":
    return (
        select(
            _M.id,
            _M.mailbox,
            _M.received_at,
            _M.state,
            _M.kind,
            _M.remark,
            _M.sender,
            _M.subject,
            _M.robot,
            _M.size,
            _M.raw.is_not(None),
            sa.func.coalesce(_M.person_id, 0),
            sa.func.coalesce(_WRITER.name, ""),
            sa.func.coalesce(_M.delivery_id, 0),
            sa.func.coalesce(_M.assigned_to, 0),
            sa.func.coalesce(_TAKER.name, ""),
            _M.forwarded_at,
            _M.closed_at,
            _M.closed_by,
        )
        .outerjoin(_WRITER, _WRITER.id == _M.person_id)
        .outerjoin(_TAKER, _TAKER.id == _M.assigned_to)
    )


def _row(row: "sa.Row[Any]") -> MessageRow:
    return MessageRow(*tuple(row))
