"""Transactions: what a reader sees, and what an error tells."""

import threading
import time
import types
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from balintmail.db.models import Meta
from balintmail.db.session import Database, DatabaseError


def test_reader_sees_one_moment_while_others_write(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="before"))
    with database.read() as tx:
        assert tx.scalar(select(Meta.value)) == "before"
        with database.write() as other:
            other.execute(update(Meta).values(value="after"))
        assert tx.scalar(select(Meta.value)) == "before"
    with database.read() as tx:
        assert tx.scalar(select(Meta.value)) == "after"


def test_database_error_does_not_repeat_the_values_of_its_statement_S45(database: Database) -> None:
    with database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="Anna Example"))
    with pytest.raises(IntegrityError) as caught, database.write() as tx:
        tx.execute(insert(Meta).values(key="k", value="Anna Example"))
    assert "Anna Example" not in str(caught.value)


def test_password_where_nobody_would_hide_it_is_refused_J9() -> None:
    with pytest.raises(DatabaseError) as caught:
        Database.parse("postgresql+psycopg://host/name?user=u&password=sesame")
    assert "sesame" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_writers_of_one_process_leave_a_gap_for_others_only_while_somebody_waits(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the gap a busy site locks a sender out: SQLite's own waiting sleeps past the free moments."""
    gaps: list[float] = []
    monkeypatch.setattr("balintmail.db.session._IN_A_ROW_SECONDS", 0.0)
    monkeypatch.setattr(
        "balintmail.db.session.time", types.SimpleNamespace(sleep=gaps.append, monotonic=time.monotonic)
    )
    with database.write():
        pass
    assert gaps == []
    inside = threading.Event()

    def second() -> None:
        inside.set()
        with database.write():
            pass

    with database.write():
        thread = threading.Thread(target=second)
        thread.start()
        inside.wait()
        while database._writers._waiting == 0:
            time.sleep(0.001)
    thread.join()
    assert gaps == [0.005]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_many_threads_write_without_one_busy_error(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.write() as tx:
        tx.execute(sa.text("CREATE TABLE t (v INTEGER)"))
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for _ in range(30):
                with database.write() as tx:
                    tx.execute(sa.text("INSERT INTO t VALUES (1)"))
        except BaseException as exc:
            failures.append(exc)

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with database.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM t")) == 240


def test_much_that_is_written_is_carried_into_sqlites_file_by_a_thread(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("balintmail.db.session._LONG_LOG", 2_000_000)
    with database.write_much() as tx:
        tx.execute(sa.text("CREATE TABLE t (v TEXT)"))
        tx.execute(sa.text("INSERT INTO t VALUES (:v)"), [{"v": "x" * 100_000} for _ in range(60)])
    for thread in threading.enumerate():
        if thread.name == "checkpoint":
            thread.join()
    with database.read() as tx:
        assert tx.scalar(sa.text("SELECT count(*) FROM t")) == 60
        if database.is_sqlite:
            assert tx.scalar(sa.text("PRAGMA wal_autocheckpoint")) == 1000
            assert Path(str(database.url.database)).stat().st_size > 6_000_000


def test_much_that_failed_half_way_leaves_no_trace(database: Database) -> None:
    def fail() -> None:
        with database.write_much() as tx:
            tx.execute(insert(Meta).values(key="k", value="half"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with database.read() as tx:
        assert tx.scalar(select(Meta.value)) is None


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_sorting_a_million_readers_goes_to_disk_and_not_to_memory(database: Database) -> None:
    with database.read() as tx:
        assert tx.scalar(sa.text("PRAGMA temp_store")) == 1
