"""Slow down when a relay pushes back, and speed up again carefully: additive increase, multiplicative decrease.

Pure. What pushes back: 450, 451 and 452 that speak of the relay and not of a mailbox, a 421 that refuses the next
person, and answers that take very long. A relay that hangs up after some messages on a connection has a habit and does
not push back (its verdict is NOT_SENT). Used by services/governor.py.
"""

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from balintmail.domain.blame import Blame, blame
from balintmail.domain.outcome import Outcome, Stage, Verdict

SLOW_SECONDS = 10.0  # ours: a message that takes longer from its first command to its answer
FEWER = 0.5  # of the connections, at each push
SHORTEST_GAP = 0.05  # seconds between messages, once one connection is still too many
LONGEST_GAP = 2.0
LONGEST_GAP_OF_GREYLISTS = 0.5  # each person has to be tried once; the greylist opens by itself
PUSHES_BEFORE_A_REST = 10  # in a row, without a message taken between them
RESTS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 30, 60))
_PUSHING = frozenset({421, 450, 451, 452})
_GREY = re.compile(r"gr[ae]y[- ]?list", re.IGNORECASE)


class Push(StrEnum):
    """What an answer says about our pace."""

    NONE = "none"
    SLOW = "slow"
    PERHAPS = "perhaps"  # a no to this person for now, which may be a greylist's
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Pace:
    """How many connections may be busy at once (rounded down), and the seconds between two beginnings."""

    lanes: float
    gap: float = 0.0
    pushes: int = 0  # in a row

    @property
    def wants_rest(self) -> bool:
        return self.pushes >= PUSHES_BEFORE_A_REST


def push_of(outcome: Outcome, seconds: float) -> Push:
    """Return what an answer that took so long says."""
    if outcome.verdict is Verdict.DEFERRED and outcome.code in _PUSHING and blame(outcome) is Blame.RELAY:
        if outcome.stage is Stage.RCPT and outcome.code in {450, 451}:
            if _GREY.search(outcome.reply):
                return Push.NONE
            if outcome.enhanced in {"", "4.7.0", "4.7.1"}:
                return Push.PERHAPS
        return Push.BUSY
    return Push.SLOW if seconds > SLOW_SECONDS else Push.NONE


def after(pace: Pace, push: Push, most: int, *, taken: bool, fresh: bool = True) -> Pace:
    """Return the pace after one answer.

    `most` is the relay's own number of connections, `taken` whether the message was accepted. An answer that is not
    `fresh` is to a message begun before we slowed down last: it says nothing about the new pace.
    """
    pushes = 0 if taken else pace.pushes + (push is Push.BUSY)
    if push is Push.NONE or (push is Push.SLOW and pace.lanes <= 1):
        if not taken:
            return Pace(pace.lanes, pace.gap, pushes)
        gap = pace.gap / 2 if pace.gap > SHORTEST_GAP else 0.0
        return Pace(pace.lanes if pace.gap else min(float(most), pace.lanes + 1 / pace.lanes), gap, pushes)
    if not fresh:
        return Pace(pace.lanes, pace.gap, pushes)
    if pace.lanes > 1:
        return Pace(max(1.0, min(float(most), pace.lanes) * FEWER), pace.gap, pushes)
    longest = LONGEST_GAP if push is Push.BUSY else LONGEST_GAP_OF_GREYLISTS
    return Pace(1.0, max(pace.gap, min(longest, max(SHORTEST_GAP, pace.gap * 2))), pushes)


def rest_after(rests: int) -> timedelta:
    """Return how long a relay is left in peace after so many rests that did not help."""
    return RESTS[min(rests, len(RESTS) - 1)]
