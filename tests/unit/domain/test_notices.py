"""Facts survive the database, and nothing else passes for one."""

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.notices import NOTICES, Fact, Word, from_stored, to_stored

# Fixed ones: where a clock is set back, a time of one zone equals none of another (PEP 495), though it is the same.
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
PLAIN = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.booleans(),
    st.datetimes(timezones=ZONES),
    st.dates(),
    st.integers(0, 10**9).map(lambda seconds: timedelta(seconds=seconds)),
    st.text(max_size=9).map(Word),
)
ROWS = st.lists(st.dictionaries(st.text(max_size=5), PLAIN, max_size=3), max_size=3).map(tuple)
FACTS = st.dictionaries(st.text(max_size=9), st.one_of(PLAIN, st.lists(st.text(max_size=9)).map(tuple), ROWS))


@given(FACTS)
def test_from_stored_gives_back_what_to_stored_wrote_through_json(facts: dict[str, Fact]) -> None:
    assert from_stored(json.loads(json.dumps(to_stored(facts)))) == facts


@pytest.mark.parametrize("name", NOTICES)
def test_invented_facts_are_facts(name: str) -> None:
    assert from_stored(json.loads(json.dumps(to_stored(NOTICES[name].facts)))) == NOTICES[name].facts


@pytest.mark.parametrize("value", [b"bytes", object(), None, 1.5, {"set"}])
def test_to_stored_refuses_what_is_no_fact(value: Any) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        to_stored({"odd": value})


@pytest.mark.parametrize("raw", [None, {"what": 1}, {"at": 3}, {"at": "yesterday"}, 1.5])
def test_from_stored_refuses_what_to_stored_never_writes(raw: Any) -> None:
    with pytest.raises(ValueError, match=r"not a fact|Invalid isoformat"):
        from_stored({"odd": raw})


def test_times_are_kept_with_their_kind() -> None:
    moment, day = datetime.fromisoformat("2026-11-21T18:04:00+00:00"), date(2026, 11, 21)
    assert from_stored(to_stored({"a": moment, "b": day})) == {"a": moment, "b": day}
    assert isinstance(from_stored(to_stored({"a": day}))["a"], date)
