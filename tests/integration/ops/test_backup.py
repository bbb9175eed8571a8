"""A backup is whole or is not there; a restore trusts nothing and never sends by itself (P7)."""

import json
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, insert, select

from balintmail.clock import SystemClock
from balintmail.db.meta import LAST_BACKUP, SENDING_BLOCKED, fact
from balintmail.db.models import Address, Person
from balintmail.errors import BalintmailError, Conflict
from balintmail.ops import backup
from balintmail.ops.backup import BackupDamaged, write
from balintmail.ops.restore import RestoreRefused, restore
from balintmail.services.founding import Answers, found
from balintmail.wiring import Instance, open_instance
from tests.support import postgresql

FILES = (
    "journal/2026-11.log",
    "outbox/new/1",
    "templates/emails/x.txt",
    "pages/a.md",
    "files/ab/cd",
    "dkim/a.pem",
    "newsletter.md",
)
NOW = SystemClock().now()


@pytest.fixture(params=["sqlite", "postgresql"])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    """A founded instance with something in every folder."""
    url = ""
    if request.param == "postgresql":
        server: postgresql.Server = request.getfixturevalue("postgres")
        url = server.fresh(migrated=False)
    answers = Answers("The Bálint Society", "Rose O'Neill", "secretary@example.org", database=url)
    found(tmp_path / "live", answers, clock=SystemClock(), actor="t")
    opened = open_instance(tmp_path / "live")
    with opened.database.write() as tx:
        tx.execute(
            insert(Person),
            [
                {"name": f"李 明 \\N {n}\t'\"", "fields": {"town": "Győr\n"}, "joined_at": NOW, "updated_at": NOW}
                for n in range(500)
            ],
        )
    for name in (
        "journal/2026-11.log",
        "outbox/new/1",
        "templates/emails/x.txt",
        "pages/a.md",
        "files/ab/cd",
        "dkim/a.pem",
        "n.md",
    ):
        path = tmp_path / "live" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 1000)
    (tmp_path / "live" / "files" / "empty").touch()
    yield opened
    opened.close()
    if url:
        server.drop(url)


@pytest.fixture
def sqlite_backup(tmp_path: Path) -> Path:
    found(tmp_path / "live", Answers("S", "N", "s@example.org"), clock=SystemClock(), actor="t")
    instance = open_instance(tmp_path / "live")
    write(instance.context(), tmp_path / "b.zip")
    instance.close()
    return tmp_path / "b.zip"


def fresh_database(request: pytest.FixtureRequest, instance: Instance) -> str:
    if instance.database.is_sqlite:
        return ""
    server: postgresql.Server = request.getfixturevalue("postgres")
    return server.fresh(migrated=False)


def test_restored_instance_is_the_one_that_was_backed_up(
    request: pytest.FixtureRequest, instance: Instance, tmp_path: Path
) -> None:
    write(instance.context(), tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back", database=fresh_database(request, instance))
    for path in (tmp_path / "live").rglob("*"):
        name = path.relative_to(tmp_path / "live")
        if path.is_file() and not path.name.startswith("balintmail"):
            assert (tmp_path / "back" / name).read_bytes() == path.read_bytes(), name
            assert stat.S_IMODE((tmp_path / "back" / name).stat().st_mode) == 0o600, name
    again = open_instance(tmp_path / "back")
    assert again.keyring == instance.keyring
    with instance.database.read() as one, again.database.read() as two:
        people = select(Person).order_by(Person.id)
        assert one.execute(people).all() == two.execute(people).all()
        assert one.execute(select(Address)).all() == two.execute(select(Address)).all()
    with again.database.write() as tx:  # the counters have been set past the rows that came in
        assert (
            tx.execute(
                insert(Person).values(name="next", fields={}, joined_at=NOW, updated_at=NOW).returning(Person.id)
            ).scalar_one()
            == 502
        )
    again.close()


def test_restored_instance_has_sending_off_and_a_database_of_its_own_P7(
    request: pytest.FixtureRequest, instance: Instance, tmp_path: Path
) -> None:
    write(instance.context(), tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back", database=fresh_database(request, instance))
    again = open_instance(tmp_path / "back")
    assert again.database.url != instance.database.url
    with again.database.read() as tx:
        assert "restored from a backup" in str(fact(tx, SENDING_BLOCKED))
    with instance.database.read() as tx:
        assert fact(tx, SENDING_BLOCKED) is None
    again.close()


def test_instance_with_its_database_elsewhere_is_restored_into_one_folder_P7(tmp_path: Path) -> None:
    found(tmp_path / "live", Answers("S", "N", "s@example.org"), clock=SystemClock(), actor="t")
    (tmp_path / "live" / "balintmail.db").rename(tmp_path / "register.db")
    settings = tmp_path / "live" / "balintmail.toml"
    settings.write_text(settings.read_text().replace("sqlite:///balintmail.db", f"sqlite:///{tmp_path}/register.db"))
    live = open_instance(tmp_path / "live")
    write(live.context(), tmp_path / "b.zip")
    restore(tmp_path / "b.zip", tmp_path / "back")
    again = open_instance(tmp_path / "back")
    assert str(again.database.url.database) == str(tmp_path / "back" / "balintmail.db")
    with live.database.read() as tx:
        assert fact(tx, SENDING_BLOCKED) is None
    live.close()
    again.close()


def test_backup_is_private_and_its_manifest_has_the_sum_of_every_member(instance: Instance, tmp_path: Path) -> None:
    write(instance.context(), tmp_path / "b.zip")
    assert stat.S_IMODE((tmp_path / "b.zip").stat().st_mode) == 0o600
    with zipfile.ZipFile(tmp_path / "b.zip") as archive:
        manifest = json.loads(archive.read("manifest.json"))
        assert set(manifest["files"]) == set(archive.namelist()) - {"manifest.json"}
        assert archive.testzip() is None
    assert {path.name for path in tmp_path.iterdir()} == {"live", "b.zip"}


def test_backup_is_remembered_with_its_time(instance: Instance, tmp_path: Path) -> None:
    made = write(instance.context(), tmp_path / "b.zip")
    with instance.database.read() as tx:
        remembered = datetime.fromisoformat(fact(tx, LAST_BACKUP) or "")
    assert timedelta(0) <= remembered - datetime.fromisoformat(made.made_at) < timedelta(minutes=1)


def test_backup_never_overwrites(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_text("mine")
    with pytest.raises(Conflict, match="exists already"):
        write(instance.context(), tmp_path / "b.zip")
    (tmp_path / "link.zip").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Conflict, match="exists already"):
        write(instance.context(), tmp_path / "link.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_backup_of_a_file_that_appears_meanwhile_loses_to_it(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = backup._fill

    def slow(*args: object) -> backup.Manifest:
        (tmp_path / "b.zip").write_text("mine")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "_fill", slow)
    with pytest.raises(Conflict, match="exists already"):
        write(instance.context(), tmp_path / "b.zip")
    assert (tmp_path / "b.zip").read_text() == "mine"


def test_backup_taken_while_others_write_is_of_one_moment(
    request: pytest.FixtureRequest, instance: Instance, tmp_path: Path
) -> None:
    """Each transaction adds a row to two tables; a backup that holds one of them only would be torn."""
    stop = threading.Event()
    other = open_instance(tmp_path / "live")

    def keep_writing() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            email = f"{number}@example.net"
            with other.database.write() as tx:
                tx.execute(insert(Person).values(name="pair", fields={}, joined_at=NOW, updated_at=NOW))
                row = {"email": email, "envelope": email, "key": email, "domain": "example.net", "created_at": NOW}
                tx.execute(insert(Address).values(**row))

    writer = threading.Thread(target=keep_writing)
    writer.start()
    try:
        for number in range(3):
            write(instance.context(), tmp_path / f"b{number}.zip")
    finally:
        stop.set()
        writer.join()
        other.close()
    for number in range(3):
        back = tmp_path / f"back{number}"
        restore(tmp_path / f"b{number}.zip", back, database=fresh_database(request, instance))
        again = open_instance(back)
        with again.database.read() as tx:
            people = tx.scalar(select(func.count()).where(Person.name == "pair"))
            addresses = tx.scalar(select(func.count()).where(Address.domain == "example.net"))
        assert people == addresses
        again.close()


def test_backup_killed_midway_leaves_nothing_under_its_name(sqlite_backup: Path, tmp_path: Path) -> None:
    (tmp_path / "live" / "files" / "large").write_bytes(os.urandom(60_000_000))
    command = [sys.executable, "-m", "balintmail", "-C", str(tmp_path / "live"), "backup", str(tmp_path / "killed.zip")]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    for _ in range(1000):
        if list(tmp_path.glob(".killed.zip.*.partial")):
            break
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert not (tmp_path / "killed.zip").exists()


def test_backup_that_fails_leaves_no_part_behind(
    instance: Instance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(backup, "_copy_checked", full)
    with pytest.raises(OSError, match="No space"):
        write(instance.context(), tmp_path / "b.zip")
    assert {path.name for path in tmp_path.iterdir()} == {"live"}


def test_every_changed_byte_is_noticed(sqlite_backup: Path, tmp_path: Path) -> None:
    whole = sqlite_backup.read_bytes()
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        broken = bytearray(whole)
        broken[place] ^= 0x41
        (tmp_path / "broken.zip").write_bytes(broken)
        try:
            restore(tmp_path / "broken.zip", tmp_path / "back")
        except BalintmailError:
            assert not (tmp_path / "back").exists()
        else:  # a byte of a zip's own bookkeeping that carries nothing
            live, back = tmp_path / "live", tmp_path / "back"
            assert (live / "secrets.toml").read_bytes() == (back / "secrets.toml").read_bytes()
            subprocess.run(["rm", "-r", str(back)], check=True)
    for length in (0, 10, len(whole) // 2, len(whole) - 1):
        (tmp_path / "broken.zip").write_bytes(whole[:length])
        with pytest.raises(BackupDamaged):
            restore(tmp_path / "broken.zip", tmp_path / "back")
    assert not list(tmp_path.glob(".back*"))


def rewritten(source: Path, target: Path, extra: dict[str, bytes], *, declare: bool = True, mode: int = 0o600) -> Path:
    """Copy a backup with more members, named in its manifest or not."""
    import hashlib

    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        manifest = json.loads(old.read("manifest.json"))
        for name in old.namelist():
            if name != "manifest.json" and name not in extra:
                new.writestr(name, old.read(name))
        for name, data in extra.items():
            info = zipfile.ZipInfo(name)
            info.filename = name  # ZipInfo tidies names; an attacker does not
            info.external_attr = mode << 16
            new.writestr(info, data)
            if declare:
                manifest["files"][name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        new.writestr("manifest.json", json.dumps(manifest))
    return target


@pytest.mark.parametrize(
    "name",
    ["../evil", "/tmp/evil", "files/../../evil", "files/./x", "files//x", "evil", ".ssh/x", "files\\..\\x", "journal/"],
)
def test_members_that_would_get_out_are_refused_G7(sqlite_backup: Path, tmp_path: Path, name: str) -> None:
    bad = rewritten(sqlite_backup, tmp_path / "bad.zip", {name: b"x"})
    with pytest.raises(BackupDamaged):
        restore(bad, tmp_path / "back")
    assert {path.name for path in tmp_path.iterdir()} == {"live", "b.zip", "bad.zip"}


def test_member_that_is_not_the_one_of_the_manifest_is_refused(sqlite_backup: Path, tmp_path: Path) -> None:
    """The zip's own sums are right: only the manifest's tell that somebody put another key in."""
    with zipfile.ZipFile(sqlite_backup) as archive:
        secrets = archive.read("secrets.toml")
    other = secrets.replace(b"a", b"b")
    bad = rewritten(sqlite_backup, tmp_path / "bad.zip", {"secrets.toml": other}, declare=False)
    with pytest.raises(BackupDamaged, match=r"secrets\.toml"):
        restore(bad, tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR])
def test_members_that_are_no_plain_files_are_refused_G7(sqlite_backup: Path, tmp_path: Path, kind: int) -> None:
    bad = rewritten(sqlite_backup, tmp_path / "bad.zip", {"files/x": b"/etc/passwd"}, mode=kind | 0o600)
    with pytest.raises(BackupDamaged, match="files/x"):
        restore(bad, tmp_path / "back")


def test_member_that_the_manifest_does_not_name_is_refused_G7(sqlite_backup: Path, tmp_path: Path) -> None:
    bad = rewritten(sqlite_backup, tmp_path / "bad.zip", {"files/x": b"x"}, declare=False)
    with pytest.raises(BackupDamaged):
        restore(bad, tmp_path / "back")


def test_member_larger_than_the_disk_is_refused_before_it_is_unpacked_G7(
    sqlite_backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    with pytest.raises(Conflict, match="are free"):
        restore(sqlite_backup, tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_restore_refuses_a_folder_with_something_in_it(sqlite_backup: Path, tmp_path: Path) -> None:
    (tmp_path / "back").mkdir()
    restore(sqlite_backup, tmp_path / "back")  # empty is fine
    with pytest.raises(Conflict, match="not empty"):
        restore(sqlite_backup, tmp_path / "back")
    (tmp_path / "file").touch()
    with pytest.raises(Conflict, match="not a folder"):
        restore(sqlite_backup, tmp_path / "file")


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip" * 1000])
def test_restore_of_something_else_says_so(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(BackupDamaged, match="not a backup"):
        restore(tmp_path / "x", tmp_path / "back")
    with pytest.raises(Conflict, match="no file"):
        restore(tmp_path / "missing", tmp_path / "back")


def test_restore_of_postgresql_needs_an_empty_database(tmp_path: Path, postgres: postgresql.Server) -> None:
    url = postgres.fresh(migrated=False)
    found(tmp_path / "live", Answers("S", "N", "s@example.org", database=url), clock=SystemClock(), actor="t")
    instance = open_instance(tmp_path / "live")
    write(instance.context(), tmp_path / "b.zip")
    instance.close()
    with pytest.raises(RestoreRefused, match="empty one"):
        restore(tmp_path / "b.zip", tmp_path / "back")
    with pytest.raises(Conflict, match="register already"):
        restore(tmp_path / "b.zip", tmp_path / "back", database=url)
    assert not (tmp_path / "back").exists()
    postgres.drop(url)


def test_restore_into_a_database_with_a_password_keeps_it_among_the_secrets(
    tmp_path: Path, postgres: postgresql.Server
) -> None:
    url, second = postgres.fresh(migrated=False), postgres.fresh(migrated=False)
    found(tmp_path / "live", Answers("S", "N", "s@example.org", database=url), clock=SystemClock(), actor="t")
    instance = open_instance(tmp_path / "live")
    write(instance.context(), tmp_path / "b.zip")
    instance.close()
    restore(tmp_path / "b.zip", tmp_path / "back", database=second.replace("@/", ":sesame@/"))
    assert "sesame" not in (tmp_path / "back" / "balintmail.toml").read_text()
    assert "sesame" in (tmp_path / "back" / "secrets.toml").read_text()
    open_instance(tmp_path / "back").close()
    postgres.drop(url)
    postgres.drop(second)


@pytest.mark.parametrize("name", [b"back\\slash", b"not utf-8 \xff"])
def test_file_whose_name_no_backup_can_hold_is_named(sqlite_backup: Path, tmp_path: Path, name: bytes) -> None:
    (tmp_path / "live" / "files" / os.fsdecode(name)).touch()
    instance = open_instance(tmp_path / "live")
    with pytest.raises(Conflict, match="no backup can hold"):
        write(instance.context(), tmp_path / "second.zip")
    instance.close()
    assert not (tmp_path / "second.zip").exists()
