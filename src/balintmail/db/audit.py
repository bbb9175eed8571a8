"""Write down who did what, when; rows are only ever added. `detail` names people by id, never by address."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Insert, insert, select

from balintmail.db.models import AuditEvent
from balintmail.db.session import Tx


def note_mailing(
    tx: Tx, mailing_id: int, action: str, *, actor: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Record that `actor` did `action` to a mailing."""
    tx.execute(
        insert(AuditEvent).values(at=now, actor=actor, action=action, mailing_id=mailing_id, detail=detail or {})
    )


def note(tx: Tx, action: str, *, actor: str, now: datetime, detail: dict[str, Any] | None = None) -> None:
    """Record that `actor` did `action` to the instance as a whole."""
    tx.execute(insert(AuditEvent).values(at=now, actor=actor, action=action, detail=detail or {}))


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One recorded act."""

    at: datetime
    actor: str
    action: str
    detail: dict[str, Any]


def note_person(
    tx: Tx, person_id: int, action: str, *, actor: str, now: datetime, detail: dict[str, Any] | None = None
) -> None:
    """Record that `actor` did `action` to a person."""
    said = {"at": now, "actor": actor, "action": action, "person_id": person_id, "detail": detail or {}}
    tx.execute(_noting(), said)


@cache
def _noting() -> Insert:
    return insert(AuditEvent)


def of_people(tx: Tx, people: Sequence[int]) -> list[AuditRow]:
    """Return what was done to these people, the oldest first."""
    columns = (AuditEvent.at, AuditEvent.actor, AuditEvent.action, AuditEvent.detail)
    query = select(*columns).where(AuditEvent.person_id.in_(people)).order_by(AuditEvent.at, AuditEvent.id)
    return [AuditRow(*row) for row in tx.execute(query)]
