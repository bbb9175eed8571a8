"""SQLite held by others, its file exchanged under a running send, and several dispatchers at once."""

import random
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from balintmail.services.journal import JournalError
from balintmail.services.reconcile import SendingBlocked, reconcile
from balintmail.services.tally import Ending
from tests.faults.conftest import AT_FULL_SIZE, PEOPLE
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support.nursery import Nursery
from tests.support.scene import Scene, checkpoint

SLOW = Fault(Step.DOT, delay=0.01)
EVERY_MAILED = {"accepted": PEOPLE}


def when_accepted(relay: RelayThread, number: int, do: Callable[[], None]) -> threading.Thread:
    """Do something in a thread once the relay has taken so many."""

    def wait() -> None:
        while len(relay.accepted) < number:
            time.sleep(0.002)
        do()

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def hold(scene: Scene, how: str, seconds: float) -> None:
    """Keep a transaction on SQLite's file open."""
    with sqlite3.connect(str(scene.ctx.db.url.database), isolation_level=None) as other:
        other.execute(how)
        other.execute("SELECT count(*) FROM deliveries").fetchall()
        time.sleep(seconds)
        other.execute("ROLLBACK")
    other.close()


@pytest.mark.parametrize("how", ["BEGIN IMMEDIATE", "BEGIN"])
def test_file_held_by_another_process_for_a_while_only_delays(lite: Scene, how: str) -> None:
    with RelayThread(Manners(), SLOW, log=lite.log) as relay:
        holder = when_accepted(relay, 5, lambda: hold(lite, how, 1.5))
        report = lite.run_here(relay.port, 2)
        holder.join()
        assert report.ending is Ending.DONE
        assert lite.check() == EVERY_MAILED


def test_file_held_longer_than_our_patience_stops_with_its_reason_and_goes_on_later(
    lite: Scene, monkeypatch: pytest.MonkeyPatch, another: Callable[[str], Scene]
) -> None:
    """Scaled: patience is a tenth of a second instead of a minute."""
    monkeypatch.setattr("balintmail.db.session.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("balintmail.services.engine.COMMIT_AGAIN_AFTER", (0.02, 0.02))
    scene = another("impatient")
    with RelayThread(Manners(), SLOW, log=scene.log) as relay:
        holder = when_accepted(relay, 5, lambda: hold(scene, "BEGIN IMMEDIATE", 2))
        report = scene.run_here(relay.port, 2)
        assert report.ending is Ending.FAILED
        assert "database is locked" in report.reason
        assert "balintmail dispatch" in report.reason
        left = len(relay.accepted)
        holder.join()
        assert len(relay.accepted) == left < PEOPLE
        scene.doubts = 2
        scene.check()
        assert scene.run_here(relay.port, 2).ending is Ending.DONE
        assert scene.check() == EVERY_MAILED, "the answers were in the journal, so nobody is in doubt"


def back_up(scene: Scene, to: Path) -> None:
    with sqlite3.connect(str(scene.ctx.db.url.database)) as source, sqlite3.connect(to) as target:
        source.backup(target)
    source.close()
    target.close()


def exchange(scene: Scene, by: Path) -> None:
    """Put another file in the database's place, as an administrator would, with its log gone."""
    file = str(scene.ctx.db.url.database)
    for end in ("-wal", "-shm"):
        Path(file + end).unlink(missing_ok=True)
    by.replace(file)


def test_older_copy_put_in_the_files_place_mid_send_stops_the_run_and_reconcile_knows_everything_P7(
    lite: Scene, tmp_path: Path
) -> None:
    older = tmp_path / "older"
    with RelayThread(Manners(), SLOW, log=lite.log) as relay:
        copying = when_accepted(relay, 4, lambda: back_up(lite, older))
        swap = when_accepted(relay, 12, lambda: exchange(lite, older))
        report = lite.run_here(relay.port, 2)
        copying.join()
        swap.join()
        assert report.ending is Ending.FAILED
        assert "exchanged" in report.reason
        assert len(relay.accepted) < 20, "it goes on sending into a file that is no longer there"
        lite.ctx.db.close()
        with pytest.raises(SendingBlocked):
            lite.run_here(relay.port, 2)
        reconcile(lite.ctx)
        lite.doubts = 2
        lite.run_here(relay.port, 2)
        found = lite.check()
        assert found["accepted"] + found["unknown"] == PEOPLE
        lite.settle(found)


def test_another_societys_database_put_in_the_files_place_mid_send_stops_the_run_J11(
    lite: Scene, another: Callable[[str], Scene], tmp_path: Path
) -> None:
    stranger = another("stranger")
    with RelayThread(log=tmp_path / "strangers.jsonl") as relay:
        stranger.run_here(relay.port, 1)
    checkpoint(stranger.ctx.db)
    with RelayThread(Manners(), SLOW, log=lite.log) as relay:
        swap = when_accepted(relay, 8, lambda: exchange(lite, Path(str(stranger.ctx.db.url.database))))
        report = lite.run_here(relay.port, 2)
        swap.join()
        assert report.ending is Ending.FAILED
        assert len(relay.accepted) < 16
        lite.ctx.db.close()
        with pytest.raises((JournalError, SendingBlocked)):
            lite.run_here(relay.port, 2)


@pytest.mark.parametrize("number", [2, 4])
def test_several_dispatchers_at_once_reach_each_once(scene: Scene, nursery: Nursery, number: int) -> None:
    with RelayThread(Manners(), SLOW, log=scene.log) as relay:
        said = [scene.ctx.folder / f"said-{n}" for n in range(number)]
        children = [nursery.start(scene.send(relay.port, lanes=2, said=str(file))) for file in said]
        assert [child.wait() for child in children] == [0] * number
        endings = Counter(file.read_text("utf-8").split(":")[0] for file in said)
        assert endings["done"] >= 1
        assert endings.total() == endings["done"] + endings["busy"]
        assert scene.check() == EVERY_MAILED
        scene.finish(relay, lanes=2)


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_four_senders_share_one_mailing_on_postgresql_and_reach_each_once(scene: Scene, nursery: Nursery) -> None:
    with RelayThread(Manners(), SLOW, log=scene.log) as relay:
        said = [scene.ctx.folder / f"said-{n}" for n in range(4)]
        bounds = {"lanes": 2, "only": scene.mailing}
        children = [nursery.start(scene.send(relay.port, said=str(file), **bounds)) for file in said]
        assert [child.wait() for child in children] == [0] * 4, [file.read_text("utf-8") for file in said]
        assert scene.check() == EVERY_MAILED
        scene.finish(relay, lanes=2)


@pytest.mark.parametrize("seed", range(20 if AT_FULL_SIZE else 2))
def test_cron_that_starts_one_every_moment_while_some_are_killed_reaches_each_once(
    scene: Scene, nursery: Nursery, seed: int
) -> None:
    """Scaled: a start every tenth of a second instead of every second."""
    chance = random.Random(seed)
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.02), log=scene.log) as relay:
        children = []
        for _ in range(12):
            children.append(nursery.start(scene.send(relay.port, lanes=2)))
            time.sleep(0.1)
            if chance.random() < 0.3:
                children.pop(chance.randrange(len(children))).kill()
                scene.crashed(2)
        for child in children:
            assert child.wait() == 0
        scene.check()
        scene.finish(relay, lanes=2)


@pytest.mark.parametrize(
    "point", ["after claim", "before (2)", "before (2)#3", "after (2)", "after (2)#3", "before (3)"]
)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_sender_asleep_past_its_lease_and_woken_doubles_nobody(scene: Scene, nursery: Nursery, point: str) -> None:
    """What it holds is doubted meanwhile; awake, it cannot pass commit (2), and a late 250 is proof."""
    with RelayThread(Manners(), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port, lanes=1, only=scene.mailing, stop_at=point, asleep=True))
        child.until_its_point()
        time.sleep(0.05)
        end_sleeping_transactions(scene)
        scene.doubts += 1
        scene.forget_the_lease()
        scene.run_here(relay.port, 1, only=scene.mailing)
        scene.check()
        child.send(signal.SIGCONT)
        assert child.wait() == 0
        scene.finish(relay, lanes=1)
        assert len(relay.accepted) == PEOPLE


def end_sleeping_transactions(scene: Scene) -> None:
    """Do what the server does after a minute (db/session.py): end sessions that sleep inside a transaction."""
    here = "datname = current_database() AND pid <> pg_backend_pid() AND state LIKE 'idle in transaction%'"
    with scene.ctx.db.write() as tx:
        tx.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {here}"))


@pytest.mark.parametrize("point", ["after claim", "after (2)#3"])
def test_on_sqlite_a_sender_asleep_keeps_the_others_out(lite: Scene, nursery: Nursery, point: str) -> None:
    with RelayThread(Manners(), log=lite.log) as relay:
        child = nursery.start(lite.send(relay.port, lanes=1, stop_at=point, asleep=True))
        child.until_its_point()
        before = len(relay.accepted)
        assert lite.run_here(relay.port, 1).ending is Ending.BUSY
        assert len(relay.accepted) == before
        child.send(signal.SIGCONT)
        assert child.wait() == 0
        assert lite.check() == EVERY_MAILED
