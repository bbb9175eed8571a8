"""The rules of membership: whether somebody is in good standing on a day, which period comes next, what is due when.

A membership runs from a day on; dues are paid until a day, and some days of grace follow. Pure: it knows no clock and
no database. db/members.py says the same of whole registers in SQL, and a test holds the two together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

_CHECK = "ABCDEFGHJKLMNPQRSTUVWXYZ"[:23]  # 23 is prime, so a wrong digit or two swapped ones change the letter
_REFERENCE = re.compile(r"(?<![A-Z0-9])M[ -]?0*(\d{1,9})[ -]?([A-HJ-NP-Y])(?![A-Z0-9])")
_YEAR_BEGINS = re.compile(r"([0-9]{2})-([0-9]{2})")
REMINDED_WITHIN = timedelta(days=14)  # how late a reminder may be once the paid time is over


class MembershipState(StrEnum):
    """How a membership stands; all but ACTIVE have a day on which it ended."""

    ACTIVE = "active"
    LAPSED = "lapsed"  # dues were not paid, and it was closed when a new one began
    RESIGNED = "resigned"
    DIED = "died"


class Standing(StrEnum):
    """What a membership is worth on one day."""

    PAID = "paid"
    FREE = "free"  # its class has no dues
    UNKNOWN = "unknown"  # nobody has said until when dues are paid: it counts until somebody does
    GRACE = "grace"  # dues are owed, and the time to pay them is not over
    LAPSED = "lapsed"
    COMING = "coming"  # it has not begun
    RESIGNED = "resigned"
    DIED = "died"


GOOD = frozenset({Standing.PAID, Standing.FREE, Standing.UNKNOWN, Standing.GRACE})


@dataclass(frozen=True, slots=True)
class Rules:
    """What the society has settled: the days of grace, and the day (month, day) on which its year begins, or None."""

    grace: timedelta = timedelta(days=90)
    year_begins: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Term:
    """One membership. `since` is its first day, `ended_on` the first without it, `paid_until` the last that is paid."""

    since: date | None
    paid_until: date | None = None
    state: MembershipState = MembershipState.ACTIVE
    ended_on: date | None = None
    has_dues: bool = True


@dataclass(frozen=True, slots=True)
class Period:
    """The days that dues pay for, the last one included."""

    first: date
    last: date


def standing(term: Term, day: date, rules: Rules) -> Standing:
    """Return what a membership is worth on `day`."""
    if term.ended_on is not None and day >= term.ended_on:
        return Standing(term.state.value)
    if term.since is not None and day < term.since:
        return Standing.COMING
    if not term.has_dues:
        return Standing.FREE
    if term.paid_until is None:
        return Standing.UNKNOWN
    if day <= term.paid_until:
        return Standing.PAID
    return Standing.GRACE if day <= grace_ends(term.paid_until, rules) else Standing.LAPSED


def grace_ends(paid_until: date, rules: Rules) -> date:
    """Return the last day of grace."""
    return min(paid_until, date.max - rules.grace) + rules.grace


def next_period(term: Term, day: date, rules: Rules) -> Period:
    """Return the period that dues paid on `day` are for.

    It follows the last one; after a lapse, and where nobody knows until when was paid, it begins on that day.
    """
    follows = term.paid_until is not None and standing(term, day, rules) is not Standing.LAPSED
    first = term.paid_until + timedelta(days=1) if follows and term.paid_until else day
    if term.paid_until is None and rules.year_begins is not None:
        first = _year_begun(day, rules.year_begins)
    return Period(first, last_of_year(first, rules))


def last_of_year(first: date, rules: Rules) -> date:
    """Return the last day of the period that begins on `first`: the society's year, or twelve months."""
    if rules.year_begins is None:
        return _a_year_later(first) - timedelta(days=1)
    return _a_year_later(_year_begun(first, rules.year_begins)) - timedelta(days=1)


def read_year_begins(text: str) -> tuple[int, int] | None:
    """Return the month and day that "01-01" names, None for ""; raise ValueError for a day that not every year has."""
    if not text:
        return None
    found = _YEAR_BEGINS.fullmatch(text)
    try:
        day = date(2023, int(found[1]), int(found[2])) if found else None
    except ValueError:
        day = None
    if day is None:
        raise ValueError('write month and day, such as "01-01", or "" for twelve months from each member\'s own day')
    return day.month, day.day


def reminder_due(paid_until: date, days: Sequence[int], sent: Sequence[int], today: date) -> int | None:
    """Return which of the reminders (days after `paid_until`, negative before it) is to be sent today, or None.

    Only the latest that has come, and none before one that was sent. One from before `paid_until` may be late as long
    as that day has not passed; any other for a fortnight, so that nobody is dunned for an old gap.
    """
    come = [step for step in sorted(days) if (today - paid_until).days >= step]
    if not come or any(each >= come[-1] for each in sent):
        return None
    late = (today - paid_until).days - come[-1]
    return come[-1] if late <= REMINDED_WITHIN.days or today <= paid_until else None


def reference(person_id: int) -> str:
    """Return what a member writes on a payment: their number with a check letter, such as `M0123Q`."""
    return f"M{person_id:04}{_CHECK[person_id % 23]}"


def references_in(text: str) -> list[int]:
    """Return the numbers of all members whose reference stands in a bank's text, check letter and all."""
    found = []
    for digits, letter in _REFERENCE.findall(text.upper()):
        number = int(digits)
        if number and _CHECK[number % 23] == letter and number not in found:
            found.append(number)
    return found


def _year_begun(day: date, begins: tuple[int, int]) -> date:
    """Return the first day of the society's year in which `day` lies."""
    this_year = date(day.year, *begins)
    return this_year if this_year <= day or day.year == 1 else date(day.year - 1, *begins)


def _a_year_later(first: date) -> date:
    """Return the same day of the next year; 29 February becomes 1 March, so that a year has no day too few."""
    if (first.month, first.day) == (2, 29):
        return date(first.year + 1, 3, 1)
    return first.replace(year=first.year + 1)
