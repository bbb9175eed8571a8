"""However a command ends: short lines, one JSON document, an exit status; our bugs leave a report, addresses out."""

import json
import re
import sqlite3
from pathlib import Path

import click
import pytest
import sqlalchemy as sa

from balintmail.cli.command import Globals
from balintmail.cli.failure import report
from balintmail.errors import BalintmailError, UsageRefused


def test_an_error_of_ours_is_its_message_and_its_hint(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(BalintmailError("What happened.", hint="What to do."), Globals()) == 1
    assert capsys.readouterr().err == "What happened.\nWhat to do.\n"
    assert report(UsageRefused("Wrong."), Globals()) == 2


def test_an_error_as_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(BalintmailError("Bálint.", hint="h"), Globals(json=True)) == 1
    shown = capsys.readouterr()
    assert json.loads(shown.out) == {"error": {"code": "error", "message": "Bálint.", "hint": "h"}}
    assert shown.err == ""


def test_a_noun_alone_shows_its_commands(capsys: pytest.CaptureFixture[str]) -> None:
    ctx = click.Context(click.Group("lists", help="Mailing lists.", commands={"add": click.Command("add")}))
    ctx.info_name = "lists"
    assert report(click.exceptions.NoArgsIsHelpError(ctx), Globals()) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-2:] == ["Commands:", "  add"]
    for alone in (click.exceptions.NoArgsIsHelpError(ctx), click.UsageError("Missing command.", ctx)):
        assert report(alone, Globals(json=True)) == 2
        assert json.loads(capsys.readouterr().out)["error"] == {
            "code": "usage", "message": "lists wants one of its commands.", "hint": "See: lists --help",
        }  # fmt: skip


def test_our_own_bug_is_one_line_a_report_and_70(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with pytest.raises(ZeroDivisionError) as caught:
        raise ZeroDivisionError("while mailing rose.o'neill@példa.example.org")
    assert report(caught.value, Globals()) == 70
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 2
    where = Path(re.search(r"(/\S+\.txt)", err)[1])  # type: ignore[index]
    text = where.read_text()
    assert "ZeroDivisionError" in text
    assert "(address)" in text
    assert "example.org" not in text
    assert where.stat().st_mode & 0o077 == 0


def test_full_disks_and_missing_rights_are_no_bugs(capsys: pytest.CaptureFixture[str]) -> None:
    assert report(OSError(28, "No space left on device", "/x/balintmail.db"), Globals()) == 1
    assert "/x/balintmail.db: No space left on device." in capsys.readouterr().err
    assert report(PermissionError(13, "Permission denied", "/x"), Globals()) == 1


def test_a_database_that_is_away_is_no_bug_and_shows_no_address(capsys: pytest.CaptureFixture[str]) -> None:
    exc = sa.exc.OperationalError("SELECT 1", {}, sqlite3.OperationalError("locked by x@example.org"))
    assert report(exc, Globals()) == 1
    assert "example.org" not in capsys.readouterr().err


def test_being_stopped_says_so() -> None:
    assert report(KeyboardInterrupt(), Globals()) == 1
    assert report(click.Abort(), Globals()) == 1


def test_control_characters_in_an_error_are_shown_and_not_obeyed_J13(capsys: pytest.CaptureFixture[str]) -> None:
    report(BalintmailError("a\x1b[2Jb"), Globals())
    assert "\x1b" not in capsys.readouterr().err


def test_a_file_that_is_no_database_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    exc = sa.exc.DatabaseError("SELECT 1", {}, sqlite3.DatabaseError("file is not a database"))
    assert report(exc, Globals()) == 1
    assert "file is not a database" in capsys.readouterr().err
    broken = sa.exc.IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE constraint failed"))
    assert report(broken, Globals()) == 70


def test_a_bug_on_a_machine_where_nothing_can_be_written_is_still_two_lines(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/proc/none")
    assert report(ZeroDivisionError(), Globals()) == 70
    assert "No report could be written" in capsys.readouterr().err


def test_what_the_machine_refuses_is_told_with_what_to_do(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    def told(exc: BaseException) -> list[str]:
        assert report(exc, Globals()) == 1
        return capsys.readouterr().err.splitlines()

    inside = tmp_path / "none" / ".people.csv.x1"
    assert told(FileNotFoundError(2, "No such file or directory", str(inside))) == [
        f"There is no folder {inside.parent}.",
        "Make it first, or name another.",
    ]
    assert told(PermissionError(13, "Permission denied", "/x"))[1].startswith("Run the command as the user")
    assert told(OSError(28, "No space left on device"))[1].startswith("Make room")
    readonly = sqlite3.OperationalError("attempt to write a readonly database")
    assert "may only be read" in told(sa.exc.OperationalError("UPDATE", {}, readonly))[0]
    broken = sqlite3.DatabaseError("file is not a database")
    assert "restore" in told(sa.exc.DatabaseError("SELECT 1", {}, broken))[1]
