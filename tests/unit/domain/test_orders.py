"""What an order costs, which zone it goes to, how banks refer to it, and what it may become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.orders import (
    NEXT,
    Cost,
    DocumentKind,
    Line,
    OrderState,
    Rate,
    cost,
    label,
    reference,
    references_in,
    zone_of,
)

NEAR, FAR = Rate(200, 50), Rate(650, 300)
numbers = st.integers(1, 10**9)


def test_dearest_first_copy_counts_once_and_every_other_copy_as_a_further_one() -> None:
    assert cost([]) == Cost(0, 0)
    assert cost([Line(1, 1, 500, NEAR)]) == Cost(500, 200)
    assert cost([Line(1, 3, 500, NEAR)]) == Cost(1500, 300)
    assert cost([Line(1, 2, 500, NEAR), Line(2, 1, 700, FAR)]) == Cost(1700, 650 + 50 + 50)
    assert cost([Line(1, 2, 500, NEAR), Line(2, 1, 700, FAR)]).total == 2450


@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9999), st.integers(0, 999), st.integers(0, 999)), max_size=5)
)
def test_cost_does_not_hang_on_the_order_of_the_lines(drawn: list[tuple[int, int, int, int]]) -> None:
    lines = [Line(place, copies, price, Rate(first, more)) for place, (copies, price, first, more) in enumerate(drawn)]
    highest = max((line.rate.first for line in lines), default=0)
    if sum(line.rate.first == highest for line in lines) < 2:
        assert cost(lines) == cost(lines[::-1])
    assert cost(lines).copies == sum(line.copies * line.each for line in lines)


def test_country_is_in_the_zone_that_names_it_before_any_other() -> None:
    zones = {"world": ["*"], "home": ["GB", "IM"], "europe": ["DE", "HU"]}
    assert [zone_of(code, zones) for code in ("GB", "HU", "NZ")] == ["home", "europe", "world"]
    assert zone_of("NZ", {"home": ["GB"]}) == ""


@given(numbers)
def test_reference_is_found_again_however_a_bank_writes_it(number: int) -> None:
    made = reference(number)
    spaced = " ".join(made)
    for text in (
        made,
        made.lower(),
        f"PAYMENT {made} THANKS",
        f"ref.{made[0]}-{made[1:-1]}-{made[-1]}/x",
        f"x {spaced}",
    ):
        assert references_in(text) == [number], text


@given(numbers, st.integers(0, 8), st.integers(0, 9), st.booleans())
def test_slip_of_one_digit_or_swap_of_two_is_no_reference_of_another(
    number: int, place: int, digit: int, swap: bool
) -> None:
    made = reference(number)
    digits = list(made[1:-1])
    place %= len(digits)
    if swap and place + 1 < len(digits):
        digits[place], digits[place + 1] = digits[place + 1], digits[place]
    else:
        digits[place] = str(digit)
    wrong = made[0] + "".join(digits) + made[-1]
    assert references_in(wrong) == ([number] if wrong == made else [])


@pytest.mark.parametrize(
    "text", ["", "J", "J1234", "XJ00042W", "00042W", "J00042", "J00042W7", "£5 for the Journal 2026"]
)
def test_what_only_looks_like_a_reference_is_none(text: str) -> None:
    assert references_in(text) == []


def test_several_references_stand_in_one_line_each_once() -> None:
    both = f"{reference(7)} and {reference(12)}, {reference(7)}"
    assert references_in(both) == [7, 12]


def test_documents_are_called_by_kind_year_and_number() -> None:
    assert label(DocumentKind.INVOICE, 2026, 42) == "INV-2026-0042"
    assert label(DocumentKind.CREDIT_NOTE, 2027, 12345) == "CN-2027-12345"


def test_every_state_says_where_it_leads_and_money_never_leads_back_to_open() -> None:
    assert set(NEXT) == set(OrderState)
    assert not any(OrderState.OPEN in after for after in NEXT.values())
    assert NEXT[OrderState.REFUNDED] == NEXT[OrderState.CANCELLED] == frozenset()
