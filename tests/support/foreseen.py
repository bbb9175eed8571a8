"""An event loop in which nothing happens by chance: a run of the same seed goes the same way each time.

Its clock jumps to the next timer, and jobs that would go to a thread are done by the loop itself, one after another: it
lets others have so many turns before a job is done, and so many more before its end is told, as the seed says. Whatever
a thread and a loop may do to each other between two steps of either happens here too, and can be told again.
"""

import asyncio
import selectors
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

TURNS = (0, 0, 0, 1, 1, 2, 3, 5, 9, 20)  # of the loop that a job waits, or its end
SLOW = 60  # one job of so many takes long
SECONDS = (0.001, 0.02, 0.6, 3.0)  # that a slow one takes


class Stuck(AssertionError):
    """Nothing is left that could ever wake this loop."""


class ForeseenLoop(asyncio.SelectorEventLoop):
    """The loop; `seed` says how its turns and its jobs lie to each other."""

    def __init__(self, seed: str) -> None:
        self._now = 0.0
        super().__init__(_Foresight(self))
        self._random = Random(seed)
        self._jobs: deque[tuple[asyncio.Future[Any], Callable[..., Any], tuple[Any, ...]]] = deque()

    def time(self) -> float:
        return self._now

    def forward(self, seconds: float) -> None:
        """Let the clock jump."""
        self._now += seconds

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":  # type: ignore[override]
        """Do it here when those given before it are done, as a pool of one thread does."""
        future: asyncio.Future[Any] = self.create_future()
        self._jobs.append((future, func, args))
        if len(self._jobs) == 1:
            self._after(self._turns(), self._do)
        return future

    def _turns(self) -> int:
        return self._random.choice(TURNS)

    def _after(self, turns: int, then: Callable[[], object]) -> None:
        if turns:
            self.call_soon(self._after, turns - 1, then)
        elif self._random.randrange(SLOW) == 0:
            self.call_later(self._random.choice(SECONDS), then)
        else:
            self.call_soon(then)

    def _do(self) -> None:
        future, func, args = self._jobs[0]
        result, error = None, None
        if not future.cancelled():
            try:
                result = func(*args)
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException as exc:  # told to whoever waits for the job
                error = exc
        self._after(self._turns(), lambda: self._tell(future, result, error))

    def _tell(self, future: "asyncio.Future[Any]", result: object, error: BaseException | None) -> None:
        self._jobs.popleft()
        if self._jobs:
            self._after(self._turns(), self._do)
        if future.cancelled():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)


class _Foresight(selectors.DefaultSelector):
    """A selector that never waits: when nothing is ready, the time of the next timer has come."""

    def __init__(self, loop: ForeseenLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready and timeout is None:
            raise Stuck("everybody waits for something that nobody will do")
        if not ready and timeout:
            self._loop.forward(timeout)
        return ready
