"""The databases that tests share one after another (tests/support/lending.py) are as empty as a fresh one."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db import schema as _every_table  # noqa: F401
from balintmail.db.models import Base
from tests.support import postgresql
from tests.support.scene import Scene


def _content(url: str) -> list[object]:
    """Return all rows of all tables and the state of every sequence."""
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as tx:
        rows: list[object] = [tx.execute(sa.select(table)).all() for table in Base.metadata.sorted_tables]
        return [*rows, tx.exec_driver_sql("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1").all()]


def _fill(url: str, folder: Path) -> None:
    folder.mkdir()
    Scene.on(url, folder, 3).close()


def test_database_that_was_written_into_is_lent_again_as_it_was(postgres: postgresql.Server, tmp_path: Path) -> None:
    url = postgres.lend()
    untouched = _content(url)
    _fill(url, tmp_path / "first")
    filled = _content(url)
    assert filled != untouched
    postgres.take_back(url)
    assert postgres.lend() == url
    assert _content(url) == untouched
    _fill(url, tmp_path / "second")
    assert _content(url)[-1] == filled[-1]  # the numbers that a test gives begin anew
    postgres.take_back(url)


@pytest.mark.parametrize(
    "change", ["CREATE TABLE more (n int)", "DROP INDEX ix_people_name", "ALTER TABLE lists ADD more int"]
)
def test_database_whose_schema_was_changed_is_not_lent_again(postgres: postgresql.Server, change: str) -> None:
    url = postgres.lend()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as tx:
        tx.exec_driver_sql(change)
    postgres.take_back(url)
    other = postgres.lend()
    assert other != url
    postgres.take_back(other)


def test_temporary_table_changes_no_schema(postgres: postgresql.Server) -> None:
    url = postgres.lend()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.begin() as tx:
        tx.exec_driver_sql("CREATE TEMPORARY TABLE more (n int)")
        tx.exec_driver_sql("DROP TABLE more")
    postgres.take_back(url)
    assert postgres.lend() == url
    postgres.take_back(url)


def test_database_in_which_somebody_stayed_is_not_lent_again(postgres: postgresql.Server) -> None:
    url = postgres.lend()
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as tx:
        tx.exec_driver_sql("SELECT 1")
        postgres.take_back(url)
        with pytest.raises(sa.exc.DBAPIError):
            tx.exec_driver_sql("SELECT 1")
    other = postgres.lend()
    assert other != url
    postgres.take_back(other)
