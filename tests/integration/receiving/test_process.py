"""Reading in a process of its own: its limits, and that a message that breaks it stops nobody else's."""

import os
import signal
import subprocess
import sys

import pytest

from balintmail.domain.returns import Kind
from balintmail.receiving.process import Reader
from balintmail.receiving.read import read

LETTER = b"From: Ada <ada@example.net>\nTo: office@balint.example.org\nSubject: Tea\n\nDear Secretary\n"
BOUNCE = (
    b"From: MAILER-DAEMON@mx.example.net\nTo: office@balint.example.org\nSubject: Undeliverable mail\n\n"
    b"<b\xe1lint@example.net>: 550 5.1.1 User unknown\n"
)


def test_child_says_what_the_reader_says() -> None:
    with Reader() as reader:
        for raw in (LETTER, BOUNCE, b"", b"\xff" * 1000, LETTER.replace(b"Tea", b"=?utf-8?q?=FF=F0?=")):
            event, why = reader.read(raw)
            assert (event.kind, event.results, event.robot, why) == (
                read(raw).kind,
                read(raw).results,
                read(raw).robot,
                "",
            )


def test_message_that_takes_too_long_is_set_aside_and_the_next_is_read() -> None:
    with Reader() as reader:
        assert reader.read(LETTER)[0].kind is Kind.LETTER
        child = reader._child
        assert child is not None
        os.kill(child.pid, signal.SIGSTOP)
        reader._seconds = 0.2
        event, why = reader.read(LETTER)
        assert event.kind is Kind.BROKEN
        assert "not done" in why
        reader._seconds = 20.0
        assert reader.read(LETTER) == (read(LETTER), "")


def test_child_that_died_of_others_is_replaced_before_the_next_message() -> None:
    with Reader() as reader:
        reader.read(LETTER)
        assert reader._child is not None
        reader._child.kill()
        assert reader.read(LETTER) == (read(LETTER), "")


@pytest.mark.timeout(60)
def test_child_has_no_memory_without_end() -> None:
    with Reader(memory=8 << 20) as reader:  # less than Python itself needs for a message of this size
        event, why = reader.read(b"From: a@example.net\n\n" + b"x" * (3 << 20))
        assert (event.kind, why[:18]) == (Kind.BROKEN, "the reader stopped")
        event, why = reader.read(b"From: a@example.net\n\n" + b"x" * (3 << 20))
        assert (event.kind, why[:18]) == (Kind.BROKEN, "the reader stopped")


def test_who_only_asks_loads_no_patterns() -> None:
    words = "import balintmail.receiving.process, balintmail.services.returned, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", words], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "balintmail.receiving.process" in loaded
    assert not loaded & {
        "balintmail.receiving.read",
        "balintmail.receiving.note_words",
        "balintmail.domain.return_words",
    }
