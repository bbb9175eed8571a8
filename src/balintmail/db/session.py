"""Open the database and hand out transactions; knows both engines' ways and nothing of what is stored.

SQLite runs in WAL mode with `synchronous=FULL` and takes its write lock at BEGIN, so that a commit that returned has
reached the disk and no transaction fails half-way for the lock. PostgreSQL runs with `synchronous_commit=on`.
"""

import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.pool import QueuePool

from balintmail.errors import BalintmailError

SCHEMA = "0008"  # alembic's head; a test holds the two together, so that opening needs no alembic
# A process that was stopped inside a transaction would keep its locks for ever; the server ends it after a lease.
_NO_SLEEPERS = "-c idle_in_transaction_session_timeout=60s"
_LOOK_SECONDS = 0.002  # between two tries for SQLite's write lock
_IN_A_ROW_SECONDS = 0.05  # that one process's threads may write without a gap while some of them wait
_CHANCE_SECONDS = 0.005  # such a gap: twice as long as the others' looks lie apart
_LOG_PAGES = 1000  # of SQLite's log, after which a commit carries them into the file; its own default
_BEGUN_SECONDS = 1.0  # that a thread may take to begin
_LONG_LOG = 16_000_000  # octets of it that are worth a thread
BUSY_SECONDS = 60  # a backup or a long reader may hold SQLite that long (standards.md 2.6)

# What is deleted is overwritten with zeros wherever that costs no page of its own; erasure sweeps the rest (S45).
# Pages for each connection: with the 2 MB that SQLite takes by itself, each search reads its index anew.
_CACHE = "cache_size=-8192"  # kibibytes
_SECURE = "secure_delete=FAST"
_HIDING_HINT = 'Write it before the @-sign, in secrets.toml: "postgresql+psycopg://user:password@host/name".'
_URL_HINT = 'Write "sqlite:///balintmail.db" or "postgresql+psycopg://user@host/name".'

Tx = Connection  # an open transaction, as every function of this room takes it


class DatabaseError(BalintmailError):
    """The database cannot be opened or is not fit for use."""

    code = "database"


class SchemaMismatch(DatabaseError):
    """The database's schema is older or newer than this version's, or missing."""

    code = "schema"


class Database:
    """One database with its two kinds of transaction."""

    def __init__(self, url: sa.URL) -> None:
        """Prepare `url` (`sqlite:///FILE` or `postgresql+psycopg://…`); nothing is opened yet."""
        self.url = url
        self.engine: Engine = _sqlite(self.url) if self.url.get_backend_name() == "sqlite" else _postgresql(self.url)
        self._file: tuple[int, int] | None = None  # SQLite's file as it was first seen
        self._writers = _Writers()

    @staticmethod
    def parse(text: str) -> sa.URL:
        """Return `text` as a URL of a database that balintmail knows; raise DatabaseError otherwise."""
        try:
            url = make_url(text)
        except sa.exc.ArgumentError as exc:
            raise DatabaseError("[database] url is not a database address.", hint=_URL_HINT) from exc
        if "password" in url.query:  # nobody hides it there, neither the settings' display nor a driver's message
            raise DatabaseError("[database] url holds a password behind its question mark.", hint=_HIDING_HINT)
        if url.drivername not in {"sqlite", "postgresql+psycopg"}:
            raise DatabaseError(f'[database] url begins with "{url.drivername}", which is not known.', hint=_URL_HINT)
        return url

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Yield a transaction that sees one moment and is rolled back at the end."""
        moment = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}  # SQLite's sees one anyway
        with self.engine.connect().execution_options(**moment) as tx:
            yield tx

    @contextmanager
    def write(self) -> Iterator[Tx]:
        """Yield a transaction that commits when the block ends well and otherwise leaves no trace."""
        turn = self._writers if self.is_sqlite else nullcontext()
        with turn, self.engine.connect().execution_options(balintmail_write=True) as tx, tx.begin():
            yield tx

    @contextmanager
    def write_much(self) -> Iterator[Tx]:
        """Yield a transaction like `write`, for one that writes megabytes.

        SQLite's commit would carry them from its log into the file before it returns: seconds, for a million rows. A
        thread does that afterwards, while others read and write.
        """
        if not self.is_sqlite:
            with self.write() as tx:
                yield tx
            return
        with self._writers, self.engine.connect().execution_options(balintmail_write=True) as tx:
            driver: Any = tx.connection.driver_connection
            driver.execute("PRAGMA wal_autocheckpoint=0")
            try:
                with tx.begin():
                    yield tx
            finally:
                driver.execute(f"PRAGMA wal_autocheckpoint={_LOG_PAGES}")
        log = Path(f"{self.url.database}-wal")
        if log.is_file() and log.stat().st_size > _LONG_LOG:
            begun = threading.Event()
            threading.Thread(target=self._write_back, args=(begun,), name="checkpoint").start()
            begun.wait(_BEGUN_SECONDS)  # or the next commit would be first, and do it all

    def _write_back(self, begun: threading.Event) -> None:
        with suppress(sqlite3.Error, sa.exc.SQLAlchemyError):  # whatever is left, a later commit carries over
            connection = self.engine.raw_connection()
            begun.set()
            try:
                connection.cursor().execute("PRAGMA wal_checkpoint(PASSIVE)").close()
            finally:
                connection.close()

    def exchanged(self) -> bool:
        """Say whether another file stands in the place of SQLite's since this was first asked.

        What is written then goes into a file that nobody will find again. PostgreSQL's files are its own care.
        """
        if not self.is_sqlite:
            return False
        try:
            found = Path(str(self.url.database)).stat()
        except FileNotFoundError:
            return self._file is not None
        now = (found.st_dev, found.st_ino)
        self._file = self._file or now
        return now != self._file

    def schema(self) -> str | None:
        """Return the schema's revision, or None when the database holds none."""
        with self.read() as tx:
            if not sa.inspect(tx).has_table("alembic_version"):
                return None
            found: str | None = tx.scalar(sa.text("SELECT version_num FROM alembic_version"))
            return found

    def require_schema(self) -> None:
        """Raise SchemaMismatch unless the schema is this version's; a missing SQLite file is not made by asking."""
        if self.is_sqlite and not Path(str(self.url.database)).is_file():
            raise SchemaMismatch(
                f"The database {self.url.database} is missing.",
                hint="Put it back from a backup. To begin with an empty one: balintmail migrate",
            )
        found = self.schema()
        if found == SCHEMA:
            return
        if found is None:
            raise SchemaMismatch("The database holds no register yet.", hint="Run: balintmail migrate")
        if found < SCHEMA:
            raise SchemaMismatch(
                f"The database's schema is {found}; this version needs {SCHEMA}.",
                hint="Run: balintmail migrate   (it makes a backup copy first)",
            )
        raise SchemaMismatch(
            f"The database's schema is {found}, newer than this version's {SCHEMA}.",
            hint="Install the newer balintmail that last used it.",
        )

    def require_private(self) -> None:
        """Raise DatabaseError where every user of the machine can read or change SQLite's file (J9)."""
        file = Path(str(self.url.database))
        if not self.is_sqlite or not file.is_file():
            return
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o007:
            raise DatabaseError(
                f"{self.url.database} can be read by everybody on this machine (mode {mode:o}); it holds the register.",
                hint=f"Run: chmod 600 {self.url.database}*",
            )

    def sweep(self, *, rebuild: bool) -> bool:
        """Empty SQLite's write-ahead log into the file, and with `rebuild` write the file anew without its gaps.

        Returns whether it was done; False when a long reader or a running send held the file. PostgreSQL does its own
        sweeping, so there the answer is always True.
        """
        if not self.is_sqlite:
            return True
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            try:
                if rebuild:
                    cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                row = cursor.fetchone()
            except sqlite3.OperationalError:
                return False
            finally:
                cursor.close()
            return row is not None and bool(row[0] == 0)
        finally:
            connection.close()

    def close(self) -> None:
        """Give every pooled connection back."""
        self.engine.dispose()
        self._file = None


class _Writers:
    """Lets the threads of this process write to SQLite's file one after another, and other processes in between.

    SQLite lets a writer sleep for up to 100 ms between two tries and gives the lock to whoever tries in the right
    moment, so that the threads of a busy site would wait for each other, and lock a sender out for seconds.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = threading.local()
        self._waiting = 0
        self._alone_since = 0.0  # when others last had their chance

    def __enter__(self) -> None:
        self._waiting += 1  # a guess is enough, so nothing guards it
        self._held.now = self._lock.acquire(timeout=BUSY_SECONDS)  # after that SQLite itself says that it is busy
        self._waiting -= 1

    def __exit__(self, *_: object) -> None:
        if not self._held.now:
            return
        now = time.monotonic()
        if self._waiting > 0 and now - self._alone_since > _IN_A_ROW_SECONDS:
            time.sleep(_CHANCE_SECONDS)
            self._alone_since = time.monotonic()
        elif self._waiting <= 0:
            self._alone_since = now
        self._lock.release()


def _begin_writing(connection: Connection) -> None:
    """Take SQLite's write lock, looking often: its own waiting sleeps past the moments in which the lock is free."""
    driver: Any = connection.connection.dbapi_connection
    ends_at = time.monotonic() + BUSY_SECONDS
    driver.execute("PRAGMA busy_timeout=0")
    try:
        while time.monotonic() < ends_at:
            try:
                driver.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as exc:
                if exc.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return
    finally:
        driver.execute(f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}")
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, for the error that everybody knows


def _sqlite(url: sa.URL) -> Engine:
    if url.database in (None, "", ":memory:"):
        raise DatabaseError("SQLite needs a file.", hint='Set [database] url = "sqlite:///balintmail.db"')
    engine = sa.create_engine(
        url,
        hide_parameters=True,  # people's names and addresses, which an error would carry into a report
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        # What is sorted goes to a nameless file once it is too much for the cache: a million readers fit no memory.
        kept = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "temp_store=FILE", _SECURE, _CACHE)
        for pragma in kept:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("balintmail_write", False):
            _begin_writing(connection)
        else:
            connection.exec_driver_sql("BEGIN")

    return engine


def _postgresql(url: sa.URL) -> Engine:
    return sa.create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        connect_args={"options": f"-c synchronous_commit=on -c timezone=UTC {_NO_SLEEPERS}"},
    )


def sqlite_file(url: sa.URL, folder: Path) -> sa.URL:
    """Return `url` with a relative SQLite file made absolute inside the instance's folder."""
    if url.get_backend_name() != "sqlite" or not url.database or Path(url.database).is_absolute():
        return url
    return url.set(database=str(folder / url.database))
