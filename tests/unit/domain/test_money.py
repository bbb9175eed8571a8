"""Amounts: exact or refused."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.money import Decimals, Money, MoneyRefused, decimal, parse, parse_signed, written


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("25", 2500, "GBP"),
        ("25.5", 2550, "GBP"),
        ("£1,250.00", 125000, "GBP"),
        ("EUR 12,50", 1250, "EUR"),
        ("1.234,56", 123456, "GBP"),
        ("1\u202f234,56", 123456, "GBP"),
        ("12.00 eur", 1200, "EUR"),
        ("5€", 500, "EUR"),
        ("2500 Ft", 250000, "HUF"),
        ("JPY 100", 100, "JPY"),
        ("\uff12\uff15", 2500, "GBP"),
        ("0", 0, "GBP"),
    ],
)
def test_amount_is_read_in_whole_pence(text: str, amount: int, currency: str) -> None:
    assert parse(text) == Money(amount, currency)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("0.005", "more than 2 decimals"),
        ("1.234", "between the thousands"),
        ("1,234", "between the thousands"),
        ("-3", "less than nothing"),
        ("(3.00)", "less than nothing"),
        ("1,23,456", "not a number"),
        ("1.234.56", "do not fit together"),
        ("1e3", "not a number"),
        ("٣", "signs that no amount has"),
        ("", "not a number"),
        ("£", "not a number"),
        ("100.50 JPY", "JPY has no decimals"),
        ("999999999999", "more than any society"),
        ("25\x00", "signs that no amount has"),
        ("=25", "not a number"),
        ("nan", "not a number"),
        ("EURO 25", "not a number"),
    ],
)
def test_what_is_no_amount_is_refused_and_says_why(text: str, why: str) -> None:
    with pytest.raises(MoneyRefused, match=why):
        parse(text)


def test_where_the_sign_before_the_pence_is_known_thousands_are_read() -> None:
    assert parse("1,234", decimals=Decimals.POINT).amount == 123400
    assert parse("1.234", decimals=Decimals.COMMA).amount == 123400
    with pytest.raises(MoneyRefused, match='"," stands before the pence'):
        parse("12.50", decimals=Decimals.COMMA)


@pytest.mark.parametrize("text", ["-25.00", "25.00-", "(25.00)", "£-25", "-£25", "\u221225"])
def test_money_out_is_signed_in_every_way_that_banks_have(text: str) -> None:
    assert parse_signed(text).amount == -2500


@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(text: str) -> None:
    with suppress(MoneyRefused):
        assert parse(text).amount >= 0


@given(st.integers(0, 10**9), st.sampled_from(["GBP", "EUR", "HUF", "JPY", "CHF"]))
def test_what_is_written_is_read_back(amount: int, currency: str) -> None:
    assert parse(written(amount, currency)) == Money(amount, currency)
    assert parse(decimal(amount, currency), currency, decimals=Decimals.POINT) == Money(amount, currency)
