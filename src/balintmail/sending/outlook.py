"""Foretell when so many messages are through: limits, warm-up, full domains, rests and hours are walked through.

Pure, and an estimate: the relays are taken in their order, as services/governor.py takes them, each while it is open.
Used by services/forecast.py; the limits themselves are limits.py's.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from balintmail.domain.hours import Hours
from balintmail.sending.limits import DAY, LIVES, SECOND, Terms, Usage, Window, allowance, free_at, slot_of

_MOST_STEPS = 600  # of a walk; what is left then is as quick as what lies behind, on the average
_MANY_SLOTS = 400  # of one window; then those that count no more are dropped


@dataclass(frozen=True, slots=True)
class Load:
    """What is to be sent. `domains` is how many of the messages go to each recipient domain, as far as that matters."""

    messages: int
    domains: Mapping[str, int] = field(default_factory=dict)

    def scaled(self, messages: int) -> "Load":
        """Return the same mixture with so many messages."""
        share = messages / self.messages if self.messages else 0.0
        return Load(messages, {domain: math.ceil(number * share) for domain, number in self.domains.items()})


@dataclass(frozen=True, slots=True)
class Way:
    """One relay: its terms, what it was given, since when it serves us and until when it rests (seconds since 1970)."""

    terms: Terms
    usage: Usage = field(default_factory=dict)
    first_used: float | None = None
    closed_until: float = 0.0


def finishes_at(ways: Sequence[Way], load: Load, begins: float, *, hours: Hours, rate: float = math.inf) -> float:
    """Return the moment when the last message is through, where our own part allows `rate` a second.

    `ways` are tried in their order; without any there is no limit.
    """
    walk = _Walk(ways or [Way(Terms())], load, begins, rate)
    closes = math.inf if hours.always else begins
    for _ in range(_MOST_STEPS):
        if not walk.left:
            return walk.moment
        if walk.moment >= closes:
            opens = hours.opens_at(datetime.fromtimestamp(walk.moment, UTC))
            closes_at = hours.closes_at(opens)
            walk.moment = max(walk.moment, opens.timestamp())
            closes = math.inf if closes_at is None else closes_at.timestamp()
        walk.step(closes)
    sent = load.messages - walk.left
    return begins + (walk.moment - begins) * load.messages / max(sent, 1)


class _Walk:
    """Where a walk stands."""

    def __init__(self, ways: Sequence[Way], load: Load, begins: float, rate: float) -> None:
        self.moment = begins
        self._rate = rate
        self._relays = [_Relay(way, begins) for way in ways]
        limited = [relay.way.terms for relay in self._relays if relay.way.terms.per_domain]
        # Only a domain with more people than some relay takes in an hour can keep anybody waiting.
        self._heavy = {
            domain: number
            for domain, number in load.domains.items()
            if any(number > window.number for terms in limited for window in terms.windows_for(domain))
        }
        self._plain = max(0, load.messages - sum(self._heavy.values()))

    @property
    def left(self) -> int:
        return self._plain + sum(self._heavy.values())

    def step(self, closes: float) -> None:
        """Give the first relay that is open what it takes now, or go on to the moment when one opens."""
        for relay in self._relays:
            rate = min(self._rate, relay.rate)
            may = relay.may(self.moment)
            if math.isfinite(closes) and math.isfinite(rate):
                may = min(may, max(1, math.floor((closes - self.moment) * rate)))
            if taken := self._take(relay, may):
                self.moment += taken / rate
                return
        moments = [relay.opens(self.moment, [] if self._plain else list(self._heavy)) for relay in self._relays]
        self.moment = max(self.moment + 0.01, min(moments, default=math.inf))

    def _take(self, relay: "_Relay", may: float) -> int:
        taken = int(min(may, self._plain))
        self._plain -= taken
        for domain, number in list(self._heavy.items()):
            own = int(min(may - taken, number, relay.may_to(domain, self.moment)))
            if own > 0:
                relay.count(domain, own, self.moment)
                self._heavy[domain] -= own
                taken += own
                if not self._heavy[domain]:
                    del self._heavy[domain]
        relay.count("", taken, self.moment)
        return taken


class _Relay:
    """One relay on the walk, with what it is given there."""

    def __init__(self, way: Way, begins: float) -> None:
        self.way = way
        self._first = begins if way.first_used is None else way.first_used
        self._slots = {key: dict(slots) for key, slots in way.usage.items()}
        # What comes and goes within a second is a rate; the longer windows are walked through.
        seconds = [window for window in way.terms.windows if window.span == SECOND]
        self._long = [window for window in way.terms.windows if window.span != SECOND]
        rates = [window.number / (window.span + window.width + LIVES[window.span]) for window in seconds]
        self.rate = min(rates, default=math.inf)

    def may(self, moment: float) -> float:
        if self.way.closed_until > moment:
            return 0
        left = [allowance(one, self._of("", one), moment) for one in self._windows(moment)]
        return min(left, default=math.inf)

    def may_to(self, domain: str, moment: float) -> float:
        left = [allowance(one, self._of(domain, one), moment) for one in self.way.terms.windows_for(domain)]
        return min(left, default=math.inf)

    def opens(self, moment: float, domains: Sequence[str]) -> float:
        """Return when it takes a message again: any, or one to these domains where there are some."""
        common = max((free_at(one, self._of("", one), moment) for one in self._windows(moment)), default=moment)
        own = [
            max(
                (free_at(one, self._of(domain, one), moment) for one in self.way.terms.windows_for(domain)),
                default=moment,
            )
            for domain in domains
        ]
        opens = max(common, min(own, default=moment), self.way.closed_until)
        if self.way.terms.warm_up is None:
            return opens
        next_day = self._first + (math.floor((moment - self._first) / DAY) + 1) * DAY
        return min(opens, next_day) if next_day > self.way.closed_until else opens

    def count(self, domain: str, number: int, moment: float) -> None:
        windows = self.way.terms.windows_for(domain) if domain else self._windows(moment)
        for window in windows:
            slots = self._slots.setdefault((domain, window.span), {})
            slot = slot_of(window, moment)
            slots[slot] = slots.get(slot, 0) + number
            if len(slots) > _MANY_SLOTS:
                oldest = slot - math.ceil((window.span + LIVES[window.span]) / window.width) - 1
                self._slots[domain, window.span] = {one: taken for one, taken in slots.items() if one >= oldest}

    def _windows(self, moment: float) -> list[Window]:
        if self.way.terms.warm_up is None:
            return self._long
        terms = self.way.terms.after((moment - self._first) / DAY)
        return [window for window in terms.windows if window.span != SECOND]

    def _of(self, domain: str, window: Window) -> Mapping[int, int]:
        return self._slots.get((domain, window.span), {})
