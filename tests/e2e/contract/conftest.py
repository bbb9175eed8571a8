"""One instance is founded for all tests of the contract; each gets a copy of its folder."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call
from tests.support.instance import Instance


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "society"
    done = call("init", folder, *SOCIETY, "--url", "https://balint.example.org")
    assert done.status == 0, done.err
    return folder


@pytest.fixture
def society(founded: Path, tmp_path: Path) -> Instance:
    folder = tmp_path / "society"
    shutil.copytree(founded, folder)
    instance = Instance(folder)
    instance.write()
    return instance


@pytest.fixture
def readers(society: Instance) -> Callable[..., None]:
    def subscribe(*names: str) -> None:
        done = society("subscribe", *(f"{name}@example.org" for name in names))
        assert done.status == 0, done.err

    return subscribe
