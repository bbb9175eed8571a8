"""The mailing lists' rows; a list's List-Id and slug never change once it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy import func, select

from balintmail.db.models import MailingList, Subscription
from balintmail.db.session import Tx
from balintmail.domain.states import Policy, SubscriptionState


@dataclass(frozen=True, slots=True)
class MailingListRow:
    """One mailing list with its manners; empty `from_address` and `reply_to` stand for the Secretary's."""

    id: int
    slug: str
    name: str
    list_id: str
    purpose: str
    policy: Policy
    language: str
    from_name: str
    from_address: str
    reply_to: str
    footer: str
    standing_words: str
    is_default: bool
    created_at: datetime
    archived_at: datetime | None
    relay: str = ""
    questions: Sequence[Any] = ()  # of its form, as domain/questions.py reads them
    sends_latest: bool = False  # the latest number goes with the welcome


_COLUMNS = [getattr(MailingList, name) for name in MailingListRow.__dataclass_fields__]


def by_slug(tx: Tx, slug: str) -> MailingListRow | None:
    """Return the list of that slug, archived or not, or None."""
    row = tx.execute(_by("slug"), {"slug": slug}).first()
    return MailingListRow(*row) if row else None


def by_id(tx: Tx, list_id: int) -> MailingListRow | None:
    """Return the list of that number, or None."""
    row = tx.execute(_by("id"), {"id": list_id}).first()
    return MailingListRow(*row) if row else None


@cache
def _by(name: str) -> "sa.Select[Any]":
    """Return the statement for the one list with that value of a column, built once: every page asks it."""
    return select(*_COLUMNS).where(getattr(MailingList, name) == sa.bindparam(name))


def default_list(tx: Tx) -> MailingListRow | None:
    """Return the list that commands mean when they name none; None when there is no such list."""
    living = select(*_COLUMNS).where(MailingList.archived_at.is_(None))
    row = tx.execute(living.where(MailingList.is_default)).first()
    return MailingListRow(*row) if row else None


def every(tx: Tx) -> list[MailingListRow]:
    """Return all lists, archived ones too, in the order they were made."""
    return [MailingListRow(*row) for row in tx.execute(select(*_COLUMNS).order_by(MailingList.id))]


def insert(tx: Tx, values: dict[str, Any]) -> int:
    """Add a list with these columns and return its number."""
    added: int = tx.execute(sa.insert(MailingList).values(**values).returning(MailingList.id)).scalar_one()
    return added


def update(tx: Tx, list_id: int, values: dict[str, Any]) -> None:
    """Change columns of a list; never its slug or List-Id."""
    if {"slug", "list_id", "id"} & values.keys():
        raise ValueError("a list's slug and List-Id never change")
    if values.get("is_default"):
        tx.execute(sa.update(MailingList).values(is_default=False))
    tx.execute(sa.update(MailingList).where(MailingList.id == list_id).values(**values))


def sizes(tx: Tx) -> dict[int, int]:
    """Return how many people are subscribed to each list; a list without any is missing."""
    rows = tx.execute(
        select(Subscription.list_id, func.count())
        .where(Subscription.state == SubscriptionState.SUBSCRIBED)
        .group_by(Subscription.list_id)
    )
    return {row[0]: row[1] for row in rows}
