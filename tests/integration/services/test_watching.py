"""Waiting beside a mailbox: what comes is read at once where the server tells of it, and in time everywhere."""

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from balintmail.config import Security, Settings
from balintmail.services import watching
from balintmail.services.context import Context
from balintmail.services.fetching import Round
from balintmail.services.watching import Watch
from balintmail.setting_inbox import Inbox
from tests.support.imap_server import ImapServer, Talk

LETTER = b"From: ada@example.net\r\nSubject: Tea\r\n\r\nHello\r\n"


@pytest.fixture
def server() -> Iterator[ImapServer]:
    with ImapServer() as found:
        yield found


class Beside:
    """A watch in a thread, and what its rounds did."""

    def __init__(self, context: Context, server: ImapServer, *, look: float) -> None:
        box = Inbox.model_validate(
            {"host": "127.0.0.1", "port": server.port, "security": Security.NONE, "password": "secret"}
        )
        ctx = replace(context, settings=Settings(inbox={"bounces": box}))
        self.rounds: list[Round] = []
        self.told = threading.Condition()
        self.watch = Watch(ctx, (), look=look)
        self._thread = threading.Thread(target=self.watch.run, args=(self._tell,))

    def _tell(self, one: Round) -> None:
        with self.told:
            self.rounds.append(one)
            self.told.notify_all()

    def __enter__(self) -> "Beside":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def until(self, stored: int) -> None:
        """Return when so many messages were stored by all rounds together."""
        with self.told:
            assert self.told.wait_for(
                lambda: sum(box.stored for one in self.rounds for box in one.fetched) >= stored, timeout=20
            )


def test_what_comes_is_read_when_the_server_tells_of_it(context: Context, server: ImapServer) -> None:
    server.inbox.add(LETTER)
    with Beside(context, server, look=3600) as beside:
        beside.until(1)
        assert server.idling.wait(20)
        server.inbox.add(LETTER + b"2")
        server.news.set()
        beside.until(2)


def test_what_comes_before_the_first_idle_is_read_when_it_begins(context: Context, server: ImapServer) -> None:
    """Nobody tells of a message that came after the first reading and before somebody listened."""
    read = threading.Event()

    def hold(talk: Talk, command: str) -> bool:
        if command == "EXAMINE" and not server.idling.is_set():
            assert read.wait(20)  # the first reading found an empty mailbox
            if not added:
                added.append(server.inbox.add(LETTER))
        return False

    added: list[object] = []
    server.before = hold
    with Beside(context, server, look=3600) as beside:
        with beside.told:
            assert beside.told.wait_for(lambda: beside.rounds, timeout=20)
        read.set()
        beside.until(1)


def test_what_comes_is_read_in_time_where_the_server_tells_nothing(context: Context, server: ImapServer) -> None:
    server.capabilities = "IMAP4rev1 UIDPLUS"
    with Beside(context, server, look=0.05) as beside:
        server.inbox.add(LETTER)
        beside.until(1)
    assert not server.commands("IDLE")


def test_idle_that_ends_is_begun_anew(context: Context, server: ImapServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSES", (0.01,))
    left = [2]

    def drop(talk: Talk, command: str) -> bool:
        if command == "IDLE" and left[0]:
            left[0] -= 1
            talk.hang_up()
        return False

    server.before = drop
    with Beside(context, server, look=3600) as beside:
        assert server.idling.wait(20)
        server.inbox.add(LETTER)
        server.news.set()
        beside.until(1)


def test_stopping_does_not_wait_for_the_end_of_an_idle(context: Context, server: ImapServer) -> None:
    with Beside(context, server, look=3600):
        assert server.idling.wait(20)


def test_server_that_is_away_ends_no_watch(
    context: Context, server: ImapServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAUSES", (0.01,))
    server.password = "another"
    with Beside(context, server, look=0.05) as beside:
        server.inbox.add(LETTER)
        server.answers["NOOP"] = "OK"
        server.password = "secret"
        beside.until(1)
