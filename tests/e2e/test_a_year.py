"""A whole year of the society on a clock of its own, through the public doors only: commands, pages in a real browser,
mail through Postfix and Dovecot. Each chapter keeps its own count; at the end all counts of all reports agree.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from balintmail import wiring
from balintmail.cli import init
from tests.support import postgresql
from tests.support.servers import daemon
from tests.support.servers.town import Town
from tests.support.site import CHROMIUM
from tests.support.year import autumn, ending, spring, summer, winter
from tests.support.year.books import Books
from tests.support.year.browser import Browser
from tests.support.year.clock import YearClock
from tests.support.year.parish import SECRETARY, Parish

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt install chromium")
    found = Browser()
    yield found
    found.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database; "" is SQLite in the society's folder."""
    if request.param == "sqlite":
        yield ""
        return
    server: postgresql.Server = request.getfixturevalue("postgres")
    url = server.fresh(migrated=False)
    yield url
    server.drop(url)


@pytest.fixture
def parish(database: str, browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Parish]:
    clock = YearClock(datetime(2027, 1, 4, 9, tzinfo=UTC))
    for module in (wiring, init):
        monkeypatch.setattr(module, "SystemClock", lambda: clock)
    try:
        town = Town([*Books.mailboxes(), SECRETARY])
    except daemon.Missing as missing:
        pytest.skip(str(missing))
    try:
        found = Parish(tmp_path / "society", clock, town, browser, database)
        try:
            yield found
        finally:
            found.close()
    finally:
        town.stop()


def test_a_whole_year_and_every_count_agrees(parish: Parish) -> None:
    books = Books()
    winter.founded(parish, books)
    winter.bank(parish, books)
    winter.newsletter(parish, books)
    winter.joins(parish, books)
    spring.lapses(parish, books)
    spring.leaves(parish, books)
    spring.copies(parish, books)
    spring.paper(parish, books)
    summer.details_round(parish, books)
    summer.death_and_erasure(parish, books)
    autumn.journal(parish, books)
    autumn.orders(parish, books)
    autumn.despatch(parish, books)
    autumn.envelope_comes_back(parish, books)
    autumn.late_order(parish, books)
    ending.embargo(parish, books)
    ending.last_newsletter(parish, books)
    ending.all_counts_agree(parish, books)
