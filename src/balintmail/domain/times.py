"""Write times for people and for programs, always with their zone; read spans of time.

It never asks what time it is.
"""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

# Beyond them a moment runs out of a database's calendar, or of the calendar itself in another zone.
YEARS = range(1900, 2200)
LONGEST_SPAN = timedelta(days=366)  # no mailing waits longer, and every sum of times stays in the calendar
_SPAN = re.compile(r"(?P<number>\d{1,9})\s*(?P<unit>s|m|h|d)?")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, None: 1}


def rfc3339(moment: datetime, zone: ZoneInfo) -> str:
    """Return `2026-11-21T18:04:00+00:00` in the society's zone (RFC 3339 section 5.6)."""
    return _aware(moment).astimezone(zone).isoformat(timespec="seconds")


def long_form(moment: datetime, zone: ZoneInfo) -> str:
    """Return `21 November 2026, 18:04 (London)`."""
    local = _aware(moment).astimezone(zone)
    return f"{local.day} {local:%B %Y, %H:%M} ({city(zone)})"


def table_form(moment: datetime, zone: ZoneInfo) -> str:
    """Return `21 Nov 2026, 18:04`, for the column of a table."""
    local = _aware(moment).astimezone(zone)
    return f"{local.day} {local:%b %Y, %H:%M}"


def day_form(day: date) -> str:
    """Return `21 November 2026`."""
    return f"{day.day} {day:%B %Y}"


def clock_time(moment: datetime, zone: ZoneInfo) -> str:
    """Return `18:04 (London)`."""
    return f"{_aware(moment).astimezone(zone):%H:%M} ({city(zone)})"


def city(zone: ZoneInfo) -> str:
    """Return the last part of a zone's name as people say it: `Europe/London` is `London`."""
    return zone.key.rpartition("/")[2].replace("_", " ")


def read_span(value: object) -> timedelta:
    """Return the span that `"2m"`, `"90s"`, `"1h"`, `"4d"` or a number of seconds is; raise ValueError otherwise."""
    if isinstance(value, timedelta):
        return value
    seconds: float = -1
    if isinstance(value, int | float) and not isinstance(value, bool):
        seconds = value
    elif isinstance(value, str) and (found := _SPAN.fullmatch(value.strip())):
        seconds = int(found["number"]) * _UNITS[found["unit"]]
    if not 0 <= seconds <= LONGEST_SPAN.total_seconds():
        raise ValueError('a time span is written like "90s", "2m", "1h" or "4d", at most "366d"')
    return timedelta(seconds=seconds)


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone has reached the surface")
    return moment.astimezone(UTC)
