"""Refusals that are about us are told to the Secretary once a day, with the systems' words and nobody's address."""

from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db.models import Notice
from balintmail.services import returns_alarm
from balintmail.services.context import Context
from tests.conftest import MovableClock
from tests.support.coming_back import FULL, SPAM, Post, days

MARIA, JANE = "maria@example.org", "jane@example.net"
NAMING = "550 5.7.1 <jane@example.net>: message to jane@example.net refused, aaaaabbbbbcccccdddddeeeeefffff23"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def told(post: Post) -> list[dict[str, Any]]:
    with post.ctx.db.read() as tx:
        return list(tx.scalars(sa.select(Notice.facts).where(Notice.template == "blocked")))


def test_refusals_are_told_with_the_words_and_without_addresses(post: Post) -> None:
    maria, jane = post.reader(MARIA), post.reader(JANE)
    for _ in range(2):
        post.comes(post.dsn(post.sent(maria, MARIA), MARIA, SPAM))
    post.comes(post.dsn(post.sent(jane, JANE), JANE, NAMING))
    assert returns_alarm.tell(post.ctx)
    [facts] = told(post)
    assert facts["count"] == 3
    rows = [row["row"] for row in facts["answers"]]
    assert rows == [
        {"domain": "example.org", "number": 2, "words": SPAM},
        {"domain": "example.net", "number": 1, "words": "550 5.7.1 <…>: message to … refused, …"},
    ]


def test_refusals_are_told_once_a_day(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, SPAM))
    assert [returns_alarm.tell(post.ctx) for _ in range(3)] == [True, False, False]
    clock.forward(days(0.5))
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, SPAM))
    assert not returns_alarm.tell(post.ctx)
    clock.forward(days(0.5))
    assert returns_alarm.tell(post.ctx)
    assert [facts["count"] for facts in told(post)] == [1]
    clock.forward(days(2))
    assert not returns_alarm.tell(post.ctx)


def test_neither_forged_refusals_nor_full_mailboxes_are_told(post: Post) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA)
    post.comes(post.dsn(delivery, MARIA, SPAM, token=""), post.dsn(delivery, MARIA, FULL))
    assert not returns_alarm.tell(post.ctx)
    post.comes(post.dsn(delivery, MARIA, SPAM))
    assert returns_alarm.tell(post.ctx)
