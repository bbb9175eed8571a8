"""What the tests of sending need: letters, a recorder of events, the two event loops, a clock that jumps."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

import uvloop

from balintmail.config import Security
from balintmail.domain.outcome import Composed, Envelope, Outcome
from balintmail.sending.connect import RelayTarget
from balintmail.sending.patience import TimeLimits
from balintmail.sending.smtp import RelayTerms, SmtpTransport
from balintmail.sending.transport import Lane, Transport

T = TypeVar("T")
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}
SOON = TimeLimits(  # seconds: every stage short, so that a silent relay is noticed within a test
    connect=2, greeting=1, ehlo=1, tls=1, auth=1, mail=0.4, rcpt=0.4, data=0.4, block=0.4, dot=0.4, reset=0.4, quit=0.4
)


def letter(
    delivery: int, body: bytes = b"Dear reader,\r\nall is well.\r\n", *, to: str = "", utf8: bool = False
) -> Composed:
    """Return a small message; its Message-ID and recipient carry the delivery's number."""
    recipient = to or f"reader{delivery}@example.org"
    headers = f"Message-ID: <{delivery}@balint.example.org>\r\nSubject: Newsletter\r\nTo: x\r\n\r\n".encode()
    envelope = Envelope(f"bounces+{delivery}@example.org", recipient, utf8)
    return Composed(delivery, envelope, f"<{delivery}@balint.example.org>", headers + body)


class Recorder:
    """A driver of lanes that releases what is held at once (or leaves it held) and writes everything down."""

    def __init__(self, *, release: bool = True) -> None:
        self.release = release
        self.held_deliveries: list[int] = []
        self.outcomes: list[tuple[int, Outcome]] = []
        self.lost_lanes = 0
        self.inside = False  # whether a call into the lane is under way: no event may come then
        self._news = asyncio.Event()

    def held(self, lane: Lane, delivery: int) -> None:
        assert not self.inside
        self.held_deliveries.append(delivery)
        self._news.set()
        if self.release:
            self.call(lane.release)

    def finished(self, lane: Lane, delivery: int, outcome: Outcome) -> None:
        assert not self.inside
        assert delivery not in [number for number, _ in self.outcomes], "finished twice"
        self.outcomes.append((delivery, outcome))
        self._news.set()

    def lost(self, lane: Lane) -> None:
        assert not self.inside
        assert lane.closed
        self.lost_lanes += 1
        self._news.set()

    def call(self, what: Callable[..., None], *arguments: Any) -> None:
        """Call a method of a lane and prove that it raises no event from inside."""
        self.inside = True
        try:
            what(*arguments)
        finally:
            self.inside = False

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        """Wait until `true()`."""
        async with asyncio.timeout(seconds):
            while not true():
                self._news.clear()
                await self._news.wait()

    @property
    def last(self) -> Outcome:
        return self.outcomes[-1][1]

    async def one(self, lane: Lane, message: Composed) -> Outcome:
        """Send one message over `lane` and return its outcome."""
        before = len(self.outcomes)
        self.call(lane.begin, message)
        await self.until(lambda: len(self.outcomes) > before, 1000)
        return self.last


async def send(transport: Transport, messages: Iterable[Composed]) -> list[Outcome]:
    """Send one after the other, over a new lane whenever the last one closed; close the transport."""
    events = Recorder()
    lane: Lane | None = None
    found = []
    for message in messages:
        if lane is None or lane.closed:
            lane = await transport.open(events)
        found.append(await events.one(lane, message))
    await transport.close()
    return found


def smtp(port: int, *, limits: TimeLimits | None = None, messages: int | None = None, **target: Any) -> SmtpTransport:
    """Return a transport to a relay on loopback, in the clear unless `security` says otherwise."""
    target = {"name": "main", "host": "localhost", "security": Security.NONE, **target}
    terms = RelayTerms(RelayTarget(port=port, **target), 4, messages, limits or TimeLimits())
    return SmtpTransport([terms])


def run(work: Coroutine[Any, Any, T], loop: str = "asyncio") -> T:
    """Run `work` on a fresh loop of this kind."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(work)


class JumpingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer when nothing else happens, so that ten minutes take none."""

    def __init__(self) -> None:
        super().__init__(_JumpingSelector(self))
        self.jumped = 0.0

    def time(self) -> float:
        return super().time() + self.jumped


class _JumpingSelector(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        # A moment for the kernel to bring what was sent over loopback; only then is the loop really idle.
        ready = super().select(0.02 if timeout is None or timeout > 0.02 else timeout)
        if not ready and timeout is not None and timeout > 0.02:
            self._loop.jumped += timeout
        return ready
