"""How long each stage of a conversation may take (S34), and the one timer that keeps it.

It never touches a connection. Source of the numbers: RFC 5321 section 4.5.3.2. Used by connect.py and smtp_lane.py.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

CONNECT_SECONDS = 30.0  # ours: a firewall that swallows packets should not cost two minutes
GREETING_SECONDS = 300.0  # section 4.5.3.2.1
MAIL_SECONDS = 300.0  # section 4.5.3.2.2
RCPT_SECONDS = 300.0  # section 4.5.3.2.3
DATA_SECONDS = 120.0  # section 4.5.3.2.4
BLOCK_SECONDS = 180.0  # section 4.5.3.2.5
DOT_SECONDS = 600.0  # section 4.5.3.2.6: hanging up earlier makes doubles
EHLO_SECONDS = 300.0  # ours, as for MAIL
TLS_SECONDS = 60.0  # ours
AUTH_SECONDS = 120.0  # ours
RESET_SECONDS = 300.0  # ours, as for MAIL
QUIT_SECONDS = 5.0  # ours: nothing hangs on its answer


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds for each stage."""

    connect: float = CONNECT_SECONDS
    greeting: float = GREETING_SECONDS
    ehlo: float = EHLO_SECONDS
    tls: float = TLS_SECONDS
    auth: float = AUTH_SECONDS
    mail: float = MAIL_SECONDS
    rcpt: float = RCPT_SECONDS
    data: float = DATA_SECONDS
    block: float = BLOCK_SECONDS
    dot: float = DOT_SECONDS
    reset: float = RESET_SECONDS
    quit: float = QUIT_SECONDS


class Deadline:
    """Calls `passed` when the stage in hand has lasted too long.

    There is one lazy timer a connection: it is moved only when the deadline comes nearer, so that a stage that ends in
    time, as nearly all do, costs no more than a look at the clock.
    """

    __slots__ = ("_at", "_loop", "_passed", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, passed: Callable[[], None]) -> None:
        self._loop = loop
        self._passed = passed
        self._at = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def within(self, seconds: float) -> None:
        """Let `passed` be called in so many seconds unless something else is said before."""
        self._at = self._loop.time() + seconds
        if self._timer is None or self._timer.when() > self._at:
            self.stop_timer()
            self._timer = self._loop.call_at(self._at, self._look)

    def lift(self) -> None:
        """Wait without a limit; the timer may lie where it is."""
        self._at = math.inf

    def stop_timer(self) -> None:
        """Take the timer off the loop."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        if self._loop.time() >= self._at:
            self._at = math.inf
            self._passed()
        elif self._at < math.inf:
            self._timer = self._loop.call_at(self._at, self._look)
