"""The rules of membership: standing, grace, periods, reminders, references."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.members import (
    MembershipState,
    Period,
    Rules,
    Standing,
    Term,
    next_period,
    read_year_begins,
    reference,
    references_in,
    reminder_due,
    standing,
)

ROLLING = Rules(grace=timedelta(days=90))
JANUARY = Rules(grace=timedelta(days=90), year_begins=(1, 1))
SINCE = date(2020, 1, 1)


def paid(until: date | None, **more: object) -> Term:
    return Term(SINCE, until, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("term", "day", "expected"),
    [
        (paid(date(2026, 12, 31)), date(2026, 12, 31), Standing.PAID),
        (paid(date(2026, 12, 31)), date(2027, 1, 1), Standing.GRACE),
        (paid(date(2026, 12, 31)), date(2027, 3, 31), Standing.GRACE),
        (paid(date(2026, 12, 31)), date(2027, 4, 1), Standing.LAPSED),
        (paid(None), date(2090, 1, 1), Standing.UNKNOWN),
        (paid(date(2000, 1, 1), has_dues=False), date(2090, 1, 1), Standing.FREE),
        (paid(None), date(2019, 12, 31), Standing.COMING),
        (paid(None, state=MembershipState.RESIGNED, ended_on=date(2026, 6, 1)), date(2026, 5, 31), Standing.UNKNOWN),
        (paid(None, state=MembershipState.RESIGNED, ended_on=date(2026, 6, 1)), date(2026, 6, 1), Standing.RESIGNED),
        (paid(None, state=MembershipState.DIED, ended_on=date(2026, 6, 1)), date(2026, 6, 1), Standing.DIED),
        (paid(date(2028, 2, 29)), date(2028, 3, 1), Standing.GRACE),
    ],
)
def test_standing_on_a_day(term: Term, day: date, expected: Standing) -> None:
    assert standing(term, day, ROLLING) is expected


@pytest.mark.parametrize(
    ("term", "day", "rules", "expected"),
    [
        # It follows the period that was paid, early or late.
        (paid(date(2026, 5, 14)), date(2026, 4, 1), ROLLING, Period(date(2026, 5, 15), date(2027, 5, 14))),
        (paid(date(2026, 5, 14)), date(2026, 8, 1), ROLLING, Period(date(2026, 5, 15), date(2027, 5, 14))),
        # After the grace it begins with the day of the payment.
        (paid(date(2026, 5, 14)), date(2026, 8, 13), ROLLING, Period(date(2026, 8, 13), date(2027, 8, 12))),
        (paid(None), date(2026, 8, 13), ROLLING, Period(date(2026, 8, 13), date(2027, 8, 12))),
        (paid(None), date(2026, 8, 13), JANUARY, Period(date(2026, 1, 1), date(2026, 12, 31))),
        (paid(date(2026, 12, 31)), date(2027, 2, 1), JANUARY, Period(date(2027, 1, 1), date(2027, 12, 31))),
        (paid(date(2026, 9, 30)), date(2026, 10, 1), JANUARY, Period(date(2026, 10, 1), date(2026, 12, 31))),
        (paid(date(2024, 12, 31)), date(2026, 2, 1), JANUARY, Period(date(2026, 2, 1), date(2026, 12, 31))),
        # 29 February: a year has no day too few, and the year after it none too many.
        (paid(date(2028, 2, 28)), date(2028, 2, 1), ROLLING, Period(date(2028, 2, 29), date(2029, 2, 28))),
        (paid(date(2029, 2, 28)), date(2029, 2, 1), ROLLING, Period(date(2029, 3, 1), date(2030, 2, 28))),
    ],
)
def test_next_period(term: Term, day: date, rules: Rules, expected: Period) -> None:
    assert next_period(term, day, rules) == expected


@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.sampled_from([ROLLING, JANUARY]))
def test_periods_leave_no_day_out_and_count_none_twice(day: date, rules: Rules) -> None:
    term = paid(day)
    first = next_period(term, day, rules)
    second = next_period(paid(first.last), first.last, rules)
    assert first.first == day + timedelta(days=1)
    assert second.first == first.last + timedelta(days=1)
    assert 365 <= (second.last - second.first).days + 1 <= 366


@pytest.mark.parametrize("text", ["02-29", "13-01", "1-1", "0101", "x", "٠١-٠١"])
def test_a_year_begins_on_a_day_that_every_year_has(text: str) -> None:
    with pytest.raises(ValueError, match=r"01-01|unsupported"):
        read_year_begins(text)


def test_reminders_come_in_turn_and_none_long_after_its_day() -> None:
    until, days = date(2026, 12, 31), (-30, 7, 60)
    assert reminder_due(until, days, (), date(2026, 11, 30)) is None
    assert reminder_due(until, days, (), date(2026, 12, 1)) == -30
    assert reminder_due(until, days, (-30,), date(2026, 12, 20)) is None
    assert reminder_due(until, days, (-30,), date(2027, 1, 7)) == 7
    assert reminder_due(until, days, (), date(2027, 1, 10)) == 7  # the first was missed and is not made up for
    assert reminder_due(until, days, (), date(2027, 3, 20)) is None  # nor is the last, weeks later
    assert reminder_due(until, (), (), date(2027, 1, 7)) is None
    assert reminder_due(until, days, (), date(2026, 12, 31)) == -30  # in time as long as nothing is owed
    assert reminder_due(until, days, (), date(2027, 1, 1)) is None


@given(st.integers(1, 10**8), st.integers(1, 10**8))
def test_reference_is_found_in_what_banks_make_of_it(one: int, other: int) -> None:
    ref = reference(one)
    assert references_in(f"DUES {ref.lower()} THANKS") == [one]
    assert references_in(f"{ref[0]} {ref[1:-1]} {ref[-1]}") == [one]
    assert references_in(f"REF{ref}") == []
    if one != other:
        assert set(references_in(f"{ref} {reference(other)}")) == {one, other}


@given(st.integers(1000, 10**6), st.data())
def test_a_wrong_digit_makes_no_other_reference(number: int, data: st.DataObject) -> None:
    digits = list(f"{number:04}")
    place = data.draw(st.integers(0, len(digits) - 1))
    digits[place] = data.draw(st.sampled_from([each for each in "0123456789" if each != digits[place]]))
    assert references_in(f"M{''.join(digits)}{reference(number)[-1]}") == []
