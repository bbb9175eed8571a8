"""Postfix or the sender dies in the midst: at most one doubt per connection, nobody lost or doubled (D3, I1–I7)."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from balintmail.services import connections
from tests.support.instance import Instance
from tests.support.servers.daemon import until
from tests.support.servers.delivered import Books
from tests.support.servers.postfix import Postfix

LANES = 3


def settle(instance: Instance, books: Books) -> None:
    """Go on to the end, and settle the doubts by what the Maildir shows (P3)."""
    instance("mailings", "retry", "newsletter/84")
    assert instance("dispatch").status in {0, 4}
    states = books.agree(doubts=LANES)
    assert not set(states) & {"queued", "claimed", "at_risk", "deferred", "refused"}, states
    delivered = {copy.recipient for copy in books.copies()}
    for row in books.rows():
        if row.state == "unknown":
            word = "--accepted" if row.envelope in delivered else "--resend"
            instance("mailings", "settle", "newsletter/84", row.envelope, word)
    instance("dispatch")
    assert books.agree() == {"accepted": 30}
    assert books.is_finished


@pytest.mark.parametrize("how", ["smtpd", "everything"])
def test_postfix_killed_in_the_midst_leaves_one_doubt_per_connection_and_nobody_lost_or_doubled_D3(
    instance: Instance, postfix: Postfix, books: Books, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    monkeypatch.setattr(connections, "REOPEN_AFTER", (0.2, 0.4, 0.8))
    instance.use_relay(postfix.ports["all"], f"max_connections = {LANES}\nper_second = 40\n")

    def disturb() -> None:
        until(lambda: postfix.delivered_so_far() >= 8, "nothing is delivered")
        if how == "everything":
            postfix.crash()
        else:
            postfix.kill(how)

    with_it = threading.Thread(target=disturb)
    with_it.start()
    found = instance.send("--yes")
    with_it.join()
    assert found.status in {0, 4}, found.said
    books.agree(doubts=LANES)
    settle(instance, books)


def test_sender_killed_while_postfix_takes_its_letters_leaves_one_doubt_per_connection_D3(
    instance: Instance, postfix: Postfix, books: Books
) -> None:
    instance.use_relay(postfix.ports["all"], f"max_connections = {LANES}\nper_second = 40\n")
    command = [sys.executable, "-m", "balintmail", "-C", str(instance.folder), "send", "--yes"]
    process = subprocess.Popen(
        [*command, str(instance.folder / "newsletter.md")],
        cwd=Path("/"),
        env={**os.environ, "LANG": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: postfix.delivered_so_far() >= 8, "nothing is delivered")
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    books.agree(doubts=LANES)
    settle(instance, books)
