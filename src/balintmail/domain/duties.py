"""When the society's duties fall: newsletter dates, the copy deadline, the posting in September, dues, keys.

Pure: a duty is a first day and a distance in months. A day that a month does not have is the month's last (29 February
falls on the 28th in other years), and the year after that it is the first day's own again. Rows: db/duties.py.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

LAST_YEAR = 2199  # a duty further away is a slip of the keyboard


class DutyKind(StrEnum):
    """What a duty brings about besides its reminder."""

    REMIND = "remind"
    NEWSLETTER = "newsletter"  # the starter of the next newsletter is written as well


@dataclass(frozen=True, slots=True)
class Rule:
    """A first day, and how many months lie between two; 0 months: once."""

    first: date
    months: int

    def days(self, since: date, until: date) -> Iterator[date]:
        """Yield the days on which it falls from `since` to `until`, both included."""
        if self.months == 0:
            if since <= self.first <= until:
                yield self.first
            return
        apart = (since.year - self.first.year) * 12 + since.month - self.first.month
        step = max(apart // self.months, 0)
        while (day := self.nth(step)) <= until:
            if day >= since:
                yield day
            step += 1

    def nth(self, step: int) -> date:
        """Return the day of its fall number `step`, the first being number 0."""
        months = self.first.month - 1 + step * self.months
        year, month = self.first.year + months // 12, months % 12 + 1
        return date(year, month, min(self.first.day, calendar.monthrange(year, month)[1]))
