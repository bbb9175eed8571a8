"""What one dispatch has done so far, and why it stopped: plain values for whoever watches."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from balintmail.domain.states import DeliveryState


class Ending(StrEnum):
    """Why a run stopped."""

    DONE = "done"  # nothing is left that could be tried now
    BUSY = "busy"  # another dispatcher holds the lock
    STOPPED = "stopped"  # somebody asked us to
    PAUSED = "paused"
    WAITING = "waiting"  # for a limit, a relay that asked for a rest, or the hours in which newsletters leave
    DOWN = "down"  # the transport cannot be reached
    FAILED = "failed"  # journal, database or clock


@dataclass
class Tally:
    """What this run has done so far, by mailing, for whoever watches."""

    by_mailing: dict[int, Counter[DeliveryState]] = field(default_factory=dict)

    def add(self, mailing: int, state: DeliveryState) -> None:
        self.by_mailing.setdefault(mailing, Counter())[state] += 1

    def of(self, mailing: int) -> Counter[DeliveryState]:
        return self.by_mailing.get(mailing, Counter())
