"""Say when a mailing will be through: from the limits of relays, what they were given lately, hours and the last rate.

It is an estimate for people ("about 15:40") and promises nothing; the limits are kept by services/permits.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from balintmail.db import limits as counts
from balintmail.db import meta
from balintmail.domain.hours import hours_of
from balintmail.domain.times import clock_time, long_form
from balintmail.sending import limits
from balintmail.sending.limits import DAY, HOUR, MINUTE, SECOND, Terms
from balintmail.services import permits
from balintmail.services.context import Context

LAST_RATE = "last_rate"  # the fact that holds messages a second of the last run of some length
FEWEST_FOR_A_RATE = 50  # messages; fewer say more about connecting than about sending
_SPANS = {SECOND: "a second", MINUTE: "a minute", HOUR: "an hour", DAY: "a day"}
_MOST_STRETCHES = 500  # of allowed hours; beyond them the last one's end is far enough


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it is through, None where nothing is known; `words` are the limits, such as `200 an hour`."""

    finish: datetime | None
    words: str


def forecast(
    ctx: Context, relays: Sequence[str], messages: int, begins_at: datetime, *, rate: float | None = None
) -> Forecast:
    """Return when so many messages are through, over the one of `relays` that is quickest; `rate` is a second's."""
    terms = permits.terms_of(ctx.settings)
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        states = counts.relays(tx)
        known = rate or float(meta.fact(tx, LAST_RATE) or 0) or math.inf
        needed = [
            limits.seconds_needed(
                permits.in_force(terms.get(name, Terms()), states.get(name), now),
                counts.usage(tx, name),
                messages,
                now=begins_at.timestamp(),
                rate=known,
            )
            for name in relays
        ]
    first = terms.get(relays[0], Terms()) if relays else Terms()
    seconds = min(needed, default=0.0)
    bounded = math.isfinite(known) or any(terms.get(name, Terms()).limited for name in relays)
    words = ", ".join(f"{window.number:,} {_SPANS[window.span]}" for window in first.windows)
    if not bounded and hours_of(ctx.settings.send.hours, ctx.settings.send.weekdays, ctx.settings.zone).always:
        return Forecast(None, words)
    return Forecast(_within_hours(ctx, begins_at, timedelta(seconds=min(seconds, 3e9))), words)


def spoken(ctx: Context, moment: datetime) -> str:
    """Return the moment as people say it: the time alone when it is today."""
    zone = ctx.settings.zone
    today = moment.astimezone(zone).date() == ctx.clock.now().astimezone(zone).date()
    return clock_time(moment, zone) if today else long_form(moment, zone)


def remember_rate(ctx: Context, messages: int, seconds: float) -> None:
    """Keep the rate of a run for the next forecast; a short run says nothing."""
    if messages >= FEWEST_FOR_A_RATE and seconds > 0:
        with ctx.db.write() as tx:
            meta.put(tx, LAST_RATE, f"{messages / seconds:.2f}")


def _within_hours(ctx: Context, begins_at: datetime, needed: timedelta) -> datetime:
    """Return the end of so much time when only the allowed hours count."""
    allowed = hours_of(ctx.settings.send.hours, ctx.settings.send.weekdays, ctx.settings.zone)
    moment = allowed.opens_at(begins_at)
    for _ in range(_MOST_STRETCHES):
        closes = allowed.closes_at(moment)
        if closes is None or moment + needed <= closes:
            return moment + needed
        needed -= closes - moment
        moment = allowed.opens_at(closes)
    return moment
