"""Change rows of the ledger for what was learnt of a whole mailing: refusals that were ours, deadlines that passed.

It judges nothing; services/pausing.py and services/governor.py do. A row leaves only a state that
domain/deliveries.py lets it leave.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select, update

from balintmail.db.models import Delivery
from balintmail.db.session import Tx
from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.states import DeliveryState

_D = Delivery
_S = DeliveryState
TOO_LATE = "its deadline had passed"


@dataclass(frozen=True, slots=True)
class Undecided:
    """A deferred row, and the refusal that it got."""

    delivery: int
    outcome: Outcome


def refuse(tx: Tx, deliveries: Sequence[int], *, now: datetime) -> int:
    """Make deferred rows final whose refusal was meant for the person after all; return how many."""
    still = (_D.id.in_(deliveries), _D.state == _S.DEFERRED)
    return tx.execute(update(_D).where(*still).values(state=_S.REFUSED, next_try_at=None, at=now)).rowcount


def try_again(tx: Tx, mailing_id: int) -> int:
    """Let the rows that were refused for our own sake be tried at once and as if anew; return how many."""
    said = or_(_D.code >= 500, _D.enhanced.like("5.%"), _D.enhanced.like("4.7.%"))
    ours = (_D.mailing_id == mailing_id, _D.state == _S.DEFERRED, said)
    return tx.execute(update(_D).where(*ours).values(next_try_at=None, first_tried_at=None)).rowcount


def expire(tx: Tx, mailing_id: int, *, now: datetime) -> int:
    """Refuse the waiting rows of a mailing whose deadline has passed; return how many."""
    waiting = (_D.mailing_id == mailing_id, _D.state.in_((_S.QUEUED, _S.DEFERRED)))
    told = update(_D).where(*waiting, _D.code != 0).values(state=_S.REFUSED, next_try_at=None, at=now)
    untold = (
        update(_D)
        .where(*waiting)
        .values(state=_S.REFUSED, next_try_at=None, at=now, stage=Stage.LOCAL.value, reply=TOO_LATE)
    )
    return tx.execute(told).rowcount + tx.execute(untold).rowcount


def waits(tx: Tx, mailing_id: int) -> bool:
    """Say whether a mailing has rows that nobody has tried or that are to be tried again."""
    waiting = select(_D.id).where(_D.mailing_id == mailing_id, _D.state.in_((_S.QUEUED, _S.DEFERRED)))
    return tx.scalar(waiting.limit(1)) is not None


def undecided(tx: Tx, mailing_id: int) -> list[Undecided]:
    """Return the rows whose lasting refusal is kept as deferred, until it is known for whom it was meant."""
    kept = (_D.mailing_id == mailing_id, _D.state == _S.DEFERRED, or_(_D.code >= 500, _D.enhanced.like("5.%")))
    rows = tx.execute(select(_D.id, _D.stage, _D.code, _D.enhanced, _D.reply).where(*kept))
    return [Undecided(row[0], Outcome(Verdict.REFUSED, Stage(row[1]), *row[2:])) for row in rows]


def queued(tx: Tx, mailing_id: int) -> bool:
    """Say whether a mailing has rows that wait for their first answer, parked ones among them."""
    return tx.scalar(select(_D.id).where(_D.mailing_id == mailing_id, _D.state == _S.QUEUED).limit(1)) is not None
