"""Mailings put straight into the table, for tests that need one and not how it came about."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import insert

from balintmail.db.models import Mailing
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind, MailingState

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)


def a_mailing(tx: Tx, **values: Any) -> int:
    """Enter a mailing and return its id."""
    row: dict[str, Any] = {
        "kind": MailingKind.NOTICE,
        "title": "A notice",
        "state": MailingState.SENDING,
        "content_hash": "0" * 64,
        "created_at": NOW,
        **values,
    }
    return tx.execute(insert(Mailing).values(**row).returning(Mailing.id)).scalar_one()
