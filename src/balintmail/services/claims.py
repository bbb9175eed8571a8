"""Claim the next rows while those in hand are being sent, and let what somebody waits for go before them.

It begins no message: services/engine.py sends what it brings. The claims themselves are services/turns.py's to write.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from balintmail.services.ahead import Ahead
from balintmail.services.turns import Books, Exchanged

LOW = 150  # claimed rows at which more are claimed
DRY = 0.4  # seconds until a queue that was found empty is looked at again
NOTICES_EVERY = 2.0  # seconds between looks for system mails: a confirmation leaves soon in the midst of a long send
AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)  # what time may mend; any other error is a bug

InThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class Claims:
    """The claims of one run; what they bring comes to `ahead`."""

    def __init__(
        self, books: Books, ahead: Ahead, in_thread: InThread, *, ended: Callable[[Exception | None], None]
    ) -> None:
        self._books = books
        self._ahead = ahead
        self._in_thread = in_thread
        self._ended = ended  # told when a claim is over, with its error
        self._under_way: asyncio.Task[None] | None = None
        self._bug: BaseException | None = None
        self._dry_until = 0.0
        self._notices_at = 0.0

    @property
    def under_way(self) -> bool:
        return self._under_way is not None

    def ask_again(self) -> None:
        """Ask soon although the queue was found empty: a row has gone back to it."""
        self._dry_until = 0.0

    def when_low(self, only: int | None, in_hand: int, lanes: int) -> None:
        """Begin to claim more when little is in hand; that is sent meanwhile. Raises the last claim's bug, if any."""
        if self._bug is not None:
            raise self._bug
        loop = asyncio.get_running_loop()
        if not self.under_way and in_hand <= max(lanes, LOW) and loop.time() >= self._dry_until:
            self._under_way = loop.create_task(self._claim(only))

    async def _claim(self, only: int | None) -> None:
        failed: Exception | None = None
        try:
            rows = await self._in_thread(partial(self._books.claim, only))
        except (*AWAY, Exchanged) as exc:
            failed = exc
        except BaseException as exc:  # an error of a task would be heard by nobody
            self._bug = exc
        else:
            self._ahead.give(rows)
            if not rows:
                self._dry_until = asyncio.get_running_loop().time() + DRY
        finally:
            self._under_way = None
        self._ended(failed)

    async def notices(self) -> None:
        """Let what somebody waits for go before the newsletters that are claimed already."""
        time = asyncio.get_running_loop().time()
        if time < self._notices_at or self._books.fetch is None:
            return
        self._notices_at = time + NOTICES_EVERY
        with contextlib.suppress(*AWAY, Exchanged):  # the turns meet it too, and say so
            self._ahead.give_first(await self._in_thread(self._books.claim_notices))


def said_by(exc: Exception) -> str:
    """Return what a database error says in one line without its statement, which may hold addresses."""
    said = str(getattr(exc, "orig", None) or type(exc).__name__).splitlines()[0]
    return f"The database does not take what happened: {said}. Mend that, then run: balintmail dispatch"
