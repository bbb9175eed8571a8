"""What the name of an old file says of its day and its number."""

from datetime import date

import pytest

from balintmail.domain.archive import day_in_name, number_in_name, slug_of


@pytest.mark.parametrize(
    ("stem", "day"),
    [
        ("2019-03-01-newsletter-84", date(2019, 3, 1)), ("20190301", date(2019, 3, 1)),
        ("nl 2019-03", date(2019, 3, 1)),
        ("2020_02_29", date(2020, 2, 29)), ("2019-02-30", None), ("newsletter-84", None), ("120190301", None),
        ("2019-13-01", None), ("spring 2019", None),
    ],
)  # fmt: skip
def test_day_in_name(stem: str, day: date | None) -> None:
    assert day_in_name(stem) == day


@pytest.mark.parametrize(
    ("stem", "title", "number"),
    [
        ("newsletter-84", "", "84"), ("2019-03-01 no. 084", "", "84"), ("84", "", "84"),
        ("2019-03", "Newsletter 12", "12"),
        ("2019-03", "Rundbrief Nr. 7: Frühling", "7"), ("2019-03", "News 14", "14"), ("2019-03", "5 reasons", ""),
        ("2019-03", "Spring 2019", ""), ("a-1-b-2", "", ""), ("spring", "", ""), ("2019", "", ""), ("n0", "", ""),
        ("n77", "", "77"), ("utf16", "", ""), ("2019-03", "Room A1", ""),
    ],
)  # fmt: skip
def test_number_in_name(stem: str, title: str, number: str) -> None:
    assert number_in_name(stem, title) == number


@pytest.mark.parametrize(
    ("text", "slug"),
    [("Tavaszi hírlevél!", "tavaszi-hirlevel"), ("2019-04-01", "n-2019-04-01"), ("…", ""), ("a" * 90, "a" * 64)],
)
def test_slug_of(text: str, slug: str) -> None:
    assert slug_of(text) == slug
