"""The settings of [members]: when dues are for, how long they may be late, when members are reminded."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from balintmail.domain.members import Rules, read_year_begins
from balintmail.domain.money import MoneyRefused, code
from balintmail.domain.times import read_span
from balintmail.setting_base import Section

LONGEST_REMINDED = 180  # days before or after the day until which dues are paid


def _year_begins(value: str) -> str:
    read_year_begins(value)
    return value


def _currency(value: str) -> str:
    try:
        return code(value)
    except MoneyRefused as exc:
        raise ValueError(exc.reason) from exc


class Members(Section):
    """Dues: the society's year, the days of grace, and when members are reminded."""

    year_begins: Annotated[str, AfterValidator(_year_begins)] = ""
    grace: Annotated[timedelta, BeforeValidator(read_span)] = timedelta(days=90)
    reminders: tuple[Annotated[int, Field(ge=-LONGEST_REMINDED, le=LONGEST_REMINDED)], ...] = ()
    currency: Annotated[str, AfterValidator(_currency)] = "GBP"
    pay_by: str = ""

    @property
    def rules(self) -> Rules:
        """What domain/members.py decides by; grace counts in whole days."""
        return Rules(timedelta(days=self.grace.days), read_year_begins(self.year_begins))

    @model_validator(mode="after")
    def _reminds_members_alone(self) -> "Members":
        late = [days for days in self.reminders if days > self.grace.days]
        if late:
            raise ValueError(f"a reminder {late[0]} days after the end comes after the grace of {self.grace.days} days")
        return self
