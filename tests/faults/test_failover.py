"""PostgreSQL fails over to its standby in the midst of a send: nobody has two copies, doubts are one a connection.

The URL names both servers and wants the one that takes writes. With a synchronous standby nothing that was confirmed
is lost; with one that lags behind it is, and the journal notices: the run that lives stops before its next dot, and
every other refuses until `reconcile` (P7).
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from balintmail.services.reconcile import SendingBlocked, instance_id, reconcile
from balintmail.services.tally import Ending
from tests.faults.conftest import AT_FULL_SIZE
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support import postgresql
from tests.support.nursery import Nursery
from tests.support.scene import Scene

PEOPLE = 40
ROUNDS = 10 if AT_FULL_SIZE else 1


@pytest.fixture(scope="module")
def first() -> Iterator[list[postgresql.Server]]:
    """The server that is primary now, and the one that was before it, if there was one."""
    binaries = postgresql.find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    servers = [postgresql.place(binaries, name) for name in ("-first", "-second")]
    servers[0].start()
    yield servers
    for server in servers:
        server.stop()


@pytest.fixture
def pair(first: list[postgresql.Server]) -> Iterator[tuple[postgresql.Server, postgresql.Server]]:
    """A primary and its standby; each test ends with the standby as the primary, and the next one begins with that."""
    primary, standby = first
    standby.follow(primary)
    yield primary, standby
    first.reverse()


@pytest.fixture
def scene(pair: tuple[postgresql.Server, postgresql.Server], tmp_path: Path) -> Iterator[Scene]:
    """A mailing that is due, in a database whose URL names both servers."""
    primary, standby = pair
    name = sa.make_url(primary.fresh()).database
    both = f"host={primary.folder},{standby.folder}&target_session_attrs=read-write"
    found = Scene.on(f"postgresql+psycopg://{primary.user}@/{name}?{both}", tmp_path, PEOPLE)
    yield found
    found.close()
    standby.drop(found.url)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balintmail.services.engine.COMMIT_AGAIN_AFTER", (0.05, 0.2, 0.5, 1, 2, 4, 8, 8))


def fail_over(pair: tuple[postgresql.Server, postgresql.Server], how: str, relay: RelayThread) -> None:
    """Stop the primary once a few have their letter, and let the standby take over."""
    while len(relay.accepted) < 7:
        time.sleep(0.002)
    primary, standby = pair
    primary.halt(how)
    standby.promote()
    standby.wait_for_a_standby(False)  # nobody follows it: no commit would ever end


@pytest.mark.parametrize("how", ["immediate", "fast"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_failover_in_the_midst_doubts_and_doubles_nobody(
    pair: tuple[postgresql.Server, postgresql.Server], scene: Scene, lanes: int, how: str
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.01), log=scene.log) as relay:
        failing = threading.Thread(target=fail_over, args=(pair, how, relay))
        failing.start()
        for _ in range(6):
            with contextlib.suppress(OperationalError):  # before anything was begun; told in one line
                report = scene.run_here(relay.port, lanes)
                scene.check()
                if report.ending is Ending.DONE:
                    break
                assert report.reason.startswith("The database does not take what happened:"), report
        failing.join()
        assert len(relay.accepted) == PEOPLE
        assert scene.check() == {"accepted": PEOPLE}
        scene.finish(relay, lanes=lanes)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_sender_killed_while_the_standby_takes_over_leaves_one_doubt_per_connection(
    pair: tuple[postgresql.Server, postgresql.Server], scene: Scene, nursery: Nursery, seed: int
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.01), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port, lanes=4))
        fail_over(pair, "immediate", relay)
        time.sleep(seed * 0.05)
        child.kill()
        scene.ctx.db.close()
        scene.crashed(4)
        scene.finish(relay, lanes=4)


def test_standby_that_had_not_all_is_noticed_by_the_run_that_lives_P7(
    pair: tuple[postgresql.Server, postgresql.Server], scene: Scene
) -> None:
    """Between two turns: the pool mends the connection by itself, and the run hears of nothing."""
    primary, standby = pair
    primary.wait_for_a_standby(False)
    turns: list[int] = []

    with RelayThread(Manners(), Fault(Step.DOT, delay=0.01), log=scene.log) as relay:

        def probe(point: str) -> None:
            if point != "before (3)":
                return
            turns.append(len(relay.accepted))
            if len(turns) == 2:
                standby.halt("fast")
            if len(turns) == 5:
                primary.halt("immediate")
                standby.run()
                standby.promote()

        report = scene.run_here(relay.port, 4, probe=probe)
        assert report.ending is Ending.FAILED
        assert "has lost what it had confirmed" in report.reason
        copies = len(relay.accepted)
        assert len({one.recipient for one in relay.accepted}) == copies < PEOPLE
        with pytest.raises(SendingBlocked, match="older than its journal"):
            scene.run_here(relay.port, 4)
        assert reconcile(scene.ctx).answered >= 1
        scene.doubts = 4
        scene.forget_the_lease()
        scene.check()
        scene.finish(relay, lanes=4)
        assert len(relay.accepted) == PEOPLE


def test_standby_that_had_not_all_is_noticed_before_the_next_run_P7(
    pair: tuple[postgresql.Server, postgresql.Server], scene: Scene, nursery: Nursery
) -> None:
    primary, standby = pair
    instance_id(scene.ctx)
    primary.wait_for_a_standby(False)
    standby.halt("fast")  # it knows nothing of the mailing's beginning
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.01), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port, lanes=4))
        while len(relay.accepted) < 7:
            time.sleep(0.002)
        child.kill()
        primary.halt("immediate")
        standby.run()
        standby.promote()
        scene.ctx.db.close()
        with pytest.raises(SendingBlocked, match="older than its journal"):
            scene.run_here(relay.port, 4)
        copies = len(relay.accepted)
        assert reconcile(scene.ctx).blocked == ("newsletter/84",)
        scene.run_here(relay.port, 4)
        assert len(relay.accepted) == copies
