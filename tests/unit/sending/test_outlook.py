"""When a mailing will be through: limits, warm-up, several relays, full domains, rests and hours."""

import math
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from balintmail.domain.hours import Hours
from balintmail.sending.limits import DAY, HOUR, MINUTE, SECOND, Terms, Window
from balintmail.sending.outlook import Load, Way, finishes_at

MONDAY_NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
NOON = MONDAY_NOON.timestamp()
ALWAYS = Hours(ZoneInfo("UTC"))
HOURLY = Terms((Window(200, HOUR),))


def took(
    *ways: Way,
    messages: int,
    rate: float = math.inf,
    hours: Hours = ALWAYS,
    domains: dict[str, int] | None = None,
) -> timedelta:
    return timedelta(seconds=finishes_at(ways, Load(messages, domains or {}), NOON, hours=hours, rate=rate) - NOON)


def between(found: timedelta, low: timedelta, high: timedelta) -> bool:
    return low <= found <= high


def test_without_limits_the_rate_alone_decides() -> None:
    assert took(Way(Terms()), messages=1000, rate=10) == timedelta(seconds=100)
    assert took(messages=1000) == timedelta()


def test_second_relay_takes_what_the_first_does_not() -> None:
    alone = took(Way(HOURLY), messages=700)
    assert between(alone, timedelta(hours=3), timedelta(hours=3, minutes=5))
    assert between(took(Way(HOURLY), Way(HOURLY), messages=700), timedelta(hours=1), timedelta(hours=1, minutes=2))
    assert took(Way(HOURLY), Way(Terms()), messages=700, rate=100) == timedelta(seconds=7)


def test_limits_of_a_second_and_a_minute_are_a_pace() -> None:
    assert between(took(Way(Terms((Window(10, SECOND),))), messages=1000), timedelta(seconds=100), timedelta(minutes=2))
    a_minute = took(Way(Terms((Window(60, MINUTE),))), messages=600)
    assert between(a_minute, timedelta(minutes=9), timedelta(minutes=10))


def test_day_goes_on_while_the_hours_are_shut() -> None:
    hours = Hours(ZoneInfo("UTC"), time(8), time(20))
    daily = Way(Terms((Window(100, DAY),)))
    found = took(daily, messages=300, hours=hours)
    # A hundred each noon, and a few minutes later each time: not four days of twelve hours.
    assert between(found, timedelta(days=2), timedelta(days=2, hours=1))


def test_hours_and_weekdays_hold_what_is_left() -> None:
    weekdays = Hours(ZoneInfo("UTC"), time(8), time(13), frozenset(range(5)))
    found = MONDAY_NOON + took(Way(HOURLY), messages=900, hours=weekdays)
    assert found.date() == datetime(2026, 11, 24, tzinfo=UTC).date()  # 200 now, the rest from eight tomorrow
    friday = MONDAY_NOON + timedelta(days=4)
    end = finishes_at([Way(HOURLY)], Load(900), friday.timestamp(), hours=weekdays)
    assert datetime.fromtimestamp(end, UTC).weekday() == 0


def test_slow_part_of_ours_stops_when_the_hours_end() -> None:
    hours = Hours(ZoneInfo("UTC"), time(8), time(13))
    found = MONDAY_NOON + took(Way(Terms()), messages=7200, rate=1, hours=hours)
    assert between(found - MONDAY_NOON, timedelta(hours=20), timedelta(hours=22))


def test_warm_up_doubles_on_the_way() -> None:
    new = Way(Terms((), None, 50))
    found = took(new, messages=50 + 100 + 200)
    assert between(found, timedelta(days=2), timedelta(days=2, hours=1))
    used = Way(Terms((), None, 50), first_used=NOON - 3 * DAY)
    assert took(used, messages=400) == timedelta()
    capped = Way(Terms((Window(60, DAY),), None, 50))
    assert took(capped, messages=180) > timedelta(days=2)


def test_one_full_domain_keeps_the_end_waiting_and_small_ones_do_not() -> None:
    terms = Terms((), {"*": 100})
    small = took(Way(terms), messages=1000, domains={f"{number}.example.org": 50 for number in range(20)})
    assert small == timedelta()
    large = took(Way(terms), messages=1000, domains={"example.org": 450, "example.net": 50})
    assert between(large, timedelta(hours=4), timedelta(hours=4, minutes=10))


def test_what_was_given_before_and_rests_count() -> None:
    given = Way(HOURLY, {("", HOUR): {int(NOON // 30) - 60: 200}})
    assert between(took(given, messages=10), timedelta(minutes=29), timedelta(minutes=32))
    resting = Way(Terms(), closed_until=NOON + 600)
    assert took(resting, messages=10) == timedelta(minutes=10)
    assert took(resting, Way(HOURLY), messages=10) == timedelta()


def test_million_at_one_a_day_is_far_away_and_quickly_said() -> None:
    assert took(Way(Terms((Window(1, DAY),))), messages=1_000_000) > timedelta(days=900_000)
