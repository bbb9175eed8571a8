"""The signed moment of a form: good, hasty, stale, missing; bound to its form and its key."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.stamps import STALE, Stamped, judge, make

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
KEY, OTHER = b"k" * 32, b"o" * 32
STAMP = make("join", now=NOW, key=KEY)


@pytest.mark.parametrize(
    ("after", "found"),
    [
        (timedelta(seconds=-10), Stamped.MISSING),
        (timedelta(seconds=1), Stamped.HASTY),
        (timedelta(seconds=2), Stamped.GOOD),
        (timedelta(hours=5), Stamped.GOOD),
        (STALE + timedelta(seconds=1), Stamped.STALE),
    ],
)
def test_stamp_tells_how_long_the_form_took(after: timedelta, found: Stamped) -> None:
    assert judge(STAMP, "join", now=NOW + after, keys=[KEY]) is found


def test_stamp_of_another_form_or_key_is_none_C3() -> None:
    later = NOW + timedelta(minutes=1)
    assert judge(STAMP, "leave", now=later, keys=[KEY]) is Stamped.MISSING
    assert judge(STAMP, "join", now=later, keys=[OTHER]) is Stamped.MISSING


def test_stamp_of_a_rotated_key_still_counts_C11() -> None:
    assert judge(STAMP, "join", now=NOW + timedelta(minutes=1), keys=[OTHER, KEY]) is Stamped.GOOD


@pytest.mark.parametrize("place", range(len(STAMP)))
def test_changed_character_makes_it_none_C2(place: int) -> None:
    changed = STAMP[:place] + ("0" if STAMP[place] != "0" else "1") + STAMP[place + 1 :]
    assert judge(changed, "join", now=NOW + timedelta(minutes=1), keys=[KEY]) is Stamped.MISSING


@given(st.text(max_size=200))
def test_any_text_is_judged_and_none_passes(text: str) -> None:
    assert judge(text, "join", now=NOW, keys=[KEY]) is Stamped.MISSING
