"""The consent log while several write at once."""

import threading

from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.support import society

EACH = 8


def test_writers_at_once_lengthen_one_chain_and_lose_nothing(context: Context) -> None:
    society.found(context)
    failed: list[BaseException] = []

    def write(letter: str) -> None:
        try:
            for number in range(EACH):
                subscribe(context, [f"{letter}{number}@example.org"], Joining())
                unsubscribe(context, [f"{letter}{number}@example.org"], Leaving())
        except BaseException as exc:
            failed.append(exc)

    threads = [threading.Thread(target=write, args=(letter,)) for letter in "abc"]
    for thread in threads:
        thread.start()
    for _ in range(3):
        assert verify(context).findings == []  # a check meanwhile sees one moment
    for thread in threads:
        thread.join()
    assert failed == []
    found = verify(context)
    assert (found.entries, found.links, found.findings) == (6 * EACH, 6 * EACH, [])
