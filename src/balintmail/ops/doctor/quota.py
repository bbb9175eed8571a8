"""Say what the limits of each relay have left today, until when one is left in peace, and whether the hours are open.

It only judges what it is given; the limits are sending/limits.py's, what was given services/permits.py counts (D5).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from balintmail.db.limits import RelayRow
from balintmail.domain.hours import Hours
from balintmail.domain.times import clock_time, long_form
from balintmail.ops.doctor.finding import Duty, Finding, good, note, warn, without_addresses
from balintmail.sending.limits import DAY, HOUR, MINUTE, SECOND, Terms, Usage, Window, allowance, free_at
from balintmail.services import permits
from balintmail.services.pausing import LOGIN

_SPANS = {SECOND: "second", MINUTE: "minute", HOUR: "hour", DAY: "day"}
_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Given:
    """One relay: its limits, what it was given lately by recipient domain and span, and its state."""

    name: str
    terms: Terms
    usage: Usage
    state: RelayRow | None


def findings(relays: Sequence[Given], *, now: datetime, zone: ZoneInfo) -> list[Finding]:
    """Return how each relay stands with its limits."""
    found: list[Finding] = []
    for relay in relays:
        found += _rest(relay, now, zone)
        if relay.terms.limited:
            found.append(_quota(relay, now, zone))
            found += _domains(relay, now)
    return found


def hours(allowed: Hours, *, now: datetime) -> list[Finding]:
    """Return whether newsletters may leave at this hour; nothing where they always may."""
    if allowed.always:
        return []
    opens = allowed.opens_at(now)
    if opens > now:
        message = f"Newsletters wait for their hours: they leave again on {long_form(opens, allowed.zone)}."
        return [note("hours", message, "[send] hours and weekdays say when; docs/limits.md.")]
    closes = allowed.closes_at(now)
    until = f" until {long_form(closes, allowed.zone)}" if closes is not None else ""
    return [good("hours", f"Newsletters may leave now{until}.")]


def _rest(relay: Given, now: datetime, zone: ZoneInfo) -> list[Finding]:
    state = relay.state
    if state is None or state.resting_until is None or state.resting_until <= now:
        return []
    why = without_addresses(state.reason)
    message = f"The relay {relay.name} is left in peace until {_when(state.resting_until, now, zone)}: {why}."
    if state.reason.startswith(LOGIN):
        hint = f"Look at username in [relays.{relay.name}] and at its password; sending by hand asks it at once."
        return [warn("relay_rest", message, hint)]
    return [warn("relay_rest", message, "It goes on by itself; balintmail mailings resume ends it now.", Duty.RELAY)]


def _quota(relay: Given, now: datetime, zone: ZoneInfo) -> Finding:
    """Return how much of each limit is used; a full one is no fault, for what waits goes on by itself."""
    seconds = now.timestamp()
    today = permits.in_force(relay.terms, relay.state, now)
    used = [_used(window, relay.usage, seconds) for window in today.windows]
    said = ", ".join(
        f"{number:,} of {window.number:,} in the last {_SPANS[window.span]}"
        for number, window in zip(used, today.windows, strict=True)
    )
    message = f"The relay {relay.name} was given {said}." if said else f"The relay {relay.name} limits single domains."
    if relay.terms.warm_up is not None and any(window not in relay.terms.windows for window in today.windows):
        message += " It is warming up: twice as many tomorrow."
    full = [free_at(one, relay.usage.get(("", one.span), {}), seconds) for one in today.windows]
    latest = max(full, default=seconds)
    if latest > seconds:
        opens = _when(datetime.fromtimestamp(latest, UTC), now, zone)
        return note("relay_quota", f"{message} Its limit is used up until {opens}; what waits goes on then.")
    return good("relay_quota", message)


def _domains(relay: Given, now: datetime) -> list[Finding]:
    """Name the recipient domains that have had all they take in this hour."""
    full = [
        domain
        for domain, span in relay.usage
        if domain and span == HOUR
        for window in relay.terms.windows_for(domain)
        if allowance(window, relay.usage[domain, span], now.timestamp()) == 0
    ]
    if not full:
        return []
    more = f" and {len(full) - _MOST_NAMED} more" if len(full) > _MOST_NAMED else ""
    named = ", ".join(sorted(full)[:_MOST_NAMED])
    return [note("relay_domains", f"For now the relay {relay.name} takes nothing more for {named}{more}.")]


def _used(window: Window, usage: Usage, seconds: float) -> int:
    return window.number - allowance(window, usage.get(("", window.span), {}), seconds)


def _when(moment: datetime, now: datetime, zone: ZoneInfo) -> str:
    today = moment.astimezone(zone).date() == now.astimezone(zone).date()
    return clock_time(moment, zone) if today else long_form(moment, zone)
