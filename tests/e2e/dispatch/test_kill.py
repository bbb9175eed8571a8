"""`kill -9` at the named points of the engine and at each stage of the dialogue: nobody lost, nobody twice (D3, I1-I7).

The senders are real processes with the whole stack, forked from one that is warm, so that a round costs no start of
Python. At random times: tests/faults/test_random_kill.py.
"""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from balintmail.db.session import Database
from balintmail.domain.states import DeliveryState
from tests.relay import Fault, Manners, RelayThread, Step, Then
from tests.support.nursery import Nursery
from tests.support.scene import Scene

PEOPLE = 12
# point, how many unknown at one connection. "#2" is the second time it is reached, when some have been sent.
POINTS: list[tuple[str, int]] = [
    ("before freeze", 0),
    ("mid freeze", 0),
    ("after freeze", 0),
    ("after claim", 0),
    ("before (2)", 0),
    ("before (2)#3", 0),
    ("after (2)", 1),
    ("after (2)#3", 1),
    ("before (3)", 1),
    ("in (3)", 1),
    ("after (3)", 0),
    ("before finishing", 0),
    ("at finishing", 0),
]
# The relay stops answering at this step; the parent sees it and kills the sender there.
STAGES: list[tuple[Step, set[int]]] = [
    (Step.GREETING, {0}),
    (Step.MAIL, {0}),
    (Step.RCPT, {0}),
    (Step.DATA, {0}),
    (Step.BODY, {0, 1}),  # the relay has stopped reading, but the sockets' buffers may take our dot
    (Step.DOT, {1}),
    (Step.ACCEPTED, {1}),
]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    """A mailing that is due, on each database."""
    found = Scene.on(database.url.render_as_string(hide_password=False), tmp_path, PEOPLE)
    yield found
    found.close()


def end_sleeping_transactions(scene: Scene) -> None:
    """Do what the server does after a minute (db/session.py): end sessions that sleep inside a transaction."""
    with scene.ctx.db.write() as tx:
        tx.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
            )
        )


@pytest.mark.parametrize(("point", "doubts"), POINTS, ids=[point for point, _ in POINTS])
def test_kill_at_a_point_of_ours_loses_and_doubles_nobody_D3(
    scene: Scene, nursery: Nursery, point: str, doubts: int
) -> None:
    with RelayThread(log=scene.log) as relay:
        nursery.start(scene.send(relay.port, stop_at=point)).kill_at_its_point()
        scene.crashed(1)
        found = scene.finish(relay, lanes=1)
    assert found["unknown"] <= doubts
    if point.startswith("after (2)"):
        assert found["unknown"] == 1


@pytest.mark.parametrize(("step", "doubts"), STAGES, ids=[step.value for step, _ in STAGES])
def test_kill_at_a_stage_of_the_dialogue_loses_and_doubles_nobody_D3(
    scene: Scene, nursery: Nursery, step: Step, doubts: set[int]
) -> None:
    skip = 0 if step in {Step.GREETING, Step.BODY} else 3
    with RelayThread(Manners(), Fault(step, then=Then.STALL, reply=b"", skip=skip), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port))
        deadline = time.monotonic() + 60
        while not (relay.relay.stalled and scene.states()[DeliveryState.ACCEPTED] >= skip):  # those before are written
            assert time.monotonic() < deadline, "the relay never stalled"
            time.sleep(0.003)
        child.kill()
        scene.crashed(1)
        found = scene.finish(relay, lanes=1)
    assert found["unknown"] in doubts


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_worker_stopped_past_its_lease_and_woken_again_sends_nobody_a_second_copy(
    scene: Scene, nursery: Nursery
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.05), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port, lanes=2))
        deadline = time.monotonic() + 30
        while len(relay.accepted) < 3 and time.monotonic() < deadline:
            time.sleep(0.003)
        child.send(signal.SIGSTOP)
        time.sleep(0.3)
        end_sleeping_transactions(scene)
        scene.crashed(2)
        scene.run_here(relay.port, 2, only=scene.mailing)
        scene.check()
        child.send(signal.SIGCONT)
        assert child.wait() in {0, 1}  # one plain line about the other who has taken over
        scene.finish(relay, lanes=2)
        assert len(relay.accepted) == PEOPLE
