"""[orders] of the settings: prices, zones and the link, each refused with words when it cannot be meant."""

from typing import Any

import pytest
from pydantic import ValidationError

from balintmail.domain.money import Money
from balintmail.setting_orders import Orders


def refused(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        Orders.model_validate(given)
    return str(caught.value)


def test_without_settings_the_journal_costs_five_pounds_everywhere_postage_free() -> None:
    found = Orders()
    assert found.price == Money(500, "GBP")
    assert found.zones == {"everywhere": ("*",)}
    assert found.rates["everywhere"].first.amount == 0


def test_zones_and_journal_issues_of_their_own_price_are_read() -> None:
    found = Orders.model_validate(
        {
            "price": "EUR 6",
            "postage": {
                "home": {"countries": ["HU"], "first": "EUR 1.50"},
                "world": {"countries": "*", "first": "9 EUR"},
            },
            "issues": {
                "2026": {"price": "7.50 EUR", "postage": {"world": {"first": "12 EUR"}}},
                "1999": {"sold": False},
            },
        }
    )
    assert found.postage["home"].first == Money(150, "EUR")
    assert found.zones == {"home": ("HU",), "world": ("*",)}
    assert found.issues["2026"].price == Money(750, "EUR")
    assert not found.issues["1999"].sold


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"price": "0.005"}, "more than 2 decimals"),
        ({"price": 5}, "between quotes"),
        ({"price": "-5"}, "less than nothing"),
        ({"price": "five"}, "no amount of money"),
        ({"postage": {"home": {"countries": ["gb"]}}}, "no country"),
        ({"postage": {"home": {"countries": ["GB"], "first": "2 EUR"}}}, "one currency"),
        ({"issues": {"2026": {"price": "5 USD"}}}, "one currency"),
        ({"issues": {"2026": {"postage": {"moon": {}}}}}, "no zone"),
        ({"payment_link": "http://pay.example.org/"}, "https://"),
        ({"payment_link": "https://pay.example.org/{name}"}, "only {reference}"),
        ({"payment_link": "https://pay.example.org/{0}"}, "only {reference}"),
        ({"payment_link": "https://pay.example.org/{"}, "only {reference}"),
        ({"most_copies": 0}, "greater than or equal to 1"),
        ({"pay_within": "soon"}, "pay_within"),
    ],
)
def test_setting_that_cannot_be_meant_is_refused_with_words(given: dict[str, Any], said: str) -> None:
    assert said in refused(**given)
