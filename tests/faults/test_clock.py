"""Clocks that jump, stand at 1970, are put forward and back, or run a little fast: nothing leaves early or twice.

With a clock that the test moves, and with real processes under faketime, whose clock that never goes back is left
alone, as a real one is.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from balintmail.db import receipts
from balintmail.db.models import Delivery
from balintmail.domain.outcome import Stage
from balintmail.domain.states import DeliveryState
from balintmail.services.context import Context
from balintmail.services.dispatch import ClockBehind, Orders, Report, dispatch
from balintmail.services.tally import Ending
from tests.conftest import MovableClock
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support.letters import compose
from tests.support.scene import Scene, fill
from tests.support.scripted import Act, ScriptedRelay, ScriptedTransport, Weather
from tests.support.sender import Errand

S = DeliveryState
ROOT = Path(__file__).parents[2]
EPOCH = datetime(1970, 1, 1, 0, 0, 30, tzinfo=UTC)
FORWARD = datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # when London's clocks go forward, and when they go back
BACK = datetime(2027, 10, 31, 1, 0, tzinfo=UTC)


def run(ctx: Context, relay: ScriptedRelay, probe: Callable[[str], None] = lambda _: None) -> Report:
    return dispatch(ctx, lambda: ScriptedTransport(relay), Orders(compose=compose, probe=probe))


def counts(ctx: Context, mailing: int) -> dict[DeliveryState, int]:
    with ctx.db.read() as tx:
        return {state: number for state, number in receipts.counts(tx, mailing).items() if number}


def later(share: int) -> Weather:
    """Return a relay that is not ready for one in `share` the first time, and takes everybody the second time."""
    return Weather(((share - 1, Act()), (1, Act(Stage.RCPT, 452, "4.2.2 mailbox full", takes=False))), seed=5)


@pytest.mark.parametrize(
    "to", [lambda now: now + timedelta(days=1), lambda now: now - timedelta(days=1), lambda _: EPOCH]
)
def test_clock_that_jumps_in_the_midst_J1_stops_and_goes_on_when_it_is_right(
    context: Context, clock: MovableClock, to: Callable[[datetime], datetime]
) -> None:
    mailing = fill(context, 60)
    relay = ScriptedRelay(context.folder / "taken.jsonl")
    right = clock.moment
    reached: list[str] = []

    def jump(point: str) -> None:
        reached.append(point)
        if reached.count("after (2)") == 3 and point == "after (2)":
            clock.moment = to(right)

    report = run(context, relay, jump)
    assert report.ending is Ending.FAILED
    assert "clock has jumped" in report.reason
    assert len(relay.copies) < 60
    if clock.moment < right:
        with pytest.raises(ClockBehind):
            run(context, relay)
    clock.moment = right
    assert run(context, relay).finished == (mailing,)
    assert counts(context, mailing) == {S.ACCEPTED: 60}
    assert set(relay.copies.values()) == {1}


@pytest.mark.parametrize("rate", [0.05, -0.05])
def test_clock_that_is_slewed_in_the_midst_J1_changes_nothing(
    context: Context, clock: MovableClock, rate: float
) -> None:
    """A hundred times as fast as the kernel would slew it, over a run of an hour."""
    mailing = fill(context, 60)
    relay = ScriptedRelay(context.folder / "taken.jsonl")

    def slew(point: str) -> None:
        if point == "after (2)":
            clock.seconds += 120
            clock.moment += timedelta(seconds=120 * (1 + rate))

    assert run(context, relay, slew).finished == (mailing,)
    assert counts(context, mailing) == {S.ACCEPTED: 60}
    assert set(relay.copies.values()) == {1}


@pytest.mark.parametrize("change", [FORWARD, BACK], ids=["forward", "back"])
def test_change_of_the_clocks_J1_J2_moves_no_retry_and_starts_no_storm(
    context: Context, clock: MovableClock, change: datetime
) -> None:
    clock.forward(change - timedelta(minutes=10) - clock.moment)
    mailing = fill(context, 60)
    relay = ScriptedRelay(context.folder / "taken.jsonl", later(4))
    run(context, relay)
    waiting = counts(context, mailing)[S.DEFERRED]
    assert waiting > 5
    relay.weather = Weather()
    clock.forward(timedelta(minutes=14))  # over the change; nobody's wait is over
    relay.begin_run()
    run(context, relay)
    assert relay.attempts == {}
    clock.forward(timedelta(minutes=17))  # and now everybody's is
    assert run(context, relay).finished == (mailing,)
    assert len(relay.attempts) == waiting
    assert set(relay.copies.values()) == {1}


def test_machine_that_begins_in_1970_J1_sends_once_and_not_again_when_the_clock_is_right(
    context: Context, clock: MovableClock
) -> None:
    right, clock.moment = clock.moment, EPOCH
    mailing = fill(context, 60)
    relay = ScriptedRelay(context.folder / "taken.jsonl", later(4))
    run(context, relay)
    waiting = counts(context, mailing)[S.DEFERRED]
    assert waiting > 5
    clock.moment = right
    relay.weather = Weather()
    relay.begin_run()
    assert run(context, relay).finished == (mailing,)
    assert len(relay.attempts) == waiting
    assert set(relay.copies.values()) == {1}
    clock.moment = EPOCH
    with pytest.raises(ClockBehind):
        run(context, relay)


# Real processes


class Wrong:
    """A clock that a process is given: the offset stands in a file and may be changed while it runs."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("faketime") is None:
            pytest.skip("faketime is not installed: apt install faketime")
        self._file = folder / "offset"
        command = ["faketime", "-f", "+0", "sh", "-c", "echo $LD_PRELOAD"]
        library = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.environment = {
            **os.environ,
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",  # second, after which it looks into the file again
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
            "TZ": "Europe/London",
        }
        self.by("+0")

    def by(self, offset: str) -> None:
        """Let the clock be so far off from now on, as faketime writes it: `+1d`."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(f"{offset}\n", "ascii")
        draft.rename(self._file)

    def stands(self, at: datetime) -> None:
        """Let the clock stand at a moment now, and go on from there."""
        self.by(f"{(at - datetime.now(UTC)).total_seconds():+.3f}")

    def start(self, errand: Errand) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "tests.support.sender", errand.text()]
        return subprocess.Popen(command, cwd=ROOT, env=self.environment)


def until(relay: RelayThread, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(relay.accepted) < number:
        assert time.monotonic() < deadline
        time.sleep(0.005)


@pytest.mark.parametrize("offset", ["+1d", "-1d", "@1970-01-01 00:00:30"])
def test_process_whose_clock_jumps_in_the_midst_J1_stops_and_reaches_each_once_when_it_is_right(
    lite: Scene, tmp_path: Path, offset: str
) -> None:
    clock = Wrong(tmp_path)
    said = tmp_path / "said"
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.15), log=lite.log) as relay:
        process = clock.start(lite.send(relay.port, lanes=2, said=str(said)))
        until(relay, 4)
        clock.by(offset)
        assert process.wait(60) == 0
        assert "clock has jumped" in said.read_text("utf-8")
        assert set(lite.check()) == {"accepted", "queued"}
        if offset != "+1d":
            assert clock.start(lite.send(relay.port, said=str(said))).wait(60) == 1
            assert "clock says" in said.read_text("utf-8")
        clock.by("+0")
        assert clock.start(lite.send(relay.port, lanes=2, said=str(said))).wait(60) == 0
        assert lite.finish(relay, lanes=2) == {"accepted": 40}


@pytest.mark.parametrize("change", [FORWARD, BACK], ids=["forward", "back"])
def test_process_that_sends_over_a_change_of_the_clocks_J1_reaches_each_once(
    lite: Scene, tmp_path: Path, change: datetime
) -> None:
    clock = Wrong(tmp_path)
    clock.stands(change - timedelta(minutes=5))
    said = tmp_path / "said"
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.2), log=lite.log) as relay:
        process = clock.start(lite.send(relay.port, lanes=2, said=str(said)))
        until(relay, 4)
        clock.stands(change - timedelta(seconds=1.5))
        assert process.wait(60) == 0
        assert said.read_text("utf-8").startswith("done")
        assert lite.check() == {"accepted": 40}
    with lite.ctx.db.read() as tx:
        first, last = tx.execute(select(func.min(Delivery.at), func.max(Delivery.at))).one()
    assert first < change < last
