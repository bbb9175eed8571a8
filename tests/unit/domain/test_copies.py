"""What somebody asks a copy of, however they name it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.copies import LONGEST, Wanted, named, read_wanted, spelled_safely

NAME = "Journal of the Balint Society"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("84", Wanted(number="84")),
        (" newsletter/84 ", Wanted(list="newsletter", number="84")),
        ("Weekends and courses/latest", Wanted(list="Weekends and courses", number="latest")),
        ("latest", Wanted(number="latest")),
        ("https://balint.example.org/newsletters/newsletter/84?lang=de", Wanted(list="newsletter", number="84")),
        ("https://balint.example.org/site/journal/2026/on-listening", Wanted(journal="2026", article="on-listening")),
        ("/journal/2026-2", Wanted(journal="2026-2")),
    ],
)
def test_what_names_one_thing(text: str, wanted: Wanted) -> None:
    assert read_wanted(text, NAME) == (wanted,)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("journal/2026", Wanted(journal="2026")),
        ("Journal 2026-2", Wanted(journal="2026-2")),
        ("The Journal, 2026.", Wanted(journal="2026")),
        ("Journal of the Balint Society 2026", Wanted(journal="2026")),
        ("journal/latest", Wanted(journal="latest")),
        ("journal/2026/on-listening", Wanted(journal="2026", article="on-listening")),
        ("Folyóirat 2026", Wanted(journal="2026")),
    ],
)
def test_what_may_name_the_journal_after_a_list_of_that_name(text: str, wanted: Wanted) -> None:
    assert read_wanted(text, NAME)[-1] == wanted


@pytest.mark.parametrize("text", ["", "https://evil.example.org/", "//evil/journal/2026", "/journal/x", "https://[::1"])
def test_what_names_nothing_C20(text: str) -> None:
    assert not any(one.journal for one in read_wanted(text, NAME))


@given(st.text(max_size=LONGEST))
def test_no_wish_is_too_odd_to_be_read(text: str) -> None:
    for one in read_wanted(text, NAME):
        assert named(one)


@pytest.mark.parametrize("text", ["newsletter/84", "journal/2026/on-listening", "84"])
def test_names_of_our_own_links_may_be_shown(text: str) -> None:
    assert spelled_safely(text)


@pytest.mark.parametrize("text", ["", "a b", "<b>", "a/b/c/d", "../x", "x" * 200, "a\n"])
def test_other_texts_from_an_address_are_not_shown_3_1(text: str) -> None:
    assert not spelled_safely(text)
