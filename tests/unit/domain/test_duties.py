"""On which days a duty falls: months of different lengths, 29 February, spans of any kind."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.duties import Rule

DAYS = st.dates(date(2000, 1, 1), date(2199, 12, 31))


def falls(first: date, months: int, since: date, until: date) -> list[str]:
    return [day.isoformat() for day in Rule(first, months).days(since, until)]


def test_29_february_falls_on_the_28th_in_other_years_and_comes_back() -> None:
    assert falls(date(2024, 2, 29), 12, date(2024, 1, 1), date(2028, 12, 31)) == [
        "2024-02-29", "2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29",
    ]  # fmt: skip


def test_the_31st_falls_on_the_last_day_of_shorter_months() -> None:
    assert falls(date(2026, 1, 31), 1, date(2026, 1, 1), date(2026, 5, 1)) == [
        "2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30",
    ]  # fmt: skip


def test_once_falls_once() -> None:
    assert falls(date(2026, 9, 1), 0, date(2026, 9, 1), date(2030, 1, 1)) == ["2026-09-01"]
    assert falls(date(2026, 9, 1), 0, date(2026, 9, 2), date(2030, 1, 1)) == []


def test_nothing_falls_before_the_first_day() -> None:
    assert falls(date(2026, 9, 1), 3, date(2020, 1, 1), date(2026, 12, 31)) == ["2026-09-01", "2026-12-01"]


@given(DAYS, st.integers(1, 120), DAYS, st.integers(0, 4000))
def test_days_are_those_of_all_days_that_lie_in_the_span(first: date, months: int, since: date, length: int) -> None:
    until = min(since + timedelta(days=length), date(2199, 12, 31))
    rule = Rule(first, months)
    found = list(rule.days(since, until))
    assert found == sorted(set(found))
    assert all(since <= day <= until and day >= first for day in found)
    every = [rule.nth(step) for step in range(2400 // months + 1)]
    assert found == [day for day in every if since <= day <= until]
