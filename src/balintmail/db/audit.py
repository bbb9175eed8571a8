"""Write down who did what, when; rows are only ever added. `detail` names people by id, never by address."""

from datetime import datetime
from typing import Any

from sqlalchemy import insert

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
