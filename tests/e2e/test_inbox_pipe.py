"""`balintmail inbox pipe` as a mail server calls it: one message, exit 0 once it is stored, 75 where it is not."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.command import founded
from tests.support.instance import Instance

LETTER = b"From: Ada <ada@example.net>\nTo: office@balint.example.org\nSubject: Tea\n\nDear Secretary\n"


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    found = Instance(tmp_path / "i")
    founded(found.folder, "--url", "https://balint.example.org")
    return found


def begin(instance: Instance, *args: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-m", "balintmail", "-C", str(instance.folder), "inbox", "pipe", *args]
    clean = {"PATH": os.environ.get("PATH", ""), "LANG": "C"}  # a mail server gives little
    return subprocess.Popen(
        words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**clean, **(env or {})},
        cwd="/",
    )


def pipe(instance: Instance, raw: bytes, *args: str, env: dict[str, str] | None = None) -> tuple[int, bytes]:
    running = begin(instance, *args, env=env)
    out, err = running.communicate(raw, timeout=60)
    return running.returncode, out + err


def rows(instance: Instance) -> list[tuple[str, str, bytes]]:
    with closing(sqlite3.connect(instance.folder / "balintmail.db")) as database:
        return list(database.execute("SELECT mailbox, state, raw FROM inbound_messages ORDER BY id"))


def test_message_is_stored_acted_on_and_nothing_is_said(instance: Instance) -> None:
    assert pipe(instance, LETTER) == (0, b"")
    assert rows(instance) == [("pipe", "waiting", LETTER)]


def test_same_message_again_is_one(instance: Instance) -> None:
    for _ in range(2):
        assert pipe(instance, LETTER)[0] == 0
    assert len(rows(instance)) == 1


def test_envelopes_recipient_is_kept_where_the_mail_server_tells_it(instance: Instance) -> None:
    assert pipe(instance, LETTER, "--to", "bounces+abc@example.org")[0] == 0
    assert pipe(instance, LETTER, env={"ORIGINAL_RECIPIENT": "bounces+def@example.org"})[0] == 0
    first, second = (raw for _, _, raw in rows(instance))
    assert first == b"X-Original-To: bounces+abc@example.org\n" + LETTER
    assert second == b"X-Original-To: bounces+def@example.org\n" + LETTER


@pytest.mark.parametrize(
    "recipient", ["a@b\nBcc: x@example.net", "a@b\r\nX: y", "no address", "a@" + "b" * 500, "a@b c"]
)
def test_recipient_brings_no_header_along_A1_A2(instance: Instance, recipient: str) -> None:
    assert pipe(instance, LETTER, "--to", recipient)[0] == 0
    assert rows(instance)[0][2] == LETTER


def test_line_that_a_mail_server_puts_before_a_message_stays_first(instance: Instance) -> None:
    raw = b"From ada@example.net  Sat Nov 21 18:04:00 2026\n" + LETTER
    assert pipe(instance, raw, "--to", "office@example.org")[0] == 0
    first, second, *_ = rows(instance)[0][2].split(b"\n")
    assert (first[:5], second) == (b"From ", b"X-Original-To: office@example.org")


def test_message_is_kept_by_the_mail_server_when_it_cannot_be_stored(instance: Instance) -> None:
    (instance.folder / "balintmail.db").rename(instance.folder / "elsewhere.db")
    status, said = pipe(instance, LETTER)
    assert status == 75
    assert said.startswith(b"The message was not taken: ")
    assert b"Traceback" not in said
    (instance.folder / "elsewhere.db").rename(instance.folder / "balintmail.db")
    assert rows(instance) == []


def test_broken_settings_and_a_missing_instance_keep_the_message_too(instance: Instance, tmp_path: Path) -> None:
    (instance.folder / "balintmail.toml").write_text("[society\n", "utf-8")
    assert pipe(instance, LETTER)[0] == 75
    assert pipe(Instance(tmp_path / "nowhere"), LETTER)[0] == 75


def test_nothing_on_standard_input_is_no_message(instance: Instance) -> None:
    assert pipe(instance, b"\n\n")[0] == 0
    assert rows(instance) == []


def test_many_at_once_are_all_taken(instance: Instance) -> None:
    letters = [LETTER.replace(b"Tea", f"Tea {number}".encode()) for number in range(8)]
    running = [begin(instance) for _ in letters]
    for one, raw in zip(running, letters, strict=True):
        assert one.stdin is not None
        one.stdin.write(raw)
        one.stdin.close()
    for one in running:
        one.stdin = None
        _, err = one.communicate(timeout=120)
        assert (one.returncode, err) == (0, b"")
    assert sorted(raw for _, _, raw in rows(instance)) == sorted(letters)
    assert {state for _, state, _ in rows(instance)} == {"waiting"}


def test_message_without_end_is_cut_and_taken_H14(instance: Instance) -> None:
    raw = LETTER + b"x" * 40_000_000
    assert pipe(instance, raw)[0] == 0
    [(_, state, stored)] = rows(instance)
    assert (state, len(stored)) == ("waiting", 30_000_000)
    assert stored.startswith(LETTER)


def test_fetch_without_a_mailbox_says_how_to_describe_one(instance: Instance) -> None:
    done = instance("inbox", "fetch")
    assert done.status == 1
    assert "[inbox.NAME]" in done.err


def test_dispatch_acts_on_what_a_pipe_left(instance: Instance) -> None:
    pipe(instance, LETTER)
    with closing(sqlite3.connect(instance.folder / "balintmail.db")) as database, database:
        database.execute("UPDATE inbound_messages SET state = 'new'")
    assert instance("dispatch").said == ""
    assert rows(instance)[0][1] == "waiting"


@pytest.mark.parametrize("setting", ["dry", "restored"])
def test_copy_that_sends_nothing_reads_nothing_by_itself(instance: Instance, setting: str) -> None:
    pipe(instance, LETTER)
    with closing(sqlite3.connect(instance.folder / "balintmail.db")) as database, database:
        database.execute("UPDATE inbound_messages SET state = 'new'")
        if setting == "restored":
            database.execute("INSERT INTO meta (key, value) VALUES ('sending_blocked', 'it was restored')")
    if setting == "dry":
        with (instance.folder / "balintmail.toml").open("a") as file:
            file.write("\n[send]\ndry = true\n")
    instance("dispatch")
    assert rows(instance)[0][1] == "new"


def test_mailbox_that_fails_stops_no_dispatch_and_says_nothing_to_cron(instance: Instance) -> None:
    with (instance.folder / "balintmail.toml").open("a") as file:
        file.write('\n[inbox.office]\nhost = "127.0.0.1"\nport = 1\nsecurity = "none"\n')
    assert instance("dispatch").said == ""
    done = instance("inbox", "fetch")
    assert done.status == 1
    assert "127.0.0.1:1" in done.out
