"""The ledger against a model: random replies, pauses, leaves, erasures, kills and clocks, for thousands of recipients.

Everything is drawn before a step begins, and a step goes the same way each time (tests/support/foreseen.py), so that a
story that ends badly can be told again. After every step each row is what the model says (tests/support/model.py), and
I1 to I6 hold; at the end I7. The last tests prove the others: an engine that breaks its word in one of several ways is
caught.
"""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from balintmail.db import ledger, workers
from balintmail.db.ledger import Marked, Result
from balintmail.db.models import Address, Delivery, PersonAddress
from balintmail.db.session import Database, Tx
from balintmail.domain import retry
from balintmail.domain.outcome import Stage, Verdict
from balintmail.domain.states import DeliveryState
from tests.faults.conftest import AT_FULL_SIZE
from tests.relay import read_log
from tests.support import postgresql
from tests.support.scene import Scene, checkpoint
from tests.support.scripted import Act, Weather
from tests.support.world import BETWEEN, POINTS, Moment, World, is_open

PEOPLE = 10_000 if AT_FULL_SIZE else 1_000

STEPS = 40 if AT_FULL_SIZE else 14
EXAMPLES = 100 if AT_FULL_SIZE else 12
ON_POSTGRESQL = 20 if AT_FULL_SIZE else 3


def said(stage: Stage, code: int, text: str) -> Act:
    return Act(stage, code, text, takes=False)


TAKES = Act()
NOES = [
    said(Stage.RCPT, 550, "5.1.1 no such user"),
    said(Stage.RCPT, 552, "5.2.2 full"),  # at RCPT it counts as for now
    said(Stage.RCPT, 550, "5.7.1 not from you"),
    said(Stage.DOT, 550, "5.7.1 looks like spam"),
    said(Stage.DOT, 550, "5.7.26 not authenticated"),
    said(Stage.DOT, 554, "5.6.0 not this letter"),
    said(Stage.DATA, 554, "5.2.1 not here"),
    said(Stage.MAIL, 450, "4.2.1 not now"),
    said(Stage.RCPT, 450, "4.2.0 greylisted"),
    said(Stage.RCPT, 452, "4.2.2 mailbox full"),
    said(Stage.RCPT, 451, "4.7.1 try later"),
    said(Stage.RCPT, 451, "4.3.0 busy"),
    said(Stage.DATA, 421, "4.2.1 closing"),
    said(Stage.DOT, 451, "4.2.0 later"),
    said(Stage.DOT, 421, "4.2.0 closing"),
]
BREAKS = [
    *(Act(stage, 0, takes=False) for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY)),
    *(Act(stage, 0, silent=True, takes=False) for stage in (Stage.MAIL, Stage.RCPT, Stage.DATA)),
    Act(Stage.BODY, 0, takes=False, late=True),
    Act(Stage.DOT, 0, takes=True),
    Act(Stage.DOT, 0, takes=False),
    Act(Stage.DOT, 0, silent=True, takes=True),
    Act(Stage.DOT, 0, silent=True, takes=False),
]
ACTS = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(NOES + BREAKS)), max_size=6)
WEATHERS = st.builds(
    lambda acts, takes, **manners: Weather(((takes, TAKES), *acts), **manners),
    acts=ACTS,
    takes=st.sampled_from([1000, 200, 40, 10, 2]),
    seed=st.integers(0, 2**32),
    habit=st.sampled_from([0, 0, 1, 20]),
    lanes=st.sampled_from([1, 4, 8, 20]),
    down=st.sampled_from([None, None, None, None, Verdict.DEFERRED, Verdict.REFUSED]),
)
WHO = st.lists(st.integers(0, PEOPLE - 1), min_size=1, max_size=8, unique=True)
NOS = ["leave", "go_away", "erase", "suppress"]
MOMENTS = st.builds(Moment, st.sampled_from(POINTS), st.integers(1, 12))


class Newsletter(RuleBasedStateMachine):
    """One mailing to all of them, and everything that may come between."""

    make: Callable[[], World]  # set for each test

    @initialize(weather=WEATHERS)
    def begin(self, weather: Weather) -> None:
        self.world = self.make()
        self.people = list(self.world.model.readers)
        self.world.relay.weather = weather

    @rule(weather=WEATHERS)
    def weather_turns(self, weather: Weather) -> None:
        self.world.relay.weather = weather

    @rule()
    def dispatch(self) -> None:
        self.world.run()

    @precondition(lambda self: is_open(self.world))
    @rule(retry=st.booleans())
    def send_this_one(self, retry: bool) -> None:
        self.world.run(only=self.world.mailing, retry=retry)

    @rule(moment=MOMENTS)
    def killed(self, moment: Moment) -> None:
        self.world.run_and_die(moment)

    @precondition(lambda self: self.world.model.state == "sending")
    @rule(
        what=st.sampled_from([*NOS, *NOS, "pause"]),
        point=st.sampled_from(BETWEEN),
        times=st.integers(1, 12),
        place=st.integers(0, 19),
    )
    def something_in_the_midst(self, what: str, point: str, times: int, place: int) -> None:
        self.world.run(act=(Moment(point, times), self.world.in_the_midst(what, place, point)))

    @precondition(lambda self: is_open(self.world) and self.world.runs > 3)
    @rule(point=st.sampled_from(BETWEEN), times=st.integers(1, 12))
    def cancelled_in_the_midst(self, point: str, times: int) -> None:
        self.world.run(act=(Moment(point, times), self.world.in_the_midst("cancel", 0, point)))

    @rule(what=st.sampled_from([*NOS, "come_back"]), who=WHO)
    def readers_decide(self, what: str, who: list[int]) -> None:
        for place in who:
            getattr(self.world, what)(self.people[place])

    @precondition(lambda self: self.world.model.state == "sending")
    @rule()
    def pause(self) -> None:
        self.world.pause()

    @precondition(lambda self: self.world.model.state == "paused")
    @rule()
    def resume(self) -> None:
        self.world.resume()

    @precondition(lambda self: is_open(self.world) and self.world.runs > 5)
    @rule()
    def cancel(self) -> None:
        self.world.cancel()

    @precondition(lambda self: self.world.model.in_state("unknown"))
    @rule(share=st.floats(0.1, 1), decision=st.sampled_from(["accepted", "written_off", "queued"]))
    def settle(self, share: float, decision: str) -> None:
        if self.world.model.state == "cancelled" and decision == "queued":
            return
        self.world.settle(share, DeliveryState(decision))

    @rule(minutes=st.sampled_from([1, 20, 60, 600, 1440, 4000]))
    def time_passes(self, minutes: int) -> None:
        self.world.clock.forward(timedelta(minutes=minutes))

    @precondition(lambda self: self.world.model.frozen_at)
    @rule()
    def clock_stands_wrong(self) -> None:
        self.world.run_with_a_wrong_clock()

    @invariant()
    def the_ledger_equals_the_model(self) -> None:
        if hasattr(self, "world"):
            self.world.compare()

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                if sys.exc_info()[0] is None:  # nothing has failed on the way
                    self.world.finish()
            finally:
                self.world.close()


def play(make: Callable[[], World], examples: int, **more: Any) -> None:
    """Walk the machine through so many stories."""
    machine = type("Newsletter", (Newsletter,), {"make": staticmethod(make)})
    quick = [check for check in HealthCheck if check is not HealthCheck.filter_too_much]
    # The same stories each time in `make test`, others each time at full size: Hypothesis prints how to repeat one.
    chosen = {
        "max_examples": examples,
        "stateful_step_count": STEPS,
        "deadline": None,
        "derandomize": not AT_FULL_SIZE,
        "database": None,
        "suppress_health_check": quick,
        "print_blob": True,
        # To shorten a story takes minutes: it is left to full size, and what `make test` finds is told as it was found.
        "phases": list(Phase) if AT_FULL_SIZE else [Phase.generate],
    }
    run_state_machine_as_test(machine, settings=settings(**{**chosen, **more}))


def addresses(db: Database) -> dict[int, str]:
    query = select(PersonAddress.person_id, Address.envelope).join(Address, Address.id == PersonAddress.address_id)
    with db.read() as tx:
        return {row[0]: row[1] for row in tx.execute(query.order_by(PersonAddress.person_id))}


@pytest.fixture(scope="module")
def thousands(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[int, str]]:
    """A mailing to thousands that is due, on SQLite, to be copied."""
    folder = tmp_path_factory.mktemp("thousands")
    (folder / "balintmail.db").write_bytes(migrated_sqlite.read_bytes())
    found = Scene.on(f"sqlite:///{folder / 'balintmail.db'}", folder, PEOPLE)
    people = addresses(found.ctx.db)
    checkpoint(found.ctx.db)
    return found, people


@pytest.fixture
def worlds(thousands: tuple[Scene, dict[int, str]], tmp_path: Path) -> Callable[[], World]:
    """Make a world on SQLite."""
    numbers = count()
    template, people = thousands

    def make() -> World:
        number = next(numbers)
        shutil.rmtree(tmp_path / f"world-{number - 1}", ignore_errors=True)
        scene = Scene.copied(template, tmp_path / f"world-{number}")
        scene.close()
        return World(scene.url, scene.ctx.folder, scene.mailing, people)

    return make


@pytest.fixture
def worlds_on_postgresql(postgres: postgresql.Server, tmp_path: Path) -> Iterator[Callable[[], World]]:
    """Make a world on PostgreSQL, each in a database copied from a filled one."""
    template = postgres.fresh()
    (tmp_path / "template").mkdir()
    scene = Scene.on(template, tmp_path / "template", PEOPLE)
    people = addresses(scene.ctx.db)
    scene.close()
    made: list[str] = []
    numbers = count()

    def make() -> World:
        folder = tmp_path / f"world-{next(numbers)}"
        folder.mkdir()
        made.append(postgres.fresh(of=str(sa.make_url(template).database)))
        return World(made[-1], folder, scene.mailing, people)

    yield make
    for url in [*made, template]:
        postgres.drop(url)


def _dot_without_its_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let dots leave that the ledger knows nothing of yet."""
    mark = ledger.mark_at_risk

    def unmarked(tx: Tx, deliveries: Sequence[int], worker: str, *, now: datetime) -> Marked:
        with tx.begin_nested() as point:
            marked = mark(tx, deliveries, worker, now=now)
            point.rollback()
        return marked

    monkeypatch.setattr(ledger, "mark_at_risk", unmarked)


def _no_is_not_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let whoever was claimed go, whatever they have said since (D4)."""

    def all_pass(tx: Tx, deliveries: Sequence[int], worker: str, *, now: datetime) -> Marked:
        values = {"state": DeliveryState.AT_RISK, "claim": worker, "skip_reason": None, "first_tried_at": now}
        tx.execute(sa.update(Delivery).where(Delivery.id.in_(deliveries)).values(values))
        return Marked(frozenset(deliveries), {}, frozenset(), frozenset())

    monkeypatch.setattr(ledger, "mark_at_risk", all_pass)


def _doubt_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take silence after the dot for a no that time may mend."""
    monkeypatch.setitem(retry._SETTLED, Verdict.UNKNOWN, DeliveryState.QUEUED)


def _dead_ones_rows_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Queue what a dead one had at risk."""
    recover = workers.recover

    def queue(tx: Tx, worker: str, *, now: datetime) -> workers.Recovered:
        tx.execute(sa.update(Delivery).where(Delivery.state == DeliveryState.AT_RISK).values(state="queued"))
        return recover(tx, worker, now=now)

    monkeypatch.setattr(workers, "recover", queue)


def _answers_are_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget every seventh answer."""
    record = ledger.record
    numbers = count()

    def forget(tx: Tx, results: Sequence[Result], worker: str, *, now: datetime) -> None:
        record(tx, [result for result in results if next(numbers) % 7], worker, now=now)

    monkeypatch.setattr(ledger, "record", forget)


BROKEN = [
    _dot_without_its_commit,
    _no_is_not_asked_for,
    _doubt_is_sent_again,
    _dead_ones_rows_go_back,
    _answers_are_lost,
]


def a_short_story(world: World) -> None:
    """A kill, somebody's no in the midst, and lines that drop: enough to tell an honest engine."""
    drops = [(2, Act(Stage.DOT, 0, takes=True)), (2, Act(Stage.RCPT, 0, takes=False)), (2, NOES[9])]
    world.relay.weather = Weather(((60, TAKES), *drops), seed=1, lanes=8, seconds=lambda _: 0.05)
    try:
        world.run_and_die(Moment("before (3)", 4))
        world.compare()
        world.run(act=(Moment("before (3)", 3), world.in_the_midst("leave", 0, "before (3)")))
        world.compare()
        world.finish()
    finally:
        world.close()


def test_short_story_ends_well_with_an_honest_engine(worlds: Callable[[], World]) -> None:
    a_short_story(worlds())


def test_story_is_told_again_just_as_it_was(worlds: Callable[[], World]) -> None:
    told = []
    for _ in range(2):
        world = worlds()
        taken = world.relay.log
        world.relay.weather = Weather(((60, TAKES), *((1, act) for act in NOES + BREAKS)), seed=7, lanes=20)
        world.run_and_die(Moment("after (2)", 9))
        world.run(act=(Moment("before (3)", 3), world.in_the_midst("pause", 0, "before (3)")))
        order = [(row.recipient, row.size) for row in read_log(taken)]
        told.append((order, world.ledger(), {number: repr(tries) for number, tries in world.relay.attempts.items()}))
        world.close()
    assert told[0] == told[1]
    assert len(told[0][0]) > 30


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.__name__.strip("_"))
def test_engine_that_breaks_its_word_is_caught_so_these_tests_can_fail(
    worlds: Callable[[], World], monkeypatch: pytest.MonkeyPatch, broken: Callable[[pytest.MonkeyPatch], None]
) -> None:
    broken(monkeypatch)
    with pytest.raises(AssertionError):
        a_short_story(worlds())


def test_ledger_equals_the_model_whatever_happens_I1_I7_P1_P5(worlds: Callable[[], World]) -> None:
    play(worlds, EXAMPLES)


def test_ledger_equals_the_model_on_postgresql_I1_I7_P1_P5(worlds_on_postgresql: Callable[[], World]) -> None:
    play(worlds_on_postgresql, ON_POSTGRESQL)
