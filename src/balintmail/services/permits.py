"""Take permits for the next messages of a relay, and give back those that were not used (D5).

It joins what sending/limits.py decides with what db/limits.py has counted, in one transaction for a set of messages. A
permit that nobody gives back, because the process died, counts as used: a limit is rather kept than used up. It sends
nothing and is never asked about a relay without limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from balintmail.config import Relay, Settings
from balintmail.db import limits as counts
from balintmail.db.limits import RelayRow, Taken
from balintmail.db.session import Tx
from balintmail.sending import limits
from balintmail.sending.limits import DAY, HOUR, MINUTE, SECOND, Terms, Window
from balintmail.services.context import Context


@dataclass(frozen=True, slots=True)
class Permits:
    """Permits for those of the wanted messages whose places are given, good until `until`.

    `full` has the places of those whose domain takes nobody before the moment given.
    """

    relay: str
    places: tuple[int, ...]
    until: datetime
    again_at: datetime | None  # when it is worth asking for the others
    taken: tuple[tuple[Taken, ...], ...] = field(default=())  # what each place was counted as
    full: Mapping[int, datetime] = field(default_factory=dict)


def terms_of(settings: Settings) -> dict[str, Terms]:
    """Return the limits of each relay in the settings, in their order."""
    return {name: _terms(relay) for name, relay in settings.relays.items() if relay.host}


def _terms(relay: Relay) -> Terms:
    set_limits = ((relay.per_second, SECOND), (relay.per_minute, MINUTE), (relay.per_hour, HOUR), (relay.per_day, DAY))
    windows = tuple(Window(number, span) for number, span in set_limits if number is not None)
    per_domain = {"*": relay.per_domain} if isinstance(relay.per_domain, int) else relay.per_domain
    return Terms(windows, per_domain or None, relay.warm_up)


def take(ctx: Context, relay: str, terms: Terms, domains: Sequence[str], *, most: int) -> Permits:
    """Take as many permits as there are, `most` at most, for messages to recipients in `domains`, in their order."""
    with ctx.db.write() as tx:
        state = counts.hold(tx, relay)
        now = ctx.clock.now()  # after the wait for others: a permit's life begins here
        seconds = now.timestamp()
        today = in_force(terms, state, now)
        wanted = set(domains) if today.per_domain else set()
        grant = limits.grant(today, counts.usage(tx, relay, {"", *wanted}), domains, seconds, most=most)
        taken = tuple(_taken(today, domains[place], seconds) for place in grant.places)
        if taken:
            counts.add(tx, relay, _summed(taken))
            counts.first_used(tx, relay, now=now)
            _forget(tx, relay, seconds)
    again = None if grant.again_at is None else datetime.fromtimestamp(grant.again_at, UTC)
    full = {place: datetime.fromtimestamp(moment, UTC) for place, moment in grant.full.items()}
    return Permits(relay, grant.places, now + timedelta(seconds=today.permit_lasts), again, taken, full)


def give_back(ctx: Context, relay: str, taken: Sequence[Sequence[Taken]]) -> None:
    """Give back permits that were not used."""
    if not taken:
        return
    with ctx.db.write() as tx:
        counts.hold(tx, relay)
        back = [Taken(one.domain, one.span, one.slot, -one.number) for one in _summed(taken)]
        counts.add(tx, relay, back)


def closed_until(ctx: Context, relay: str, terms: Terms) -> datetime | None:
    """Return when the relay's windows allow a message again, or None when they do now."""
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        today = in_force(terms, counts.relays(tx).get(relay), now)
        usage = counts.usage(tx, relay)
    moments = [limits.free_at(one, usage.get(("", one.span), {}), now.timestamp()) for one in today.windows]
    latest = max(moments, default=0.0)
    return datetime.fromtimestamp(latest, UTC) if latest > now.timestamp() else None


def in_force(terms: Terms, state: RelayRow | None, now: datetime) -> Terms:
    """Return the terms of this day, with a warm-up's ramp as a window."""
    if terms.warm_up is None:
        return terms
    first = state.first_used_at if state is not None and state.first_used_at is not None else now
    return terms.after((now - first) / timedelta(days=1))


def _taken(terms: Terms, domain: str, seconds: float) -> tuple[Taken, ...]:
    common = tuple(Taken("", window.span, limits.slot_of(window, seconds), 1) for window in terms.windows)
    own = terms.windows_for(domain)
    return common + tuple(Taken(domain, window.span, limits.slot_of(window, seconds), 1) for window in own)


def _summed(taken: Sequence[Sequence[Taken]]) -> list[Taken]:
    sums: dict[tuple[str, int, int], int] = {}
    for each in taken:
        for one in each:
            key = (one.domain, one.span, one.slot)
            sums[key] = sums.get(key, 0) + one.number
    return [Taken(*key, number) for key, number in sums.items()]


def _forget(tx: Tx, relay: str, seconds: float) -> None:
    """Drop what counts no more. What lies ahead, from a clock that was wrong, counts until its time has come."""
    older = {}
    for span, width in limits.WIDTHS.items():
        older[span] = int((seconds - span) / width) - 3
    counts.forget(tx, relay, older)
