"""The engine minds a relay that slows down or pushes back, and the hours over midnight and a change of the clock.

Over a scripted relay and a loop whose clock jumps, so that its seconds cost none; the rules themselves are tried in
tests/unit/domain/test_pace.py and test_hours.py.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest

from balintmail.config import Relay, Send, Settings
from balintmail.db import receipts
from balintmail.domain.outcome import Stage
from balintmail.domain.states import DeliveryState
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, Report, dispatch
from balintmail.services.tally import Ending
from tests.conftest import MovableClock
from tests.relay import Fault, Manners, RelayThread, Step, Then
from tests.support import sender
from tests.support.letters import compose
from tests.support.scene import fill
from tests.support.scripted import Act, ScriptedRelay, ScriptedTransport, Weather
from tests.support.sending import JumpingLoop

S = DeliveryState
LANES = 8
NOT_NOW = Act(Stage.MAIL, 421, "4.3.2 not now", takes=False)


def over_eight(ctx: Context, **send: Any) -> Context:
    known = {"main": Relay(host="localhost", max_connections=LANES)}
    return replace(ctx, settings=Settings(send=Send(**send), relays=known))


def a_relay(ctx: Context, weather: Weather) -> ScriptedRelay:
    return ScriptedRelay(ctx.folder / "taken.jsonl", replace(weather, lanes=LANES))


def run(ctx: Context, relay: ScriptedRelay, **orders: Any) -> Report:
    with mock.patch("balintmail.services.dispatch._loop_factory", return_value=JumpingLoop):
        return dispatch(ctx, lambda: ScriptedTransport(relay), Orders(compose=compose, **orders))


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    with ctx.db.read() as tx:
        return {state: number for state, number in receipts.counts(tx, mailing).items() if number}


def slow_above(busy: int, until: Callable[[], bool]) -> Callable[[int], float]:
    """Return the seconds of a relay that takes its time once more than `busy` letters are under way, for a while."""
    return lambda now: 12.0 if now > busy and not until() else 0.2


def test_relay_that_slows_is_given_less_and_more_again_step_by_step(context: Context) -> None:
    ctx = over_eight(context)
    mailing = fill(ctx, 300)
    relay = a_relay(ctx, Weather())
    better_at: list[int] = []

    def is_better() -> bool:
        if len(relay.copies) >= 150 and not better_at:
            better_at.append(len(relay.busy))
        return bool(better_at)

    relay.weather = replace(relay.weather, seconds=slow_above(3, is_better))
    assert run(ctx, relay).finished == (mailing,)
    assert counts(ctx, mailing) == {S.ACCEPTED: 300}
    before, after = relay.busy[: better_at[0]], relay.busy[better_at[0] :]
    assert max(before[:LANES]) == LANES
    settled = before[40:]
    assert sum(settled) / len(settled) < LANES / 2, "it went on as fast as ever"
    assert max(after) == LANES, "it never speeds up again"
    assert after.index(LANES) - after.index(min(after)) >= LANES, "it speeds up by leaps"


def test_421_that_refuses_the_next_person_brakes_and_they_wait_for_their_turn(context: Context) -> None:
    ctx = over_eight(context)
    mailing = fill(ctx, 200)
    relay = a_relay(ctx, Weather(((12, Act()), (1, NOT_NOW)), seed=3, seconds=lambda _: 0.1))
    run(ctx, relay)
    refused = [tries for tries in relay.attempts.values() if tries[0].act is NOT_NOW]
    assert len(refused) > 5
    assert counts(ctx, mailing) == {S.ACCEPTED: 200 - len(refused), S.DEFERRED: len(refused)}
    assert all(len(tries) == 1 for tries in refused), "asked again at once"
    assert sum(relay.busy[50:]) / len(relay.busy[50:]) < LANES * 0.75, "no brake"


def test_421_after_some_messages_on_one_connection_is_a_habit_and_no_brake(context: Context) -> None:
    ctx = over_eight(context)
    mailing = fill(ctx, 200)
    relay = a_relay(ctx, Weather(habit=7, seconds=lambda _: 0.1))
    assert run(ctx, relay).finished == (mailing,)
    assert counts(ctx, mailing) == {S.ACCEPTED: 200}
    assert sum(relay.busy[50:180]) / 130 > LANES * 0.75, "it braked"


def test_421_to_the_first_mail_of_a_connection_defers_that_person_and_nobody_else(context: Context) -> None:
    """The same over sockets: the dialogue tells a habit and a refusal apart."""
    mailing = fill(context, 12)
    busy = Fault(Step.MAIL, b"421 4.3.2 not now\r\n", Then.CLOSE, times=2)
    with RelayThread(Manners(), busy) as relay:
        dispatch(context, lambda: sender.transport(relay.port, 2), Orders(compose=compose))
        assert counts(context, mailing) == {S.ACCEPTED: 10, S.DEFERRED: 2}


# Hours. The society's clocks are London's: put forward on 28 March 2027 and back on 31 October, both at 01:00 UTC.


Moment = tuple[int, int, int, int, int]
NIGHTS: list[tuple[str, str, Moment, Moment, Moment]] = [  # hours, weekdays, and when they open, are open still, close
    ("22:00-02:00", "fri", (2027, 1, 8, 22, 0), (2027, 1, 9, 1, 59), (2027, 1, 9, 2, 0)),
    ("01:30-03:00", "", (2027, 3, 28, 1, 0), (2027, 3, 28, 1, 59), (2027, 3, 28, 2, 0)),
    ("23:00-02:30", "", (2027, 3, 27, 23, 0), (2027, 3, 28, 1, 29), (2027, 3, 28, 1, 30)),
    ("01:00-02:00", "", (2027, 10, 31, 0, 0), (2027, 10, 31, 1, 59), (2027, 10, 31, 2, 0)),
]


@pytest.mark.parametrize(
    "night",
    NIGHTS,
    ids=["over midnight", "forward over the opening", "forward inside a night", "back: an hour comes twice"],
)
def test_hours_over_midnight_and_a_change_of_the_clock_open_and_close(
    context: Context, clock: MovableClock, night: tuple[str, str, Moment, Moment, Moment]
) -> None:
    hours, days, opens, _, closes = night
    ctx = over_eight(context, hours=hours, weekdays=days)
    first, second = (datetime(*moment, tzinfo=UTC) for moment in (opens, closes))
    clock.forward(first - timedelta(minutes=1) - clock.moment)
    mailing = fill(ctx, 30)
    relay = a_relay(ctx, Weather())

    def late(point: str) -> None:
        """Let a long run come to the closing, with its first letters at their dots."""
        if point == "after (2)" and clock.moment < second:
            clock.forward(second - clock.moment)

    assert run(ctx, relay, patience=timedelta()).ending is Ending.WAITING
    assert not relay.copies
    clock.forward(timedelta(minutes=1))
    assert run(ctx, relay, patience=timedelta(), probe=late).ending is Ending.WAITING
    found = len(relay.copies)
    assert 0 < found < 30
    assert run(ctx, relay, patience=timedelta()).ending is Ending.WAITING
    assert len(relay.copies) == found
    assert counts(ctx, mailing) == {S.ACCEPTED: found, S.QUEUED: 30 - found}


@pytest.mark.parametrize("night", NIGHTS, ids=["midnight", "gap", "forward", "back"])
def test_hours_are_open_to_their_last_minute(
    context: Context, clock: MovableClock, night: tuple[str, str, Moment, Moment, Moment]
) -> None:
    hours, days, _, open_still, _ = night
    ctx = over_eight(context, hours=hours, weekdays=days)
    clock.forward(datetime(*open_still, tzinfo=UTC) - clock.moment)
    mailing = fill(ctx, 5)
    assert run(ctx, a_relay(ctx, Weather())).finished == (mailing,)
