"""The null transport: lanes that take everything and give it to nobody, for a rehearsal of the whole work.

It keeps the rules of transport.py, held dot and all, and touches neither network nor disk. Used by
services/rehearsal.py only, on a ledger that is thrown away.
"""

import asyncio
from collections.abc import Collection

from balintmail.domain.outcome import Composed, Outcome, Stage
from balintmail.sending import outcomes
from balintmail.sending.transport import LaneEvents

NAME = "null"


class NullTransport:
    """As many lanes as a relay would have."""

    name = NAME
    relays = (NAME,)

    def __init__(self, max_lanes: int) -> None:
        self.max_lanes = max_lanes
        self.refusals: dict[str, Outcome] = {}

    def prefer(self, relay: str) -> None:
        """Do nothing: there is but one."""

    def pass_over(self, relays: Collection[str]) -> None:
        """Do nothing: there is but one."""

    async def open(self, events: LaneEvents) -> "NullLane":
        return NullLane(events)

    async def close(self) -> None:
        """Nothing is open."""


class NullLane:
    """One connection to nowhere."""

    relay = NAME

    def __init__(self, events: LaneEvents) -> None:
        self.closed = False
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._held: Composed | None = None

    @property
    def can_follow(self) -> bool:
        return not self.closed

    def begin(self, message: Composed) -> None:
        self._held = message
        self._loop.call_soon(self._events.held, self, message.delivery)

    def release(self, following: Composed | None = None) -> None:
        message, self._held = self._held, None
        if message is not None:
            accepted = outcomes.accepted_locally(NAME, "a rehearsal")
            self._loop.call_soon(self._events.finished, self, message.delivery, accepted)
        if following is not None:
            self.begin(following)

    def abort(self) -> None:
        message, self._held, self.closed = self._held, None, True
        if message is not None:
            self._loop.call_soon(self._events.finished, self, message.delivery, outcomes.withdrawn(Stage.BODY, NAME))

    async def close(self) -> None:
        self.abort()
