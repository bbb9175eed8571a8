"""The Secretary decides, by number, many at once, or by a mailed link; and what time brings about: D6, C, S46."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.config import Joining as JoiningSettings
from balintmail.config import Telling
from balintmail.db import consent, officers, people, requests, subscriptions
from balintmail.db.models import AuditEvent, Mailing, Throttle
from balintmail.domain import tokens
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.requests import Act, Held
from balintmail.domain.states import Policy, RequestState, Role, SubscriptionState
from balintmail.domain.tokens import Purpose
from balintmail.services import lists, offers, request_errands, requests_typed
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.decisions import (
    Decided,
    Decision,
    Result,
    Way,
    decide,
    decide_by_token,
    open_ids,
    view_decision,
)
from balintmail.services.hints import HintKind
from balintmail.services.people import Changes, edit
from balintmail.services.requests import Standing, confirm
from balintmail.services.subscriptions import Joining, Leaving, subscribe, unsubscribe
from tests.conftest import MovableClock
from tests.support import society
from tests.support.joining import a_sent_newsletter, ask, decision, flush, policy, rows, token, waiting

APPROVE, DECLINE = Decision(Act.APPROVE), Decision(Act.DECLINE)


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def asked(ctx: Context, address: str = "maria@example.org", name: str = "Mária Bálint", **more: Any) -> int:
    """Return the number of a request that its address has confirmed."""
    number = ask(ctx, address, name, **more)[0]
    confirm(ctx, token(ctx))
    return number


def one(results: list[Decided]) -> Decided:
    (found,) = results
    return found


def on_list(ctx: Context, address: str = "maria@example.org") -> bool:
    with ctx.db.read() as tx:
        found = [subscriptions.get(tx, one.id, 1) for one in people.at_address(tx, address)]
    return any(row is not None and row.state is SubscriptionState.SUBSCRIBED for row in found)


def test_approved_applicant_is_on_the_list_with_the_words_and_who_approved_S42(ctx: Context) -> None:
    number = asked(ctx)
    found = one(decide(ctx, [number], Decision(Act.APPROVE, note="knows Dr Elder")))
    assert (found.result, found.address) == (Result.APPROVED, "maria@example.org")
    assert on_list(ctx)
    with ctx.db.read() as tx:
        (event,) = consent.history(tx, found.person or 0)
        row = requests.get(tx, number)
    assert (event.words, event.how, event.evidence["approved_by"]) == (
        "I agree to these mails.",
        "form",
        "the Secretary",
    )
    assert row is not None
    assert (row.state, row.decided_by, row.note) == (RequestState.APPROVED, "the Secretary", "knows Dr Elder")
    assert len(waiting(ctx, "welcome")) == 1
    assert verify(ctx).findings == []


def test_declined_applicant_is_told_courteously_and_is_nobody_on_the_register(ctx: Context) -> None:
    number = asked(ctx)
    found = one(decide(ctx, [number], Decision(Act.DECLINE, "The list is for leaders.", "asked twice")))
    assert found.result is Result.DECLINED
    (mail,) = waiting(ctx, "declined")
    assert (mail["address"], mail["facts"]["reason"]) == ("maria@example.org", "The list is for leaders.")
    assert "asked twice" not in str(mail)
    with ctx.db.read() as tx:
        assert people.at_address(tx, "maria@example.org") == []


def test_decision_counts_once_and_the_other_one_is_refused(ctx: Context) -> None:
    number = asked(ctx)
    decide(ctx, [number], APPROVE)
    assert one(decide(ctx, [number], APPROVE)).result is Result.ALREADY
    late = one(decide(ctx, [number], DECLINE))
    assert late.result is Result.REFUSED
    assert "approved on 2026-11-21 by the Secretary" in late.said
    assert on_list(ctx)
    assert waiting(ctx, "declined") == []


def test_many_are_decided_at_once_and_odd_numbers_keep_nobody_out(ctx: Context) -> None:
    numbers = [asked(ctx, f"reader{place}@example.org", f"Reader Number{place}") for place in range(5)]
    assert open_ids(ctx) == numbers
    done = decide(ctx, [*numbers, numbers[0], 999, 2**80], APPROVE)
    assert [each.result for each in done] == [Result.APPROVED] * 5 + [Result.REFUSED] * 2
    assert open_ids(ctx, "newsletter") == []
    assert len(waiting(ctx, "welcome")) == 5


def test_unconfirmed_request_is_approved_beforehand_and_joins_when_it_confirms(ctx: Context) -> None:
    number = ask(ctx)[0]
    assert one(decide(ctx, [number], APPROVE)).result is Result.WAITS
    assert not on_list(ctx)
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED
    assert on_list(ctx)
    assert waiting(ctx, "request") == []
    assert rows(ctx)[0].decided_by == "the Secretary"


def test_held_request_that_is_approved_is_asked_to_confirm_first(ctx: Context) -> None:
    number = ask(ctx, suspicion=Held.TRAP)[0]
    assert waiting(ctx) == []
    assert one(decide(ctx, [number], APPROVE)).result is Result.WAITS
    assert not on_list(ctx)
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED


def test_held_request_that_is_declined_writes_to_nobody(ctx: Context) -> None:
    number = ask(ctx, suspicion=Held.TRAP)[0]
    assert one(decide(ctx, [number], DECLINE)).result is Result.DECLINED
    assert waiting(ctx, "declined") == []


def test_typed_request_may_be_approved_before_it_is_confirmed_and_its_mail_is_taken_back(ctx: Context) -> None:
    requests_typed.request(ctx, ["a@example.org"], Joining(name="Anna"))
    assert one(decide(ctx, [1], APPROVE)).result is Result.APPROVED
    assert on_list(ctx, "a@example.org")
    assert waiting(ctx) == []


@pytest.mark.parametrize("text", ["\x00", "a\u2028b", "x" * 1001, "\ud800"])
def test_reason_that_cannot_be_kept_decides_nothing_A(ctx: Context, text: str) -> None:
    number = asked(ctx)
    with pytest.raises(TextRefused):
        decide(ctx, [number], Decision(Act.DECLINE, text))
    assert rows(ctx)[0].state is RequestState.CONFIRMED


def test_link_of_the_mail_decides_in_the_officers_name_and_once_C6(ctx: Context) -> None:
    asked(ctx)
    link = decision(ctx)
    assert view_decision(ctx, link).way is Way.OPEN
    assert one(decide_by_token(ctx, link, APPROVE)).result is Result.APPROVED
    assert rows(ctx)[0].decided_by == "Enid Example"
    assert view_decision(ctx, link).way is Way.DECIDED
    assert decide_by_token(ctx, link, DECLINE) == []
    assert on_list(ctx)


def test_link_is_bound_to_the_officer_and_ends_with_the_office(ctx: Context) -> None:
    asked(ctx)
    link = decision(ctx)
    with ctx.db.write() as tx:
        secretary = officers.secretary(tx)
        assert secretary is not None
        officers.dismiss(tx, secretary.person_id)
        officers.appoint(tx, society.enter(ctx, tx, "New Hand", "new@example.org"), Role.SECRETARY, now=ctx.clock.now())
    assert view_decision(ctx, link).way is Way.OTHER
    assert decide_by_token(ctx, link, APPROVE) == []
    assert not on_list(ctx)


@pytest.mark.parametrize("damage", ["truncated C1", "bit C2", "purpose C3", "other person C4", "other request C4"])
def test_damaged_link_decides_nothing_C(ctx: Context, clock: MovableClock, damage: str) -> None:
    asked(ctx)
    clock.forward(timedelta(minutes=1))
    asked(ctx, "other@example.org", "Other One")
    link, key = decision(ctx, 0), ctx.keyring.tokens
    claims = tokens.read(link, Purpose.DECIDE, [key])
    assert claims is not None
    bad = {
        "truncated C1": link[:-2],
        "bit C2": ("b" if link[0] != "b" else "c") + link[1:],
        "purpose C3": tokens.make(replace(claims, purpose=Purpose.CONFIRM), key),
        "other person C4": tokens.make(replace(claims, person=999), key),
        "other request C4": tokens.make(replace(claims, delivery=2), key),
    }[damage]
    assert decide_by_token(ctx, bad, APPROVE) == []
    assert not on_list(ctx)
    assert not on_list(ctx, "other@example.org")


def test_link_of_a_form_for_several_lists_decides_them_together(ctx: Context) -> None:
    lists.add(ctx, "courses", lists.Manners(name="Weekends"))
    ask(ctx, chosen=("newsletter", "courses"))
    confirm(ctx, token(ctx))
    assert view_decision(ctx, decision(ctx)).lists == ("Newsletter", "Weekends")
    assert len(decide_by_token(ctx, decision(ctx), APPROVE)) == 2
    assert len(waiting(ctx, "welcome")) == 2


def test_hints_tell_what_is_known(ctx: Context, clock: MovableClock) -> None:
    known = subscribe(ctx, ["maria@example.org"], Joining(name="Mária Bálint"))[0].person or 0
    unsubscribe(ctx, ["maria@example.org"], Leaving())
    subscribe(ctx, ["m.balint@example.net"], Joining(name="M. Balint", member=True))
    with ctx.db.read() as tx:
        (former,) = people.at_address(tx, "m.balint@example.net")
    clock.forward(timedelta(days=30))
    edit(ctx, former.id, Changes(member=False))
    subscribe(ctx, ["bm@example.org"], Joining(name="Bálint Mária"))
    refused = asked(ctx, "maria@example.com", "Maria Balint")
    decide(ctx, [refused], Decision(Act.DECLINE, "not this time"))
    asked(ctx, name="Dr Mária Bálint")
    found = view_decision(ctx, decision(ctx)).hints
    kinds = {(hint.kind, hint.person) for hint in found}
    assert (HintKind.KNOWN_ADDRESS, known) in kinds
    assert (HintKind.LEFT_BEFORE, known) in kinds
    assert (HintKind.FORMER_MEMBER, former.id) in kinds
    assert any(hint.kind is HintKind.REFUSED_BEFORE and hint.reason == "not this time" for hint in found)
    assert HintKind.SAME_NAME in {hint.kind for hint in found}
    assert waiting(ctx, "request")[-1]["facts"]["hints"]


def test_no_hint_tells_of_somebody_whom_the_same_form_has_put_on_another_list(
    ctx: Context, clock: MovableClock
) -> None:
    lists.add(ctx, "courses", lists.Manners(name="Weekends", policy=Policy.CONFIRM))
    ask(ctx, chosen=("newsletter", "courses"))
    clock.forward(timedelta(hours=1))
    confirm(ctx, token(ctx))
    with ctx.db.read() as tx:
        assert len(people.at_address(tx, "maria@example.org")) == 1
    assert view_decision(ctx, decision(ctx)).hints == ()


def test_same_name_at_another_address_is_said(ctx: Context) -> None:
    subscribe(ctx, ["old@example.net"], Joining(name="Mária Bálint"))
    asked(ctx)
    (hint,) = view_decision(ctx, decision(ctx)).hints
    assert (hint.kind, hint.address) == (HintKind.OTHER_ADDRESS, "old@example.net")


def test_stranger_has_no_hints(ctx: Context) -> None:
    subscribe(ctx, ["reader@example.net"], Joining(name="Somebody Else"))
    asked(ctx)
    assert view_decision(ctx, decision(ctx)).hints == ()


def test_answers_stand_in_the_mail_with_their_questions(ctx: Context) -> None:
    offers.set_questions(ctx, "newsletter", [{"name": "how", "label": "How do you know Balint work?"}])
    asked(ctx, answers={"newsletter.how": ["In Dr Elder's group"]})
    assert view_decision(ctx, decision(ctx)).answers == (("How do you know Balint work?", "In Dr Elder's group"),)


def test_reminder_comes_after_a_week_and_again_after_another(ctx: Context, clock: MovableClock) -> None:
    asked(ctx)
    flush(ctx)
    clock.forward(timedelta(days=6))
    request_errands.tidy(ctx)
    assert waiting(ctx, "reminder") == []
    for _ in range(2):
        clock.forward(timedelta(days=7))
        request_errands.tidy(ctx)
        request_errands.tidy(ctx)
        (mail,) = waiting(ctx, "reminder")
        assert mail["facts"]["count"] == 1
        flush(ctx)


def test_request_nobody_decides_ends_and_is_emptied_S46(ctx: Context, clock: MovableClock) -> None:
    asked(ctx)
    clock.forward(timedelta(days=61))
    request_errands.tidy(ctx)
    (row,) = rows(ctx)
    assert (row.state, row.email, row.name, row.answers) == (RequestState.EXPIRED, "", "", {})


def test_digest_comes_once_a_day_in_place_of_single_mails_where_it_is_wanted(ctx: Context, clock: MovableClock) -> None:
    daily = replace(ctx, settings=ctx.settings.model_copy(update={"joining": JoiningSettings(tell=Telling.DAILY)}))
    for place in range(3):
        asked(daily, f"reader{place}@example.org", f"Reader Number{place}")
    assert waiting(ctx, "request") == []
    request_errands.tidy(daily)
    (mail,) = waiting(ctx, "digest")
    assert mail["facts"]["count"] == 3
    flush(ctx)
    asked(daily, "late@example.org", "Late One")
    request_errands.tidy(daily)
    assert waiting(ctx, "digest") == []
    clock.forward(timedelta(days=1))
    request_errands.tidy(daily)
    assert waiting(ctx, "digest")[0]["facts"]["count"] == 1


def test_what_is_held_is_told_in_a_digest_under_every_setting(ctx: Context) -> None:
    ask(ctx, suspicion=Held.TRAP)
    request_errands.tidy(ctx)
    (mail,) = waiting(ctx, "digest")
    assert "looks automatic" in str(mail["facts"]["requests"])
    link = str(mail["facts"]["requests"]).partition("/decide/")[2].partition("'")[0]
    view = view_decision(ctx, link)
    assert (view.way, view.first.held) == (Way.OPEN, "trap")
    assert one(decide_by_token(ctx, link, APPROVE)).result is Result.WAITS
    assert view_decision(ctx, link).way is Way.DECIDED


def test_decided_requests_are_forgotten_after_a_year_and_counts_after_days(ctx: Context, clock: MovableClock) -> None:
    decide(ctx, [asked(ctx)], DECLINE)
    clock.forward(timedelta(days=367))
    request_errands.tidy(ctx)
    assert rows(ctx)[0].email == ""
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Throttle)) == 0


def test_tidying_with_nothing_due_writes_nothing(ctx: Context) -> None:
    request_errands.tidy(ctx)
    with ctx.db.read() as tx:
        assert not request_errands.anything_due(ctx, tx)


def test_audit_names_requests_by_number_and_nobody_by_address(ctx: Context) -> None:
    decide(ctx, [asked(ctx)], APPROVE)
    with ctx.db.read() as tx:
        found = tx.execute(sa.select(AuditEvent.action, AuditEvent.detail)).all()
    assert {row[0] for row in found} >= {"join requested", "request confirmed", "request approved"}
    assert all("@" not in str(row[1]) for row in found)


def test_policy_of_the_list_at_the_confirmation_counts(ctx: Context) -> None:
    ask(ctx)
    policy(ctx, Policy.CONFIRM)
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED


def test_latest_newsletter_goes_with_the_welcome_where_the_list_says_so(ctx: Context) -> None:
    newsletter = a_sent_newsletter(ctx)
    lists.edit(ctx, "newsletter", lists.Manners(sends_latest=True))
    person = one(decide(ctx, [asked(ctx)], APPROVE)).person
    (mail,) = waiting(ctx, "welcome")
    assert mail["facts"]["latest_title"] == "Groups this winter"
    with ctx.db.read() as tx:
        (copy,) = tx.execute(sa.select(Mailing.id, Mailing.audience).where(Mailing.again_of == newsletter)).all()
        rows_of = tx.execute(sa.text(f"SELECT person_id, ground FROM deliveries WHERE mailing_id = {copy.id}")).all()
    assert [tuple(row) for row in rows_of] == [(person, "consent")]


def test_without_the_list_saying_so_no_newsletter_goes_with_the_welcome(ctx: Context) -> None:
    newsletter = a_sent_newsletter(ctx)
    decide(ctx, [asked(ctx)], APPROVE)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).where(Mailing.again_of == newsletter)) == 0


def test_whoever_left_after_asking_is_not_put_on_by_a_late_approval_D4(ctx: Context, clock: MovableClock) -> None:
    number = asked(ctx, name="Mária Bálint")
    clock.forward(timedelta(days=1))
    subscribe(ctx, ["maria@example.org"], Joining(name="M. Bálint"))  # under another spelling: the request still waits
    unsubscribe(ctx, ["maria@example.org"], Leaving())
    found = one(decide(ctx, [number], APPROVE))
    assert (found.result, "after they had asked" in found.said) == (Result.REFUSED, True)
    assert not on_list(ctx)
