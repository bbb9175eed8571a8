"""Labels, ISSN, DOI, pages and names of the Journal: one spelling, or a reason why not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.journal_issues import (
    JournalRefused,
    Label,
    read_doi,
    read_issn,
    read_label,
    read_pages,
    slug,
    sort_name,
)


@pytest.mark.parametrize(
    ("text", "label"), [("2026", Label(2026)), (" 2026-2 ", Label(2026, 2)), ("1957", Label(1957))]
)
def test_a_label_is_a_year_or_one_of_several(text: str, label: Label) -> None:
    assert read_label(text) == label
    assert str(label) == text.strip()


@pytest.mark.parametrize(
    "text", ["", "26", "2026-0", "2026/2", "9999", "0000", "２０２６", "2026-100", "-2026", "2026\n7"]
)
def test_anything_else_is_no_label(text: str) -> None:
    with pytest.raises(JournalRefused, match="names no issue of the Journal"):
        read_label(text)


@pytest.mark.parametrize("text", ["2049-3630", "20493630", "ISSN 2049-3630", "2049\u20133630", " 2049-3630 "])
def test_an_issn_has_one_spelling(text: str) -> None:
    assert read_issn(text) == "2049-3630"


def test_an_issn_may_end_with_x_and_may_be_missing() -> None:
    assert read_issn("2434-561x") == "2434-561X"
    assert read_issn("  ") == ""


@pytest.mark.parametrize("text", ["2049-3631", "2049-363", "204936300", "X049-3630", "x"])
def test_a_wrong_issn_is_refused(text: str) -> None:
    with pytest.raises(JournalRefused, match="no ISSN"):
        read_issn(text)


@pytest.mark.parametrize(
    "text", ["10.1234/JBS.2026.7", "https://doi.org/10.1234/jbs.2026.7", "doi: 10.1234/jbs.2026.7"]
)
def test_a_doi_has_one_spelling(text: str) -> None:
    assert read_doi(text) == "10.1234/jbs.2026.7"


@pytest.mark.parametrize("text", ["11.1234/x", "10.1234/", "10.1234/a b", "https://example.org/10.1234/x", "10.12/x"])
def test_anything_else_is_no_doi(text: str) -> None:
    with pytest.raises(JournalRefused, match="no DOI"):
        read_doi(text)


@pytest.mark.parametrize(
    ("text", "pages"),
    [
        ("12-19", ("12", "19")),
        ("12 – 19", ("12", "19")),
        ("123-9", ("123", "129")),
        ("7", ("7", "7")),
        ("iv-vii", ("iv", "vii")),
        ("S4-S9", ("S4", "S9")),
        ("", ("", "")),
    ],
)
def test_pages_as_people_write_them(text: str, pages: tuple[str, str]) -> None:
    assert read_pages(text) == pages


@pytest.mark.parametrize("text", ["19-12", "1-2-3", "p. 12", "12,14", "-5", "five"])
def test_what_are_no_pages_is_refused(text: str) -> None:
    with pytest.raises(JournalRefused, match="are no pages"):
        read_pages(text)


@pytest.mark.parametrize(
    ("name", "language", "sorted_as"),
    [
        ("Michael Balint", "en", "Balint, Michael"),
        ("Bálint Mihály", "hu", "Bálint, Mihály"),
        ("Ludwig van der Berg", "", "van der Berg, Ludwig"),
        ("Enid O'Neill-Smith Jr.", "", "O'Neill-Smith, Enid Jr."),
        ("李 明", "", "李 明"),
        ("Balint, M.", "", "Balint, M."),
        ("Enid", "", "Enid"),
    ],
)
def test_names_as_an_index_sorts_them(name: str, language: str, sorted_as: str) -> None:
    assert sort_name(name, language) == sorted_as


@given(st.text(max_size=300), st.sets(st.text(max_size=5)))
def test_a_slug_is_always_a_safe_word_of_its_own(title: str, taken: set[str]) -> None:
    found = slug(title, taken)
    assert found not in taken
    assert found.replace("-", "").isalnum()
    assert found.isascii()
    assert 0 < len(found) <= 70
    assert not found.isdigit()


def test_slugs_of_the_same_title_differ() -> None:
    assert slug("Bálint's “Basic Fault”", set()) == "balints-basic-fault"
    assert slug("Review", {"review", "review-2"}) == "review-3"
