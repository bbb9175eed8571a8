"""Merging two rows of one person."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from balintmail.db import consent, lists, mailed_links, officers, people, postal, subscriptions
from balintmail.db.models import Delivery, Mailing, Notice, Person, Subscription
from balintmail.domain.states import (
    DeliveryState,
    Ground,
    MailingKind,
    MailingState,
    Role,
    SkipReason,
    SubscriptionState,
)
from balintmail.errors import NotFound, UsageRefused
from balintmail.services import people as register
from balintmail.services import preferences
from balintmail.services.context import Context
from balintmail.services.lists import Manners, add
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining, Leaving, pause, subscribe, unsubscribe
from tests.conftest import MovableClock
from tests.support import society


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


@pytest.fixture
def two(ctx: Context, clock: MovableClock) -> tuple[int, int]:
    """Two rows of one person, the second one older."""
    other = subscribe(ctx, ["b@example.org"], Joining(name="Anna B. Example", language="hu", member=True))[0].person
    clock.forward(timedelta(days=1))
    keep = subscribe(ctx, ["a@example.org"], Joining(name="Anna Example"))[0].person
    return keep or 0, other or 0


def test_merge_keeps_addresses_consent_and_what_was_known(ctx: Context, two: tuple[int, int]) -> None:
    keep, other = two
    register.edit(ctx, keep, register.Changes(fields={"city": "Oxford"}))
    register.edit(ctx, other, register.Changes(fields={"city": "Bath", "paper": "yes"}))
    done = merge(ctx, keep, other)
    assert (done.kept, done.gone, done.addresses) == (keep, other, 2)
    with ctx.db.read() as tx:
        entry = people.entry(tx, keep)
        events = consent.history(tx, keep)
        assert society.groundless(tx) == []
        assert register.by_id(tx, other).id == keep
    assert entry is not None
    assert [(row.email, row.preferred) for row in entry.addresses] == [
        ("a@example.org", True),
        ("b@example.org", False),
    ]
    person = entry.person
    assert (person.name, person.first_name, person.language, person.member) == ("Anna Example", "Anna", "hu", True)
    assert person.fields == {"city": "Oxford", "paper": "yes"}
    assert person.joined_at == ctx.clock.now() - timedelta(days=1)
    assert len(events) == 2


@pytest.mark.parametrize("who", [0, 1])
def test_the_no_of_either_wins(ctx: Context, two: tuple[int, int], who: int) -> None:
    unsubscribe(ctx, [str(two[who])], Leaving())
    merge(ctx, *two)
    with ctx.db.read() as tx:
        row = subscriptions.get(tx, two[0], 1)
    assert row is not None
    assert row.state is SubscriptionState.UNSUBSCRIBED
    assert row.ended_at == ctx.clock.now()


@pytest.mark.parametrize("who", [0, 1])
def test_a_pause_of_either_wins_over_a_subscription(ctx: Context, two: tuple[int, int], who: int) -> None:
    pause(ctx, two[who], "", None)
    merge(ctx, *two)
    with ctx.db.read() as tx:
        row = subscriptions.get(tx, two[0], 1)
    assert row is not None
    assert row.state is SubscriptionState.PAUSED


def test_lists_of_both_are_kept(ctx: Context, two: tuple[int, int]) -> None:
    add(ctx, "journal", Manners())
    subscribe(ctx, ["b@example.org"], Joining(list_slug="journal"))
    merge(ctx, *two)
    with ctx.db.read() as tx:
        entry = people.entry(tx, two[0])
        assert lists.sizes(tx) == {1: 1, 2: 1}
        assert society.groundless(tx) == []
    assert entry is not None
    assert entry.lists == {"newsletter": SubscriptionState.SUBSCRIBED, "journal": SubscriptionState.SUBSCRIBED}


def mailing(ctx: Context, number: str, *people: int, state: DeliveryState = DeliveryState.QUEUED) -> int:
    """Put a running mailing with one delivery for each of these people into the ledger."""
    now = ctx.clock.now()
    row = {"list_id": 1, "kind": MailingKind.NEWSLETTER, "number": number, "title": "News", "content_hash": "0" * 64}
    delivery = {"address": "x@example.org", "envelope": "x@example.org", "address_key": "x@example.org", "at": now}
    with ctx.db.write() as tx:
        insert = sa.insert(Mailing).values(**row, state=MailingState.SENDING, created_at=now).returning(Mailing.id)
        added: int = tx.execute(insert).scalar_one()
        for person in people:
            one = {"mailing_id": added, "person_id": person, "ground": Ground.CONSENT, "state": state}
            tx.execute(sa.insert(Delivery).values(**one, **delivery))
    return added


def test_a_running_mailing_reaches_the_merged_person_once_D1(ctx: Context, two: tuple[int, int]) -> None:
    keep, other = two
    both, alone, past = mailing(ctx, "1", keep, other), mailing(ctx, "2", other), mailing(ctx, "3", other)
    with ctx.db.write() as tx:
        accepted = sa.update(Delivery).where(Delivery.mailing_id == past).values(state=DeliveryState.ACCEPTED)
        tx.execute(accepted)
    merge(ctx, keep, other)
    columns = (Delivery.mailing_id, Delivery.person_id, Delivery.state, Delivery.skip_reason)
    with ctx.db.read() as tx:
        rows = [tuple(row) for row in tx.execute(sa.select(*columns).order_by(Delivery.id))]
    assert rows == [
        (both, keep, DeliveryState.QUEUED, None),
        (both, other, DeliveryState.SKIPPED, SkipReason.NOT_SUBSCRIBED),
        (alone, keep, DeliveryState.QUEUED, None),
        (past, other, DeliveryState.ACCEPTED, None),
    ]


def test_offices_move_along(ctx: Context, two: tuple[int, int]) -> None:
    with ctx.db.write() as tx:
        officers.appoint(tx, two[1], Role.EDITOR, now=ctx.clock.now())
    merge(ctx, *two)
    with ctx.db.read() as tx:
        assert officers.roles(tx, two[0]) == [Role.EDITOR]


def test_merging_a_person_with_themselves_or_with_nobody_is_refused(ctx: Context, two: tuple[int, int]) -> None:
    with pytest.raises(UsageRefused):
        merge(ctx, two[0], two[0])
    with pytest.raises(NotFound):
        merge(ctx, two[0], 10**30)
    merge(ctx, *two)
    with pytest.raises(UsageRefused):
        merge(ctx, two[1], two[0])


def test_merging_two_who_share_an_address_leaves_one_holder(ctx: Context) -> None:
    anna = subscribe(ctx, ["both@example.org"], Joining(name="Anna"))[0].person or 0
    other = subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))[0].person or 0
    assert merge(ctx, anna, other).addresses == 1
    with ctx.db.read() as tx:
        assert [row.id for row in people.at_address(tx, "both@example.org")] == [anna]


@pytest.mark.parametrize("theirs", [DeliveryState.ACCEPTED, DeliveryState.AT_RISK, DeliveryState.UNKNOWN])
def test_merged_person_gets_no_second_copy_of_what_the_other_row_has_got_D1(
    ctx: Context, two: tuple[int, int], theirs: DeliveryState
) -> None:
    keep, other = two
    got = mailing(ctx, "84", other, state=theirs)
    with ctx.db.write() as tx:
        one = {"mailing_id": got, "person_id": keep, "ground": Ground.CONSENT, "state": DeliveryState.QUEUED}
        address = {"address": "a@example.org", "envelope": "a@example.org", "address_key": "a@example.org"}
        tx.execute(sa.insert(Delivery).values(**one, **address, at=ctx.clock.now()))
    merge(ctx, keep, other)
    with ctx.db.read() as tx:
        row = tx.execute(sa.select(Delivery.state, Delivery.skip_reason).where(Delivery.person_id == keep)).one()
    assert tuple(row) == (DeliveryState.SKIPPED, SkipReason.CANCELLED)


def test_what_waits_the_post_and_the_answers_go_over_and_links_end(ctx: Context) -> None:
    keep = subscribe(ctx, ["keep@example.org"], Joining(name="Anna Keep"))[0].person or 0
    other = subscribe(ctx, ["other@example.org"], Joining(name="Anna Other"))[0].person or 0
    home = {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1A 1BB"}
    with ctx.db.write() as tx:
        for person, answers in ((keep, {"how": "by a friend"}), (other, {"how": "by mail", "town": "Leeds"})):
            mine = Subscription.person_id == person
            tx.execute(sa.update(Subscription).where(mine).values(answers=answers))
        postal.put(tx, other, home, first_day=None, now=ctx.clock.now())
        people.update(tx, other, {"journal_format": "paper"}, now=ctx.clock.now())
        row = people.get(tx, other)
        assert row is not None
        preferences.mail_link(ctx, tx, row)
    merge(ctx, keep, other)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(Subscription.answers)) == {"how": "by a friend", "town": "Leeds"}
        assert [each.person_id for each in postal.of_people(tx, [keep, other])] == [keep]
        assert tx.scalar(sa.select(Person.journal_format).where(Person.id == keep)) == "paper"
        assert tx.scalar(sa.select(Person.journal_format).where(Person.id == other)) is None
        assert list(tx.scalars(sa.select(Notice.person_id))) == [keep]
        assert mailed_links.of_people(tx, [keep, other]) == []


def test_the_post_of_whoever_stays_wins(ctx: Context) -> None:
    keep = subscribe(ctx, ["keep@example.org"], Joining(name="Anna Keep"))[0].person or 0
    other = subscribe(ctx, ["other@example.org"], Joining(name="Anna Other"))[0].person or 0
    with ctx.db.write() as tx:
        for person, city in ((keep, "London"), (other, "Leeds")):
            postal.put(tx, person, {"country_code": "GB", "city": city}, first_day=None, now=ctx.clock.now())
    merge(ctx, keep, other)
    with ctx.db.read() as tx:
        assert [(each.person_id, each.city) for each in postal.of_people(tx, [keep, other])] == [(keep, "London")]
