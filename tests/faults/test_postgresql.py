"""PostgreSQL that restarts, crashes, drops a session inside a commit, refuses or has no session left.

An unknown result of the commit before the dot lets no dot leave; an unknown result of the commit behind the answer is
read back before anything is tried again. The sender lives, so nobody may be left in doubt.
"""

import contextlib
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from balintmail.db.session import Database
from balintmail.services.dispatch import Report
from balintmail.services.tally import Ending
from tests.faults.conftest import AT_FULL_SIZE
from tests.relay import Fault, Manners, RelayThread, Step
from tests.support import postgresql
from tests.support.cutting import Cut, CuttingLine
from tests.support.nursery import Nursery
from tests.support.scene import Scene

PEOPLE = 12
EVERY_COMMIT = range(1, 40 if AT_FULL_SIZE else 9)


@pytest.fixture(scope="module")
def own_server() -> Iterator[postgresql.Server]:
    """A server that a test may stop."""
    binaries = postgresql.find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    server = postgresql.alone(binaries)
    yield server
    server.stop()


@pytest.fixture
def database(own_server: postgresql.Server, request: pytest.FixtureRequest) -> Iterator[Database]:
    """An empty migrated database on that server."""
    url = own_server.fresh()
    found = Database(Database.parse(url))
    yield found
    found.close()
    own_server.drop(url)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("balintmail.services.engine.COMMIT_AGAIN_AFTER", (0.01, 0.1, 0.3, 1, 1, 1, 1))


@pytest.fixture
def twelve(database: Database, tmp_path: Path) -> Iterator[Scene]:
    found = Scene.on(database.url.render_as_string(hide_password=False), tmp_path, PEOPLE)
    yield found
    found.close()


@pytest.fixture
def line(database: Database) -> Iterator[CuttingLine]:
    folder = Path(tempfile.mkdtemp(prefix="line-", dir="/tmp"))  # a socket's path is short
    with CuttingLine(database.url.render_as_string(hide_password=False), folder) as found:
        yield found
    shutil.rmtree(folder)


def until_done(scene: Scene, relay: RelayThread, lanes: int = 1) -> list[Report]:
    """Run as cron would until a run says that nothing is left."""
    reports: list[Report] = []
    for _ in range(6):
        try:
            reports.append(scene.run_here(relay.port, lanes))
        except OperationalError:  # before anything was begun; the command line says that in one line
            continue
        if reports[-1].ending is Ending.DONE:
            return reports
        assert reports[-1].reason.startswith("The database does not take what happened:"), reports[-1]
    raise AssertionError(reports)


@pytest.mark.parametrize("commit", EVERY_COMMIT)
@pytest.mark.parametrize("where", Cut)
def test_line_cut_at_any_commit_doubts_and_doubles_nobody(
    twelve: Scene, line: CuttingLine, where: Cut, commit: int
) -> None:
    over_it = replace(twelve, ctx=replace(twelve.ctx, db=Database(Database.parse(line.url))))
    with RelayThread(log=twelve.log) as relay:
        line.cut_at(where, commit)
        until_done(over_it, relay)
        assert line.cuts == 1
        assert twelve.check() == {"accepted": PEOPLE}
        twelve.finish(relay, lanes=1)
    over_it.close()


@pytest.mark.parametrize("point", ["before (2)", "before (2)#4", "in (3)", "in (3)#3"])
@pytest.mark.parametrize("where", Cut)
def test_line_cut_in_the_commit_before_the_dot_lets_no_dot_leave(
    twelve: Scene, line: CuttingLine, where: Cut, point: str
) -> None:
    """At "in (3)" the same transaction holds the answers of the last and the risk of the next."""
    over_it = replace(twelve, ctx=replace(twelve.ctx, db=Database(Database.parse(line.url))))
    name, _, times = point.partition("#")
    left = [int(times or 1)]
    taken: list[int] = []

    with RelayThread(log=twelve.log) as relay:

        def cut(reached: str) -> None:
            if reached == name:
                left[0] -= 1
                if left[0] == 0:
                    line.cut_at(where, 1)
                    taken.append(len(relay.accepted))
            elif taken and len(taken) < 2 and reached == "after (2)":
                taken.append(len(relay.accepted))  # the first commit after the one in doubt

        report = over_it.run_here(relay.port, 1, probe=cut)
        assert report.ending is Ending.DONE
        assert line.cuts == 1
        assert taken[0] == taken[1], "a dot left although nobody knows whether its commit succeeded"
        assert twelve.check() == {"accepted": PEOPLE}
        twelve.finish(relay, lanes=1)
    over_it.close()


@pytest.mark.parametrize("point", ["after claim", "before (3)", "in (3)", "before (2)", "after (2)", "after (3)"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_sessions_killed_at_a_point_doubt_and_double_nobody(twelve: Scene, lanes: int, point: str) -> None:
    killed: list[int] = []

    def kill(reached: str) -> None:
        if reached == point and not killed:
            other = Database(twelve.ctx.db.url)
            with other.read() as tx:
                here = "datname = current_database() AND pid <> pg_backend_pid()"
                query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {here}"
                killed.append(len(tx.execute(text(query)).all()))
            other.close()

    with RelayThread(log=twelve.log) as relay:
        report = twelve.run_here(relay.port, lanes, probe=kill)
        assert report.ending is Ending.DONE
        assert killed[0] > 0
        assert twelve.check() == {"accepted": PEOPLE}
        twelve.finish(relay, lanes=lanes)


def test_serialisation_errors_are_repeated_and_double_nobody(twelve: Scene) -> None:
    """The server refuses the first, second, fifth and sixth statement that marks or records, as a conflict would."""
    with twelve.ctx.db.write() as tx:
        tx.execute(text("CREATE SEQUENCE refusals"))  # counts on in spite of rollbacks
        tx.execute(
            text(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF NEW.state IN ('at_risk', 'accepted') AND nextval('refusals') IN (1, 2, 5, 6) THEN
                        RAISE 'could not serialize access' USING ERRCODE = '40001';
                    END IF;
                    RETURN NEW;
                END $$"""
            )
        )
        tx.execute(text("CREATE TRIGGER refuse BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION refuse()"))
    with RelayThread(log=twelve.log) as relay:
        report = twelve.run_here(relay.port, 2)
        assert report.ending is Ending.DONE
        assert twelve.check() == {"accepted": PEOPLE}
        twelve.finish(relay, lanes=2)
    with twelve.ctx.db.read() as tx:
        assert int(tx.scalar(text("SELECT last_value FROM refusals")) or 0) > 6


def test_pool_that_is_used_up_for_a_while_delays_and_doubles_nobody(twelve: Scene) -> None:
    """Others hold every connection of this process; the run waits, says so if it must, and goes on."""
    pool = twelve.ctx.db.engine.pool
    pool._timeout = 0.05  # type: ignore[attr-defined]  # seconds instead of thirty
    greedy: list[Connection] = []

    def give_back() -> None:
        for connection in greedy:
            connection.close()

    def use_up(reached: str) -> None:
        if reached == "after (2)" and not greedy:
            with contextlib.suppress(PoolTimeout):
                while True:
                    greedy.append(twelve.ctx.db.engine.connect())
            threading.Timer(0.4, give_back).start()

    with RelayThread(log=twelve.log) as relay:
        report = twelve.run_here(relay.port, 1, probe=use_up)
        assert len(greedy) > 10
        if report.ending is not Ending.DONE:
            assert report.ending is Ending.FAILED
            twelve.check()
            time.sleep(0.5)
            until_done(twelve, relay)
        assert twelve.check() == {"accepted": PEOPLE}
        twelve.finish(relay, lanes=1)


@pytest.mark.parametrize("how", ["fast", "immediate"])
@pytest.mark.parametrize("lanes", [1, 4])
def test_server_that_restarts_in_the_midst_doubts_and_doubles_nobody(
    own_server: postgresql.Server, scene: Scene, lanes: int, how: str
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.02), log=scene.log) as relay:
        restarting = threading.Thread(target=_restart_after, args=(own_server, how, relay))
        restarting.start()
        until_done(scene, relay, lanes)
        restarting.join()
        assert set(scene.check()) == {"accepted"}
        scene.finish(relay, lanes=lanes)


def _restart_after(server: postgresql.Server, how: str, relay: RelayThread) -> None:
    while len(relay.accepted) < 5:
        time.sleep(0.005)
    server.restart(how)


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_sender_killed_while_the_server_crashes_leaves_one_doubt_per_connection(
    own_server: postgresql.Server, scene: Scene, nursery: Nursery, how: str
) -> None:
    with RelayThread(Manners(), Fault(Step.DOT, delay=0.02), log=scene.log) as relay:
        child = nursery.start(scene.send(relay.port, lanes=4))
        _restart_after(own_server, how, relay)
        child.kill()
        scene.ctx.db.close()  # what this process still had open went with the server
        scene.crashed(4)
        scene.finish(relay, lanes=4)
