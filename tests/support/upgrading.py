"""An instance as an older version left it, with a mailing half sent, and `migrate` run where it can be killed.

The older database is made by that version's own migrations and filled with the rows of a newer one, as far as it has
their tables and columns.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine

from balintmail.db.migrations import upgrade
from balintmail.db.schema import OF_ONE_DATABASE
from balintmail.db.session import Database
from tests.support.command import call
from tests.support.register import KEYRING

Rows = Mapping[str, list[tuple[Any, ...]]]
_NOT_ROWS = "alembic_version"


@dataclass(frozen=True, slots=True)
class Migrating:
    """The errand of migrating the instance in `folder`; it waits for ever at its statement number `stop_at`, from 1."""

    folder: str
    stop_at: int = 0
    errand: str = "migrate"

    @property
    def reached(self) -> Path:
        """The file that is made at the statement."""
        return Path(self.folder) / "reached"

    def text(self) -> str:
        return json.dumps(asdict(self))


def run(errand: Migrating) -> int:
    """Migrate; a commit counts as a statement, and so does the end."""
    left = errand.stop_at

    def step(*_: object) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            errand.reached.touch()
            time.sleep(600)

    event.listen(Engine, "before_cursor_execute", step)
    event.listen(Engine, "commit", step)
    status = call("-C", errand.folder, "migrate").status
    step()
    return status


def instance(folder: Path, url: str) -> None:
    """Write the settings of an instance over the database of `url`, with the keys of tests/support/register.py."""
    (folder / "balintmail.toml").write_text(f'[society]\nname = "Society"\n\n[database]\nurl = "{url}"\n', "utf-8")
    keys = f'[keys]\ntokens = "{KEYRING.tokens.hex()}"\nerasure = "{KEYRING.erasure.hex()}"\n'
    (folder / "secrets.toml").write_text(keys, "ascii")
    (folder / "secrets.toml").chmod(0o600)


def set_back(newer: Database, older: Database, revision: str) -> None:
    """Make `older`, which is empty, a database of that revision with the rows of `newer`."""
    upgrade(older, revision)
    with newer.read() as source, older.write() as target:
        here, there = _tables(source), _tables(target)
        if not older.is_sqlite:  # the order of the tables does not mind every reference
            target.execute(sa.text("SET session_replication_role = replica"))
        for name, table in there.items():
            columns = [column.name for column in table.columns]
            rows = source.execute(sa.select(*(here[name].c[column] for column in columns))).all()
            if rows:
                target.execute(sa.insert(table), [dict(zip(columns, row, strict=True)) for row in rows])
            if not older.is_sqlite and "id" in columns and rows:
                sequence = target.scalar(sa.text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": name})
                if sequence:
                    top = sa.select(sa.func.max(table.c.id)).scalar_subquery()
                    target.execute(sa.select(sa.func.setval(sequence, top)))


def rows_of(database: Database, like: Rows | None = None) -> Rows:
    """Return every row of every table, sorted; only the tables and columns that `like` has, where it is given."""
    found = {}
    with database.read() as tx:
        for name, table in _tables(tx).items():
            columns = sorted(column.name for column in table.columns)
            if like is not None:
                if name not in like:
                    continue
                columns = [column for column in columns if column in like[name][0]]
            rows = tx.execute(sa.select(*(table.c[column] for column in columns))).all()
            found[name] = [tuple(columns), *sorted(tuple(map(repr, row)) for row in rows)]
    return found


def _tables(tx: sa.Connection) -> dict[str, sa.Table]:
    metadata = sa.MetaData()
    metadata.reflect(tx, only=lambda name, _: not name.startswith(OF_ONE_DATABASE))
    return {table.name: table for table in metadata.sorted_tables if table.name != _NOT_ROWS}
