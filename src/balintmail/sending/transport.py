"""The seam between dispatch and wherever messages go: a transport opens lanes, a lane carries one message at a time.

It never decides what an outcome means and never reads the ledger. Everything is a callback on the running event loop:
a connection is a small state machine and not a coroutine, so that many of them can wait for one commit (standards 2.5).
Neighbours: services/dispatch.py drives it; outbox.py and smtp.py implement it; wiring.py chooses between them.

One delivery on one lane, with the dot held back:

    begin(message) … held(lane, delivery) … [the ledger commits at_risk] … release() … finished(lane, delivery, outcome)

The rules both sides keep:

- `begin`, `release` and `abort` return at once. No event is ever raised from inside them: events come later, from the
  loop. An event handler, in its turn, may call any method of any lane.
- Every `begin` (and every `following` of a `release`) is answered by exactly one `finished`, whatever happens.
- `finished` without `held` before it: the message was refused, or surely not taken, before its dot.
- Between `held` and `release` the far side may go away. Then `finished` comes with stage BODY and the lane is closed; a
  `release` that was on its way does nothing. So a delivery that was finished at a stage before DOT was never taken,
  even when the ledger has marked it at_risk in the meantime.
- After `finished` the lane takes the next `begin`, unless `lane.closed`.
"""

from collections.abc import Collection, Mapping
from typing import Protocol

from balintmail.domain.outcome import Composed, Outcome
from balintmail.errors import BalintmailError


class TransportDown(BalintmailError):
    """No lane can be had: nobody answers, TLS or AUTH failed, or the outbox cannot be written.

    `outcome` says at which stage and in whose words. Its verdict is DEFERRED where time may mend it (nobody answers,
    a 4xx) and REFUSED where a person has to (a wrong password, a certificate that does not fit). No delivery was
    touched, so no row changes its state because of it.
    """

    code = "transport_down"

    def __init__(self, message: str, outcome: Outcome, *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.outcome = outcome


class Lane(Protocol):
    """One connection (or one pen over the outbox). It carries one message at a time, many one after the other."""

    @property
    def relay(self) -> str:
        """The name of the relay behind it, as in the settings; `outbox` for the outbox."""

    @property
    def closed(self) -> bool:
        """Whether it takes no further message. Once true it stays true; open another lane instead."""

    @property
    def can_follow(self) -> bool:
        """Whether `release(following)` would start `following` on this lane.

        False when the relay's messages per connection are used up. A `following` given all the same comes back as
        `finished` with NOT_SENT, so asking is a courtesy.
        """

    def begin(self, message: Composed) -> None:
        """Send everything of `message` but its closing dot; `held` or `finished` follows.

        Only on a lane that is idle and not closed; anything else is a bug and raises RuntimeError.
        """

    def release(self, following: Composed | None = None) -> None:
        """Let the dot of the held message leave; its `finished` follows.

        With `following`, the commands of the next message leave in the same write where the relay allows pipelining
        (RFC 2920), and after the answer to the dot where it does not: `finished` of the first comes before `held` or
        `finished` of the second. If the held message is gone already, only `following` is answered, with NOT_SENT.
        """

    def abort(self) -> None:
        """Drop the connection now.

        A message before its dot is finished as NOT_SENT, provably not taken; one whose dot has left without an answer
        is finished as UNKNOWN. It is the only way to withdraw a held message: SMTP has no word for it.
        """

    async def close(self) -> None:
        """Say goodbye (QUIT) and return when the connection has ended, within seconds. A busy lane is aborted."""


class LaneEvents(Protocol):
    """What the driver of a lane is told. Handlers run on the event loop, must be quick and never raise."""

    def held(self, lane: Lane, delivery: int) -> None:
        """Everything but the dot of `delivery` has left; the lane waits for `release` or `abort`."""

    def finished(self, lane: Lane, delivery: int, outcome: Outcome) -> None:
        """`delivery` is over on this lane, with this outcome; the lane is idle again unless `lane.closed`."""

    def lost(self, lane: Lane) -> None:
        """An idle lane has ended by itself (the relay hung up); `lane.closed` is true and nobody was affected."""


class Transport(Protocol):
    """Where messages go."""

    @property
    def name(self) -> str:
        """The relay whose turn it is, or `outbox`; the receipt calls it so."""

    @property
    def relays(self) -> tuple[str, ...]:
        """The names of the relays it may use, in the order in which they are tried."""

    @property
    def refusals(self) -> Mapping[str, Outcome]:
        """The relays that would not have us when they were asked last, until a person mends it, and their words."""

    def prefer(self, relay: str) -> None:
        """Try this relay before the others; a name that is not among `relays` changes nothing."""

    def pass_over(self, relays: Collection[str]) -> None:
        """Open no lane to these relays from now on; () takes the word back. Open lanes stay."""

    @property
    def max_lanes(self) -> int:
        """How many lanes may be open at once (`max_connections` of the relay now in use)."""

    async def open(self, events: LaneEvents) -> Lane:
        """Return a lane ready for `begin`; raise TransportDown when there is none to be had."""

    async def close(self) -> None:
        """Close every lane that is still open."""
