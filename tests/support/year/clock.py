"""A clock that goes on by itself and can be set forward: what a year of the society lives by."""

import time
from datetime import UTC, datetime, timedelta


class YearClock:
    """A clock that runs like every other and jumps ahead when it is told to; it never goes back."""

    def __init__(self, moment: datetime) -> None:
        self._begun = time.monotonic()
        self._moment = moment
        self._jumped = 0.0

    def now(self) -> datetime:
        return self._moment + timedelta(seconds=self.monotonic() - self._begun)

    def monotonic(self) -> float:
        return time.monotonic() + self._jumped

    def forward(self, by: timedelta) -> None:
        assert by >= timedelta(0), "time does not go back"
        self._jumped += by.total_seconds()

    def until(self, year: int, month: int, day: int, hour: int = 9) -> None:
        """Let it become that hour, in UTC."""
        self.forward(datetime(year, month, day, hour, tzinfo=UTC) - self.now())
