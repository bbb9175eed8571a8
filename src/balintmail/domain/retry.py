"""Decide what to do after one delivery attempt: final, or again, and when (S38).

Pure: knows no clock, database or network. Retry strategy: RFC 5321 section 4.5.4.1; first wait: RFC 6647 section 2.1
(greylisting). Called by services/dispatch.py; the decision is stored by db/ledger.py.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from balintmail.domain.outcome import Outcome, Verdict
from balintmail.domain.states import DeliveryState

GIVE_UP_AFTER = timedelta(days=4)  # RFC 5321 asks for 4-5 days; news is stale sooner.
SHORTEST_FIRST_WAIT = timedelta(minutes=15)  # greylists open after minutes, RFC 5321 says 30: the two meet here
LONGEST_FIRST_WAIT = timedelta(minutes=30)
GROWTH = 2
LONGEST_WAIT = timedelta(hours=6)  # before jitter; a mailbox that is emptied today is reached today
_NOMINAL_FIRST = (SHORTEST_FIRST_WAIT + LONGEST_FIRST_WAIT) / 2
_SPREAD = (LONGEST_FIRST_WAIT - SHORTEST_FIRST_WAIT) / (LONGEST_FIRST_WAIT + SHORTEST_FIRST_WAIT)  # a third each way
_SETTLED = {
    Verdict.ACCEPTED: DeliveryState.ACCEPTED,
    Verdict.REFUSED: DeliveryState.REFUSED,
    Verdict.UNKNOWN: DeliveryState.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Attempts:
    """What lies behind one delivery: its id, how often it was tried (this time included), and first when."""

    delivery: int
    count: int
    first_tried: datetime


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a mailing goes on trying; `deadline` is its own, where it has one."""

    give_up_after: timedelta = GIVE_UP_AFTER
    deadline: datetime | None = None

    def ends_at(self, first_tried: datetime) -> datetime:
        """Return the moment after which no further attempt is made."""
        end = first_tried + self.give_up_after
        return end if self.deadline is None else min(end, self.deadline)


@dataclass(frozen=True, slots=True)
class RetryDecision:
    """The state the delivery takes; `due_at` only with DEFERRED; `expired` says that time ran out, not the relay."""

    state: DeliveryState
    due_at: datetime | None = None
    expired: bool = False


def decide(outcome: Outcome, attempts: Attempts, patience: Patience, *, now: datetime) -> RetryDecision:
    """Return what becomes of a delivery after `outcome`.

    UNKNOWN is never tried again by itself (P2). NOT_SENT counts as a deferral here: whoever gives such a row straight
    back to the queue does not ask, and whoever asks has given it back often enough. A deferral that would come back
    after the end is tried once more just before it where there is time for that, and is refused as expired otherwise.
    """
    if outcome.verdict in _SETTLED:
        return RetryDecision(_SETTLED[outcome.verdict])
    end = patience.ends_at(attempts.first_tried)
    due = now + wait_after(attempts.count, attempts.delivery)
    if due <= end:
        return RetryDecision(DeliveryState.DEFERRED, due)
    if end - now >= SHORTEST_FIRST_WAIT:
        return RetryDecision(DeliveryState.DEFERRED, end)
    return RetryDecision(DeliveryState.REFUSED, expired=True)


def wait_after(count: int, seed: int) -> timedelta:
    """Return how long to wait after the attempt with number `count` (from 1).

    The same `seed` and count give the same wait, different seeds spread by a third each way, so that what failed
    together does not come back together.
    """
    growth: int = GROWTH ** min(max(count, 1) - 1, 30)
    nominal = min(_NOMINAL_FIRST * growth, LONGEST_WAIT)
    drawn = int.from_bytes(hashlib.blake2b(f"{seed}:{count}".encode(), digest_size=6).digest(), "big") / 2**48
    return nominal * (1 - _SPREAD + 2 * _SPREAD * drawn)
