"""The settings of papers for the Journal, part of config.py."""

from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator

from balintmail.domain.times import read_span
from balintmail.setting_base import Section

Duration = Annotated[timedelta, BeforeValidator(read_span)]


class Papers(Section):
    """How long a decision and a reading may take before somebody is reminded."""

    decide_within: Duration = timedelta(days=90)
    read_within: Duration = timedelta(days=28)
