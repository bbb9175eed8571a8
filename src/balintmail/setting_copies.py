"""The section [copies]: links to what is not open to all, and how a copy is paid for. It reads no file."""

from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from balintmail.domain.times import read_span
from balintmail.setting_base import Section

LONGEST_LINK = timedelta(days=366)


def _short(span: timedelta) -> timedelta:
    if not timedelta(hours=1) <= span <= LONGEST_LINK:
        raise ValueError('a link lasts from "1h" to "366d"')
    return span


class Copies(Section):
    """How long a mailed link to a copy works and how often, the usual currency, and what to do to pay for a copy."""

    link_lasts: Annotated[timedelta, BeforeValidator(read_span), AfterValidator(_short)] = timedelta(days=30)
    link_uses: int = Field(default=20, ge=1, le=1000)
    payment: str = Field(default="", max_length=1000)
