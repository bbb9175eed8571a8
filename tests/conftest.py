"""Fixtures that every test may use: both databases, a clock that the test moves, a context for use-cases."""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from balintmail.config import Settings, Society
from balintmail.db import schema as _every_table  # noqa: F401  (tests look at all of them)
from balintmail.db.migrations import upgrade
from balintmail.db.session import Database
from balintmail.domain.keys import Keyring
from balintmail.services.context import Context
from tests.support import postgresql


class MovableClock:
    """A clock that stands still until the test moves it."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment
        self.seconds = 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def forward(self, by: timedelta) -> None:
        self.moment += by
        self.seconds += by.total_seconds()


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(datetime(2026, 11, 21, 18, 4, tzinfo=UTC))


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what the processes of one test run share; xdist's workers find it in their environment."""
    _listen_to_signals()
    if not hasattr(config, "workerinput"):
        postgresql.begin_run()


def _listen_to_signals() -> None:
    """Let what the tests start hear Ctrl-C and a closed terminal, although we may have been started to hear neither."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave no server behind, whatever the tests did."""
    if not hasattr(config, "workerinput"):
        postgresql.end_run()


@pytest.fixture(scope="session")
def postgres() -> postgresql.Server:
    binaries = postgresql.find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    return postgresql.shared(binaries)


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated empty SQLite file, to be copied."""
    file = tmp_path_factory.mktemp("template") / "template.db"
    database = Database(Database.parse(f"sqlite:///{file}"))
    upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty migrated database, once per engine."""
    if request.param == "sqlite":
        file = tmp_path / "balintmail.db"
        file.write_bytes(request.getfixturevalue("migrated_sqlite").read_bytes())
        found = Database(Database.parse(f"sqlite:///{file}"))
        yield found
        found.close()
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    url = server.lend()
    found = Database(Database.parse(url))
    yield found
    found.close()
    server.take_back(url)


@pytest.fixture
def keyring() -> Keyring:
    return Keyring(tokens=bytes(range(32)), erasure=bytes(range(32, 64)))


@pytest.fixture
def settings() -> Settings:
    return Settings(society=Society(name="The Example Balint Society", url="https://balint.example.org"))


@pytest.fixture
def context(database: Database, clock: MovableClock, keyring: Keyring, settings: Settings, tmp_path: Path) -> Context:
    """What a use-case needs, on an empty register."""
    return Context(database, clock, keyring, settings, "the Secretary", tmp_path)
