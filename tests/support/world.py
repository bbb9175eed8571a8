"""One mailing, its scripted relay and its model, side by side: each act is done to both, and both are compared.

A kill takes the sender's process away at a named point of the engine: what was not committed is rolled back, nothing
of it reaches the database, the journal or the relay any more. (Real processes are killed in test_random_kill.py.)
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from balintmail.config import Send, Settings
from balintmail.db.mailings import by_id
from balintmail.db.models import Delivery
from balintmail.db.session import Database, Tx
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.services import erasure, subscriptions, suppressions
from balintmail.services import mailings as steering
from balintmail.services.context import Context
from balintmail.services.dispatch import ClockBehind, Orders, Report, dispatch
from balintmail.services.subscriptions import Joining, Leaving
from balintmail.services.tally import Ending
from tests.conftest import MovableClock
from tests.support import invariants
from tests.support.foreseen import ForeseenLoop
from tests.support.letters import compose
from tests.support.model import Model, Reader, Seen
from tests.support.register import KEYRING
from tests.support.scripted import End, ScriptedRelay, ScriptedTransport, Weather

LIST = "newsletter"
POINTS = (
    "before freeze", "mid freeze", "after freeze", "after claim", "before (2)", "after (2)", "before (3)", "in (3)",
    "after (3)", "before finishing", "at finishing",
)  # fmt: skip
BETWEEN = ("after claim", "before (3)", "after (2)", "after (3)")  # where no transaction is open


class Killed(BaseException):
    """The sender is no more."""


class MortalDatabase(Database):
    """A database that a dead process can no longer reach."""

    dead = False

    @contextmanager
    def read(self) -> Iterator[Tx]:
        self._mind_death()
        with super().read() as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        self._mind_death()
        with super().write() as tx:
            yield tx

    def _mind_death(self) -> None:
        if self.dead:
            raise OperationalError("dead", None, RuntimeError("the process is no more"))


@dataclass(frozen=True, slots=True)
class Moment:
    """The `times`th time that a run reaches `point`."""

    point: str
    times: int


class World:
    """What the machine acts upon."""

    def __init__(self, url: str, folder: Path, mailing: int, people: dict[int, str]) -> None:
        self.db = MortalDatabase(Database.parse(url))
        with self.db.read() as tx:
            due = by_id(tx, mailing)
        assert due is not None
        assert due.start_at is not None
        self.clock = MovableClock(due.start_at)
        settings = Settings(send=Send(give_up_after=timedelta(days=4), most_refused=100))
        self.ctx = Context(self.db, self.clock, KEYRING, settings, "test", folder)
        self.mailing = mailing
        self.relay = ScriptedRelay(folder / "taken.jsonl")
        self.model = Model({person: Reader(address) for person, address in people.items()})
        self.doubts = 0  # how many may have been left so far: one a connection and kill, and those of the relay
        self.runs = 0

    def close(self) -> None:
        self.db.close()

    # The Secretary and the readers

    def leave(self, person: int, gone: bool = False) -> None:
        one = self.model.readers[person]
        if one.erased:
            return
        subscriptions.unsubscribe(self.ctx, [str(person)], Leaving(LIST))
        if one.standing != "left":
            one.standing = "left"
            self.model.no(person, why="not_subscribed", gone=gone)

    def go_away(self, person: int, gone: bool = False) -> None:
        one = self.model.readers[person]
        if subscriptions.pause(self.ctx, person, LIST, None):
            assert one.standing == "subscribed"
            one.standing = "paused"
            self.model.no(person, why="paused", gone=gone)

    def come_back(self, person: int) -> None:
        """Whoever comes back gets the next mailing, and of this one what was still open."""
        one = self.model.readers[person]
        if one.erased or one.suppressed:
            return
        if one.standing == "paused":
            assert subscriptions.resume(self.ctx, person, LIST)
        else:
            subscriptions.subscribe(self.ctx, [one.address], Joining(LIST, person=person))
        one.standing = "subscribed"

    def erase(self, person: int, gone: bool = False) -> None:
        one = self.model.readers[person]
        if one.erased:
            return
        erasure.erase(self.ctx, person)
        one.erased, one.standing = True, "left"
        self.model.no(person, why="erased", gone=gone)

    def suppress(self, person: int, gone: bool = False) -> None:
        one = self.model.readers[person]
        if one.erased or one.suppressed:
            return
        assert suppressions.suppress(self.ctx, one.address)
        one.suppressed = True
        self.model.no(person, why="suppressed", gone=gone)

    def pause(self) -> None:
        steering.pause(self.ctx, str(self.mailing))
        self.model.state = "paused"

    def resume(self) -> None:
        steering.resume(self.ctx, str(self.mailing))
        self.model.resume()

    def cancel(self, gone: Sequence[int] = ()) -> None:
        steering.cancel(self.ctx, str(self.mailing))
        self.model.cancel(gone)

    def settle(self, share: float, decision: DeliveryState) -> None:
        """Decide a part of those in doubt."""
        doubted = self.model.in_state("unknown")
        chosen = doubted[: max(1, round(len(doubted) * share))]
        named = [(delivery, one) for delivery, one in chosen if not one.erased]
        everybody = len(chosen) == len(doubted)
        if not everybody and not named:
            return
        who = [] if everybody else [str(self.model.rows[delivery]) for delivery, _ in named]
        steering.settle(self.ctx, str(self.mailing), who, decision)
        self.model.settle([delivery for delivery, _ in (chosen if everybody else named)], decision.value)
        if self.model.state == "sending" and not self._anybody_open():
            self.model.state = "sent"

    # Runs

    def run(self, *, act: tuple[Moment, Callable[[], None]] | None = None, **orders: Any) -> Report:
        """Let a dispatcher work until it ends by itself, with `act` done from outside at one of its moments."""
        self._begin(retry=orders.get("retry", False) and orders.get("only") is not None)
        report = self._dispatch(self._probe(act[0], act[1]) if act else self._freezing, **orders)
        assert self.relay.wrong == []
        seen, state = self.ledger()
        judged = state == "paused" and self.model.state == "sending"
        if judged:
            assert self._bad_news(), "paused by judgement, and nothing bad was heard"
            self.model.state = "paused"
        self._count_doubts(seen)
        right = self.model.end_run(self.relay, self.clock.now())
        self.model.take_over(right, seen, self.relay, self.clock.now())
        if self.model.state == "sending" and not self._anybody_open():
            self.model.state = "sent"
        self._mind_the_end(report)
        return report

    def run_and_die(self, moment: Moment) -> None:
        """Let a dispatcher work and take its process away at a moment of its own."""
        self._begin()

        def kill() -> None:
            self.db.dead = self.relay.dead = True
            raise Killed

        with suppress(Killed):
            self._dispatch(self._probe(moment, kill))
        died, self.db.dead = self.db.dead, False
        assert self.relay.wrong == []
        seen, state = self.ledger()
        self._forget_the_lease()
        now = self.clock.now()
        judged = state == "paused" and self.model.state == "sending"
        if judged:
            self.model.state = "paused"
        if died:
            right = self.model.end_by_death(self.relay, now, moment.point)
            self.doubts += self.relay.weather.lanes
            self._count_doubts(seen)
        else:
            right = self.model.end_run(self.relay, now)
            self._count_doubts(seen)
        self.model.take_over(right, seen, self.relay, now)
        if self.model.state == "sending" and state == "sent":
            assert not self._anybody_open()
            self.model.state = "sent"
        if not died and self.model.state == "sending" and not self._anybody_open():
            self.model.state = "sent"

    def run_with_a_wrong_clock(self) -> None:
        """Nothing is sent while the clock stands before the last run (J1)."""
        assert self.model.frozen_at is not None
        right, self.clock.moment = self.clock.moment, self.model.frozen_at - timedelta(days=1)
        with suppress(ClockBehind):
            dispatch(self.ctx, self._transport, Orders(compose=compose))
            raise AssertionError("it went on with a clock that stands a day back")
        self.clock.moment = right

    def _begin(self, *, retry: bool = False) -> None:
        self.runs += 1
        self.relay.begin_run()
        self.model.begin_run(self.clock.now(), self._journal(), retry=retry)

    def _dispatch(self, probe: Callable[[str], None], **orders: Any) -> Report:
        seed = f"{self.relay.weather.seed} {self.runs}"
        with (
            mock.patch("balintmail.services.dispatch._loop_factory", return_value=lambda: ForeseenLoop(seed)),
            mock.patch("balintmail.services.dispatch.RESUME_PATIENCE", 0.5),
        ):
            return dispatch(self.ctx, self._transport, Orders(compose=compose, probe=probe, **orders))

    def _transport(self) -> ScriptedTransport:
        return ScriptedTransport(self.relay)

    def _freezing(self, point: str) -> None:
        if point == "after freeze":
            self._frozen()

    def _frozen(self) -> None:
        with self.db.read() as tx:
            rows = tx.execute(select(Delivery.id, Delivery.person_id).where(Delivery.mailing_id == self.mailing)).all()
        self.model.freeze([(row[0], row[1] or 0) for row in rows], self.clock.now())

    def _probe(self, moment: Moment, act: Callable[[], None]) -> Callable[[str], None]:
        left = moment.times

        def probe(point: str) -> None:
            nonlocal left
            self._freezing(point)
            if point == moment.point:
                left -= 1
                if left == 0:
                    act()

        return probe

    def in_the_midst(self, what: str, place: int, point: str) -> Callable[[], None]:
        """Return an act from outside for a moment of a run: a pause, a cancel, or somebody's no."""

        def act() -> None:
            gone = [d for d, tries in self.relay.attempts.items() if tries[-1].end in {End.DOT, End.TOLD}]
            held = self.relay.held if point == "after (2)" else []  # perhaps marked already: their dot may leave
            if what in {"pause", "cancel"} and self.model.state != "sending":
                return
            if what == "pause":
                self.pause()
                self.relay.may_leave = lambda delivery: delivery in held
            elif what == "cancel":
                self.cancel([*gone, *held])
                self.relay.may_leave = lambda delivery: delivery in held
            else:
                flying = self.relay.held or list(self.relay.attempts) or list(self.model.rows)
                delivery = flying[place % len(flying)]
                person = self.model.rows[delivery]
                getattr(self, what)(person, gone=delivery in gone or delivery in held)
                refused = bool(self.model.readers[person].refusal)
                self.relay.may_leave = lambda one: one != delivery or one in held or not refused

        return act

    # Looking

    def ledger(self) -> tuple[dict[int, Seen], str]:
        """Return every row of the mailing as the ledger has it, and the mailing's state."""
        d = Delivery
        query = select(d.id, d.state, d.skip_reason, d.next_try_at, d.first_tried_at).where(
            d.mailing_id == self.mailing
        )
        with self.db.read() as tx:
            rows = {
                row[0]: Seen(row[1].value, row[2].value if row[2] else "", row[3], row[4]) for row in tx.execute(query)
            }
            mailing = by_id(tx, self.mailing)
        assert mailing is not None
        return rows, mailing.state.value

    def compare(self) -> None:
        """Assert that the ledger equals the model, and I1 to I6."""
        seen, state = self.ledger()
        self.model.hold_against(seen, state)
        frozen = {delivery: self.model.reader(delivery).address for delivery in self.model.rows}
        invariants.check(
            self.ctx,
            self.mailing,
            self.relay.log,
            connections=self.doubts,
            frozen=frozen,
            settled=self.model.settled,
        )

    def finish(self) -> None:
        """Let everything calm down: whoever can be reached is, and the mailing ends (I7)."""
        self.relay.weather = Weather()
        for _ in range(40):
            if self.model.state == "paused":
                self.resume()
            self.run()
            self.compare()
            if not self.model.in_state("queued", "claimed", "at_risk", "deferred"):
                break
            assert self.model.state != "cancelled", "I7: a cancelled mailing has rows that nobody will ever close"
            self.clock.forward(timedelta(hours=9))
        else:
            raise AssertionError("I7: it does not come to an end")
        if self.model.in_state("unknown"):
            assert self.model.state != "sent", "P1: finished in spite of doubts"
            self.settle(1, DeliveryState.ACCEPTED)
            self.compare()
        assert self.model.state in {"sent", "cancelled"}, f"I7: the mailing is {self.model.state}"

    def _anybody_open(self) -> bool:
        return bool(self.model.in_state("queued", "claimed", "at_risk", "deferred", "unknown"))

    def _mind_the_end(self, report: Report) -> None:
        if report.ending is Ending.DONE and self.model.state == "sending":
            assert not self.model.in_state("queued"), "I7: a run that says it is done has left somebody queued"
            tried = [one for delivery, one in self.model.in_state("deferred") if delivery in self.relay.attempts]
            assert not any(one.rule for one in tried), "S36: everybody was tried, and a rule's no is still no answer"
        assert not self.model.in_state("claimed", "at_risk"), "a run that ended by itself holds nothing"
        assert report.ending in {Ending.DONE, Ending.PAUSED, Ending.WAITING, Ending.DOWN}, report

    def _bad_news(self) -> bool:
        acts = [one.act for tries in self.relay.attempts.values() for one in tries if one.end is End.TOLD]
        down = self.relay.weather.down is not None
        return down or any(act.code >= 500 or (not act.code and act.stage.value == "dot") for act in acts)

    def _count_doubts(self, seen: dict[int, Seen]) -> None:
        """Allow the doubts that the relay itself has made: it kept the dot and gave no answer."""
        for tries in self.relay.attempts.values():
            self.doubts += sum(one.act.stage.value == "dot" and not one.act.code for one in tries)

    def _journal(self) -> dict[int, str]:
        """Return the journal's last word about each delivery, read as plainly as can be."""
        last: dict[int, str] = {}
        for file in sorted((self.ctx.folder / "journal").glob("*.jsonl")):
            for line in file.read_text("ascii").splitlines():
                if line:
                    found = json.loads(line)
                    if last.get(found["delivery"]) != "accepted":
                        last[found["delivery"]] = found["what"]
        return last

    def _forget_the_lease(self) -> None:
        if not self.db.is_sqlite:
            with self.db.write() as tx:
                tx.execute(sa.text("UPDATE workers SET seen_at = seen_at - interval '2 minutes'"))


def is_open(world: World) -> bool:
    """Whether the mailing can still be paused, resumed or cancelled."""
    return world.model.state in {MailingState.SENDING.value, MailingState.PAUSED.value}
