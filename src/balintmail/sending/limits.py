"""Decide how many messages a relay may be given now, from the numbers of the last second, minute, hour and day (D5).

Pure: it knows no clock and no database; db/limits.py keeps the counts and services/permits.py joins both. A limit holds
over every stretch of its length, not only from one full hour to the next: a window slides in slots, and a slot counts
until nothing granted in it can lie in the window any more. So a stretch is a little longer than it is called, by one
slot and the life of a permit (docs/limits.md), and never shorter.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

SECOND, MINUTE, HOUR, DAY = 1, 60, 3600, 86400
# Seconds a slot. Fine enough to lose little of a limit, coarse enough that a relay has a few hundred rows at most.
WIDTHS: Mapping[int, float] = {SECOND: 0.05, MINUTE: 0.5, HOUR: 30.0, DAY: 600.0}
# Seconds within which a permit must be used, or it goes back: they are for the messages in hand.
LIVES: Mapping[int, float] = {SECOND: 0.1, MINUTE: 1.0, HOUR: 10.0, DAY: 10.0}
WARM_UP_DAYS = 20  # after so many doublings no relay's ramp is below its limit any more

Slots = Mapping[int, int]  # the number of a slot since 1970 → messages granted in it
Usage = Mapping[tuple[str, int], Slots]  # by recipient domain ("": all of them) and span


@dataclass(frozen=True, slots=True)
class Window:
    """At most `number` messages in any `span` seconds."""

    number: int
    span: int

    @property
    def width(self) -> float:
        return WIDTHS[self.span]


@dataclass(frozen=True, slots=True)
class Terms:
    """What one relay allows; an empty one allows everything. `per_domain` is messages an hour; `*` is any other domain.

    `warm_up` is the number of its first day, doubled with each day since.
    """

    windows: tuple[Window, ...] = ()
    per_domain: Mapping[str, int] | None = None
    warm_up: int | None = None

    @property
    def limited(self) -> bool:
        return bool(self.windows or self.per_domain or self.warm_up)

    @property
    def permit_lasts(self) -> float:
        """Seconds within which a permit must be used: as the shortest window asks."""
        return min([LIVES[window.span] for window in self.windows] + [LIVES[HOUR]])

    def windows_for(self, domain: str) -> tuple[Window, ...]:
        """Return the windows of one recipient domain alone."""
        if not self.per_domain:
            return ()
        number = self.per_domain.get(domain, self.per_domain.get("*"))
        return () if number is None else (Window(number, HOUR),)

    def after(self, days: float) -> "Terms":
        """Return the same terms with the ramp of so many days since the relay's first message as a window."""
        if self.warm_up is None:
            return self
        others = tuple(window for window in self.windows if window.span != DAY)
        daily = [window.number for window in self.windows if window.span == DAY]
        whole_days = math.floor(max(days, 0.0))
        if whole_days < WARM_UP_DAYS:
            daily.append(self.warm_up * 2**whole_days)
        return Terms((*others, *(Window(number, DAY) for number in sorted(daily)[:1])), self.per_domain)


@dataclass(frozen=True, slots=True)
class Grant:
    """Who of the wanted may leave now (their places in the list), and when it is worth asking again for the others.

    `full` has the places of those whose own domain is full, each with the moment when it takes them.
    """

    places: tuple[int, ...]
    again_at: float | None = None  # seconds since 1970; None when everybody may leave
    full: Mapping[int, float] = field(default_factory=dict)


def slot_of(window: Window, now: float) -> int:
    """Return the number of the slot in which something granted at `now` (seconds since 1970) is counted."""
    return math.floor(now / window.width)


def counts_until(window: Window, slot: int) -> float:
    """Return the moment from which a slot no longer counts: its end, a permit's life, and the window behind both."""
    return (slot + 1) * window.width + LIVES[window.span] + window.span


def allowance(window: Window, slots: Slots, now: float) -> int:
    """Return how many messages the window still allows at `now`."""
    used = sum(taken for slot, taken in slots.items() if counts_until(window, slot) > now)
    return max(0, window.number - used)


def free_at(window: Window, slots: Slots, now: float) -> float:
    """Return when the window allows one message more: `now` itself when it does."""
    living = sorted((slot, taken) for slot, taken in slots.items() if taken and counts_until(window, slot) > now)
    used = sum(taken for _, taken in living)
    moment = now
    for slot, taken in living:
        if used < window.number:
            break
        used -= taken
        moment = counts_until(window, slot)
    return moment


def grant(terms: Terms, usage: Usage, domains: Sequence[str], now: float, *, most: int | None = None) -> Grant:
    """Return who of the recipients with these `domains` may leave now, in their order; `terms.after` was applied."""
    left = [allowance(window, usage.get(("", window.span), {}), now) for window in terms.windows]
    common = min([len(domains) if most is None else most, *left])
    closed_until = max(
        (free_at(window, usage.get(("", window.span), {}), now) for window in terms.windows), default=now
    )
    if common == 0:
        return Grant((), closed_until)
    own: dict[str, int] = {}
    places: list[int] = []
    full: dict[int, float] = {}
    behind: dict[str, int] = {}
    for place, domain in enumerate(domains):
        if len(places) == common:
            return Grant(tuple(places), now + terms.permit_lasts, full)
        for window in terms.windows_for(domain):
            slots = usage.get((domain, window.span), {})
            if own.setdefault(domain, allowance(window, slots, now)) == 0:
                number = behind[domain] = behind.get(domain, -1) + 1
                # Whoever is far behind looks again after one window: nobody knows who will have left by then.
                full[place] = free_at(window, slots, now) + (window.span if number >= window.number else 0)
                break
            own[domain] -= 1
        else:
            places.append(place)
    return Grant(tuple(places), min(full.values(), default=None), full)
