"""An upgrade with a mailing half sent, and `migrate` killed with kill -9 on its way.

Whatever the moment, the schema is the old one or the new one with every row as it was; the copy that is made first is
whole once it has its name; `migrate` again finishes, and the mailing goes on to its end with nobody twice (I1 to I7).
"""

import random
import shutil
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db.session import SCHEMA, Database
from balintmail.domain.states import DeliveryState
from tests.faults.conftest import AT_FULL_SIZE, PEOPLE
from tests.relay import Fault, RelayThread, Step
from tests.support import sender, upgrading
from tests.support.command import call
from tests.support.nursery import Nursery
from tests.support.postgresql import Server
from tests.support.scene import Scene, checkpoint
from tests.support.upgrading import Migrating, Rows

OLD = "0001"
LANES = 4
AT_RANDOM = 100 if AT_FULL_SIZE else 5
# Statements of `migrate`: the first ones look at the schema and make PostgreSQL's copy, the last ones end it.
STATEMENTS = range(1, 121) if AT_FULL_SIZE else (1, 4, 8, 14, 25, 40, 55)
LONGEST = 0.5  # seconds; more than a whole `migrate` takes in a warm process


@pytest.fixture
def half_sent(database: Database, tmp_path: Path, nursery: Nursery, request: pytest.FixtureRequest) -> Iterator[Scene]:
    """An instance of the old schema whose sender was killed in the midst of a mailing."""
    now = Scene.on(database.url.render_as_string(hide_password=False), tmp_path, PEOPLE)
    refuses = Fault(Step.RCPT, b"550 5.1.1 no such user\r\n", match="reader13@")
    later = Fault(Step.RCPT, b"452 4.2.2 mailbox full\r\n", match="reader5@")
    with RelayThread(None, refuses, later, log=now.log) as relay:
        nursery.start(now.send(relay.port, lanes=LANES, stop_at="after (2)#3")).kill_at_its_point()
    now.crashed(LANES)
    old = Database(Database.parse(_empty(database, tmp_path, request)))
    upgrading.set_back(now.ctx.db, old, OLD)
    url = old.url.render_as_string(hide_password=False)
    if old.is_sqlite:
        checkpoint(old)
    old.close()
    now.close()
    upgrading.instance(tmp_path, url)
    found = Scene(sender.context(tmp_path, url), url, now.mailing, now.log, doubts=LANES)
    yield found
    found.close()
    if not found.ctx.db.is_sqlite:
        request.getfixturevalue("postgres").drop(url)


def _empty(database: Database, folder: Path, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty database of the same kind."""
    if database.is_sqlite:
        (folder / "old.db").touch(0o600)
        return f"sqlite:///{folder / 'old.db'}"
    server: Server = request.getfixturevalue("postgres")
    return server.fresh(migrated=False)


def go_on(scene: Scene) -> None:
    """Send what is left with the new version."""
    with RelayThread(log=scene.log) as relay:
        scene.forget_the_lease()
        scene.run_here(relay.port, LANES, only=scene.mailing, retry=True)
        scene.finish(relay, lanes=LANES)


def holds(scene: Scene, before: Rows) -> str | None:
    """Assert that every row is as it was; return the schema."""
    assert upgrading.rows_of(scene.ctx.db, before) == before
    if scene.ctx.db.is_sqlite:
        with scene.ctx.db.read() as tx:
            assert tx.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
            assert tx.execute(sa.text("PRAGMA foreign_key_check")).all() == []
    return scene.ctx.db.schema()


def whole_copies(folder: Path, before: Rows) -> int:
    """Assert that each copy that has its name has every row; return how many there are."""
    found = [*folder.glob(f"before-{SCHEMA}-*.db"), *folder.glob(f"before-{SCHEMA}-*.zip")]
    for path in found:
        assert path.stat().st_mode & 0o077 == 0
        if path.suffix == ".db":
            copy = Database(Database.parse(f"sqlite:///{path}"))
            assert copy.schema() == OLD
            assert upgrading.rows_of(copy, before) == before
            copy.close()
        else:
            with zipfile.ZipFile(path) as archive:
                assert archive.testzip() is None
                for name, rows in before.items():
                    assert len(archive.read(f"{name}.copy").splitlines()) == len(rows) - 1
    return len(found)


def test_upgrade_with_a_half_sent_mailing_goes_on_and_doubles_nobody_J10(half_sent: Scene) -> None:
    before = upgrading.rows_of(half_sent.ctx.db)
    refused = call("-C", half_sent.ctx.folder, "dispatch")
    assert refused.status == 1
    assert "balintmail migrate" in refused.said
    assert call("-C", half_sent.ctx.folder, "migrate").status == 0
    assert holds(half_sent, before) == SCHEMA
    assert whole_copies(half_sent.ctx.folder, before) == 1
    half_sent.check()
    go_on(half_sent)
    found = half_sent.states()
    assert found[DeliveryState.ACCEPTED] + found[DeliveryState.REFUSED] == PEOPLE


@pytest.mark.parametrize("statement", STATEMENTS)
def test_migrate_killed_at_a_statement_leaves_the_old_schema_or_the_new_one(
    half_sent: Scene, nursery: Nursery, statement: int
) -> None:
    before = upgrading.rows_of(half_sent.ctx.db)
    half_sent.close()
    child = nursery.start(Migrating(str(half_sent.ctx.folder), statement))
    child.kill_at_its_point_or_end()
    finished(half_sent, before)


def test_migrate_killed_at_random_times_leaves_the_old_schema_or_the_new_one(
    half_sent: Scene, nursery: Nursery, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    before = upgrading.rows_of(half_sent.ctx.db)
    half_sent.close()
    chance = random.Random(17)
    schemas = set()
    for number in range(AT_RANDOM):
        scene = another(half_sent, request, tmp_path / f"round-{number}")
        child = nursery.start(Migrating(str(scene.ctx.folder)))
        time.sleep(chance.random() * LONGEST)
        child.kill()
        schemas.add(finished(scene, before))
        scene.close()
    assert schemas <= {OLD, SCHEMA}


def another(scene: Scene, request: pytest.FixtureRequest, folder: Path) -> Scene:
    """Return a copy of the instance that may be spoilt."""
    folder.mkdir()
    if scene.ctx.db.is_sqlite:
        url = f"sqlite:///{folder / 'old.db'}"
        shutil.copy(str(scene.ctx.db.url.database), folder / "old.db")
    else:
        server: Server = request.getfixturevalue("postgres")
        url = server.fresh(of=str(scene.ctx.db.url.database))
    shutil.copytree(scene.ctx.folder / "journal", folder / "journal")
    shutil.copy(scene.log, folder / scene.log.name)
    upgrading.instance(folder, url)
    return Scene(sender.context(folder, url), url, scene.mailing, folder / scene.log.name, doubts=LANES)


def finished(scene: Scene, before: Rows) -> str | None:
    """Assert what a killed `migrate` may leave, let it finish and the mailing go on; return the schema it left."""
    left = holds(scene, before)
    assert left in {OLD, SCHEMA}
    copies = whole_copies(scene.ctx.folder, before)
    assert copies or left == OLD, "the new schema, and no copy of the old"
    scene.close()
    assert call("-C", scene.ctx.folder, "migrate").status == 0
    assert holds(scene, before) == SCHEMA
    assert whole_copies(scene.ctx.folder, before) == copies + (left == OLD)
    go_on(scene)
    return left


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # PostgreSQL's is made by statements, tried above
def test_copy_that_was_cut_off_never_bears_the_name_of_one(half_sent: Scene, nursery: Nursery) -> None:
    """A file that looks like a copy and is none would be found on the day it is needed."""
    before = upgrading.rows_of(half_sent.ctx.db)
    half_sent.close()
    with sqlite3.connect(str(half_sent.ctx.db.url.database)) as connection:  # large, so that the kill meets the copy
        connection.execute("CREATE TABLE ballast (data BLOB)")
        connection.execute("INSERT INTO ballast VALUES (zeroblob(100000000))")
    connection.close()
    there = {path.name for path in half_sent.ctx.folder.iterdir()} | {"old.db-wal", "old.db-shm"}
    child = nursery.start(Migrating(str(half_sent.ctx.folder)))
    deadline = time.monotonic() + 60
    while not [path for path in half_sent.ctx.folder.iterdir() if path.name not in there and path.stat().st_size]:
        assert time.monotonic() < deadline
        time.sleep(0.001)
    child.kill()
    whole_copies(half_sent.ctx.folder, before)
