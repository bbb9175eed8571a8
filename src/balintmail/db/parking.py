"""Set queued rows aside until a moment, because their recipients' domain is full, so that others are claimed meanwhile.

A parked row is `queued` with a `next_try_at`; nothing else of the ledger gives a queued row one. It decides nothing:
when a domain takes a message again is sending/limits.py's to say.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import bindparam, func, select, update

from balintmail.db.models import Delivery, UtcTime
from balintmail.db.session import Tx
from balintmail.domain.states import DeliveryState

_D = Delivery
_S = DeliveryState


def park(tx: Tx, worker: str, until: Mapping[int, datetime], *, now: datetime) -> None:
    """Put claimed rows of `worker` back into the queue, each to be claimed from its moment in `until` on."""
    if not until:
        return
    mine = (_D.id == bindparam("row", type_=sa.BigInteger()), _D.state == _S.CLAIMED, _D.claim == worker)
    back = update(_D).where(*mine).values(
        state=_S.QUEUED, claim=None, attempts=_D.attempts - 1, at=now, next_try_at=bindparam("then", type_=UtcTime())
    )  # fmt: skip
    tx.execute(back, [{"row": row, "then": then} for row, then in until.items()])


def until(tx: Tx, mailing_id: int, *, now: datetime) -> datetime | None:
    """Return when the first parked row of a mailing may be claimed; None when none is parked."""
    parked = (_D.mailing_id == mailing_id, _D.state == _S.QUEUED, _D.next_try_at > now)
    return tx.scalar(select(func.min(_D.next_try_at)).where(*parked))


def release(tx: Tx, mailing_ids: Sequence[int]) -> int:
    """Let every parked row of these mailings be claimed now, because somebody says so; return how many."""
    parked = (_D.mailing_id.in_(mailing_ids), _D.state == _S.QUEUED, _D.next_try_at.is_not(None))
    return tx.execute(update(_D).where(*parked).values(next_try_at=None)).rowcount
