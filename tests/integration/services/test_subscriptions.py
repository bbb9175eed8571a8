"""Joining and leaving as the Secretary's own act, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from balintmail.db import consent, lists, people, subscriptions, suppressions
from balintmail.db.models import AuditEvent, ConsentEvent, Person, Subscription
from balintmail.domain.grounds import Basis
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.states import ConsentAction, Ground, Policy, SubscriptionState, SuppressionReason
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services.context import Context
from balintmail.services.people import person_hash
from balintmail.services.subscriptions import (
    Joining,
    Leaving,
    Result,
    ResultKind,
    pause,
    resume,
    subscribe,
    unsubscribe,
)
from tests.conftest import MovableClock
from tests.support import society


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def one(results: list[Result]) -> Result:
    assert len(results) == 1
    return results[0]


def state(ctx: Context, person: int | None) -> SubscriptionState | None:
    assert person is not None
    with ctx.db.read() as tx:
        row = subscriptions.get(tx, person, 1)
        return row.state if row else None


@pytest.mark.parametrize("policy", list(Policy))
def test_subscribe_under_every_policy_is_at_once_and_on_record_D6(ctx: Context, policy: Policy) -> None:
    with ctx.db.write() as tx:
        lists.update(tx, 1, {"policy": policy})
    result = one(subscribe(ctx, ["anna@example.org"], Joining()))
    assert result.result is ResultKind.SUBSCRIBED
    assert result.person is not None
    with ctx.db.read() as tx:
        event = consent.history(tx, result.person)[0]
    assert (event.action, event.words, event.actor) == (
        ConsentAction.AGREED,
        "asked the Secretary to join",
        "the Secretary",
    )
    assert (event.address, event.how, event.at) == ("anna@example.org", "command", ctx.clock.now())


def test_subscribe_keeps_the_words_that_were_given(ctx: Context) -> None:
    result = one(subscribe(ctx, ["anna@example.org"], Joining(words="ticked the box at the Oxford weekend")))
    assert result.person is not None
    with ctx.db.read() as tx:
        assert consent.history(tx, result.person)[0].words == "ticked the box at the Oxford weekend"


def test_subscribe_twice_says_already_and_adds_nothing_B22(ctx: Context) -> None:
    first = one(subscribe(ctx, ["anna@example.org"], Joining()))
    second = one(subscribe(ctx, ["ANNA@Example.ORG"], Joining()))
    assert (second.result, second.person) == (ResultKind.ALREADY, first.person)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == 1


def test_subscribe_of_punycode_twin_is_the_same_person_B62(ctx: Context) -> None:
    first = one(subscribe(ctx, ["a@példa.example.org"], Joining()))
    assert one(subscribe(ctx, ["a@xn--plda-bpa.example.org"], Joining())).person == first.person


def test_dotted_and_plus_twins_are_other_people_B23_B24(ctx: Context) -> None:
    results = subscribe(ctx, ["ab@example.org", "a.b@example.org", "ab+x@example.org"], Joining())
    assert len({result.person for result in results}) == 3


def test_one_bad_address_does_not_keep_the_others_out(ctx: Context) -> None:
    results = subscribe(ctx, ["anna@example.org", "not an address", "bea@example.org"], Joining())
    assert [result.result.value for result in results] == ["subscribed", "refused", "subscribed"]
    assert results[1].reason.startswith("invalid: ")


def test_address_with_a_broken_character_is_shown_in_a_form_that_prints_A16(ctx: Context) -> None:
    result = one(subscribe(ctx, ["a\udcff@example.org"], Joining()))
    assert result.result is ResultKind.REFUSED
    result.address.encode("utf-8")


def test_subscribe_sets_name_first_name_language_and_member(ctx: Context) -> None:
    result = one(subscribe(ctx, ["b@example.org"], Joining(name=" Bálint  Mihály ", language="HU", member=True)))
    assert result.person is not None
    with ctx.db.read() as tx:
        person = people.get(tx, result.person)
    assert person is not None
    assert (person.name, person.first_name, person.language, person.member) == ("Bálint Mihály", "Mihály", "hu", True)


def test_another_name_at_a_known_address_is_a_second_person_and_said_so(ctx: Context) -> None:
    anna = one(subscribe(ctx, ["both@example.org"], Joining(name="Anna Example")))
    bea = one(subscribe(ctx, ["both@example.org"], Joining(name="Bea Example")))
    assert bea.result is ResultKind.SUBSCRIBED
    assert bea.person != anna.person
    assert "shares the address" in bea.reason
    same = one(subscribe(ctx, ["both@example.org"], Joining(name="anna  example")))
    assert (same.result, same.person) == (ResultKind.ALREADY, anna.person)
    unclear = one(subscribe(ctx, ["both@example.org"], Joining()))
    assert unclear.result is ResultKind.REFUSED
    assert "2 people share this address" in unclear.reason


def test_nameless_person_gets_the_name_that_comes_later(ctx: Context) -> None:
    first = one(subscribe(ctx, ["a@example.org"], Joining()))
    later = one(subscribe(ctx, ["a@example.org"], Joining(name="Anna Example", member=True)))
    assert (later.result, later.person) == (ResultKind.ALREADY, first.person)
    with ctx.db.read() as tx:
        person = people.get(tx, first.person or 0)
    assert person is not None
    assert (person.name, person.first_name, person.member) == ("Anna Example", "Anna", True)


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_suppressed_address_is_refused_with_the_reason_D7(ctx: Context, reason: SuppressionReason) -> None:
    why = suppressions.SuppressionRow(reason, "", ctx.clock.now(), "the Secretary")
    with ctx.db.write() as tx:
        suppressions.add(tx, ctx.keyring.address_hash("a@example.org"), "a@example.org", why)
    result = one(subscribe(ctx, ["A@example.org"], Joining()))
    assert result.result is ResultKind.REFUSED
    assert ("erased" if reason is SuppressionReason.ERASED else "suppressed") in result.reason
    with ctx.db.read() as tx:
        assert people.at_address(tx, "a@example.org") == []


def test_whoever_is_meant_at_a_shared_address_is_picked_by_number_or_all_are(ctx: Context) -> None:
    ann = one(subscribe(ctx, ["both@example.org"], Joining(name="Ann"))).person
    bea = one(subscribe(ctx, ["both@example.org"], Joining(name="Bea"))).person
    unsubscribe(ctx, ["both@example.org"], Leaving(everyone=True))
    unclear = one(subscribe(ctx, ["both@example.org"], Joining()))
    assert f"{ann} Ann; {bea} Bea" in unclear.reason
    assert "--person" in unclear.reason
    picked = one(subscribe(ctx, ["both@example.org"], Joining(person=bea)))
    assert (picked.person, picked.result) == (bea, ResultKind.SUBSCRIBED)
    assert state(ctx, ann) is SubscriptionState.UNSUBSCRIBED
    both = subscribe(ctx, ["both@example.org"], Joining(everyone=True))
    assert [(each.person, each.result.value) for each in both] == [(ann, "subscribed"), (bea, "already")]
    assert one(subscribe(ctx, ["both@example.org"], Joining(person=99))).result is ResultKind.REFUSED


def test_known_people_are_subscribed_by_number(ctx: Context) -> None:
    ann = one(subscribe(ctx, ["ann@example.org"], Joining(name="Ann"))).person
    unsubscribe(ctx, [str(ann)], Leaving())
    again = one(subscribe(ctx, [str(ann)], Joining()))
    assert (again.address, again.person, again.result) == ("ann@example.org", ann, ResultKind.SUBSCRIBED)
    nobody = one(subscribe(ctx, ["999"], Joining()))
    assert (nobody.address, nobody.result) == ("999", ResultKind.REFUSED)


def test_person_erased_from_a_shared_address_stays_out_and_the_other_not_D7(ctx: Context) -> None:
    with ctx.db.write() as tx:
        suppressions.erase(tx, person_hash(ctx, "both@example.org", "Anna Example"), actor="x", now=ctx.clock.now())
    assert one(subscribe(ctx, ["both@example.org"], Joining(name="anna EXAMPLE"))).result is ResultKind.REFUSED
    assert one(subscribe(ctx, ["both@example.org"], Joining(name="Bea Example"))).result is ResultKind.SUBSCRIBED


def test_whoever_left_may_come_back_by_the_secretarys_act_with_new_consent(ctx: Context, clock: MovableClock) -> None:
    person = one(subscribe(ctx, ["a@example.org"], Joining())).person
    clock.forward(timedelta(days=1))
    assert one(unsubscribe(ctx, ["a@example.org"], Leaving(reason="too many mails"))).result is ResultKind.UNSUBSCRIBED
    assert state(ctx, person) is SubscriptionState.UNSUBSCRIBED
    clock.forward(timedelta(days=1))
    back = one(subscribe(ctx, ["a@example.org"], Joining()))
    assert back.result is ResultKind.SUBSCRIBED
    assert "had left on 2026-11-22" in back.reason
    with ctx.db.read() as tx:
        events = consent.history(tx, person or 0)
    assert [(event.action.value, event.words) for event in events] == [
        ("agreed", "asked the Secretary to join"),
        ("withdrew", "too many mails"),
        ("agreed", "asked the Secretary to join"),
    ]


def test_unsubscribe_of_whoever_is_not_there_is_refused_kindly(ctx: Context) -> None:
    results = unsubscribe(ctx, ["nobody@example.org", "no address", "77", "-5", "9" * 30], Leaving())
    assert {result.result for result in results} == {ResultKind.REFUSED}
    assert all(result.reason for result in results)


def test_unsubscribe_twice_says_already(ctx: Context) -> None:
    subscribe(ctx, ["a@example.org"], Joining())
    unsubscribe(ctx, ["a@example.org"], Leaving())
    assert one(unsubscribe(ctx, ["a@example.org"], Leaving())).result is ResultKind.ALREADY
    assert one(unsubscribe(ctx, [society.SECRETARY], Leaving())).reason == "was never on the list newsletter"


def test_unsubscribe_of_a_shared_address_wants_to_know_who(ctx: Context) -> None:
    anna = one(subscribe(ctx, ["both@example.org"], Joining(name="Anna"))).person
    bea = one(subscribe(ctx, ["both@example.org"], Joining(name="Bea"))).person
    unclear = one(unsubscribe(ctx, ["both@example.org"], Leaving()))
    assert unclear.result is ResultKind.REFUSED
    assert f"{anna} Anna; {bea} Bea" in unclear.reason
    assert state(ctx, anna) is state(ctx, bea) is SubscriptionState.SUBSCRIBED
    assert one(unsubscribe(ctx, ["both@example.org"], Leaving(person=anna))).person == anna
    assert state(ctx, bea) is SubscriptionState.SUBSCRIBED
    everyone = unsubscribe(ctx, ["both@example.org"], Leaving(everyone=True))
    assert [result.result.value for result in everyone] == ["already", "unsubscribed"]


def test_unsubscribe_takes_an_id_too(ctx: Context) -> None:
    person = one(subscribe(ctx, ["a@example.org"], Joining())).person
    result = one(unsubscribe(ctx, [str(person)], Leaving()))
    assert (result.address, result.result) == ("a@example.org", ResultKind.UNSUBSCRIBED)


def test_paused_person_is_not_mailed_and_comes_back_on_the_old_ground(ctx: Context) -> None:
    person = one(subscribe(ctx, ["a@example.org"], Joining())).person or 0
    assert pause(ctx, person, "", None)
    assert not pause(ctx, person, "", None)
    assert state(ctx, person) is SubscriptionState.PAUSED
    assert resume(ctx, person, "newsletter")
    assert state(ctx, person) is SubscriptionState.SUBSCRIBED
    with ctx.db.read() as tx:
        assert society.groundless(tx) == []


def test_unknown_or_archived_list_is_refused_before_anything_is_written(ctx: Context) -> None:
    with pytest.raises(NotFound) as missing:
        subscribe(ctx, ["a@example.org"], Joining(list_slug="newsleter"))
    assert missing.value.hint == "Nearest: newsletter"
    with ctx.db.write() as tx:
        lists.update(tx, 1, {"archived_at": ctx.clock.now()})
    with pytest.raises(Conflict):
        subscribe(ctx, ["a@example.org"], Joining(list_slug="newsletter"))
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Person)) == 1


@pytest.mark.parametrize(
    ("joining", "error"),
    [
        (Joining(name="Anna\r\nBcc: x"), TextRefused),
        (Joining(words=" "), TextRefused),
        (Joining(words="line\nbreak"), TextRefused),
        (Joining(language="Hungarian please"), TextRefused),
    ],
)
def test_text_that_cannot_be_kept_refuses_the_command_A(ctx: Context, joining: Joining, error: type[Exception]) -> None:
    with pytest.raises(error):
        subscribe(ctx, ["a@example.org"], joining)


def test_a_name_for_several_addresses_is_refused(ctx: Context) -> None:
    with pytest.raises(UsageRefused):
        subscribe(ctx, ["a@example.org", "b@example.org"], Joining(name="Anna"))


def test_every_act_is_in_the_audit_without_an_address(ctx: Context) -> None:
    subscribe(ctx, ["a@example.org"], Joining(name="Anna"))
    unsubscribe(ctx, ["a@example.org"], Leaving())
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(AuditEvent.action, AuditEvent.detail)).all()
    assert [row[0] for row in rows] == ["subscribed", "unsubscribed"]
    assert all("@" not in str(row[1]) for row in rows)


def test_two_who_subscribe_one_address_at_once_make_one_person(ctx: Context) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(subscribe, ctx, ["a@example.org", "b@example.org"], Joining()) for _ in range(4)]
    people_found = {result.person for answer in answers for result in answer.result()}
    assert len(people_found) == 2
    kinds = sorted(result.result.value for answer in answers for result in answer.result())
    assert kinds == ["already"] * 6 + ["subscribed"] * 2


def test_archived_list_can_be_left_for_it_may_be_opened_again_S44(ctx: Context) -> None:
    anna = one(subscribe(ctx, ["anna@example.org"], Joining())).person
    with ctx.db.write() as tx:
        lists.update(tx, 1, {"archived_at": ctx.clock.now()})
    assert one(unsubscribe(ctx, ["anna@example.org"], Leaving(list_slug="newsletter"))).result is (
        ResultKind.UNSUBSCRIBED
    )
    assert state(ctx, anna) is SubscriptionState.UNSUBSCRIBED


def test_paper_membership_and_soft_opt_in_are_on_record_with_the_secretarys_name_S42_S43(ctx: Context) -> None:
    when = date(2026, 3, 21)
    paper = Joining(words="I want the newsletter", basis=Basis(collected=when), on_paper=True)
    member = Joining(member=True, basis=Basis(Ground.MEMBERSHIP))
    soft = Joining(basis=Basis(Ground.SOFT_OPT_IN, when, opt_out_offered=True))
    for number, joining in enumerate((paper, member, soft)):
        assert subscribe(ctx, [f"p{number}@example.org"], joining)[0].result is ResultKind.SUBSCRIBED
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(ConsentEvent).order_by(ConsentEvent.id)).mappings().all()
        grounds = list(tx.scalars(sa.select(Subscription.ground).order_by(Subscription.id)))
    assert [(row["how"], row["ground"], row["collected_on"]) for row in rows] == [
        ("paper", Ground.CONSENT, when), ("command", Ground.MEMBERSHIP, None), ("command", Ground.SOFT_OPT_IN, when),
    ]  # fmt: skip
    assert {row["actor"] for row in rows} == {"the Secretary"}
    assert rows[2]["evidence"] == {"opt_out_offered": "yes", "zone": "Europe/London"}
    assert grounds == [Ground.CONSENT, Ground.MEMBERSHIP, Ground.SOFT_OPT_IN]


@pytest.mark.parametrize(("basis", "said"), [
    (Basis(Ground.MEMBERSHIP), "nothing says that the person is a member"),
    (Basis(Ground.SOFT_OPT_IN, date(2026, 2, 4), opt_out_offered=True), "only for addresses collected from 2026-02-05"),
    (Basis(Ground.SOFT_OPT_IN, None, opt_out_offered=True), "only for addresses collected from 2026-02-05"),
    (Basis(Ground.SOFT_OPT_IN, date(2026, 2, 5)), "a way to say no was offered"),
    (Basis(Ground.CONSENT, date(2027, 1, 1)), "a day that has not come yet"),
])  # fmt: skip
def test_ground_that_does_not_hold_subscribes_nobody_S43(ctx: Context, basis: Basis, said: str) -> None:
    (found,) = subscribe(ctx, ["a@example.org"], Joining(basis=basis))
    assert found.result is ResultKind.REFUSED
    assert said in found.reason
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Subscription)) == 0
