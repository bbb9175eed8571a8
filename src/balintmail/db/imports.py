"""Stage the rows of an import beside the register: a temporary table that one connection keeps across transactions.

Staging takes no lock on the register, so a dry run never keeps a mailing waiting. It decides nothing: who a row means
is `db/import_matching.py`, what becomes of it `db/import_writing.py`.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, NamedTuple

import sqlalchemy as sa

from balintmail.db.session import Database, Tx

_Lines = list[tuple[Any, ...]]
BATCH = 2_000  # rows a round trip; larger ones gain nothing measurable and cost memory

_TABLES = {
    "import_people": (
        "n {id} PRIMARY KEY, line INTEGER NOT NULL, shown TEXT NOT NULL, stated TEXT NOT NULL, given BIGINT,"
        " sure BOOLEAN NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL, first_name TEXT NOT NULL,"
        " language TEXT NOT NULL, member BOOLEAN, fields {json}, first_guess TEXT NOT NULL, joined {time},"
        " consent TEXT NOT NULL, collected {day}, ground TEXT NOT NULL, main_key TEXT NOT NULL,"
        " reason TEXT NOT NULL DEFAULT '', person BIGINT, by_id BOOLEAN NOT NULL DEFAULT FALSE,"
        " merged {json}, journal TEXT NOT NULL, post {json}, moved BOOLEAN NOT NULL DEFAULT FALSE,"
        " verdict TEXT NOT NULL DEFAULT ''"
    ),
    "import_addresses": (
        "n BIGINT NOT NULL, rank INTEGER NOT NULL, email TEXT NOT NULL, envelope TEXT NOT NULL, key TEXT NOT NULL,"
        " domain TEXT NOT NULL, hash {bytes} NOT NULL, suppress TEXT NOT NULL, PRIMARY KEY (n, rank)"
    ),
    "import_states": "n BIGINT NOT NULL, list BIGINT NOT NULL, state TEXT NOT NULL, PRIMARY KEY (n, list)",
}
_TYPES = {
    "sqlite": {"id": "INTEGER", "json": "TEXT", "time": "TEXT", "day": "TEXT", "bytes": "BLOB"},
    "postgresql": {"id": "BIGINT", "json": "JSONB", "time": "TIMESTAMPTZ", "day": "DATE", "bytes": "BYTEA"},
}
_COLUMNS = {
    "import_people": (
        "n, line, shown, stated, given, sure, name, name_key, first_name, language, member, fields, first_guess,"
        " joined, consent, collected, ground, main_key, journal, post"
    ),
    "import_addresses": "n, rank, email, envelope, key, domain, hash, suppress",
    "import_states": "n, list, state",
}


class StagedAddress(NamedTuple):
    """One address of a row; `hash` is the keyed one (D7), `suppress` a SuppressionReason or ""."""

    email: str
    envelope: str
    key: str
    domain: str
    hash: bytes
    suppress: str


class StagedState(NamedTuple):
    """What a row says of one list: a SubscriptionState."""

    list: int
    state: str


class StagedRow(NamedTuple):
    """One row as it is staged. `stated` is a refusal known from the row alone; such a row carries nothing else."""

    line: int
    shown: str
    stated: str
    given: int | None = None
    name: str = ""
    name_key: str = ""
    first_name: str = ""
    language: str = ""
    member: bool | None = None
    fields: dict[str, Any] | None = None
    first_guess: str = ""  # how a letter would address a new person whose first name the file does not tell
    joined: datetime | None = None
    consent: str = ""
    collected: date | None = None
    ground: str = "consent"
    addresses: Sequence[StagedAddress] = ()
    states: Sequence[StagedState] = ()
    prefers: bool = True  # the first address has rank 0 and is preferred; else the ranks begin at 1
    sure: bool = False  # whether `given` is surely a number of ours: the file says of which register it is
    journal: str = ""  # a JournalFormat
    post: dict[str, str] | None = None  # the parts of a postal address, checked


class Staging:
    """The staged rows of one import, on a connection of their own."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    @contextmanager
    def looking(self) -> Iterator[Tx]:
        """Yield a transaction that reads the register and may change only the staged rows."""
        self._connection.execution_options(balintmail_write=False)
        with self._connection.begin():
            yield self._connection

    @contextmanager
    def writing(self) -> Iterator[Tx]:
        """Yield the one transaction that writes; it commits when the block ends well and else leaves no trace (G14)."""
        self._connection.execution_options(balintmail_write=True)
        with self._connection.begin():
            yield self._connection

    def unchanged_since(self, mark: int | None) -> bool:
        """Return whether surely nobody else has changed the register since `mark` was taken."""
        return mark is not None and mark == self.mark()

    def mark(self) -> int | None:
        """Return a number that changes when another connection changes the register; None where there is no such."""
        if self._connection.dialect.name != "sqlite":
            return None
        found: int = self._connection.exec_driver_sql("PRAGMA data_version").scalar_one()
        return found

    def load(self, rows: Iterable[StagedRow]) -> int:
        """Stage `rows` as they come, in flat memory, and return how many there were."""
        with self.looking() as tx:
            _create(tx)
            count = _fill(tx, rows)
            if tx.dialect.name == "postgresql":  # nobody else gathers a temporary table's statistics
                for table in _TABLES:
                    tx.exec_driver_sql(f"ANALYZE {table}")
        return count


@contextmanager
def staging(database: Database) -> Iterator[Staging]:
    """Yield a place for staged rows; it goes with all it holds when the block ends."""
    connection = database.engine.connect()
    try:
        connection.detach()  # its settings and tables are its own and never reach the pool
        if database.is_sqlite:
            cursor = connection.connection.cursor()
            # A million staged rows belong on disk, not in memory; the file has no name and goes with the connection.
            cursor.execute("PRAGMA temp_store=FILE")
            cursor.execute("PRAGMA cache_size=-32000")
            cursor.close()
        yield Staging(connection)
    finally:
        connection.close()


def _create(tx: Tx) -> None:
    dialect = tx.dialect.name
    for table, columns in _TABLES.items():
        packed = " WITHOUT ROWID" if dialect == "sqlite" and table != "import_people" else ""
        tx.exec_driver_sql(f"CREATE TEMPORARY TABLE {table} ({columns.format(**_TYPES[dialect])}){packed}")


def _fill(tx: Tx, rows: Iterable[StagedRow]) -> int:
    put = _put_sqlite if tx.dialect.name == "sqlite" else _put_postgresql
    encode = _sqlite_row if tx.dialect.name == "sqlite" else _postgresql_row
    count = 0
    source = iter(rows)
    while batch := list(islice(source, BATCH)):
        people: _Lines = []
        addresses: _Lines = []
        states: _Lines = []
        for row in batch:
            count += 1
            people.append((count, *encode(row)))
            addresses.extend(
                (count, rank, *address) for rank, address in enumerate(row.addresses, start=0 if row.prefers else 1)
            )
            states.extend((count, *state) for state in row.states)
        for table, lines in zip(_TABLES, (people, addresses, states), strict=True):
            if lines:
                put(tx, table, lines)
    return count


def _sqlite_row(row: StagedRow) -> tuple[Any, ...]:
    joined = row.joined.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f") if row.joined else None
    collected = row.collected.isoformat() if row.collected else None
    return _row(row, joined, collected)


def _postgresql_row(row: StagedRow) -> tuple[Any, ...]:
    return _row(row, row.joined, row.collected)


def _row(row: StagedRow, joined: Any, collected: Any) -> tuple[Any, ...]:
    fields = _encode(row.fields) if row.fields else None
    main_key = row.addresses[0].key if row.addresses else ""
    who = (row.line, row.shown, row.stated, row.given, row.sure, row.name, row.name_key, row.first_name, row.language)
    post = _encode(row.post) if row.post else None
    said = (row.consent, collected, row.ground, main_key, row.journal, post)
    return (*who, row.member, fields, row.first_guess, joined, *said)


_encode = json.JSONEncoder().encode


def _put_sqlite(tx: Tx, table: str, lines: _Lines) -> None:
    marks = ", ".join("?" * len(lines[0]))
    tx.exec_driver_sql(f"INSERT INTO {table} ({_COLUMNS[table]}) VALUES ({marks})", lines)  # noqa: S608


def _put_postgresql(tx: Tx, table: str, lines: _Lines) -> None:
    connection: Any = tx.connection.dbapi_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({_COLUMNS[table]}) FROM STDIN") as copy:
        write: Callable[[Sequence[Any]], None] = copy.write_row
        for line in lines:
            write(line)
