"""`balintmail inbox explain`: many files in one call, no instance, nothing touched."""

import json
import os
from pathlib import Path

from tests.support.command import call, process

BOUNCE = (
    "From: MAILER-DAEMON@mx.example.net\nTo: office@balint.example.org\nSubject: Undeliverable mail\n\n"
    "<{}>: 550 5.1.1 User unknown\n"
)
KEYS = ["address", "verdict", "status", "reason", "evidence"]


def test_many_files_are_explained_in_one_call(tmp_path: Path) -> None:
    files = []
    for number in range(300):
        files.append(tmp_path / f"{number}.eml")
        files[-1].write_text(BOUNCE.format(f"reader{number}@example.net"), "utf-8")
    done = process("inbox", "explain", *files, "--json", cwd=tmp_path)
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert [one["results"][0]["address"] for one in found] == [f"reader{number}@example.net" for number in range(300)]
    assert {one["kind"] for one in found} == {"bounce"}
    assert list(found[0]["results"][0]) == KEYS
    assert (found[0]["results"][0]["verdict"], found[0]["results"][0]["reason"]) == ("hard", "no_such_user")
    assert found[0]["file"] == str(files[0])


def test_table_for_people_and_a_file_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(BOUNCE.format("ada@example.net"), "utf-8")
    done = call("inbox", "explain", tmp_path / "a.eml", tmp_path / "none.eml")
    assert done.status == 1
    assert "ada@example.net" in done.out
    assert "No such file" in done.out
    assert "Traceback" not in done.said


def test_message_comes_from_standard_input() -> None:
    done = process("inbox", "explain", "-", "--json", stdin=BOUNCE.format("ada@example.net"))
    assert json.loads(done.out)[0]["results"][0]["address"] == "ada@example.net"


def test_what_is_no_report_says_why_it_is_what_it_is(tmp_path: Path) -> None:
    away = "From: a@example.net\nAuto-Submitted: auto-replied\nSubject: Away\n\nI am away until Monday.\n"
    messages = {
        "away": away,
        "asks": "From: a@example.net\nSubject: Kopie 84\n\n",
        "letter": "From: a@example.net\nSubject: A question\n\nWhen do we meet next, and where?\n",
        "empty": "",
    }
    for name, text in messages.items():
        (tmp_path / name).write_text(text, "utf-8")
    (tmp_path / "folder").mkdir()
    found = process("inbox", "explain", "--json", *messages, "folder", cwd=tmp_path).json
    assert [one["kind"] for one in found] == ["auto_reply", "command", "letter", "broken", "broken"]
    said = [one["remark"] for one in found]
    for words, remark in zip(
        ("machine", "past newsletter: 84", "person", "nothing in it", "directory"), said, strict=True
    ):
        assert words in remark
    table = call("inbox", "explain", *(tmp_path / name for name in messages)).out
    assert all(remark in table for remark in said[:4])


def test_pipe_that_nobody_writes_into_is_said_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = process("inbox", "explain", "pipe", cwd=tmp_path)
    assert done.status == 1
    assert "it is a pipe" in done.out
