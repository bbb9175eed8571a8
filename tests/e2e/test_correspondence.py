"""`balintmail inbox list`, `show`, `assign`, `done`, `retry` and `forward` as the Secretary types them."""

import base64
import contextlib
import email
import sqlite3
from email.policy import default
from pathlib import Path

import pytest

from tests.support.command import call, founded, process
from tests.support.instance import Instance

EVIL = (
    b"From: Ada <ada@example.net>\r\nTo: office@balint.example.org\r\nSubject: \x1b]0;x\x07Tea\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: multipart/alternative; boundary=c\r\n\r\n"
    b"--c\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Dear \x1b[2JSecretary,\r\n\r\n{{ 7*7 }} [click](javascript:alert(1)) ![x](https://evil.example.net/x.png)\r\n"
    b"<script>alert(1)</script>\r\n"
    b"--c\r\nContent-Type: text/html\r\n\r\n<p>Dear <script>alert(1)</script><img src=https://evil.example.net/x.png></p>"
    b"\r\n--c--\r\n"
    b'--b\r\nContent-Type: application/x-sh\r\nContent-Disposition: attachment; filename="../../run.sh"\r\n'
    b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(b"#!/bin/sh\n") + b"\r\n--b--\r\n"
)


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    """A society into which one letter was piped."""
    found = Instance(tmp_path / "i")
    founded(found.folder, "--url", "https://balint.example.org")
    assert call("-C", found.folder, "subscribe", "ada@example.net", "--name", "Ada Example").status == 0
    pipe(found, EVIL)
    return found


def pipe(instance: Instance, raw: bytes) -> None:
    done = process("-C", instance.folder, "inbox", "pipe", stdin=raw.decode("latin-1"))
    assert done.status == 0, done.said


def test_letter_waits_is_shown_and_drives_no_terminal_J13(instance: Instance) -> None:
    [one] = instance("inbox", "list", "--json").json
    assert (one["id"], one["kind"], one["state"], one["says_from"]) == (1, "letter", "waiting", "ada@example.net")
    assert (one["person_name"], one["machine"], one["kept"]) == ("Ada Example", False, True)
    listed, shown = instance("inbox", "list").out, instance("inbox", "show", "1").out
    assert "\x1b" not in listed + shown
    assert "\x07" not in listed + shown
    assert "Dear \\x1b[2JSecretary," in shown
    assert "says from Ada <ada@example.net>" in shown
    assert "filed     Ada Example, person 2" in shown
    assert "file      run.sh.txt  application/x-sh, 10 octets" in shown
    assert 'message 1 "' in instance("people", "show", "2").out
    contents = instance("inbox", "show", "1", "--json").json
    assert contents["files"] == [{"name": "run.sh.txt", "said": "../../run.sh", "kind": "application/x-sh", "size": 10}]


def test_list_knows_the_mailboxes_there_are(instance: Instance) -> None:
    assert "No message waits" not in instance("inbox", "list", "--mailbox", "pipe").out
    done = instance("inbox", "list", "--mailbox", "NOPE")
    assert (done.status, done.out) == (1, "")
    assert 'There is no mailbox "NOPE".' in done.err


def test_raw_message_is_one_step_away_octet_for_octet(instance: Instance) -> None:
    shown = process("-C", instance.folder, "inbox", "show", "1", "--raw")
    assert shown.out.encode() == EVIL


def test_files_are_saved_inside_the_folder_readable_by_us_and_never_to_be_run_D9(
    instance: Instance, tmp_path: Path
) -> None:
    folder = tmp_path / "saved"
    first = instance("inbox", "show", "1", "--save", folder, "--json").json["saved"]
    second = instance("inbox", "show", "1", "--save", folder, "--json").json["saved"]
    assert [first, second] == [[str(folder / "run.sh.txt")], [str(folder / "run.sh-2.txt")]]
    for name in (*first, *second):
        assert Path(name).read_bytes() == b"#!/bin/sh\n"
        assert Path(name).stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i", "saved"]


def test_file_is_not_written_through_a_link(instance: Instance, tmp_path: Path) -> None:
    folder = tmp_path / "saved"
    folder.mkdir()
    (folder / "run.sh.txt").symlink_to(tmp_path / "target")
    [saved] = instance("inbox", "show", "1", "--save", folder, "--json").json["saved"]
    assert saved.endswith("run.sh-2.txt")
    assert not (tmp_path / "target").exists()


def test_html_is_written_harmless_and_over_nothing(instance: Instance, tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    assert instance("inbox", "show", "1", "--html", file).status == 0
    page = file.read_text("utf-8")
    assert "<p>Dear " in page
    assert "<script" not in page
    assert "evil.example.net" not in page
    again = instance("inbox", "show", "1", "--html", file)
    assert again.status == 1
    assert "is there already" in again.err


def test_letter_sent_on_reaches_the_secretary_as_words_alone(instance: Instance) -> None:
    sent = instance("inbox", "forward", "1")
    assert sent.out == "Message 1 goes to Rose Ormond with the next look of dispatch.\n"
    assert instance("dispatch").status == 0
    [raw] = instance.letters()
    letter = email.message_from_bytes(raw, policy=default)
    assert letter["To"].addresses[0].addr_spec == "secretary@balint.example.org"
    assert letter["Auto-Submitted"]
    assert letter["List-Unsubscribe"] is None
    assert "\x1b" not in letter["Subject"]
    part = letter.get_body(("html",))
    assert part is not None
    html = part.get_content()
    assert "{{ 7*7 }}" in html
    assert "&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert '<img src="https://evil' not in html


def test_our_own_mail_coming_back_is_not_sent_on_again(instance: Instance) -> None:
    with (instance.folder / "balintmail.toml").open("a") as file:
        file.write("\n[letters]\nforward_piped = true\n")
    pipe(instance, b"From: eve@example.net\nSubject: Cake\n\nWho brings it?\n")
    assert instance("dispatch").status == 0
    [raw] = instance.letters()
    pipe(instance, raw)
    assert instance("dispatch").status == 0
    assert len(instance.letters()) == 1
    assert [one["subject"] for one in instance("inbox", "list", "--json").json][1:] == ["Cake"]


def test_letter_is_assigned_put_away_and_opened_again(instance: Instance) -> None:
    assert instance("inbox", "assign", "1", "secretary").out == "Message 1 is Rose Ormond's now.\n"
    assert "waits, Rose Ormond" in instance("inbox", "list").out
    assert instance("inbox", "assign", "1", "ada@example.net").status == 1
    assert instance("inbox", "assign", "1").status == 2
    assert instance("inbox", "done", "1", "--by", "Ben").out == "Message 1 is done.\n"
    assert instance("inbox", "done", "1").out == "Message 1 is done already.\n"
    assert instance("inbox", "list").out == "No message waits. What was done: balintmail inbox list --all\n"
    [one] = instance("inbox", "list", "--all", "--json").json
    assert (one["state"], one["done_by"], one["assigned_name"]) == ("done", "Ben", "Rose Ormond")
    assert instance("inbox", "done", "1", "--undo").out == "Message 1 waits.\n"
    refused = instance("inbox", "retry", "1")
    assert refused.status == 1
    assert "not set aside" in refused.err
    assert instance("inbox", "show", "7").status == 1


def test_message_set_aside_is_listed_with_its_reason_and_read_again(instance: Instance) -> None:
    with contextlib.closing(sqlite3.connect(instance.folder / "balintmail.db")) as database, database:
        why = "the reader stopped over it: too much memory, or damage"
        database.execute("UPDATE inbound_messages SET state = 'set_aside', kind = 'broken', remark = ?", (why,))
    [one] = instance("inbox", "list", "--kind", "broken", "--json").json
    assert (one["state"], one["remark"]) == ("set_aside", why)
    assert why in instance("inbox", "list").out
    assert instance("inbox", "retry", "1").status == 0
    pipe(instance, b"From: eve@example.net\nSubject: Cake\n\nWho brings it?\n")
    assert [one["state"] for one in instance("inbox", "list", "--json").json] == ["waiting", "waiting"]
