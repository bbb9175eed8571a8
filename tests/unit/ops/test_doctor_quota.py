"""What the doctor says about limits, rests and hours."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from balintmail.db.limits import RelayRow
from balintmail.domain.hours import Hours
from balintmail.ops.doctor.finding import Duty, Level
from balintmail.ops.doctor.quota import Given, findings, hours
from balintmail.sending.limits import DAY, HOUR, Terms, Window
from balintmail.services.pausing import LOGIN

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
LONDON = ZoneInfo("Europe/London")
SLOT = int(NOW.timestamp() // 30)
TERMS = Terms((Window(200, HOUR), Window(2000, DAY)))


def said(given: Given) -> list[tuple[str, Level, str]]:
    return [(one.code, one.level, one.message) for one in findings([given], now=NOW, zone=LONDON)]


def test_relay_without_limits_is_not_mentioned() -> None:
    assert said(Given("main", Terms(), {}, RelayRow("main"))) == []


def test_how_much_of_each_limit_is_used_is_said() -> None:
    usage = {("", HOUR): {SLOT - 3: 120}, ("", DAY): {int(NOW.timestamp() // 600) - 2: 500}}
    message = "The relay main was given 120 of 200 in the last hour, 500 of 2,000 in the last day."
    assert said(Given("main", TERMS, usage, None)) == [("relay_quota", Level.GOOD, message)]


def test_limit_that_is_used_up_names_the_time_and_is_no_fault() -> None:
    ((code, level, message),) = said(Given("main", TERMS, {("", HOUR): {SLOT - 60: 200}}, None))
    assert (code, level) == ("relay_quota", Level.NOTE)
    assert "used up until 12:30 (London)" in message


def test_warm_up_is_told_with_the_number_of_the_day() -> None:
    state = RelayRow("main", first_used_at=NOW - timedelta(days=2, hours=1))
    ((_, level, message),) = said(Given("main", Terms((), None, 50), {}, state))
    assert level is Level.GOOD
    assert "0 of 200 in the last day. It is warming up" in message


def test_relay_left_in_peace_says_until_when_and_why() -> None:
    state = RelayRow("main", None, NOW + timedelta(minutes=5), 2, "452 daily quota exceeded for me@example.org")
    ((code, level, message),) = said(Given("main", Terms(), {}, state))
    assert (code, level) == ("relay_rest", Level.WARN)
    assert message == "The relay main is left in peace until 12:05 (London): 452 daily quota exceeded for (address)."
    refused = replace(state, reason=f"{LOGIN}535 no")
    (finding,) = findings([Given("main", Terms(), {}, refused)], now=NOW, zone=LONDON)
    assert (finding.duty, "password" in finding.hint) == (Duty.YOU, True)
    assert said(Given("main", Terms(), {}, replace(state, resting_until=NOW))) == []


def test_full_domains_are_named() -> None:
    usage = {(f"{name}.example.org", HOUR): {SLOT - 1: 5} for name in "abcde"} | {("free.example.org", HOUR): {SLOT: 4}}
    found = said(Given("main", Terms((), {"*": 5}), usage, None))
    assert found[0] == ("relay_quota", Level.GOOD, "The relay main limits single domains.")
    names = "a.example.org, b.example.org, c.example.org and 2 more"
    assert found[1] == ("relay_domains", Level.NOTE, f"For now the relay main takes nothing more for {names}.")


def test_hours_say_whether_they_are_open() -> None:
    assert hours(Hours(LONDON), now=NOW) == []
    (opened,) = hours(Hours(LONDON, time(8), time(20)), now=NOW)
    assert (opened.level, "until 23 November 2026, 20:00 (London)" in opened.message) == (Level.GOOD, True)
    (shut,) = hours(Hours(LONDON, time(14), time(20)), now=NOW)
    assert (shut.level, "on 23 November 2026, 14:00 (London)" in shut.message) == (Level.NOTE, True)
