"""Fixtures of the fault plan: a nursery of senders, a scene on each database, fresh scenes by the dozen."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from balintmail.db.session import Database
from tests.support.nursery import Nursery
from tests.support.scene import Scene, checkpoint

AT_FULL_SIZE = bool(os.environ.get("TORTURE"))
PEOPLE = 40


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with Nursery() as found:
        yield found


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    """A mailing of forty that is due, on each database."""
    found = Scene.on(database.url.render_as_string(hide_password=False), tmp_path, PEOPLE)
    yield found
    found.close()


@pytest.fixture(scope="session")
def template(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A scene on SQLite to be copied."""
    folder = tmp_path_factory.mktemp("scene")
    (folder / "balintmail.db").write_bytes(migrated_sqlite.read_bytes())
    found = Scene.on(f"sqlite:///{folder / 'balintmail.db'}", folder, PEOPLE)
    checkpoint(found.ctx.db)
    return found


@pytest.fixture
def lite(template: Scene, tmp_path: Path) -> Iterator[Scene]:
    """A mailing of forty that is due, on SQLite."""
    found = Scene.copied(template, tmp_path / "instance")
    yield found
    found.close()


@pytest.fixture
def another(template: Scene, tmp_path: Path) -> Iterator[Callable[[str], Scene]]:
    """Make fresh scenes on SQLite, each in a folder of the name given."""
    made: list[Scene] = []

    def make(name: str) -> Scene:
        made.append(Scene.copied(template, tmp_path / name))
        return made[-1]

    yield make
    for scene in made:
        scene.close()
