"""Write times for people and for programs, always with their zone.

It never asks what time it is.
"""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

# Beyond them a moment runs out of a database's calendar, or of the calendar itself in another zone.
YEARS = range(1900, 2200)


def rfc3339(moment: datetime, zone: ZoneInfo) -> str:
    """Return `2026-11-21T18:04:00+00:00` in the society's zone (RFC 3339 section 5.6)."""
    return _aware(moment).astimezone(zone).isoformat(timespec="seconds")


def long_form(moment: datetime, zone: ZoneInfo) -> str:
    """Return `21 November 2026, 18:04 (London)`."""
    local = _aware(moment).astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M} ({city(zone)})"


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return `18:04 (London)`."""
    return f"{_aware(moment).astimezone(zone):%H:%M} ({city(zone)})"


def city(zone: ZoneInfo) -> str:
    """Return the last part of a zone's name as people say it: `Europe/London` is `London`."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has reached the surface")
    return moment.astimezone(UTC)
