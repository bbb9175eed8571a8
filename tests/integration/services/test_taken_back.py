"""A death or a resignation recorded by mistake is taken back: what was is restored, and both stay on record."""

from datetime import UTC, date, datetime, timedelta

import pytest

from balintmail.db import audit, people, subscriptions, suppressions
from balintmail.db import lists as list_rows
from balintmail.db import members as rows
from balintmail.domain.address import parse
from balintmail.domain.members import MembershipState
from balintmail.domain.states import SubscriptionState
from balintmail.errors import Conflict
from balintmail.services import lists, memberships, notices, taken_back
from balintmail.services import subscriptions as joining
from balintmail.services import suppressions as barred
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.memberships import Facts
from balintmail.services.subscriptions import Joining, Leaving
from tests.support import society

TODAY = date(2026, 11, 21)


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    for slug in ("courses", "left"):
        lists.add(context, slug, lists.Manners(name=slug.title()))
    return context


def test_a_death_taken_back_restores_lists_pauses_addresses_and_memberships_D6(ctx: Context) -> None:
    until = datetime(2027, 2, 1, tzinfo=UTC)
    for slug in ("newsletter", "courses", "left"):
        anna = joining.subscribe(ctx, ["anna@example.org"], Joining(list_slug=slug, name="Anna"))[0].person or 0
    joining.pause(ctx, anna, "courses", until)
    joining.unsubscribe(ctx, ["anna@example.org"], Leaving(list_slug="left"))
    memberships.add(ctx, anna, Facts(remark="since school"))
    memberships.resign(ctx, anna, TODAY + timedelta(days=40), "moves away")
    memberships.died(ctx, anna, TODAY - timedelta(days=3), "a letter came back")
    assert taken_back.death(ctx, anna) == 2
    with ctx.db.read() as tx:
        person = people.get(tx, anna)
        assert person is not None
        assert (person.died_on, person.member) == (None, True)
        slugs = {each.id: each.slug for each in list_rows.every(tx)}
        on = {slugs[row.list_id]: (row.state, row.paused_until) for row in subscriptions.of_person(tx, anna)}
        assert on == {
            "newsletter": (SubscriptionState.SUBSCRIBED, None),
            "courses": (SubscriptionState.PAUSED, until),
            "left": (SubscriptionState.UNSUBSCRIBED, None),
        }
        (row,) = rows.of_person(tx, anna)
        found = (row.state, row.ended_on, row.remark)
        assert found == (MembershipState.RESIGNED, TODAY + timedelta(days=40), "moves away")
        assert suppressions.of_hash(tx, ctx.keyring.address_hash(parse("anna@example.org").key)) is None
        assert notices.to_person(tx, anna) is not None
        assert [each.action for each in audit.of_people(tx, [anna])][-2:] == ["died", "death taken back"]
        assert society.groundless(tx) == []
    assert verify(ctx).findings == []
    with pytest.raises(Conflict, match="not recorded"):
        taken_back.death(ctx, anna)


def test_an_address_that_was_barred_before_stays_barred_P3(ctx: Context) -> None:
    anna = joining.subscribe(ctx, ["anna@example.org"], Joining(name="Anna"))[0].person or 0
    barred.suppress(ctx, "anna@example.org", "asked for it")
    memberships.died(ctx, anna)
    taken_back.death(ctx, anna)
    with ctx.db.read() as tx:
        why = suppressions.of_hash(tx, ctx.keyring.address_hash(parse("anna@example.org").key))
        assert why is not None
        assert why.note == "asked for it"


def test_a_resignation_is_taken_back_once_and_never_beside_a_newer_membership(ctx: Context) -> None:
    with ctx.db.write() as tx:
        anna = society.enter(ctx, tx, "Anna")
    memberships.add(ctx, anna, Facts())
    with pytest.raises(Conflict, match="no resignation"):
        taken_back.resignation(ctx, anna)
    memberships.resign(ctx, anna)
    row = taken_back.resignation(ctx, anna)
    assert (row.state, row.ended_on) == (MembershipState.ACTIVE, None)
    memberships.resign(ctx, anna)
    memberships.add(ctx, anna, Facts(of_class="student"))
    with pytest.raises(Conflict, match="no resignation"):
        taken_back.resignation(ctx, anna)
