"""Who is reached and who not, on both databases."""

from sqlalchemy import update

from balintmail.db import audience
from balintmail.db.audience import Selection
from balintmail.db.models import Address
from balintmail.db.session import Database
from balintmail.domain.recipient import PersonData
from balintmail.domain.states import AddressHealth, SkipReason, SubscriptionState
from tests.support.register import a_list, a_person, on_list, readers, suppress


def test_counts_of_a_mixed_list_name_every_reason(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        reached = readers(tx, news, 3)
        for address, state in (
            ("p@example.org", SubscriptionState.PAUSED),
            ("u@example.org", SubscriptionState.UNSUBSCRIBED),
        ):
            on_list(tx, a_person(tx, address), news, state)
        on_list(tx, a_person(tx, None, name="Nobody"), news)
        on_list(tx, a_person(tx, "s@example.org"), news)
        suppress(tx, "s@example.org")
        on_list(tx, a_person(tx, "b@example.org"), news)
        tx.execute(update(Address).where(Address.email == "b@example.org").values(health=AddressHealth.BOUNCED))
        found = audience.counts(tx, Selection(news))
        assert [r.person for r in audience.stream(tx, Selection(news))] == reached
        left = {person.address: person.reason for person in audience.left_out(tx, Selection(news))}
    assert found.reached == 3
    assert found.audience == 7  # whoever has left is no part of the audience
    assert found.skipped == {
        SkipReason.PAUSED: 1,
        SkipReason.BOUNCED: 1,
        SkipReason.SUPPRESSED: 1,
        SkipReason.NO_ADDRESS: 1,
    }
    assert left["s@example.org"] is SkipReason.SUPPRESSED
    assert left[""] is SkipReason.NO_ADDRESS


def test_stream_gives_the_merge_values_as_the_freeze_will(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx, language="hu")
        person = a_person(
            tx,
            "b@example.org",
            name='Bálint "M" Mihály\\',
            first_name="Mihály",
            member=True,
            fields={"town": "Győr", "n": 3},
        )
        on_list(tx, person, news)
        (found,) = audience.stream(tx, Selection(news))
    assert found.data == PersonData('Bálint "M" Mihály\\', "Mihály", "hu", True, {"town": "Győr", "n": 3})
    assert (found.delivery, found.person, found.list, found.address) == (0, person, news, "b@example.org")


def test_two_people_on_one_address_are_two_of_the_audience(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        for name in ("Anna", "Béla"):
            on_list(tx, a_person(tx, "home@example.org", name=name), news)
        assert audience.counts(tx, Selection(news)).reached == 2


def test_exclude_takes_a_single_address(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        readers(tx, news, 3)
        assert audience.counts(tx, Selection(news, exclude=("READER2@example.org",))).reached == 2


def test_empty_list_J3_reaches_nobody(database: Database) -> None:
    with database.write() as tx:
        found = audience.counts(tx, Selection(a_list(tx)))
    assert (found.reached, found.skipped, found.audience) == (0, {}, 0)


def test_filters_choose_and_leave_out(database: Database) -> None:
    with database.write() as tx:
        news = a_list(tx)
        for number in range(4):
            member = a_person(tx, f"m{number}@example.org", member=True, language="hu" if number % 2 else "en")
            on_list(tx, member, news)
        readers(tx, news, 5)
        assert audience.counts(tx, Selection(news, where="member")).reached == 4
        assert audience.counts(tx, Selection(news, exclude=("member",))).reached == 5
        assert audience.counts(tx, Selection(news, where="member", exclude=('language = "hu"',))).reached == 2
