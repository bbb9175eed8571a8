"""Contrast and the nearest readable shade."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.colour import BLACK, READABLE, WHITE, Colour, contrast, mix, nearest_readable, parse

parts = st.integers(0, 255)
colours = st.builds(Colour, parts, parts, parts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("#0b5563", Colour(11, 85, 99)),
        ("#ABC", Colour(170, 187, 204)),
        ("rgb(1, 2, 300)", Colour(1, 2, 255)),
        (" Navy ", Colour(0, 0, 128)),
        ("#12345", None),
        ("var(--x)", None),
        ("", None),
    ],
)
def test_parse_reads_what_people_write(text: str, expected: Colour | None) -> None:
    assert parse(text) == expected


def test_contrast_of_black_on_white_is_21_either_way() -> None:
    assert contrast(BLACK, WHITE) == pytest.approx(21.0) == contrast(WHITE, BLACK)


def test_contrast_of_the_known_threshold_grey() -> None:
    assert contrast(Colour(0x76, 0x76, 0x76), WHITE) >= READABLE > contrast(Colour(0x77, 0x77, 0x77), WHITE)


@given(colours, colours)
def test_nearest_readable_passes_on_any_ground(colour: Colour, ground: Colour) -> None:
    assert contrast(nearest_readable(colour, ground), ground) >= READABLE


@given(colours, colours)
def test_nearest_readable_leaves_a_readable_colour_alone(colour: Colour, ground: Colour) -> None:
    if contrast(colour, ground) >= READABLE:
        assert nearest_readable(colour, ground) == colour


@given(colours, colours)
def test_mix_goes_from_one_to_the_other(one: Colour, other: Colour) -> None:
    assert mix(one, other, 0) == one
    assert mix(one, other, 1) == other


@given(colours)
def test_a_colour_reads_back_as_it_is_written(colour: Colour) -> None:
    assert parse(str(colour)) == colour
