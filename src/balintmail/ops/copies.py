"""Copy a whole database out and in again, as of one moment, while others go on writing.

SQLite: its online backup interface (sqlite.org/backup.html), which in WAL mode holds nobody up. PostgreSQL: `COPY` of
every table in one REPEATABLE READ transaction, so that no second program is needed. It knows no instance and no rows.
"""

import os
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import IO

import sqlalchemy as sa

from balintmail.db.session import Database, DatabaseError, Tx

_CHUNK = 1 << 20
_DRAFT = ".copy-of-the-database.part"
_NOT_OURS = (
    "alembic_version",
    "procrastinate_",
)  # the schema's number is in the manifest; the task engine makes its own


def keep_copy(database: Database, stem: Path) -> Path:
    """Write the database as it is to `stem` with an ending of its own; return the file. Never overwrites.

    The file has its name only once it is whole: a copy that a kill has cut off is found under no name of one.
    """
    draft = stem.with_name(_DRAFT)
    draft.unlink(missing_ok=True)  # what a kill has left
    if database.is_sqlite:
        snapshot(database, draft)
    else:
        _write_archive(database, draft)
    path = _free(stem, "db" if database.is_sqlite else "zip")
    draft.rename(path)
    _sync_folder(path.parent)
    return path


def _write_archive(database: Database, target: Path) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "wb") as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, one_moment(database) as tx:
            for table, columns in table_columns(tx).items():
                with archive.open(f"{table}.copy", "w", force_zip64=True) as member:
                    for block in copy_out(tx, table, columns):
                        member.write(block)
        file.flush()
        os.fsync(handle)


def _free(stem: Path, ending: str) -> Path:
    """Return a name that no file has: two copies may be made within a second."""
    path, number = stem.with_name(f"{stem.name}.{ending}"), 1
    while path.exists():
        number += 1
        path = stem.with_name(f"{stem.name}-{number}.{ending}")
    return path


def _sync_folder(folder: Path) -> None:
    """Return when the names in a folder have reached the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def snapshot(database: Database, target: Path) -> None:
    """Copy a SQLite database to the new file `target` (mode 600), check the copy and bring it down to the disk."""
    source = str(database.url.database)
    if not Path(source).is_file():
        raise DatabaseError(f"The database {source} is missing.", hint="Put it back from a backup.")
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(source, timeout=60)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, nothing beside it
        (verdict,) = copy.execute("PRAGMA integrity_check").fetchone()
    if verdict != "ok":
        target.unlink()
        raise DatabaseError(f"The database is damaged: {verdict}.", hint="Restore the last backup that is sound.")
    with target.open("rb") as file:
        os.fsync(file.fileno())


class one_moment:  # noqa: N801  (used as a statement, like `open`)
    """A read-only transaction on PostgreSQL that sees one moment only."""

    def __init__(self, database: Database) -> None:
        self._connection = database.engine.connect().execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )

    def __enter__(self) -> Tx:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def table_columns(tx: Tx) -> dict[str, list[str]]:
    """Return the columns of every table, the tables in an order in which they can be filled."""
    metadata = sa.MetaData()
    metadata.reflect(tx, only=lambda name, _: not name.startswith(_NOT_OURS))
    return {table.name: [column.name for column in table.columns] for table in metadata.sorted_tables}


def copy_out(tx: Tx, table: str, columns: Iterable[str]) -> Iterator[bytes]:
    """Yield the rows of `table` in PostgreSQL's COPY text format."""
    connection = tx.connection.driver_connection
    assert connection is not None
    with connection.cursor() as cursor, cursor.copy(f"COPY {_names(tx, table, columns)} TO STDOUT") as copy:
        for block in copy:
            yield bytes(block)


def clear(tx: Tx, tables: Iterable[str]) -> None:
    """Take out of a fresh database what its migrations put there; `tables` come in the order of their filling."""
    for table in reversed(list(tables)):
        tx.execute(sa.text(f"DELETE FROM {tx.dialect.identifier_preparer.quote_identifier(table)}"))  # noqa: S608


def copy_in(tx: Tx, table: str, columns: Iterable[str], source: IO[bytes]) -> None:
    """Fill `table` with rows in COPY text format, and set its counter past them."""
    connection = tx.connection.driver_connection
    assert connection is not None
    columns = list(columns)
    with connection.cursor() as cursor, cursor.copy(f"COPY {_names(tx, table, columns)} FROM STDIN") as copy:
        while block := source.read(_CHUNK):
            copy.write(block)
    if "id" not in columns:
        return
    quoted = tx.dialect.identifier_preparer.quote_identifier(table)
    if sequence := tx.scalar(sa.text("SELECT pg_get_serial_sequence(:name, 'id')"), {"name": quoted}):
        top = tx.scalar(sa.text(f"SELECT max(id) FROM {quoted}"))  # noqa: S608  (the name comes from the schema)
        if top is not None:
            tx.execute(sa.select(sa.func.setval(sequence, top)))


def _names(tx: Tx, table: str, columns: Iterable[str]) -> str:
    quote = tx.dialect.identifier_preparer.quote_identifier
    return f"{quote(table)} ({', '.join(map(quote, columns))})"
