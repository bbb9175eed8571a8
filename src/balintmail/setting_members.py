"""The settings of [members]: when dues are for, and how long they may be late."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from balintmail.domain.members import Rules, read_year_begins
from balintmail.domain.money import MoneyRefused, code
from balintmail.domain.times import read_span
from balintmail.setting_base import Section


def _year_begins(value: str) -> str:
    read_year_begins(value)
    return value


def _currency(value: str) -> str:
    try:
        return code(value)
    except MoneyRefused as exc:
        raise ValueError(exc.reason) from exc


class Members(Section):
    """Dues: the society's year, the days of grace, the currency."""

    year_begins: Annotated[str, AfterValidator(_year_begins)] = ""
    grace: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=90)
    currency: Annotated[str, AfterValidator(_currency)] = "GBP"

    @property
    def rules(self) -> Rules:
        """What domain/members.py decides by; grace counts in whole days."""
        return Rules(timedelta(days=self.grace.days), read_year_begins(self.year_begins))
