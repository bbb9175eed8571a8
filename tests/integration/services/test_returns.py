"""Who is not reached, how else they are, and what came back, as the Secretary asks for it."""

import pytest
import sqlalchemy as sa

from balintmail.db.models import Mailing
from balintmail.errors import NotFound
from balintmail.services import merging, people, returns
from balintmail.services.context import Context
from balintmail.services.returns import Asked, Standing
from tests.conftest import MovableClock
from tests.support.coming_back import FULL, NO_USER, SPAM, Post, days

MARIA, JANE = "maria@example.org", "jane@example.net"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def test_a_dead_address_stands_with_other_ways(post: Post) -> None:
    maria = post.reader(MARIA, name="Maria Example")
    people.edit(post.ctx, maria, people.Changes(add=("m@example.net",), fields={"telefon": "+36 1 555 0100"}))
    post.comes(post.dsn(post.sent(maria, MARIA), MARIA, NO_USER))
    [row] = returns.unreached(post.ctx)
    assert (row.address, row.standing, row.reason.value) == (MARIA, Standing.GONE, "no_such_user")
    assert row.since == post.ctx.clock.now()
    [way] = row.people
    assert (way.person, way.name, way.others, way.post, way.phone) == (
        maria, "Maria Example", ("m@example.net",), False, "+36 1 555 0100",
    )  # fmt: skip


def test_a_paused_address_says_when_it_is_tried(post: Post, clock: MovableClock) -> None:
    maria = post.reader(MARIA)
    for _ in range(3):
        post.comes(post.dsn(post.sent(maria, MARIA), MARIA, FULL))
        clock.forward(days(1))
    [row] = returns.unreached(post.ctx)
    assert (row.standing, row.next_at) == (Standing.PAUSED, clock.now() + days(6))


def test_an_address_of_two_is_one_line_with_both(post: Post) -> None:
    first, second = post.reader(MARIA, name="Maria Example"), post.reader(MARIA, name="Paul Example")
    post.comes(post.dsn(post.sent(first, MARIA), MARIA, NO_USER))
    [row] = returns.unreached(post.ctx)
    assert [way.person for way in row.people] == [first, second]


def test_what_is_struck_off_comes_back_with_the_next_pause(post: Post, clock: MovableClock) -> None:
    maria = post.reader(MARIA)
    for _ in range(3):
        post.comes(post.dsn(post.sent(maria, MARIA), MARIA, FULL))
        clock.forward(days(1))
    assert returns.done(post.ctx, [MARIA]) == [(MARIA, True)]
    assert returns.unreached(post.ctx) == []
    assert post.address(MARIA).handled_by == "the Secretary"
    assert post.address(MARIA).probe_at is not None
    post.comes(post.dsn(post.sent(maria, MARIA), MARIA, NO_USER))
    assert [row.standing for row in returns.unreached(post.ctx)] == [Standing.GONE]
    assert returns.done(post.ctx, [MARIA]) == [(MARIA, True)]
    post.comes(post.dsn(post.sent(maria, MARIA), MARIA, NO_USER))
    assert returns.unreached(post.ctx) == []


def test_done_for_an_address_of_nobody_changes_nothing(post: Post) -> None:
    maria = post.reader(MARIA)
    post.comes(post.dsn(post.sent(maria, MARIA), MARIA, NO_USER))
    with pytest.raises(NotFound):
        returns.done(post.ctx, [MARIA, JANE])
    assert len(returns.unreached(post.ctx)) == 1


def test_events_are_listed_by_address_person_and_kind(post: Post) -> None:
    maria, jane = post.reader(MARIA), post.reader(JANE)
    post.comes(post.dsn(post.sent(maria, MARIA), MARIA, SPAM))
    post.comes(post.dsn(post.sent(jane, JANE), JANE, FULL), post.dsn(0, JANE, token=""))

    def listed(asked: Asked) -> list[str]:
        return [f"{row.address} {row.reason.value} {row.proven}" for row in returns.events(post.ctx, asked)]

    forged, full, spam = f"{JANE} no_such_user False", f"{JANE} mailbox_full True", f"{MARIA} spam_block True"
    assert sorted(listed(Asked())) == sorted([forged, full, spam])
    assert listed(Asked(MARIA)) == [spam]
    assert sorted(listed(Asked(str(jane)))) == sorted([forged, full])
    assert listed(Asked(unproven=True)) == [forged]
    assert listed(Asked(policy=True)) == [spam]
    assert listed(Asked("stranger@example.org")) == []


def test_a_persons_timeline_holds_what_came_back_since_before_a_merge(post: Post) -> None:
    keep, other = post.reader(JANE), post.reader(MARIA)
    post.comes(post.dsn(post.sent(other, MARIA), MARIA, FULL), post.dsn(0, MARIA, token=""))
    merging.merge(post.ctx, keep, other)
    with post.ctx.db.read() as tx:
        told = [(each.what, each.message) for each in people.portrait(tx, keep).timeline if each.message]
    assert told == [
        ("newsletter/n1 came back: mailbox full (5.2.2): score 1 of 3 (message 1)", 1),
        ("came back: no such user, no token of ours: changed nothing (message 2)", 2),
    ]


def test_a_system_mail_that_came_back_is_named_as_a_mailing(post: Post) -> None:
    jane = post.reader(JANE)
    delivery = post.sent(jane, JANE)
    with post.ctx.db.write() as tx:
        tx.execute(sa.update(Mailing).values(number=None))
    post.comes(post.dsn(delivery, JANE, FULL))
    with post.ctx.db.read() as tx:
        told = [each.what for each in people.portrait(tx, jane).timeline if each.message]
    assert told == ["mailing 1 came back: mailbox full (5.2.2): score 1 of 3 (message 1)"]
