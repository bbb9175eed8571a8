"""No stretch of a window's length ever holds more than its number, whoever took the permits and however late (D5)."""

import math
from collections import Counter
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.domain.hours import Hours
from balintmail.sending.limits import (
    DAY,
    HOUR,
    LIVES,
    MINUTE,
    SECOND,
    Terms,
    Window,
    allowance,
    counts_until,
    free_at,
    grant,
    slot_of,
)
from balintmail.sending.outlook import Load, Way, finishes_at

NOON = 1_795_000_000.0
spans = st.sampled_from([SECOND, MINUTE, HOUR, DAY])
windows = st.builds(Window, st.integers(1, 20), spans)


def count(terms: Terms, usage: dict[tuple[str, int], Counter[int]], domain: str, now: float) -> None:
    for window in terms.windows:
        usage.setdefault(("", window.span), Counter())[slot_of(window, now)] += 1
    for window in terms.windows_for(domain):
        usage.setdefault((domain, window.span), Counter())[slot_of(window, now)] += 1


@settings(max_examples=300, deadline=None)
@given(
    windows,
    st.lists(
        st.tuples(st.none() | st.floats(0, 0.4), st.integers(1, 9), st.sampled_from([0.0, 0.5, 1.0])),
        min_size=1,
        max_size=120,
    ),
)
def test_no_stretch_of_its_length_holds_more_than_the_window_allows_D5(
    window: Window, asked: list[tuple[float | None, int, float]]
) -> None:
    terms = Terms((window,))
    usage: dict[tuple[str, int], Counter[int]] = {}
    now, used = NOON, []
    for pause, wanted, late in asked:
        # Without a pause it is asked again at the very first moment that may give something.
        now = free_at(window, usage.get(("", window.span), {}), now) if pause is None else now + pause * window.span
        for _ in grant(terms, usage, ["example.org"] * wanted, now).places:
            count(terms, usage, "example.org", now)
            used.append(now + late * LIVES[window.span])
    used.sort()
    for first, last in zip(used, used[window.number :], strict=False):
        assert last - first >= window.span - 1e-6


@given(windows, st.dictionaries(st.integers(0, 3000), st.integers(1, 9), max_size=20))
def test_free_at_is_the_first_moment_with_an_allowance(window: Window, ago: dict[int, int]) -> None:
    slots = {slot_of(window, NOON) - back: taken for back, taken in ago.items()}
    free = free_at(window, slots, NOON)
    assert free >= NOON
    assert allowance(window, slots, free + 1e-3) > 0
    if free > NOON:
        assert allowance(window, slots, free - 1e-3) == 0


def test_full_window_names_when_it_goes_on() -> None:
    terms = Terms((Window(5, HOUR),))
    usage = {("", HOUR): Counter({slot_of(terms.windows[0], NOON): 5})}
    answer = grant(terms, usage, ["example.org"], NOON)
    assert answer.places == ()
    assert answer.again_at == counts_until(terms.windows[0], slot_of(terms.windows[0], NOON))
    assert HOUR <= (answer.again_at or 0) - NOON <= HOUR + 40


def test_full_domain_lets_the_others_pass() -> None:
    terms = Terms(per_domain={"example.org": 1, "*": 3})
    answer = grant(terms, {}, ["example.org", "example.org", "example.net", "example.net"], NOON)
    assert answer.places == (0, 2, 3)
    assert answer.again_at is not None


def test_warm_up_doubles_each_day_until_the_daily_limit() -> None:
    terms = Terms((Window(1000, DAY),), warm_up=50)
    assert [terms.after(days).windows[0].number for days in (0, 0.9, 1, 4, 5, 400)] == [50, 50, 100, 800, 1000, 1000]
    assert Terms(warm_up=1).after(30).windows == ()
    assert not Terms().limited


def test_forecast_of_200_an_hour_is_what_the_grants_give() -> None:
    terms = Terms((Window(200, HOUR),))
    usage: dict[tuple[str, int], Counter[int]] = {}
    now, left = NOON, 650
    while left:
        answer = grant(terms, usage, ["example.org"] * left, now)
        for _ in answer.places:
            count(terms, usage, "example.org", now)
        left -= len(answer.places)
        if left:
            now = max(now + 1, answer.again_at or now)
    assert abs(seconds_needed(terms, 650) - (now - NOON)) < 60
    assert seconds_needed(terms, 200, rate=100) == 2
    assert seconds_needed(Terms((Window(10, SECOND),)), 100) > 10
    assert seconds_needed(Terms((Window(1, DAY),)), 1_000_000) > 900_000 * DAY


def seconds_needed(terms: Terms, messages: int, rate: float = math.inf) -> float:
    return finishes_at([Way(terms)], Load(messages), NOON, hours=Hours(ZoneInfo("UTC")), rate=rate) - NOON


@settings(deadline=None)
@given(st.lists(windows, max_size=3), st.integers(1, 500), st.floats(0.1, 1e4))
def test_forecast_grows_with_the_messages(some: list[Window], messages: int, rate: float) -> None:
    terms = Terms(tuple(some))
    one = seconds_needed(terms, messages, rate)
    assert 0 < one <= seconds_needed(terms, messages + 1, rate) + 1e-3
