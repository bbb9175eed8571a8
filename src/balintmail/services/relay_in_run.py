"""One relay as one run sees it: its permits in hand, until when it is closed, how fast it is given messages.

It asks nobody and writes nothing down; the governor does. The rules are sending/limits.py and domain/pace.py.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from balintmail.db.ledger import Claimed
from balintmail.db.limits import RelayRow, Taken
from balintmail.domain.judgement import words_of
from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.pace import Pace, Push, after, rest_after
from balintmail.sending.limits import Terms
from balintmail.services.pausing import LOGIN, LOGIN_AGAIN_AFTER


class SentBy(StrEnum):
    """Who began a run."""

    HAND = "hand"  # a person who sends one mailing
    CRON = "cron"  # nobody: whatever is due


@dataclass
class RelayInRun:
    """One relay as this run sees it."""

    name: str
    terms: Terms
    most: int
    permits: dict[int, tuple[tuple[Taken, ...], datetime]] = field(default_factory=dict)
    stale: list[tuple[Taken, ...]] = field(default_factory=list)
    blocked_until: datetime | None = None
    resting_until: datetime | None = None
    rests: int = 0
    reason: str = ""
    pace: Pace | None = None  # None: as fast as it takes
    braked_at: float = 0.0
    next_at: float = 0.0

    def recall(self, row: RelayRow, sent_by: SentBy) -> None:
        """Take over what the database knows; who sends by hand may have mended the password."""
        self.resting_until, self.rests, self.reason = row.resting_until, row.rests, row.reason
        if sent_by is SentBy.HAND and row.reason.startswith(LOGIN):
            self.resting_until = None

    def closed_until(self, now: datetime) -> datetime | None:
        """Return until when nothing may go to it, or None."""
        moments = [moment for moment in (self.blocked_until, self.resting_until) if moment is not None]
        latest = max(moments, default=now)
        return latest if latest > now else None

    def turned_away(self, outcome: Outcome, now: datetime) -> bool:
        """Leave a relay in peace that refuses us until a person mends it; False when that is known already."""
        reason = (LOGIN if outcome.stage is Stage.AUTH else "") + words_of(outcome)
        if self.reason == reason and self.closed_until(now):
            return False
        self.resting_until, self.reason = now + LOGIN_AGAIN_AFTER, reason
        return True

    def can_serve(self, rows: Iterable[Claimed], now: datetime) -> bool:
        """Say whether there is a permit in hand for any of these rows."""
        return any(self.permits[row.delivery][1] >= now for row in rows if row.delivery in self.permits)

    def spend(self, delivery: int, now: datetime) -> bool:
        """Use the permit of a delivery; False without one, or when it has gone stale."""
        permit = self.permits.pop(delivery, None)
        if permit is not None and permit[1] < now:
            self.stale.append(permit[0])
            return False
        return permit is not None

    def keeps_pace(self, time: float, busy: Callable[[str], int]) -> bool:
        """Say whether another message may begin at `time`; `busy` counts those under way."""
        return self.pace is None or (busy(self.name) < int(self.pace.lanes) and time >= self.next_at)

    def learn(self, push: Push, outcome: Outcome, times: tuple[float, float]) -> bool:
        """Take in what an answer says about the pace, with its message's beginning and end; True when it slows us."""
        began, time = times
        pace = self.pace or Pace(float(self.most))
        taken = outcome.verdict is Verdict.ACCEPTED
        new = after(pace, push, self.most, taken=taken, fresh=began >= self.braked_at)
        slower = new.lanes < pace.lanes or new.gap > pace.gap
        if slower:
            self.braked_at = time
        full = new.lanes >= self.most and not new.gap and not new.pushes
        self.pace = None if full else new
        self.next_at = min(self.next_at, time + new.gap) if self.next_at else 0.0
        return slower

    def rest(self, now: datetime, reason: str) -> datetime:
        """Leave it in peace from `now` on; return until when."""
        self.resting_until, self.reason = now + rest_after(self.rests), reason
        self.rests += 1
        self.pace = Pace(1.0)
        return self.resting_until
