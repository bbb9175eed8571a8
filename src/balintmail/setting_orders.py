"""The settings of [orders]: what the Journal costs those who are no members, and how they pay.

It decides nothing; services/orders.py takes orders, docs/orders.md explains them.
"""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from balintmail.domain.money import Money, MoneyRefused, parse
from balintmail.domain.orders import ANYWHERE
from balintmail.domain.times import read_span
from balintmail.setting_base import Section
from balintmail.setting_values import read_names

EVERYWHERE = "everywhere"  # the zone where none is set


def _read_price(value: object) -> object:
    """Read an amount with its currency, such as "5.00 GBP"; pounds where it names none."""
    if isinstance(value, Money):
        return value
    if not isinstance(value, str):
        raise ValueError('write an amount between quotes, such as "5.00 GBP"')
    try:
        return parse(value)
    except MoneyRefused as exc:
        raise ValueError(f"that is no amount of money: {exc.reason}") from exc


def _read_countries(value: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse what is no country's code; "*" is every country that no other zone names."""
    for code in value:
        if code != ANYWHERE and not (len(code) == 2 and code.isascii() and code.isalpha() and code.isupper()):
            raise ValueError(f'"{code}" is no country; write two letters such as "GB", or "*" for all others')
    return value


def _read_link(value: str) -> str:
    """Refuse an address that is not https, or that holds a field which is not filled in."""
    if not value:
        return ""
    if not value.startswith("https://"):
        raise ValueError("it begins with https://")
    try:
        value.format(reference="", amount="", currency="")
    except (KeyError, IndexError, ValueError) as exc:
        raise ValueError("only {reference}, {amount} and {currency} are filled in") from exc
    return value


Price = Annotated[Money, BeforeValidator(_read_price)]
_Duration = Annotated[timedelta, BeforeValidator(read_span)]


class Postage(Section):
    """What one zone pays; a journal issue may have rates of its own."""

    countries: Annotated[tuple[str, ...], BeforeValidator(read_names), AfterValidator(_read_countries)] = ()
    first: Price = Money(0)
    more: Price = Money(0)


class IssueForSale(Section):
    """What is particular about one journal issue: its price, its postage, or that it is not sold."""

    sold: bool = True
    price: Price | None = None
    postage: dict[str, Postage] = {}  # noqa: RUF012  (a model's field)


class Orders(Section):
    """How those who are no members buy the Journal."""

    open: bool = True
    price: Price = Money(500)
    pay: str = ""
    payment_link: Annotated[str, AfterValidator(_read_link)] = ""
    pay_within: _Duration = timedelta(days=21)
    remind_after: _Duration = timedelta(days=10)
    most_copies: int = Field(default=10, ge=1, le=1000)
    note: str = ""
    keep_years: int = Field(default=6, ge=1, le=30)  # Charities Act 2011 s. 131; six years for companies, too
    postage: dict[str, Postage] = {}  # noqa: RUF012
    issues: dict[str, IssueForSale] = {}  # noqa: RUF012

    @model_validator(mode="after")
    def _holds_together(self) -> "Orders":
        rates = [*self.postage.values(), *(rate for one in self.issues.values() for rate in one.postage.values())]
        amounts = [amount for rate in rates for amount in (rate.first, rate.more) if amount.amount]
        amounts += [one.price for one in self.issues.values() if one.price is not None]
        if strange := sorted({one.currency for one in amounts} - {self.price.currency}):
            raise ValueError(f"everything is paid in one currency: {self.price.currency}, not {', '.join(strange)}")
        for label, one in self.issues.items():
            if unknown := sorted(set(one.postage) - set(self.postage)):
                raise ValueError(f'[orders.issues."{label}"] has postage for "{unknown[0]}", which is no zone')
        return self

    @property
    def rates(self) -> dict[str, Postage]:
        """The zones and what each pays; without any, postage is free everywhere."""
        return self.postage or {EVERYWHERE: Postage(countries=(ANYWHERE,))}

    @property
    def zones(self) -> dict[str, tuple[str, ...]]:
        """The countries of each zone."""
        return {name: one.countries for name, one in self.rates.items()}
