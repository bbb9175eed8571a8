"""A frozen letter: plain data that comes back as it was, and never runs or guesses."""

import json
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.composing.compiled import Compiled, CompiledDamaged
from balintmail.composing.merge import Merger
from tests.support.composing import KEYS, compiled, reader

BODY = (
    "Dear {{ person.first_name|default(person.name)|default('friend') }}, {% if person.member and not person.town or "
    "person.language == 'hu' %}A{% elif person.member == false %}B{% else %}C{% endif %} [x]({{ person.website }})\n"
)


def test_frozen_letter_comes_back_and_composes_the_same_bytes() -> None:
    first = compiled(BODY)
    again = Compiled.load(first.dump())
    assert again == first
    assert again.dump() == first.dump()
    assert Merger(again, KEYS).compose(reader()) == Merger(first, KEYS).compose(reader())
    assert again.fingerprint() == first.fingerprint()


def test_dump_is_plain_json_with_a_version() -> None:
    raw = compiled(BODY).dump()
    assert raw.isascii()
    assert json.loads(raw)["balintmail"] == 1


def test_dump_holds_no_key_and_no_person() -> None:
    raw = compiled(BODY).dump()
    assert KEYS.tokens.hex().encode() not in raw
    assert b"anna@" not in raw.lower()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"balintmail": 2}',
        b'{"balintmail": 1}',
        b"\xff",
        b"[" * 100_000,
        pickle.dumps({"balintmail": 1}),
    ],
    ids=range(9),
)
def test_anything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(CompiledDamaged):
        Compiled.load(raw)


@settings(max_examples=60)
@given(st.data())
def test_damage_anywhere_is_refused_or_changes_nothing_else(data: st.DataObject) -> None:
    raw = FROZEN
    at = data.draw(st.integers(0, len(raw) - 1))
    damaged = raw[:at] + bytes((data.draw(st.integers(0, 255)),)) + raw[at + 1 :]
    try:
        Compiled.load(damaged)
    except CompiledDamaged:
        return


FROZEN = compiled(BODY).dump()
