"""The settings of [members]: when dues are for, how long they may be late, and when members are reminded."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from balintmail.domain.hygiene import TextRefused, one_line
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


MOST_REMINDERS, FURTHEST = 12, 366  # of one period, and days from its end


def _reminders(value: tuple[int, ...]) -> tuple[int, ...]:
    if len(value) > MOST_REMINDERS or any(abs(days) > FURTHEST for days in value):
        raise ValueError(f"at most {MOST_REMINDERS} reminders, each within {FURTHEST} days of the end of the paid time")
    if len(set(value)) != len(value):
        raise ValueError("one of the days stands there twice")
    return tuple(sorted(value))


def _pay_to(value: str) -> str:
    try:
        return one_line(value, what="pay_to", longest=200)
    except TextRefused as exc:
        raise ValueError(exc.reason) from exc


class Members(Section):
    """Dues: the society's year, the days of grace, the currency; reminders, and where to pay."""

    year_begins: Annotated[str, AfterValidator(_year_begins)] = ""
    grace: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=90)
    currency: Annotated[str, AfterValidator(_currency)] = "GBP"
    reminders: Annotated[tuple[int, ...], AfterValidator(_reminders)] = ()  # days after the paid time, -30 before it
    round_lasts: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=42)  # where no day is given
    round_reminder: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=14)  # 0: none by itself
    pay_to: Annotated[str, AfterValidator(_pay_to)] = ""  # the society's account, as letters tell it

    @property
    def rules(self) -> Rules:
        """What domain/members.py decides by; grace counts in whole days."""
        return Rules(timedelta(days=self.grace.days), read_year_begins(self.year_begins))
