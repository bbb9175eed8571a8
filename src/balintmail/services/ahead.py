"""Letters made before their turn comes, in threads: for mailings whose letters take long, because they are signed.

A signature is made without Python's lock, so the threads use every processor while the event loop goes on sending. It
chooses nobody and sends nothing; services/engine.py begins what is ready. A letter that cannot be made is told when it
is asked for, as if it had been tried then.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from balintmail.db.ledger import Claimed
from balintmail.domain.outcome import Composed

CHUNK = 16  # letters that a thread makes before it hands them over: one call back for many, and soon enough

_Made = list[tuple[Claimed, Composed | Exception]]


class Ahead:
    """Rows that are being made ready; those that are come to `todo`, in the order they were given."""

    def __init__(
        self,
        compose: Callable[[Claimed], Composed],
        takes_long: Callable[[int], bool],
        todo: deque[Claimed],
        wake: Callable[[], None],
    ) -> None:
        self.pending = 0  # rows that are not ready yet
        self._compose = compose
        self._takes_long = takes_long
        self._todo = todo
        self._wake = wake
        self._made: dict[int, Composed | Exception] = {}
        self._pool: ThreadPoolExecutor | None = None

    def give(self, rows: Sequence[Claimed]) -> None:
        """Make the letters of mailings that take long; all other rows are ready as they are."""
        slow = [row for row in rows if row.envelope and row.data and self._takes_long(row.mailing)]
        if not slow:
            self._todo += rows
            return
        kept = {row.delivery for row in slow}
        self._todo += [row for row in rows if row.delivery not in kept]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="letters")
        loop = asyncio.get_running_loop()
        self.pending += len(slow)
        for start in range(0, len(slow), CHUNK):
            chunk = slow[start : start + CHUNK]
            future = self._pool.submit(self._make, chunk)
            future.add_done_callback(partial(self._hand_over, loop))

    def give_first(self, rows: Sequence[Claimed]) -> None:
        """Let `rows` go before all others; their letters are made when their turn comes, which is now."""
        self._todo.extendleft(reversed(rows))

    def take(self, row: Claimed) -> Composed:
        """Return the letter of a row, made now if it was not made ahead; raise what making it raised."""
        made = self._made.pop(row.delivery, None)
        if made is None:
            return self._compose(row)
        if isinstance(made, Exception):
            raise made
        return made

    def close(self) -> None:
        """Make nothing more."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _make(self, rows: Sequence[Claimed]) -> _Made:
        made: _Made = []
        for row in rows:
            try:
                made.append((row, self._compose(row)))
            except Exception as exc:  # told by `take`, where one person's fault and the letter's own are told apart
                made.append((row, exc))
        return made

    def _hand_over(self, loop: asyncio.AbstractEventLoop, future: "Future[_Made]") -> None:
        if not future.cancelled():
            loop.call_soon_threadsafe(self._receive, future.result())

    def _receive(self, made: _Made) -> None:
        self.pending -= len(made)
        for row, letter in made:
            self._made[row.delivery] = letter
            self._todo.append(row)
        self._wake()
