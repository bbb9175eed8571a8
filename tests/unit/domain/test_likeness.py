"""Names and addresses that may well be one person's: for hints, never for deciding."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.likeness import address_root, name_patterns, names_alike


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mária Bálint", "Dr. Maria Balint"),
        ("Bálint Mária", "Mária Bálint"),
        ("M. Balint", "Dr Mária Bálint"),
        ("Rose O'Neill-Smith", "rose oneill smith".replace("oneill", "o neill")),
        ("Anna Maria Kovács", "Kovács Anna"),
        ("Hans Müller", "MÜLLER, Hans"),
        ("李 明", "李 明"),
        ("Strauß Eva", "Eva Strauss"),
    ],
)
def test_names_that_are_alike(one: str, other: str) -> None:
    assert names_alike(one, other)
    assert names_alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna Kovács", "Eva Kovács"),
        ("Anna", "Anna Kovács"),
        ("", "Anna"),
        ("Dr", "Prof"),
        ("J. Smith", "Anna Smith"),
        ("李 明", "王 明"),
    ],
)
def test_names_that_are_not(one: str, other: str) -> None:
    assert not names_alike(one, other)
    assert not names_alike(other, one)


def test_plus_tags_and_dots_do_not_count_for_a_hint() -> None:
    assert address_root("a.b+x@example.org") == address_root("ab@example.org")
    assert address_root("ab@example.org") != address_root("ab@example.net")


@given(st.text(max_size=60))
def test_patterns_find_the_name_itself_and_never_break(name: str) -> None:
    for pattern in name_patterns(name):
        assert "\\" not in pattern
        assert re.search("[^%_]", pattern)
        assert pattern.isprintable() or not pattern.isascii()


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_is_mutual(one: str, other: str) -> None:
    assert names_alike(one, other) is names_alike(other, one)
