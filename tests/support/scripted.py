"""A relay without sockets, scripted person by person, for the model test: the seam is sending/transport.py.

What it does with a person's letter depends on the weather, the person and how often they were tried, never on the
order in which connections get their turn; so a run can be told again. It is the judge: it notes each dot that left, and
complains of one that should not have. What an answer means for the engine is sending/outcomes.py's, as over sockets.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from balintmail.domain.outcome import Composed, Outcome, Stage, Verdict
from balintmail.domain.replies import Reply
from balintmail.sending import outcomes
from balintmail.sending.transport import LaneEvents, TransportDown
from tests.relay.log import Accepted, AcceptedLog

NAME = "main"


@dataclass(frozen=True, slots=True, repr=False)
class Act:
    """What the relay does with one letter: at which stage, with which reply; code 0 is none."""

    stage: Stage = Stage.DOT
    code: int = 250
    text: str = "2.0.0 taken"
    silent: bool = False  # with code 0: it falls silent; otherwise the line drops
    takes: bool = True  # at the dot: whether it keeps a copy
    late: bool = False  # at the body: it goes away while the dot is held back

    def __repr__(self) -> str:
        words = f"{self.code} {self.text}" if self.code else "silence" if self.silent else "drop"
        return f"<{words} at {self.stage.value}{' late' * self.late}{' taken' * self.takes}>"

    @property
    def is_a_loss(self) -> bool:
        """Whether the line drops before the dot, which says nothing about anybody."""
        return self.stage is not Stage.DOT and not self.code and not self.silent


HABIT = Act(Stage.MAIL, 0, takes=False)  # a 421 after some messages on one connection counts as the line's end


class End(StrEnum):
    """How an attempt stands."""

    BEGUN = "begun"
    HELD = "held"  # everything but the dot has left
    DOT = "dot"  # the dot has left
    TOLD = "told"  # the engine was given the outcome
    WITHDRAWN = "withdrawn"  # the engine dropped the connection before the dot


@dataclass(slots=True)
class Attempt:
    """One attempt as the relay saw it."""

    act: Act
    end: End = End.BEGUN


@dataclass(frozen=True, slots=True)
class Weather:
    """What the relay is like now: acts with their weights, and its manners; `seed` draws among them."""

    acts: tuple[tuple[int, Act], ...] = ((1, Act()),)
    seed: int = 0
    habit: int = 0  # messages after which it ends a connection; 0: never
    lanes: int = 4
    down: Verdict | None = None  # DEFERRED: nobody answers; REFUSED: it does not want us
    seconds: Callable[[int], float] = lambda busy: 0.0  # until it answers a dot, with so many letters under way

    def act_for(self, address: str, time: int) -> Act:
        """Return what it does the `time`th time that somebody's letter comes."""
        total = sum(weight for weight, _ in self.acts)
        drawn = hashlib.blake2b(f"{self.seed}:{address}:{time}".encode(), digest_size=6).digest()
        place = int.from_bytes(drawn, "big") % total
        for weight, act in self.acts:
            place -= weight
            if place < 0:
                return act
        raise AssertionError("the weights add up")


@dataclass
class ScriptedRelay:
    """The far side: what it has taken, and everybody's attempts in the present run."""

    log: Path
    weather: Weather = field(default_factory=Weather)
    copies: Counter[str] = field(default_factory=Counter)
    attempts: dict[int, list[Attempt]] = field(default_factory=dict)  # by delivery, of the present run
    wrong: list[str] = field(default_factory=list)
    may_leave: Callable[[int], bool] = lambda _: True  # whether a dot may leave for a delivery at this moment
    dead: bool = False  # whether the sender has been killed: nothing of it arrives any more
    busy: list[int] = field(default_factory=list)  # how many letters were under way whenever one more had begun
    under_way: int = 0
    lanes_opened: int = 0
    _times: Counter[str] = field(default_factory=Counter)

    def begin_run(self) -> None:
        self.attempts = {}
        self.busy = []
        self.under_way = 0
        self.dead = False
        self.may_leave = lambda _: True

    def begin(self, message: Composed, *, habit: bool) -> Attempt:
        address = message.envelope.recipient
        if habit:
            act = HABIT
        else:
            self._times[address] += 1
            act = self.weather.act_for(address, self._times[address])
        attempt = Attempt(act)
        self.under_way += 1
        self.busy.append(self.under_way)
        self.attempts.setdefault(message.delivery, []).append(attempt)
        return attempt

    def dot(self, message: Composed, attempt: Attempt) -> None:
        """Take the dot: from here on the letter may be in the world."""
        attempt.end = End.DOT
        if not self.may_leave(message.delivery):
            self.wrong.append(f"P5: a dot left for delivery {message.delivery} after a no")
        if self.dead:
            self.wrong.append("a dot left after the sender's death")
        if attempt.act.takes:
            self.copies[message.envelope.recipient] += 1
            log = AcceptedLog(self.log)
            log.add(Accepted(message.message_id, message.envelope.recipient, "", len(message.data)))
            log.close()

    @property
    def held(self) -> list[int]:
        """The deliveries whose dot is held back now."""
        return [delivery for delivery, tries in self.attempts.items() if tries[-1].end is End.HELD]


class ScriptedTransport:
    """Lanes to the scripted relay."""

    name = NAME
    relays = (NAME,)

    def __init__(self, relay: ScriptedRelay) -> None:
        self._relay = relay
        self.max_lanes = relay.weather.lanes
        self.refusals: dict[str, Outcome] = {}

    def prefer(self, relay: str) -> None:
        """Do nothing: there is but one."""

    def pass_over(self, relays: Collection[str]) -> None:
        """Do nothing: the engine opens nothing to a relay that it leaves in peace."""

    async def open(self, events: LaneEvents) -> "ScriptedLane":
        await asyncio.sleep(0)
        down = self._relay.weather.down
        if down is Verdict.DEFERRED:
            raise TransportDown("Nobody answers.", outcomes.unreachable(Stage.CONNECT, "refused", NAME))
        if down is not None:
            raise TransportDown("It does not want us.", outcomes.turned_away(Stage.GREETING, 554, "5.7.1 no", NAME))
        return ScriptedLane(self._relay, events)

    async def close(self) -> None:
        """Lanes are closed by their owner."""


class ScriptedLane:
    """One connection, with the rules of transport.py."""

    relay = NAME

    def __init__(self, relay: ScriptedRelay, events: LaneEvents) -> None:
        relay.lanes_opened += 1
        self._number = relay.lanes_opened
        self.closed = False
        self._far = relay
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._current: tuple[Composed, Attempt] | None = None
        self._served = 0

    def __hash__(self) -> int:
        """Keep sets of lanes in the same order in each telling."""
        return self._number

    @property
    def can_follow(self) -> bool:
        return not self.closed

    def begin(self, message: Composed) -> None:
        if self.closed or self._current is not None:
            raise RuntimeError("this lane is not ready for a message")
        habit = bool(self._far.weather.habit) and self._served >= self._far.weather.habit
        attempt = self._far.begin(message, habit=habit)
        self._current = (message, attempt)
        comes_to_the_dot = attempt.act.stage is Stage.DOT or attempt.act.late
        self._loop.call_soon(self._hold if comes_to_the_dot else self._answer, attempt)

    def release(self, following: Composed | None = None) -> None:
        if self._current is None or self._current[1].end is not End.HELD:
            if following is not None:
                self._soon(following, outcomes.withdrawn(Stage.MAIL, NAME))
            return
        message, attempt = self._current
        self._far.dot(message, attempt)
        seconds = self._far.weather.seconds(self._far.under_way)
        if seconds:
            self._loop.call_later(seconds, self._answer, attempt, following)
        else:
            self._loop.call_soon(self._answer, attempt, following)

    def abort(self) -> None:
        self.closed = True
        if self._current is None:
            return
        (message, attempt), self._current = self._current, None
        self._far.under_way -= 1
        stage = Stage.DOT if attempt.end is End.DOT else Stage.BODY
        if self._far.dead:
            pass  # what the cleaning up of a dead sender does here never happened
        elif stage is Stage.DOT:
            attempt.end, attempt.act = End.TOLD, replace(attempt.act, code=0)
        else:
            attempt.end = End.WITHDRAWN
        self._soon(message, outcomes.withdrawn(stage, NAME))

    async def close(self) -> None:
        self.abort()
        await asyncio.sleep(0)

    def _soon(self, message: Composed, outcome: Outcome) -> None:
        self._loop.call_soon(self._events.finished, self, message.delivery, outcome)

    def _hold(self, attempt: Attempt) -> None:
        if self._current is None or self._current[1] is not attempt:
            return
        if not self._far.dead:
            attempt.end = End.HELD
        self._events.held(self, self._current[0].delivery)
        if attempt.act.late:
            self._loop.call_soon(self._answer, attempt)

    def _answer(self, attempt: Attempt, following: Composed | None = None) -> None:
        """Tell what the act makes of the message, and go on with the one behind it."""
        if self._current is None or self._current[1] is not attempt:
            if following is not None:
                self._events.finished(self, following.delivery, outcomes.withdrawn(Stage.MAIL, NAME))
            return
        (message, _), self._current = self._current, None
        self._far.under_way -= 1
        outcome = self._outcome(attempt.act)
        if not self._far.dead:
            attempt.end = End.TOLD
        self._served += 1
        self.closed = not attempt.act.code or outcomes.ends_connection(attempt.act.code)
        going_on = following is not None and not self.closed
        if going_on and following is not None:
            self.begin(following)
        self._events.finished(self, message.delivery, outcome)
        if following is not None and not going_on:
            self._events.finished(self, following.delivery, outcomes.withdrawn(Stage.MAIL, NAME))

    def _outcome(self, act: Act) -> Outcome:
        if act is HABIT:
            return outcomes.answered(Stage.MAIL, Reply(421, b"4.7.0 enough for one connection"), NAME, served=1)
        if act.code:
            return outcomes.answered(act.stage, Reply(act.code, act.text.encode()), NAME, served=0)
        if act.silent:
            return outcomes.disturbed(act.stage, "no answer in time", NAME)
        return outcomes.lost(act.stage, "the line dropped", NAME)
