"""Fixtures of the real servers: each started once a test process, and a society of forty that sends to them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from balintmail.domain import pace
from balintmail.services import connections
from tests.support.command import founded
from tests.support.instance import Instance
from tests.support.servers.daemon import Missing
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix

READERS = 30


@pytest.fixture(scope="session")
def society(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A society with thirty readers and a letter, to be copied."""
    instance = Instance(tmp_path_factory.mktemp("society") / "i")
    founded(instance.folder, "--url", "https://balint.example.org")
    found = instance("subscribe", *(f"reader{number}@example.org" for number in range(READERS)))
    assert found.status == 0, found.err
    instance.write()
    return instance.folder


@pytest.fixture
def instance(society: Path, tmp_path: Path) -> Instance:
    folder = tmp_path / "i"
    shutil.copytree(society, folder)
    return Instance(folder)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the pauses between attempts take no time; what they are is proven in tests/unit and test_limits.py."""
    monkeypatch.setattr(connections, "REOPEN_AFTER", (0.05, 0.05, 0.05))
    monkeypatch.setattr(pace, "SHORTEST_GAP", 0.005)
    monkeypatch.setattr(pace, "LONGEST_GAP", 0.02)
    monkeypatch.setattr(pace, "LONGEST_GAP_OF_GREYLISTS", 0.02)


@pytest.fixture(scope="session")
def started_postfix() -> Iterator[Postfix]:
    try:
        found = Postfix()
    except Missing as missing:
        pytest.skip(str(missing))
    yield found
    found.stop()


@pytest.fixture
def postfix(started_postfix: Postfix) -> Postfix:
    """Postfix with nothing delivered and nothing counted."""
    started_postfix.empty()
    return started_postfix


@pytest.fixture
def books(instance: Instance, postfix: Postfix) -> Iterator[Books]:
    """The ledger of the instance beside what Postfix has delivered."""
    found = Books(instance, postfix.copies)
    yield found
    found.close()
