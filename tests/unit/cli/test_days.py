"""A day in a command is one day, or a mistake that says how to write it."""

from datetime import date

import click
import pytest

from balintmail.cli.days import DAY


def test_a_day_is_taken() -> None:
    assert DAY.convert(" 2028-02-29 ", None, None) == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text", ["", "2027-02-29", "20260915", "2026-9-15", "15.09.2026", "2026-W38-2", "0001-01-01", "9999-12-31", "soon"]
)
def test_what_is_none_or_could_be_read_in_two_ways_says_how_to_write_one(text: str) -> None:
    with pytest.raises(click.BadParameter) as refused:
        DAY.convert(text, None, None)
    assert refused.value.message == f'"{text}" is no day, which is written like 2026-09-15.'
