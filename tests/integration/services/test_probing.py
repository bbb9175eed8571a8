"""Paused addresses are tried by a short letter, mailed again on trial, or left to the Secretary; and nothing else is
sent to them meanwhile (D6).
"""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from balintmail.db.models import Delivery, Mailing, Notice
from balintmail.domain.states import AddressHealth, DeliveryState, Ground, Role, SkipReason
from balintmail.domain.tokens import Purpose
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import leaving, memberships, officers, probing, suppressions
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.leaving import Visit
from balintmail.services.memberships import Facts
from balintmail.services.notices import Waiting, put, to_person
from tests.conftest import MovableClock
from tests.support.coming_back import FULL, NO_USER, Post, days

MARIA = "maria@example.org"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def send(ctx: Context) -> None:
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())


def paused(post: Post, clock: MovableClock) -> int:
    """Return a reader whose mailbox was full three times."""
    person = post.reader(MARIA)
    for _ in range(3):
        post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
        clock.forward(days(7))
    assert post.address(MARIA).health is AddressHealth.BOUNCED
    return person


def probes(post: Post) -> list[int]:
    """Return the deliveries of the probes that were sent."""
    with post.ctx.db.read() as tx:
        titled = sa.select(Delivery.id).join(Mailing, Mailing.id == Delivery.mailing_id)
        sent = titled.where(Mailing.title == "Does this reach you?", Delivery.state == DeliveryState.ACCEPTED)
        return list(tx.scalars(sent.order_by(Delivery.id)))


def test_a_paused_address_is_tried_and_mailed_again_when_nothing_comes_back(post: Post, clock: MovableClock) -> None:
    paused(post, clock)
    send(post.ctx)
    assert len(probes(post)) == 1
    address = post.address(MARIA)
    assert (address.health, address.probes, address.probe_at) == (AddressHealth.BOUNCED, 1, None)
    clock.forward(days(4))
    send(post.ctx)
    assert not post.mailed(MARIA)
    clock.forward(days(1))
    send(post.ctx)
    assert post.mailed(MARIA)
    clock.forward(days(121))
    send(post.ctx)
    address = post.address(MARIA)
    assert (address.trial_until, address.probes, address.bounced_at, address.trouble) == (None, 0, None, "")
    assert len(probes(post)) == 1


def test_on_trial_one_more_failure_pauses_the_address(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    send(post.ctx)
    clock.forward(days(5))
    send(post.ctx)
    clock.forward(days(30))
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
    address = post.address(MARIA)
    assert (address.health, address.probe_at) == (AddressHealth.BOUNCED, clock.now() + days(14))


def test_after_the_trial_an_address_is_as_good_as_any(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    send(post.ctx)
    clock.forward(days(5))
    send(post.ctx)
    clock.forward(days(121))
    send(post.ctx)
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
    assert post.mailed(MARIA)


def test_probes_that_come_back_lie_further_apart_and_end(post: Post, clock: MovableClock) -> None:
    paused(post, clock)
    for number, wait in enumerate((14, 28), start=1):
        send(post.ctx)
        post.comes(post.dsn(probes(post)[-1], MARIA, FULL))
        assert len(probes(post)) == number
        assert post.address(MARIA).probe_at == clock.now() + days(wait)
        clock.forward(days(wait))
    send(post.ctx)
    post.comes(post.dsn(probes(post)[-1], MARIA, FULL))
    address = post.address(MARIA)
    assert (address.health, address.probe_at, address.trial_until) == (AddressHealth.BOUNCED, None, None)
    clock.forward(days(300))
    send(post.ctx)
    assert len(probes(post)) == 3


def test_a_late_report_about_an_older_letter_fails_no_probe(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for _ in range(3):
        old = post.sent(person, MARIA)
        post.comes(post.dsn(old, MARIA, FULL))
        clock.forward(days(7))
    send(post.ctx)
    post.comes(post.dsn(old, MARIA, FULL))
    clock.forward(days(5))
    send(post.ctx)
    assert post.mailed(MARIA)


def test_a_probe_that_finds_nobody_ends_the_address(post: Post, clock: MovableClock) -> None:
    paused(post, clock)
    send(post.ctx)
    post.comes(post.dsn(probes(post)[0], MARIA, NO_USER))
    assert post.suppressed(MARIA) is not None
    assert post.address(MARIA).trial_until is None


def test_while_a_probe_is_on_its_way_no_other_letter_is_let_through_D6(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    probing.tidy(post.ctx)
    with post.ctx.db.write() as tx:
        to = to_person(tx, person)
        assert to is not None
        put(post.ctx, tx, Waiting(template="goodbye", to=to, ground=Ground.REQUESTED, list_id=1))
    send(post.ctx)
    with post.ctx.db.read() as tx:
        titles = list(tx.scalars(sa.select(Mailing.title).where(Mailing.list_id == 1, Mailing.title != "News")))
    assert titles == ["Does this reach you?"]


def test_a_letter_put_in_before_the_pause_is_stopped_by_it(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for _ in range(2):
        post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
        clock.forward(days(1))
    waiting = post.sent(person, MARIA, DeliveryState.QUEUED)
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
    assert post.delivery(waiting).skip_reason is SkipReason.BOUNCED


def test_who_left_every_list_is_not_tried(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    leaving.leave_all(post.ctx, post.token(0, Purpose.LEAVE, person=person, list=1), Visit())
    send(post.ctx)
    assert probes(post) == []
    assert post.address(MARIA).probe_at is None


@pytest.mark.parametrize("ground", [Ground.OFFICER, Ground.MEMBERSHIP])
def test_officers_and_members_who_are_on_no_list_are_tried_too(post: Post, clock: MovableClock, ground: Ground) -> None:
    person = paused(post, clock)
    leaving.leave_all(post.ctx, post.token(0, Purpose.LEAVE, person=person, list=1), Visit())
    if ground is Ground.OFFICER:
        officers.appoint(post.ctx, Role.TREASURER, str(person))
    else:
        memberships.add(post.ctx, person, Facts())
    send(post.ctx)
    [probe] = probes(post)
    assert post.delivery(probe).ground is ground
    letters = [file.read_bytes() for file in (post.ctx.folder / "outbox" / "new").iterdir()]
    [letter] = [each for each in letters if b"Does this reach you" in each]
    assert b"List-Unsubscribe" not in letter
    assert b"the list" not in letter
    clock.forward(days(5))
    send(post.ctx)
    assert post.mailed(MARIA)


def test_who_leaves_before_the_probe_leaves_gets_none_D4(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    probing.tidy(post.ctx)
    leaving.leave_all(post.ctx, post.token(0, Purpose.LEAVE, person=person, list=1), Visit())
    send(post.ctx)
    assert probes(post) == []
    clock.forward(days(5))
    send(post.ctx)
    assert post.address(MARIA).health is AddressHealth.BOUNCED


def test_a_suppressed_address_is_not_tried(post: Post, clock: MovableClock) -> None:
    paused(post, clock)
    suppressions.suppress(post.ctx, MARIA)
    send(post.ctx)
    assert probes(post) == []


def test_a_probe_that_waits_to_leave_is_waited_for(post: Post, clock: MovableClock) -> None:
    paused(post, clock)
    probing.tidy(post.ctx)
    clock.forward(days(6))
    probing.tidy(post.ctx)
    assert post.address(MARIA).trial_until == clock.now() + days(1)
    send(post.ctx)
    clock.forward(days(1))
    send(post.ctx)
    assert post.address(MARIA).health is AddressHealth.BOUNCED  # it left a day ago
    clock.forward(days(4))
    send(post.ctx)
    assert post.mailed(MARIA)


def test_without_probes_a_paused_address_is_the_secretarys_matter(post: Post, clock: MovableClock) -> None:
    bounces = post.ctx.settings.bounces.model_copy(update={"probes": 0})
    post.ctx = replace(post.ctx, settings=post.ctx.settings.model_copy(update={"bounces": bounces}))
    paused(post, clock)
    assert post.address(MARIA).probe_at is None


def test_the_probe_says_why_in_the_readers_language(post: Post, clock: MovableClock) -> None:
    person = paused(post, clock)
    with post.ctx.db.write() as tx:
        tx.execute(sa.text("UPDATE people SET language = 'de' WHERE id = :id"), {"id": person})
    probing.tidy(post.ctx)
    with post.ctx.db.read() as tx:
        [(language, facts)] = tx.execute(sa.select(Notice.language, Notice.facts).where(Notice.template == "probe"))
    assert (language, facts["reason"]) == ("de", {"word": "return_mailbox_full"})
