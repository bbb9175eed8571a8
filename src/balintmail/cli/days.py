"""How a day is written in a command."""

from datetime import date
from typing import Any

import click


class Day(click.ParamType[date]):
    """A day such as 2026-09-15, and nothing that could be read in two ways."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Return the day; what is none is a mistake in the command."""
        if isinstance(value, date):
            return value
        from balintmail.domain.times import YEARS  # noqa: PLC0415  (loads zoneinfo)

        text = str(value).strip()
        try:
            day = date.fromisoformat(text)
        except ValueError:
            day = date.min
        if day.isoformat() == text and day.year in YEARS:
            return day
        return self.fail(f'"{text[:20]}" is no day, which is written like 2026-09-15.', param, ctx)


DAY = Day()
