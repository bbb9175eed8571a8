"""The hours and weekdays in which newsletters may leave, both ways over a change of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.hours import hours_of, read_hours, read_weekdays

LONDON = ZoneInfo("Europe/London")
moments = st.datetimes(timezones=st.just(UTC)).map(
    lambda moment: moment.replace(year=2026 + moment.year % 2, day=min(moment.day, 28))
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_saturday_evening_waits_for_monday_morning() -> None:
    allowed = hours_of("08:00-20:00", "mon-fri", LONDON)
    assert allowed.opens_at(at("2026-11-21 18:04")) == at("2026-11-23 08:00")
    assert allowed.opens_at(at("2026-11-23 08:00")) == at("2026-11-23 08:00")
    assert allowed.closes_at(at("2026-11-23 08:00")) == at("2026-11-23 20:00")
    assert allowed.opens_at(at("2026-11-23 20:00")) == at("2026-11-24 08:00")


def test_hours_follow_the_clock_put_forward() -> None:
    allowed = hours_of("01:30-03:00", "", LONDON)  # half past one does not come on 29 March 2026
    assert allowed.opens_at(at("2026-03-28 12:00")) == at("2026-03-29 01:00")
    assert allowed.closes_at(at("2026-03-29 01:00")) == at("2026-03-29 02:00")
    assert hours_of("08:00-20:00", "", LONDON).opens_at(at("2026-03-29 03:00")) == at("2026-03-29 07:00")


def test_an_hour_that_comes_twice_is_open_twice() -> None:
    allowed = hours_of("00:30-01:30", "", LONDON)
    assert allowed.opens_at(at("2026-10-24 12:00")) == at("2026-10-24 23:30")
    assert allowed.closes_at(at("2026-10-24 23:30")) == at("2026-10-25 01:30")


def test_a_night_belongs_to_the_day_on_which_it_begins() -> None:
    allowed = hours_of("22:00-06:00", "fri", LONDON)
    assert allowed.opens_at(at("2026-11-21 05:00")) == at("2026-11-21 05:00")
    assert allowed.opens_at(at("2026-11-21 06:00")) == at("2026-11-27 22:00")


def test_whole_days_that_touch_are_one_stretch_and_no_setting_is_always() -> None:
    assert hours_of("", "sat-mon", LONDON).closes_at(at("2026-11-21 18:04")) == at("2026-11-24 00:00")
    assert hours_of("00:00-24:00", "", LONDON).opens_at(at("2026-11-21 18:04")) == at("2026-11-21 18:04")
    assert hours_of("", "", LONDON).closes_at(at("2026-11-21 18:04")) is None


@given(moments, st.sampled_from(["08:00-20:00", "22:00-06:00", "00:00-24:00", "02:15-02:45", ""]),
       st.sampled_from(["", "mon-fri", "sun", "wed, sat-sun"]))  # fmt: skip
def test_opening_is_allowed_and_nothing_between_is(moment: datetime, hours: str, weekdays: str) -> None:
    allowed = hours_of(hours, weekdays, LONDON)
    opening = allowed.opens_at(moment)
    assert moment <= opening <= moment + timedelta(days=8)
    assert allowed.opens_at(opening) == opening
    closing = allowed.closes_at(opening)
    assert closing is None or closing > opening
    half = moment + (opening - moment) / 2
    if half < opening:
        assert allowed.opens_at(half) == opening


@pytest.mark.parametrize("text", ["8-20", "08:00", "25:00-26:00", "08:00-08:00", "08:61-09:00", "from 8 to 9"])
def test_hours_that_are_none_are_refused_with_the_right_way(text: str) -> None:
    with pytest.raises(ValueError, match="08:00-20:00"):
        read_hours(text)


@pytest.mark.parametrize("text", ["mon-", "noday", "mo", "mon;tue", ","])
def test_weekdays_that_are_none_are_refused_with_the_right_way(text: str) -> None:
    with pytest.raises(ValueError, match="mon-fri"):
        read_weekdays(text)
