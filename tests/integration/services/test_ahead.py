"""services/ahead.py: letters made in threads come out as if they had been made in their turn."""

import asyncio
import threading
from collections import deque

import pytest

from balintmail.composing.refusals import ContentRefused
from balintmail.db.ledger import Claimed
from balintmail.domain.outcome import Composed, Envelope
from balintmail.services.ahead import CHUNK, Ahead

ROWS = [Claimed(n, 1, n, "r@example.org", "r@example.org", "[]", 1, None) for n in range(1, 3 * CHUNK)]


def compose(row: Claimed) -> Composed:
    if row.delivery == 5:
        raise ContentRefused("odd")
    return Composed(row.delivery, Envelope("b@example.org", row.envelope), f"<{row.delivery}@example.org>", b"x\r\n")


async def all_ready(ahead: Ahead, woken: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        while ahead.pending:
            woken.clear()
            await woken.wait()


def test_signed_letters_are_made_in_threads_and_one_that_cannot_be_fails_alone() -> None:
    threads: set[str] = set()

    def noted(row: Claimed) -> Composed:
        threads.add(threading.current_thread().name)
        return compose(row)

    async def story() -> None:
        todo: deque[Claimed] = deque()
        woken = asyncio.Event()
        ahead = Ahead(noted, lambda mailing: True, todo, woken.set)
        ahead.give(ROWS)
        assert ahead.pending == len(ROWS)
        await all_ready(ahead, woken)
        assert sorted(row.delivery for row in todo) == [row.delivery for row in ROWS]
        for row in todo:
            if row.delivery == 5:
                with pytest.raises(ContentRefused):
                    ahead.take(row)
            else:
                assert ahead.take(row) == compose(row)
        ahead.close()

    asyncio.run(story())
    assert threads
    assert all(name.startswith("letters") for name in threads)


def test_letters_that_are_quick_wait_for_their_turn() -> None:
    async def story() -> None:
        todo: deque[Claimed] = deque()
        ahead = Ahead(compose, lambda mailing: False, todo, lambda: None)
        ahead.give(ROWS)
        assert list(todo) == ROWS
        assert not ahead.pending
        assert ahead.take(ROWS[0]) == compose(ROWS[0])
        ahead.close()

    asyncio.run(story())
