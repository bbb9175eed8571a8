"""Finding, showing, listing and editing people."""

from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from balintmail.config import Settings, Society
from balintmail.db import officers, people, suppressions
from balintmail.db.models import Delivery, Mailing, Person
from balintmail.domain.filters import FilterError
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.states import DeliveryState, Ground, MailingKind, MailingState, SkipReason
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.people import Changes, SharedAddress, Wanted, edit, entries, find_one, portrait
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from balintmail.services.suppressions import allow, suppress
from tests.support import society


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def join(ctx: Context, address: str, name: str | None = None) -> int:
    return subscribe(ctx, [address], Joining(name=name))[0].person or 0


def listed(ctx: Context, wanted: Wanted) -> list[int]:
    with ctx.db.read() as tx:
        return [entry.person.id for entry in entries(tx, wanted, ctx)]


def row(ctx: Context, person: int) -> people.PersonRow:
    with ctx.db.read() as tx:
        found = people.get(tx, person)
    assert found is not None
    return found


def test_secretary_is_found_with_an_address(ctx: Context) -> None:
    with ctx.db.read() as tx:
        found = officers.secretary(tx)
    assert found is not None
    assert (found.name, found.address) == ("Enid Example", society.SECRETARY)


def test_find_by_id_address_and_person_where_an_address_is_shared(ctx: Context) -> None:
    anna, bea = join(ctx, "both@example.org", "Anna"), join(ctx, "both@example.org", "Bea")
    with ctx.db.read() as tx:
        assert find_one(tx, str(anna)).id == anna
        assert find_one(tx, " BOTH@example.org ", person=bea).id == bea
        with pytest.raises(SharedAddress) as shared:
            find_one(tx, "both@example.org")
        assert [person.id for person in shared.value.people] == [anna, bea]
        with pytest.raises(NotFound):
            find_one(tx, "both@example.org", person=1)


@pytest.mark.parametrize(
    "who", ["0", "-1", "9223372036854775808", "9" * 400, "٣", "nobody@example.org", "a@b", "", "\0"]
)
def test_nobody_is_found_kindly_F9(ctx: Context, who: str) -> None:
    with ctx.db.read() as tx, pytest.raises(NotFound):
        find_one(tx, who)


def test_list_filters_by_list_member_and_where(ctx: Context) -> None:
    anna, bea = join(ctx, "a@example.org", "Anna"), join(ctx, "b@example.org", "Bea")
    edit(ctx, anna, Changes(member=True))
    unsubscribe(ctx, [str(bea)], Leaving())
    assert listed(ctx, Wanted()) == [1, anna, bea]
    assert listed(ctx, Wanted(list_slug="newsletter")) == [anna]
    assert listed(ctx, Wanted(member=False)) == [1, bea]
    assert listed(ctx, Wanted(where='left = "newsletter" or name = "anna"')) == [anna, bea]
    with pytest.raises(NotFound):
        listed(ctx, Wanted(list_slug="nothing"))


@pytest.mark.parametrize(
    ("asked", "name"), [("%", "100% sure"), ("_", "under_score"), ("\\\\", "back\\slash"), ("/", "a/b")]
)
def test_signs_of_like_are_plain_letters_F3(ctx: Context, asked: str, name: str) -> None:
    for number, each in enumerate(["100% sure", "under_score", "back\\slash", "a/b", "plain"]):
        join(ctx, f"p{number}@example.org", each)
    found = listed(ctx, Wanted(where=f'name contains "{asked}"'))
    assert [row(ctx, person).name for person in found] == [name]


def test_value_that_looks_like_sql_is_stored_and_compared_as_text_F1_F2(ctx: Context) -> None:
    name = "x' OR 1=1--"
    person = join(ctx, "a@example.org", name)
    edit(ctx, person, Changes(fields={"city": "'); DROP TABLE people; --"}))
    assert listed(ctx, Wanted(where='name = "x\' OR 1=1--"')) == [person]
    assert listed(ctx, Wanted(where='city = "\'); DROP TABLE people; --"')) == [person]
    assert listed(ctx, Wanted(where='name starts with "x\' OR"')) == [person]


def test_own_field_that_nobody_has_is_named_with_the_nearest_F6(ctx: Context) -> None:
    edit(ctx, join(ctx, "a@example.org"), Changes(fields={"City": "Oxford"}))
    assert len(listed(ctx, Wanted(where='city = "oxford"'))) == 1
    with pytest.raises(FilterError) as wrong:
        listed(ctx, Wanted(where='fields.cty = "x"'))
    assert wrong.value.hint == "Nearest: city"
    with pytest.raises(FilterError):
        listed(ctx, Wanted(where='list = "nothing"'))


def test_days_of_a_filter_begin_at_midnight_of_the_society(ctx: Context) -> None:
    person = join(ctx, "a@example.org")
    with ctx.db.write() as tx:
        early = datetime(2024, 12, 31, 12, 30, tzinfo=UTC)  # half past one on New Year's Day in Auckland
        tx.execute(sa.update(Person).where(Person.id == person).values(joined_at=early))
    there = Settings(society=Society(timezone="Pacific/Auckland"))
    away = Context(ctx.db, ctx.clock, ctx.keyring, there, ctx.actor, ctx.folder)
    assert listed(ctx, Wanted(where="joined < 2025-01-01")) == [person]
    assert listed(away, Wanted(where="joined < 2025-01-01")) == []
    assert listed(away, Wanted(where="joined = 2025-01-01")) == [person]


def test_list_streams_more_than_a_page(ctx: Context) -> None:
    subscribe(ctx, [f"r{number}@example.org" for number in range(people.PAGE + 20)], Joining())
    assert listed(ctx, Wanted()) == list(range(1, people.PAGE + 22))


def test_first_name_follows_the_name_until_somebody_gives_one(ctx: Context) -> None:
    person = join(ctx, "a@example.org", "Kovács Anna")
    edit(ctx, person, Changes(name="Kovács Éva"))
    assert row(ctx, person).first_name == "Éva"
    edit(ctx, person, Changes(first_name="Évike"))
    edit(ctx, person, Changes(name="Nagy Zita"))
    assert row(ctx, person).first_name == "Évike"


def test_edit_tells_what_changed_and_nothing_twice(ctx: Context) -> None:
    person = join(ctx, "a@example.org")
    changes = Changes(name="Anna", language="hu", member=True, fields={"city": "Bath"}, add=("b@example.org",))
    assert edit(ctx, person, changes) == ["name", "language", "member", "own fields", "address added"]
    assert edit(ctx, person, changes) == []
    assert edit(ctx, person, Changes(language="", fields={"city": None})) == ["language", "own fields"]
    found = row(ctx, person)
    assert (found.language, found.fields) == (None, {})


def test_addresses_are_added_preferred_and_removed(ctx: Context) -> None:
    person = join(ctx, "a@example.org")
    edit(ctx, person, Changes(add=("b@example.org",), prefer="b@example.org"))
    edit(ctx, person, Changes(remove=("a@example.org",)))
    with ctx.db.read() as tx:
        entry = people.entry(tx, person)
        assert people.at_address(tx, "a@example.org") == []
    assert entry is not None
    assert [(each.email, each.preferred) for each in entry.addresses] == [("b@example.org", True)]


def test_removing_the_preferred_address_makes_another_the_preferred_one(ctx: Context) -> None:
    person = join(ctx, "a@example.org")
    edit(ctx, person, Changes(add=("b@example.org",), remove=("a@example.org",)))
    with ctx.db.read() as tx:
        entry = people.entry(tx, person)
    assert entry is not None
    assert [each.preferred for each in entry.addresses] == [True]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        (Changes(remove=("a@example.org",)), Conflict),
        (Changes(remove=("other@example.org",)), NotFound),
        (Changes(prefer="other@example.org"), NotFound),
        (Changes(add=("not an address",)), UsageRefused),
        (Changes(name="a\r\nb"), TextRefused),
        (Changes(fields={"bad name!": "x"}), TextRefused),
        (Changes(fields={"ok": "nul\0"}), TextRefused),
        (Changes(language="xx yy"), TextRefused),
    ],
)
def test_edit_that_cannot_be_changes_nothing(ctx: Context, changes: Changes, error: type[Exception]) -> None:
    person = join(ctx, "a@example.org", "Anna")
    before = row(ctx, person)
    with pytest.raises(error):
        edit(ctx, person, changes)
    assert row(ctx, person) == before


def test_erased_address_is_not_added_to_anybody_D7(ctx: Context) -> None:
    erase(ctx, join(ctx, "gone@example.org", "Anna"))
    person = join(ctx, "a@example.org", "Bea")
    with pytest.raises(Conflict, match="erased"):
        edit(ctx, person, Changes(name="Other", add=("gone@example.org",)))
    assert row(ctx, person).name == "Bea"
    with pytest.raises(Conflict, match="erased"):
        allow(ctx, "gone@example.org")


def delivery(ctx: Context, person: int, address: str) -> int:
    """Put one queued delivery of a running mailing into the ledger."""
    now = ctx.clock.now()
    row = {"list_id": 1, "kind": MailingKind.NEWSLETTER, "title": "News", "content_hash": "", "created_at": now}
    told = {"address": address, "envelope": address, "address_key": address, "at": now, "ground": Ground.CONSENT}
    with ctx.db.write() as tx:
        made = sa.insert(Mailing).values(**row, state=MailingState.SENDING, number=str(person)).returning(Mailing.id)
        insert = sa.insert(Delivery).values(
            **told, mailing_id=tx.execute(made).scalar_one(), person_id=person, state=DeliveryState.CLAIMED
        )
        return tx.execute(insert.returning(Delivery.id)).scalar_one()


def state(ctx: Context, number: int) -> tuple[DeliveryState, SkipReason | None]:
    with ctx.db.read() as tx:
        found = tx.execute(sa.select(Delivery.state, Delivery.skip_reason).where(Delivery.id == number)).one()
    return (found[0], found[1])


def test_suppressing_and_leaving_stop_what_is_open_D4(ctx: Context) -> None:
    anna, bea = join(ctx, "a@example.org", "Anna"), join(ctx, "b@example.org", "Bea")
    first, second = delivery(ctx, anna, "a@example.org"), delivery(ctx, bea, "b@example.org")
    assert suppress(ctx, "A@example.org", "by telephone")
    assert not suppress(ctx, "a@example.org")
    unsubscribe(ctx, ["b@example.org"], Leaving())
    assert state(ctx, first) == (DeliveryState.SKIPPED, SkipReason.SUPPRESSED)
    assert state(ctx, second) == (DeliveryState.SKIPPED, SkipReason.NOT_SUBSCRIBED)
    assert allow(ctx, "a@example.org")
    assert not allow(ctx, "a@example.org")
    with ctx.db.read() as tx:
        assert suppressions.of_hash(tx, ctx.keyring.address_hash("a@example.org")) is None


def test_portrait_tells_the_story_in_order(ctx: Context) -> None:
    person = join(ctx, "a@example.org", "Anna")
    delivery(ctx, person, "a@example.org")
    unsubscribe(ctx, ["a@example.org"], Leaving(reason="enough"))
    edit(ctx, person, Changes(language="hu"))
    with ctx.db.read() as tx:
        told = [moment.what for moment in portrait(tx, person).timeline]
    assert told == [
        'joined newsletter: "asked the Secretary to join" (command)',
        'left newsletter: "enough" (command)',
        "edited: language",
        f'newsletter/{person} "News": skipped, not subscribed',
    ]
