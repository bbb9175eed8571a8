"""Durability, room, backup and file modes; each right once and wrong once."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from balintmail.db.health import Durability
from balintmail.ops.doctor import store
from balintmail.ops.doctor.finding import Finding

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}


def told(found: list[Finding]) -> list[tuple[str, str]]:
    return [(one.code, one.level.value) for one in found]


@pytest.mark.parametrize(
    ("engine", "settings", "level"),
    [
        ("sqlite", {"journal_mode": "wal", "synchronous": "full"}, "good"),
        ("sqlite", {"journal_mode": "wal", "synchronous": "extra"}, "good"),
        ("sqlite", {"journal_mode": "wal", "synchronous": "normal"}, "stop"),
        ("sqlite", {"journal_mode": "delete", "synchronous": "full"}, "stop"),
        ("postgresql", SAFE, "good"),
        ("postgresql", {**SAFE, "synchronous_commit": "remote_apply"}, "good"),
        ("postgresql", {**SAFE, "synchronous_commit": "off"}, "stop"),
        ("postgresql", {**SAFE, "fsync": "off"}, "stop"),
        ("postgresql", {**SAFE, "full_page_writes": "off"}, "stop"),
    ],
)
def test_commits_that_a_power_cut_could_undo_stop(engine: str, settings: dict[str, str], level: str) -> None:
    assert told(store.durability(Durability(engine, settings))) == [("durability", level)]


@pytest.mark.parametrize(
    ("kind", "expected"), [("ext4", []), ("nfs4", [("database_place", "stop")]), ("cifs", [("database_place", "stop")])]
)
def test_database_on_a_network_share_stops(kind: str, expected: list[tuple[str, str]]) -> None:
    mounts = f"/dev/sda1 / ext4 rw 0 0\nhost:/x /srv/our\\040society {kind} rw 0 0\nhost:/y /srv/our nfs rw 0 0\n"
    assert told(store.place(Path("/srv/our society/balintmail.db"), mounts)) == expected
    assert told(store.place(Path("/srv/our-own/balintmail.db"), mounts)) == []


@pytest.mark.parametrize(("free", "level"), [(2 << 30, "good"), (500 << 20, "warn"), (50 << 20, "stop")])
def test_room_on_the_disk(free: int, level: str, tmp_path: Path) -> None:
    folders = {"the instance": tmp_path, "the database": tmp_path}
    assert told(store.room(folders, lambda _: free)) == [("disk", level)]


def test_room_that_cannot_be_asked_is_not_known(tmp_path: Path) -> None:
    assert told(store.room({"the instance": tmp_path / "gone"})) == [("disk_unknown", "warn")]


@pytest.mark.parametrize(("days", "level"), [(0, "good"), (7, "good"), (8, "warn"), (None, "warn")])
def test_age_of_the_backup(days: int | None, level: str) -> None:
    made_at = None if days is None else NOW - timedelta(days=days)
    assert told(store.backup(made_at, now=NOW)) == [("backup", level)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("journal", "outbox", "files", "dkim"):
        (tmp_path / name).mkdir(mode=0o700)
    for name in ("secrets.toml", "balintmail.toml", "balintmail.db", "journal/2026-11.log", "dkim/s2026a.pem"):
        (tmp_path / name).touch(mode=0o600)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "level"),
    [
        (None, "good"),
        ("secrets.toml", "stop"),
        ("dkim/s2026a.pem", "stop"),
        ("balintmail.db", "warn"),
        ("journal/2026-11.log", "warn"),
        ("outbox", "warn"),
    ],
)
def test_files_that_others_can_read_J9(folder: Path, name: str | None, level: str) -> None:
    if name:
        (folder / name).chmod(0o755)
    (found,) = store.modes(folder, folder / "balintmail.db")
    assert (found.code, found.level.value) == ("file_modes", level)
    assert (name or "") in found.message


def test_file_that_only_the_group_can_read_is_open_J9(folder: Path) -> None:
    (folder / "secrets.toml").chmod(0o640)
    assert told(store.modes(folder, None)) == [("file_modes", "stop")]


def test_files_of_another_user_warn(folder: Path) -> None:
    found = store.modes(folder, folder / "balintmail.db", user=os.getuid() + 1)
    assert told(found) == [("file_owner", "warn")]
