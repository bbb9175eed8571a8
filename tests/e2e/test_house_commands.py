"""config, cron, migrate, backup and restore as people call them."""

import shlex
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from balintmail.cli.cron import crontab_line, service_unit
from tests.support.command import call, founded, process


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i")
    return tmp_path / "i"


def test_config_show_names_every_source_and_hides_every_secret(instance: Path) -> None:
    keys = (instance / "secrets.toml").read_text()
    with (instance / "secrets.toml").open("a") as file:
        file.write('[relays.main]\npassword = "open sesame"\n[database]\nurl = "postgresql+psycopg://u:sesame@h/n"\n')
    done = process("-C", instance, "config", "show", "--json", env={"BALINTMAIL_SEND__HOLD": "5m"})
    assert done.status == 0, done.err
    found = {one["key"]: (one["value"], one["source"]) for one in done.json["settings"]}
    assert found["society.name"] == ("The Example Balint Society", "balintmail.toml")
    assert found["send.hold"] == ("5m", "environment")
    assert found["send.unknown"] == ("hold", "default")
    assert found["keys.tokens"] == ("(hidden)", "secrets.toml")
    assert found["keys.previous"] == ("(not set)", "default")
    assert found["relays.main.password"] == ("(hidden)", "secrets.toml")
    assert found["database.url"] == ("postgresql+psycopg://u:***@h/n", "secrets.toml")
    shown = process("-C", instance, "config", "show")
    for secret in ("sesame", *(line.split('"')[1] for line in keys.splitlines() if line.startswith(("tok", "era")))):
        assert secret not in done.said + shown.said
    assert "relays.main.password" in shown.out


def test_config_check_is_silent_about_a_sound_instance_but_for_the_missing_address(instance: Path) -> None:
    done = call("-C", instance, "config", "check", "--json")
    assert done.status == 0
    assert [one["code"] for one in done.json["findings"]] == ["no_url"]
    assert done.json["ok"] is True


@pytest.mark.parametrize(
    ("settings", "code", "status"),
    [
        ('[relays.main]\nhost = "smtp.example.org"\nsecurity = "none"\n', "no_tls", 0),
        ('[relays.main]\nhost = "127.0.0.1"\nsecurity = "none"\n', None, 0),
        ('[relays.main]\nhost = "smtp.example.org"\nusername = "x"\n', "half_login", 0),
        ("[relays.main]\nport = 25\n", "no_host", 0),
        ('[bounces]\nstyle = "plus"\n', "no_bounce_address", 0),
        ("[bounces]\nstile = 1\n", "settings", 1),
        ('[keys]\ntokens = "xx"\n', "settings", 1),
        ('[database]\nurl = "mysql://x"\n', "database", 1),
    ],
)
def test_config_check_finds(instance: Path, settings: str, code: str | None, status: int) -> None:
    text = (instance / "balintmail.toml").read_text().replace('[database]\nurl = "sqlite:///balintmail.db"\n', "")
    (instance / "balintmail.toml").write_text(text + settings)
    if "tokens" in settings:
        (instance / "secrets.toml").unlink()
    done = call("-C", instance, "config", "check", "--json")
    assert done.status == status
    codes = [one["code"] for one in done.json["findings"] if one["code"] != "no_url"]
    assert codes == ([code] if code else [])


def test_commands_refuse_politely_on_an_older_or_newer_schema_J10(instance: Path, tmp_path: Path) -> None:
    for version, words in (("0000", "balintmail migrate"), ("9999", "newer")):
        with closing(sqlite3.connect(instance / "balintmail.db")) as db:
            db.execute("UPDATE alembic_version SET version_num = ?", (version,))
            db.commit()
        for command in (["backup", tmp_path / "b.zip"], ["people", "list"], ["send", "x.md"], ["dispatch"]):
            done = call("-C", instance, *command)
            assert (done.status, words in done.err) == (1, True), (command, done.said)
        assert call("-C", instance, "config", "check").status == 1
        done = call("-C", instance, "migrate")
        assert done.status == 1
        assert ("newer" if version == "9999" else "does not know") in done.err


def test_commands_refuse_politely_without_a_schema_and_migrate_makes_one_J10(instance: Path) -> None:
    (instance / "balintmail.db").unlink()
    refused = call("-C", instance, "people", "list")
    assert (refused.status, "balintmail migrate" in refused.err) == (1, True)
    assert not (instance / "balintmail.db").exists()
    done = call("-C", instance, "migrate", "--json")
    assert (done.status, done.json["before"], done.json["copy"]) == (0, None, None)
    assert call("-C", instance, "migrate").out.startswith("The database has schema")


def test_migrate_keeps_a_copy_of_the_database_as_it_was_J10(instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older schema is pretended by its number; the migration is replaced, the copy is real."""
    with closing(sqlite3.connect(instance / "balintmail.db")) as db:
        db.execute("UPDATE alembic_version SET version_num = '0000'")
        db.commit()
    from balintmail.cli import migrate

    def fails(_database: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(migrate, "upgrade", fails)
    assert call("-C", instance, "migrate").status == 1
    (copy,) = instance.glob("before-*.db")
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("0000",)
        assert db.execute("SELECT name FROM people").fetchone() == ("Rose Ormond",)
    with closing(sqlite3.connect(instance / "balintmail.db")) as db:
        assert db.execute("SELECT version_num FROM alembic_version").fetchone() == ("0000",)


def test_backup_and_restore_by_command(instance: Path, tmp_path: Path) -> None:
    done = call("-C", instance, "backup", tmp_path / "b.zip")
    assert done.status == 0, done.err
    assert "read back" in done.out
    assert call("-C", instance, "backup", tmp_path / "b.zip").status == 1
    done = call("restore", tmp_path / "b.zip", tmp_path / "back")
    assert done.status == 0, done.err
    assert "reconcile" in done.out
    assert call("restore", tmp_path / "b.zip", tmp_path / "back").status == 1


@pytest.mark.parametrize(
    "folder", ["plain", "with space", "100% done", "it's", 'a "quote"', "dollar$HOME", "back\\slash", "semi;colon|&"]
)
def test_crontab_line_survives_any_folder_name(tmp_path: Path, folder: str) -> None:
    """Read the line as cron does, which takes `%` for a line's end unless escaped, and then as sh does."""
    line = crontab_line(["printf", "%s\\n", "-C", str(tmp_path / folder), "dispatch"])
    assert line.startswith("* * * * * ")
    command, escaped = "", False
    for letter in line.removeprefix("* * * * * "):
        assert letter != "%" or escaped, "cron would cut the line here"
        if letter == "%" and escaped:
            command = command[:-1]
        command += letter
        escaped = letter == "\\"
    ran = subprocess.run(["sh", "-c", command.replace(">/dev/null", "")], capture_output=True, check=True, text=True)
    assert ran.stdout.splitlines() == ["-C", str(tmp_path / folder), "dispatch"]


def test_systemd_unit_escapes_what_systemd_reads() -> None:
    unit = service_unit(["/bin/x", "-C", '/a b/100%/$HOME/"q"\\z', "dispatch"])
    assert 'ExecStart=/bin/x -C "/a b/100%%/$$HOME/\\"q\\"\\\\z" dispatch' in unit


def test_cron_prints_lines_that_start_this_very_program(instance: Path) -> None:
    done = call("-C", instance, "cron", "--json")
    words = shlex.split(done.json["crontab"].removeprefix("* * * * * "))
    assert words[-3:] == [str(instance), "dispatch", ">/dev/null"]
    assert Path(words[0]).is_file()
    assert "OnCalendar=minutely" in done.json["timer"]
    assert "crontab -e" in call("-C", instance, "cron").out


def test_cron_outside_an_instance_says_how_to_make_one(tmp_path: Path) -> None:
    done = call("-C", tmp_path, "cron")
    assert done.status == 1
    assert "balintmail init" in done.err


def test_restored_instance_sends_only_after_reconcile_P7(instance: Path, tmp_path: Path) -> None:
    call("-C", instance, "backup", tmp_path / "b.zip")
    call("restore", tmp_path / "b.zip", tmp_path / "back")
    (tmp_path / "x.md").write_text("---\ntitle: T\nnumber: 1\n---\nHello.\n")
    call("-C", tmp_path / "back", "subscribe", "reader@example.org")
    refused = call("-C", tmp_path / "back", "send", tmp_path / "x.md", "--yes")
    assert refused.status == 1
    assert "balintmail reconcile" in refused.err
    assert not list((tmp_path / "back" / "outbox" / "new").iterdir())
    done = call("-C", tmp_path / "back", "reconcile", "--journal", instance / "journal", "--json")
    assert (done.status, done.json["unknown"]) == (0, 0)
    assert call("-C", tmp_path / "back", "send", tmp_path / "x.md", "--yes").status == 0
    assert len(list((tmp_path / "back" / "outbox" / "new").iterdir())) == 1
