"""The contract's words about the house: init, settings, global options, failures, backups, schemas."""

import json
import sqlite3
from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call, process
from tests.support.instance import Instance

FAILURE = {"code", "message", "hint"}


def test_init_asks_nothing_makes_the_secretary_and_the_list_and_never_overwrites(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "society"
    assert process("init", folder, *SOCIETY, "--timezone", "Europe/Budapest", cwd=tmp_path).status == 0
    assert {"balintmail.toml", "secrets.toml", "balintmail.db", "journal", "outbox", "templates", "pages", "files"} <= {
        path.name for path in folder.iterdir()
    }
    assert (folder / "secrets.toml").stat().st_mode & 0o777 == 0o600
    (one,) = call("-C", folder, "people", "list", "--json").json
    assert (one["addresses"][0]["address"], one["lists"]) == ("secretary@balint.example.org", {})
    (only,) = call("-C", folder, "lists", "list", "--json").json
    assert (only["slug"], only["policy"], only["default"]) == ("newsletter", "approve", True)
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    again = call("init", folder, *SOCIETY, "--json")
    assert (again.status, set(again.json["error"])) == (1, FAILURE)
    assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    for missing in range(1, len(SOCIETY), 2):
        given = [*SOCIETY[:missing], *SOCIETY[missing + 2 :]]
        assert call("init", tmp_path / "other", *given).status == 2
    assert call("init", tmp_path / "other").status == 1  # questions, and nobody to answer
    assert not (tmp_path / "other").exists()


def test_instance_is_the_nearest_upward_and_global_options_stand_anywhere(society: Instance, tmp_path: Path) -> None:
    inside = society.folder / "pages"
    assert json.loads(process("people", "list", "--json", cwd=inside).out)[0]["id"] == 1
    for line in (
        ("-C", society.folder, "--json", "people", "list"),
        ("people", "list", "--json", "-C", society.folder),
    ):
        assert call(*line).json[0]["id"] == 1
    lost = process("people", "list", "--json", cwd=tmp_path)
    assert (lost.status, set(json.loads(lost.out)["error"])) == (1, FAILURE)
    assert "balintmail" in call("--version").out
    society("subscribe", "a@example.org", "--by", "Pál")
    assert "Pál" in society("people", "show", "a@example.org").out


@pytest.mark.parametrize(
    "line", [("frobnicate",), ("subscribe",), ("people", "list", "--nonsense"), ("mailings", "settle", "1")]
)
def test_wrong_usage_is_exit_2_with_the_failure_document(society: Instance, line: tuple[str, ...]) -> None:
    done = society(*line, "--json")
    assert (done.status, set(done.json["error"])) == (2, FAILURE)
    assert "Traceback" not in done.said


def test_our_own_bug_is_exit_70_with_a_report_and_no_traceback(
    society: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("anna@example.org")

    monkeypatch.setattr("balintmail.services.mailings.every", broken)
    done = society("mailings", "list", "--json")
    assert (done.status, set(done.json["error"])) == (70, FAILURE)
    assert "Traceback" not in done.said


def test_settings_typo_names_key_file_line_and_the_nearest_J8(society: Instance) -> None:
    settings = society.folder / "balintmail.toml"
    text = settings.read_text("utf-8").replace("timezone =", "timezoen =")
    settings.write_text(text, "utf-8")
    line = text[: text.index("timezoen")].count("\n") + 1
    for command in (("config", "check"), ("people", "list")):
        done = society(*command)
        assert done.status == 1
        for word in ("society.timezoen", "balintmail.toml", f"line {line}", "society.timezone"):
            assert word in done.said


def test_environment_wins_and_secrets_stay_hidden(society: Instance) -> None:
    env = {"BALINTMAIL_SEND__HOLD": "7m", "BALINTMAIL_RELAYS__MAIN__PASSWORD": "swordfish"}
    shown = process("-C", society.folder, "config", "show", "--json", env=env)
    found = {each["key"]: (each["value"], each["source"]) for each in json.loads(shown.out)["settings"]}
    assert found["send.hold"] == ("7m", "environment")
    assert "swordfish" not in shown.out
    keys = (society.folder / "secrets.toml").read_text("utf-8").split('"')[1]
    assert keys not in shown.out


def test_secrets_that_others_can_read_are_refused_J9(society: Instance) -> None:
    (society.folder / "secrets.toml").chmod(0o644)
    done = society("people", "list")
    assert done.status == 1
    assert "chmod 600" in done.err


@pytest.mark.parametrize("version", ["9999", "0000"])
def test_other_schemas_are_refused_politely_by_every_command_J10(society: Instance, version: str) -> None:
    with sqlite3.connect(society.folder / "balintmail.db") as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (version,))
    for line in (("people", "list"), ("dispatch",), ("subscribe", "a@example.org"), ("mailings", "list"), ("migrate",)):
        done = society(*line, "--json")
        assert (done.status, done.json["error"]["code"]) == (1, "schema"), line
        assert version in done.json["error"]["message"]


def test_backup_restores_elsewhere_and_sends_nothing_before_reconcile_P7(society: Instance, tmp_path: Path) -> None:
    society("subscribe", "anna@example.org")
    assert society("backup", tmp_path / "a.backup").status == 0
    assert society("backup", tmp_path / "a.backup").status == 1
    society.send("--yes")
    assert society("restore", tmp_path / "a.backup", tmp_path / "new").status == 0
    assert society("restore", tmp_path / "a.backup", tmp_path / "new").status == 1
    restored = Instance(tmp_path / "new")
    restored.write()
    assert restored.send("--yes").status == 1
    assert restored("dispatch").status == 1
    learnt = restored("reconcile", "--journal", society.folder / "journal", "--json")
    assert (learnt.status, learnt.json["blocked"]) == (0, ["newsletter/84"])
    assert restored.send("--yes").status == 1
    assert restored.letters() == []
    restored.write(number=85)
    assert restored.send("--yes").status == 0


def test_outbox_is_shown_and_cleared(society: Instance) -> None:
    society("subscribe", "anna@example.org")
    society.send("--yes")
    (one,) = society("outbox", "list", "--json").json
    assert (society.folder / "outbox" / one["file"]).is_file()
    shown = process("-C", society.folder, "outbox", "show", one["file"])
    assert one["message_id"] in shown.out
    for name in ("../secrets.toml", "/etc/passwd", "new/../../secrets.toml"):
        assert society("outbox", "show", name).status == 1
    assert society("outbox", "clear", "--yes").status == 0
    assert society("outbox", "list", "--json").json == []
    assert society("mailings", "show", "newsletter/84", "--json").json["counts"]["accepted"] == 1


def test_cron_and_completion_print_what_they_say(society: Instance) -> None:
    shown = society("cron").out
    assert "* * * * *" in shown
    assert str(society.folder) in shown
    assert "OnCalendar" in shown
    for shell in ("bash", "zsh", "fish"):
        done = call("completion", shell)
        assert (done.status, "balintmail" in done.out) == (0, True)
