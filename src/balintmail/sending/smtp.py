"""The `smtp` transport: lanes to the relays of the settings, the first that can be had.

It never decides about a delivery; a relay that is down is passed over for a while and the next in the order of the file
is tried. Connections come from connect.py, the dialogue is smtp_lane.py. How much a relay may be given, and which are
passed over for that, is services/governor.py's to say.
"""

import asyncio
import ssl
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from balintmail.domain.outcome import Outcome, Verdict
from balintmail.sending.capacity import LaneTerms
from balintmail.sending.connect import RelayTarget, connect, tls_context
from balintmail.sending.patience import TimeLimits
from balintmail.sending.smtp_lane import SmtpLane
from balintmail.sending.transport import LaneEvents, TransportDown

REFUSED_SECONDS = 900.0  # ours: a password that is wrong now is wrong in a minute, and asking locks accounts
PASS_OVER_SECONDS = 60.0  # ours: long enough to spare each new lane the wait for a relay that is down


@dataclass(frozen=True, slots=True)
class RelayTerms:
    """One relay with its limits; None is no limit."""

    target: RelayTarget
    max_lanes: int = 4
    messages_per_connection: int | None = None
    limits: TimeLimits = field(default_factory=TimeLimits)


class SmtpTransport:
    """Lanes to the first relay that can be had, in the order given (at least one)."""

    def __init__(self, relays: Sequence[RelayTerms]) -> None:
        if not relays:
            raise ValueError("an SMTP transport needs a relay")
        self._relays = tuple(relays)
        self._contexts: dict[str, ssl.SSLContext | None] = {}
        self._down_until: dict[str, float] = {}
        self._passed_over: frozenset[str] = frozenset()
        self._plain: set[str] = set()
        self._lanes: set[SmtpLane] = set()
        self._dialling: Counter[str] = Counter()
        self.refusals: dict[str, Outcome] = {}

    @property
    def name(self) -> str:
        return self._in_turn()[0].target.name

    @property
    def relays(self) -> tuple[str, ...]:
        return tuple(relay.target.name for relay in self._relays)

    def prefer(self, relay: str) -> None:
        """Try this relay before the others, whatever the order of the file."""
        self._relays = tuple(sorted(self._relays, key=lambda one: one.target.name != relay))

    def pass_over(self, relays: Collection[str]) -> None:
        self._passed_over = frozenset(relays)

    @property
    def max_lanes(self) -> int:
        return self._in_turn()[0].max_lanes

    async def open(self, events: LaneEvents) -> SmtpLane:
        """Return a lane to the first relay that can be had.

        A later relay that serves us over as many lanes as it may is left out: then the first was only asked whether it
        is back. When none can be had, raise the TransportDown that time may mend before one that a person has to: only
        when every relay refuses us for good (AUTH, a certificate) is waiting no use.
        """
        down: list[TransportDown] = []
        for relay in self._in_turn():
            serving = sum(lane.relay == relay.target.name and not lane.closed for lane in self._lanes)
            if down and serving >= relay.max_lanes:
                continue
            try:
                lane = await self._open(relay, events)
            except TransportDown as exc:
                if serving:
                    raise  # it serves us and has refused one connection more: not down, only full
                for_good = exc.outcome.verdict is Verdict.REFUSED
                if for_good:
                    self.refusals[relay.target.name] = exc.outcome
                seconds = REFUSED_SECONDS if for_good else PASS_OVER_SECONDS
                self._down_until[relay.target.name] = asyncio.get_running_loop().time() + seconds
                down.append(exc)
            else:
                self._down_until.pop(relay.target.name, None)
                self.refusals.pop(relay.target.name, None)
                return lane
        raise min(down, key=lambda exc: exc.outcome.verdict is Verdict.REFUSED)

    async def close(self) -> None:
        self._lanes, lanes = set(), self._lanes
        await asyncio.gather(*(lane.close() for lane in lanes))

    def forgive(self) -> None:
        """Try every relay again in the order of the file, those that were down as well."""
        self._down_until.clear()

    def _in_turn(self) -> list[RelayTerms]:
        """Return the relays in their order, those that were down a moment ago last, without those passed over."""
        served = [relay for relay in self._relays if relay.target.name not in self._passed_over] or list(self._relays)
        try:
            now = asyncio.get_running_loop().time()
        except RuntimeError:
            return served
        return sorted(served, key=lambda relay: self._down_until.get(relay.target.name, 0.0) > now)

    async def _open(self, relay: RelayTerms, events: LaneEvents) -> SmtpLane:
        target = relay.target
        if target.name not in self._contexts:
            self._contexts[target.name] = await asyncio.to_thread(tls_context, target)
        await self._make_room(relay)
        self._dialling[target.name] += 1
        try:
            transport, offer = await connect(target, self._contexts[target.name], relay.limits)
        finally:
            self._dialling[target.name] -= 1
        lane = SmtpLane(LaneTerms(target.name, relay.limits, relay.messages_per_connection, self._plain), offer, events)
        lane.take_over(transport)
        self._lanes = {open_lane for open_lane in self._lanes if not open_lane.gone} | {lane}
        return lane

    async def _make_room(self, relay: RelayTerms) -> None:
        """Wait until a goodbye is over where the relay would see one connection more than it allows."""
        name = relay.target.name
        while True:
            there = [lane for lane in self._lanes if lane.relay == name and not lane.gone]
            leaving = [lane for lane in there if lane.closed]
            if not leaving or len(there) + self._dialling[name] < relay.max_lanes:
                return
            await leaving[0].ended()
