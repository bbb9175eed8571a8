"""Read the hours and weekdays in which newsletters may leave, and tell when they open and close.

Pure. Hours are those of the society's own clocks: where the clock is put forward over an opening, it opens with the
first moment behind the gap; where it is put back, an hour that comes twice is open twice. `22:00-06:00` is a night; it
belongs to the day on which it begins.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")
_FARTHEST = 9  # days to look ahead: an allowed weekday comes within seven
_HOURS_HINT = 'hours are written like "08:00-20:00"'
_DAYS_HINT = 'weekdays are written like "mon-fri" or "mon, wed, fri"'


@dataclass(frozen=True, slots=True)
class Hours:
    """When newsletters may leave. `last` before `first` goes over midnight; `days` are numbers from 0 for Monday."""

    zone: ZoneInfo
    first: time = time(0)
    last: time = time(0)
    days: frozenset[int] = frozenset(range(7))

    @property
    def always(self) -> bool:
        return self.first == self.last and len(self.days) == 7

    def opens_at(self, moment: datetime) -> datetime:
        """Return the first moment from `moment` on at which they may leave: `moment` itself while they may."""
        for opening, closing in self._openings(moment):
            if closing > moment:
                return max(opening, moment)
        raise AssertionError("an allowed day comes within a week")

    def closes_at(self, moment: datetime) -> datetime | None:
        """Return until when they may leave, seen from an open `moment`; None: for ever."""
        if self.always:
            return None
        end = moment
        for opening, closing in self._openings(moment):
            if opening <= end < closing:
                end = closing
        return end

    def _openings(self, moment: datetime) -> list[tuple[datetime, datetime]]:
        """Return the stretches from the day before `moment` on, in UTC."""
        today = moment.astimezone(self.zone).date()
        found = []
        for ahead in range(-1, _FARTHEST):
            day = today + timedelta(days=ahead)
            if day.weekday() in self.days:
                end = day if self.last > self.first else day + timedelta(days=1)
                stretch = (self._at(day, self.first, 0), self._at(end, self.last, 1))
                if stretch[0] < stretch[1]:
                    found.append(stretch)
        return found

    def _at(self, day: date, at: time, fold: int) -> datetime:
        """Return that time of a day in UTC: of a time that comes twice the `fold`th, of one that does not the next."""
        local = datetime.combine(day, at, self.zone).replace(fold=fold)
        moment = local.astimezone(UTC)
        if moment.astimezone(self.zone).replace(tzinfo=None) == local.replace(tzinfo=None):
            return moment
        # In the gap of a clock put forward: the gap's end, which is where the offset of before is over.
        before = local.replace(fold=0).utcoffset() or timedelta()
        after = local.replace(fold=1).utcoffset() or timedelta()
        return _change_between(self.zone, local, min(before, after), max(before, after))


def _change_between(zone: ZoneInfo, local: datetime, winter: timedelta, summer: timedelta) -> datetime:
    """Return the moment at which the clock jumped over `local`."""
    naive = local.replace(tzinfo=None)
    low = (naive - summer).replace(tzinfo=UTC)
    high = (naive - winter).replace(tzinfo=UTC)
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        if middle.astimezone(zone).utcoffset() == winter:
            low = middle
        else:
            high = middle
    return high.replace(microsecond=0)


def hours_of(hours: str, weekdays: str, zone: ZoneInfo) -> Hours:
    """Return what the two settings say; an empty one allows all."""
    first, last = _span(hours) if hours else (time(0), time(0))
    return Hours(zone, first, last, _days(weekdays) if weekdays else frozenset(range(7)))


def read_hours(text: str) -> str:
    """Return `text` as it is when it can be read as hours; raise ValueError saying what is right otherwise."""
    if text.strip():
        _span(text)
    return text.strip()


def read_weekdays(text: str) -> str:
    """Return `text` as it is when it can be read as weekdays; raise ValueError saying what is right otherwise."""
    if text.strip():
        _days(text)
    return text.strip()


def _span(text: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise ValueError(_HOURS_HINT)
    first, last = (_time(found[1], found[2]), _time(found[3], found[4]))
    if first == last and (found[1], found[2]) == (found[3], found[4]):
        raise ValueError(f"between {text.strip()} there is no time at all; {_HOURS_HINT}")
    return first, last


def _time(hour: str, minute: str) -> time:
    if (int(hour), int(minute)) == (24, 0):
        return time(0)
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"there is no time {hour}:{minute}; {_HOURS_HINT}")
    return time(int(hour), int(minute))


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for part in re.split(r"\s*,\s*", text.strip().lower()):
        first, dash, last = (word.strip() for word in part.partition("-"))
        numbers = [_day(word) for word in ((first, last) if dash else (first,))]
        length = (numbers[-1] - numbers[0]) % 7
        found |= {(numbers[0] + ahead) % 7 for ahead in range(length + 1)}
    return frozenset(found)


def _day(word: str) -> int:
    for number, day in enumerate(DAYS):
        if len(word) >= 3 and _LONG[number].startswith(word):
            return DAYS.index(day)
    raise ValueError(f'there is no weekday "{word}"; {_DAYS_HINT}')


_LONG = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
