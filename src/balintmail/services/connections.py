"""The open connections of one run: as many as there is work for, a growing pause after a relay did not answer.

It sends nothing; services/engine.py takes idle connections from it and hands them back.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import timedelta

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.sending.transport import Lane, LaneEvents, Transport, TransportDown
from balintmail.services.seats import Seats

CROWDED_OUT = "Other processes use every connection that the relay allows (max_connections)."
SETTLE_EVERY = 1.0  # seconds between looks at what other processes have open, where there are others
REOPEN_AFTER = (1.0, 3.0, 9.0)  # seconds between attempts to reach a relay that does not answer; then we leave it


class Connections:
    """Opens lanes of one transport and knows which of them are idle."""

    def __init__(
        self, transport: Transport, events: LaneEvents, seats: Seats, *, down: Callable[[TransportDown], None]
    ) -> None:
        self.idle: list[Lane] = []
        self._seats = seats
        self._settle_at = 0.0
        self._crowded_out_since: float | None = None
        self._transport = transport
        self._events = events
        self._down = down  # told when no connection is open and none can be had
        self._open: set[Lane] = set()
        self._serving: Counter[str] = Counter()  # of these, to each relay
        self._opening: set[asyncio.Task[None]] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._passed_over: frozenset[str] = frozenset()
        self.retired: frozenset[str] = frozenset()  # relays whose place an earlier one has taken: no further message
        self._fruitless = 0
        self._again_at = 0.0
        self.changed = asyncio.Event()

    @property
    def most(self) -> int:
        return self._transport.max_lanes

    def open_for(self, messages: int) -> None:
        """Begin to open connections for so many messages, up to the relay's own bound.

        While a later relay serves us, the one whose turn it would be is asked again and again whether it is back.
        """
        if asyncio.get_running_loop().time() < self._again_at:
            return
        first = self._transport.name
        serving = self._serving[first]
        there = serving + len(self._opening)
        wanted = self._seats.may_open(first, min(self.most, messages))
        if wanted or self._open:
            self._crowded_out_since = None
        else:
            time = asyncio.get_running_loop().time()
            self._crowded_out_since = self._crowded_out_since or time
            self._settle_at = min(self._settle_at, time + SETTLE_EVERY / 5)
        if self._fruitless or (self._open and not serving):
            wanted = min(wanted, there + 1)  # a relay that has just refused is asked by one, not by all
        for _ in range(wanted - there):
            task = asyncio.get_running_loop().create_task(self._open_one())
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def crowded_out_for(self, patience: timedelta) -> bool:
        """Say whether others have used every connection that the relay allows for longer than that."""
        since = self._crowded_out_since
        return since is not None and asyncio.get_running_loop().time() - since > patience.total_seconds()

    async def _open_one(self) -> None:
        try:
            lane = await self._transport.open(self._events)
        except TransportDown as exc:
            self._could_not_open(exc)
        except Exception as exc:  # such as no memory for a thread; a task's error would be heard by nobody
            self._could_not_open(_starved(exc))
        else:
            self._fruitless = 0
            self._seats.may_open(lane.relay, self.most)  # another one than was asked for may have answered
            self._open.add(lane)
            self._serving[lane.relay] += 1
            self.idle.append(lane)
            self._see_who_serves()
        self.changed.set()

    async def settle(self, messages: int, in_thread: Callable[[Callable[[], None]], Awaitable[None]]) -> None:
        """Agree with other processes, now and then, on how many connections each may have for its messages."""
        time = asyncio.get_running_loop().time()
        if not self._seats.shared or time < self._settle_at or not messages:
            return
        first = self._transport.name
        self._seats.may_open(first, min(self.most, messages))
        there = Counter(self._serving)
        there[first] += len(self._opening)
        self._settle_at = time + (SETTLE_EVERY if there[first] else SETTLE_EVERY / 5)
        unused = self.retired | self._passed_over
        await in_thread(lambda: self._seats.settle(there, unused))

    def done_with(self, lane: Lane) -> bool:
        """Say whether a connection gets no further message: an earlier relay serves, or others need the connection."""
        if lane.relay in self.retired:
            return True
        return self._seats.is_one_too_many(lane.relay, self._serving[lane.relay])

    def _see_who_serves(self) -> None:
        """Retire the relays behind the first one that serves us, in the order of the settings."""
        order = self._transport.relays
        if len(order) > 1:
            serving = {lane.relay for lane in self._open} - self._passed_over
            first = next((place for place, relay in enumerate(order) if relay in serving), len(order))
            self.retired = frozenset(order[first + 1 :])

    def _could_not_open(self, exc: TransportDown) -> None:
        """Wait a growing time, unless nobody else serves and waiting is no use."""
        now = asyncio.get_running_loop().time()
        if now < self._again_at:
            return  # several were on their way; one refusal counts
        hopeless = exc.outcome.verdict is Verdict.REFUSED or self._fruitless >= len(REOPEN_AFTER)
        if hopeless and not self._open:
            self._down(exc)
            return
        self._again_at = now + REOPEN_AFTER[min(self._fruitless, len(REOPEN_AFTER) - 1)]
        self._fruitless += 1

    def pass_over(self, relays: frozenset[str]) -> None:
        """Open no connection to these relays, and give up the idle ones to them and to those that are retired."""
        if relays != self._passed_over:
            self._passed_over = relays
            self._transport.pass_over(relays)
            self._see_who_serves()
        for lane in [lane for lane in self.idle if lane.relay in relays or self.done_with(lane)]:
            self.forget(lane)
            task = asyncio.get_running_loop().create_task(lane.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def forget(self, lane: Lane) -> None:
        """Strike out a connection that has ended."""
        if lane in self._open:
            self._open.discard(lane)
            self._serving[lane.relay] -= 1
            self._see_who_serves()
        if lane in self.idle:
            self.idle.remove(lane)

    def abort(self) -> None:
        """Drop every connection now."""
        for lane in list(self._open):
            lane.abort()

    async def close(self) -> None:
        """End every connection politely, and the transport."""
        for task in list(self._opening):
            task.cancel()
        ending = (*self._opening, *self._closing, *(lane.close() for lane in self._open))
        await asyncio.gather(*ending, return_exceptions=True)
        await self._transport.close()


def _starved(exc: Exception) -> TransportDown:
    """Return what kept this machine from opening a connection; time may mend it."""
    why = f"{exc or type(exc).__name__}"
    outcome = Outcome(Verdict.DEFERRED, Stage.CONNECT, reply=why[:500])
    return TransportDown(f"This machine cannot open a connection: {why}.", outcome, hint="Nobody was lost.")
