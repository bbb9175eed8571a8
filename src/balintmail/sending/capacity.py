"""What one connection may still carry, and with which parameters: MAILMAX, RCPTDOMAINMAX, our own limit, I12.

It says nothing to anybody; smtp_lane.py asks before each message. Sources: RFC 9422 section 4; RFC 5321 section 4.2.4.
"""

import math
from dataclasses import dataclass, field

from balintmail.domain.outcome import Composed, Outcome, Stage
from balintmail.domain.replies import Reply
from balintmail.sending import outcomes
from balintmail.sending.commands import Offer, unfit_for
from balintmail.sending.patience import TimeLimits


@dataclass(frozen=True, slots=True)
class LaneTerms:
    """What a lane is told about its relay, and may tell the others.

    `messages` is how many one connection may carry (None: any number); `plain` are the relays that have refused a
    parameter they offer.
    """

    relay: str
    limits: TimeLimits
    messages: int | None = None
    plain: set[str] = field(default_factory=set)


class Capacity:
    """Counts what a connection has carried."""

    __slots__ = ("_domains", "_most", "_plain", "_relay", "offer", "served")

    def __init__(self, terms: LaneTerms, offer: Offer) -> None:
        self.offer = offer
        self.served = 0  # messages begun
        self._relay = terms.relay
        self._plain = terms.plain
        self._most = min((n for n in (terms.messages, offer.messages) if n is not None), default=math.inf)
        self._domains: set[str] = set()

    @property
    def used_up(self) -> bool:
        return self.served >= self._most

    def misfit(self, message: Composed) -> Outcome | None:
        """Return why `message` cannot begin here, or None; what needs a fresh connection ends this one."""
        if self._plain and self._relay in self._plain:
            self.offer = self.offer.without_extras()
        if (fault := unfit_for(self.offer, message)) is not None:
            return outcomes.unfit(fault, self._relay)
        if self.offer.domains is not None and not self._takes_domain(message):
            self._most = self.served
            return outcomes.elsewhere(self._relay)
        return None

    def takes_behind(self, message: Composed) -> bool:
        """Say whether the commands of `message` may leave behind a dot."""
        if self.used_up or not self.offer.pipelining or unfit_for(self.offer, message) is not None:
            return False
        return self.offer.domains is None or self._takes_domain(message)

    def refusal(self, stage: Stage, reply: Reply, *, is_first: bool) -> Outcome:
        """Return the outcome of a message that was refused at MAIL, RCPT or DATA."""
        if is_first and self.offer.extras and outcomes.refuses_parameters(stage, reply):
            self._plain.add(self._relay)
            return outcomes.unasked_for(stage, reply, self._relay)
        return outcomes.answered(stage, reply, self._relay, served=self.served - 1)

    def ended_by(self, stage: Stage, reply: Reply) -> bool:
        """Say whether the connection is of no further use after this refusal."""
        enough = outcomes.has_served_enough(stage, reply.code, self.served - 1)
        return enough or outcomes.ends_connection(reply.code)

    def _takes_domain(self, message: Composed) -> bool:
        self._domains.add(message.envelope.recipient.rpartition("@")[2].lower())
        return len(self._domains) <= (self.offer.domains or 1)
