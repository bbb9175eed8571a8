"""Say when a mailing will be through: the limits of its relays, what they were given lately, hours and the last rate.

It is an estimate for people ("about 15:40") and promises nothing; the limits are kept by services/permits.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from balintmail.db import destinations, meta
from balintmail.db import limits as counts
from balintmail.db.audience import Selection
from balintmail.db.limits import RelayRow
from balintmail.db.session import Tx
from balintmail.domain.hours import hours_of
from balintmail.domain.times import clock_time, long_form
from balintmail.sending.limits import DAY, HOUR, MINUTE, SECOND, Terms
from balintmail.sending.outlook import Load, Way, finishes_at
from balintmail.services import permits
from balintmail.services.context import Context

LAST_RATE = "last_rate"  # the fact that holds messages a second of the last run of some length
FEWEST_FOR_A_RATE = 50  # messages; fewer say more about connecting than about sending
_SPANS = {SECOND: "a second", MINUTE: "a minute", HOUR: "an hour", DAY: "a day"}
_FARTHEST = datetime(2999, 1, 1, tzinfo=UTC).timestamp()  # far enough for a message a day to a million people


@dataclass(frozen=True, slots=True)
class Forecast:
    """When it is through, None where nothing is known; `words` are the limits, such as `200 an hour`."""

    finish: datetime | None
    words: str


def forecast(
    ctx: Context, relays: Sequence[str], load: Load, begins_at: datetime, *, rate: float | None = None
) -> Forecast:
    """Return when `load` is through, over `relays` in their order; `rate` is a second's."""
    terms = permits.terms_of(ctx.settings)
    send = ctx.settings.send
    hours = hours_of(send.hours, send.weekdays, ctx.settings.zone)
    with ctx.db.read() as tx:
        states = counts.relays(tx)
        known = rate or float(meta.fact(tx, LAST_RATE) or 0) or math.inf
        ways = [_way(tx, name, terms.get(name, Terms()), states.get(name), load) for name in relays]
    bounded = math.isfinite(known) or not hours.always or any(way.terms.limited or way.closed_until for way in ways)
    words = _words(ways[0], begins_at) if ways else ""
    if not bounded:
        return Forecast(None, words)
    end = finishes_at(ways, load, begins_at.timestamp(), hours=hours, rate=known)
    return Forecast(datetime.fromtimestamp(min(end, _FARTHEST), UTC), words)


def load_of(ctx: Context, mailing: int) -> Load:
    """Return what a mailing has left, by recipient domains where a relay minds them; `scaled` takes it from there."""
    if not minds_domains(ctx):
        return Load(0)
    with ctx.db.read() as tx:
        left = destinations.left(tx, mailing)
    return Load(sum(left.values()), left)


def load_of_audience(ctx: Context, selection: Selection, messages: int) -> Load:
    """Return so many messages in the mixture of recipient domains that an audience has."""
    if not minds_domains(ctx):
        return Load(messages)
    with ctx.db.read() as tx:
        return Load(messages, destinations.of_audience(tx, selection))


def minds_domains(ctx: Context) -> bool:
    """Say whether any relay limits what goes to one recipient domain; else nobody need count them."""
    return any(relay.per_domain for relay in ctx.settings.relays.values())


def _way(tx: Tx, name: str, terms: Terms, state: RelayRow | None, load: Load) -> Way:
    usage = counts.usage(tx, name, {"", *load.domains} if terms.per_domain else {""}) if terms.limited else {}
    if state is None:
        return Way(terms, usage)
    first = state.first_used_at.timestamp() if state.first_used_at is not None else None
    rests = state.resting_until.timestamp() if state.resting_until is not None else 0.0
    return Way(terms, usage, first, rests)


def _words(way: Way, begins_at: datetime) -> str:
    """Return the limits of a relay as people say them, such as `200 an hour`."""
    words = [f"{window.number:,} {_SPANS[window.span]}" for window in way.terms.windows]
    if way.terms.warm_up is not None:
        first = begins_at.timestamp() if way.first_used is None else way.first_used
        warm = [one for one in way.terms.after((begins_at.timestamp() - first) / DAY).windows if one.span == DAY]
        if warm and warm[0] not in way.terms.windows:
            words.append(f"warming up: {warm[0].number:,} today")
    return ", ".join(words)


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
