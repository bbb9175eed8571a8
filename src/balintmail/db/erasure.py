"""Empty every row that knows a person: their own, and every text anywhere that mentions one of their addresses (S45).

Rows that the ledger counts stay, with nothing in them. It never decides who is erased; services/erasure.py does.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select

from balintmail.db import consent, despatches, inbound_erasure, journal_issues
from balintmail.db.models import (
    Address,
    AuditEvent,
    Base,
    CopyRequest,
    Delivery,
    InboundMessage,
    JoinRequest,
    MailedLink,
    Mailing,
    MailingList,
    Notice,
    Person,
    PostalAddress,
    ReturnEvent,
    Subscription,
    Suppression,
)
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind

BLOT = "(erased)"
_MENTIONS: tuple[tuple[type[Base], tuple[str, ...]], ...] = (
    (AuditEvent, ("actor", "detail")),
    (JoinRequest, ("words", "actor", "decided_by", "answers", "evidence", "reason", "note")),
    (Subscription, ("answers",)),
    (Notice, ("facts",)),
    (MailedLink, ("payload",)),
    (Suppression, ("note", "actor")),
    (Mailing, ("title", "state_reason", "audience_filter", "released_by")),
    (Delivery, ("reply",)),
    (InboundMessage, ("sender", "subject", "message_id", "remark", "place", "closed_by")),
    (ReturnEvent, ("evidence", "outcome")),
    (CopyRequest, ("wanted", "decided_by", "reason", "note")),
    (Address, ("handled_by",)),
)


@dataclass(frozen=True, slots=True)
class Traces:
    """What is looked for: the person's rows, and the spellings of the addresses that are theirs alone.

    `names` are those of them, long enough not to stand in any text by chance; letters to officers tell them.
    """

    people: tuple[int, ...]
    spellings: tuple[str, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...] = ()


def letters(tx: Tx, traces: Traces) -> list[int]:
    """Return the numbers of all deliveries to these people or these addresses, and of those that tell of them."""
    theirs = set(tx.scalars(select(Delivery.id).where(_theirs(traces))))
    return sorted(theirs | {number for number, _, _ in _telling(tx, traces)})


def empty(tx: Tx, traces: Traces, *, now: datetime) -> None:
    """Take every trace out of the rows; open deliveries must have been stopped before (db/stops.py)."""
    gone: dict[str, Any] = {"name": "", "first_name": "", "language": None, "member": False, "fields": {}}
    gone["journal_format"] = None
    mine = Person.id.in_(traces.people)
    tx.execute(sa.update(Person).where(mine).values(**gone, erased_at=now, updated_at=now))
    tx.execute(sa.delete(Subscription).where(Subscription.person_id.in_(traces.people)))
    consent.erase(tx, traces.people)
    for waiting in (JoinRequest, Notice):
        theirs = waiting.person_id.in_(traces.people) | waiting.address_key.in_(traces.keys)
        tx.execute(sa.delete(waiting).where(theirs))
    for own in (MailedLink, PostalAddress):
        tx.execute(sa.delete(own).where(own.person_id.in_(traces.people)))
    inbound_erasure.empty(tx, traces.people, traces.keys, traces.spellings)
    despatches.erase(tx, traces.people, now=now)
    journal_issues.forget_authors(tx, traces.people)
    bare: dict[str, Any] = {"address": "", "envelope": "", "address_key": "", "data": None, "reply": ""}
    tx.execute(sa.update(Delivery).where(_theirs(traces)).values(**bare))
    for number, text, patterns in _telling(tx, traces):
        tx.execute(sa.update(Delivery).where(Delivery.id == number).values(data=_blotted_json(text, patterns)))
    for table, columns in _MENTIONS:
        for column in columns:
            _blot(tx, table, column, traces.spellings)
    _blot(tx, Notice, "facts", traces.names)
    for spelling in traces.spellings:  # what others' consent says of them is said anew without it
        fragment, pattern = _looked_for(spelling)
        consent.restate(tx, fragment, pattern, BLOT)


def speaks_for(tx: Tx, keys: Sequence[str]) -> str | None:
    """Return the slug of a list that is sent from, or answered at, one of these addresses, or None."""
    wanted = [key.lower() for key in keys]
    ours = sa.func.lower(MailingList.from_address).in_(wanted) | sa.func.lower(MailingList.reply_to).in_(wanted)
    found: str | None = tx.scalar(select(MailingList.slug).where(ours).order_by(MailingList.id).limit(1))
    return found


def _theirs(traces: Traces) -> sa.ColumnElement[bool]:
    return Delivery.person_id.in_(traces.people) | Delivery.address_key.in_(traces.keys)


def _telling(tx: Tx, traces: Traces) -> list[tuple[int, str, list[re.Pattern[str]]]]:
    """Return the system mails to others that tell of these people, with their data: what the Secretary was asked."""
    notices = Delivery.mailing_id.in_(select(Mailing.id).where(Mailing.kind == MailingKind.NOTICE))
    found: list[tuple[int, str, list[re.Pattern[str]]]] = []
    sought = [_looked_for(text) for text in (*traces.spellings, *traces.names)]
    as_text = sa.func.lower(Delivery.data)
    for fragment, _ in sought:
        mentions = notices & ~_theirs(traces) & as_text.contains(fragment, autoescape=True)
        for number, text in tx.execute(select(Delivery.id, Delivery.data).where(mentions)).all():
            patterns = [pattern for _, pattern in sought]
            if text and any(pattern.search(text) for pattern in patterns):
                found.append((number, text, patterns))
    return found


def _blotted_json(text: str, patterns: Sequence[re.Pattern[str]]) -> str:
    value = json.loads(text)
    for pattern in patterns:
        value = _replaced(value, pattern)
    return json.dumps(value, ensure_ascii=False)


def _blot(tx: Tx, table: Any, name: str, spellings: Sequence[str]) -> None:
    """Replace each mention of an address in one column; whole addresses only, so that longer ones stay."""
    column = getattr(table, name)
    as_text = sa.func.lower(sa.cast(column, sa.String))
    for spelling in spellings:
        fragment, pattern = _looked_for(spelling)
        mentions = select(table.id, column).where(as_text.contains(fragment, autoescape=True))
        for row_id, value in tx.execute(mentions).all():
            if (blotted := _replaced(value, pattern)) != value:
                tx.execute(sa.update(table).where(table.id == row_id).values({name: blotted}))


def _looked_for(spelling: str) -> tuple[str, re.Pattern[str]]:
    """Return what the database looks for, and the pattern that decides."""
    # Databases agree on the small letters of ASCII only, and JSON may escape the others; the pattern decides.
    fragment = max(re.findall(r"[\x20-\x7e]+", spelling), key=len, default="").lower()
    return fragment, re.compile(rf"(?<![\w.+-]){re.escape(spelling)}(?![\w-])", re.IGNORECASE)


def _replaced(value: Any, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(BLOT, value)
    if isinstance(value, dict):
        return {_replaced(key, pattern): _replaced(inner, pattern) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, pattern) for inner in value]
    return value
