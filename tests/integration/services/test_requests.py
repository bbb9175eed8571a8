"""Asking to join and confirming it, under every policy and on both databases: D6, D7, S42, S46, the caps."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
import sqlalchemy as sa

from balintmail.config import Joining as JoiningSettings
from balintmail.config import Society
from balintmail.db import consent, people, requests, subscriptions, suppressions
from balintmail.db.models import ConsentEvent, JoinRequest, Notice, Person, Throttle
from balintmail.domain import tokens
from balintmail.domain.requests import ApplicationRefused, Held
from balintmail.domain.states import Ground, Policy, RequestState, SubscriptionState, SuppressionReason
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import lists, offers, requests_typed
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.requests import Standing, confirm, take_turns, view
from balintmail.services.requests import ask as take
from balintmail.services.subscriptions import Joining, Leaving, ResultKind, subscribe, unsubscribe
from tests.conftest import MovableClock
from tests.support import society
from tests.support.joining import application, ask, flush, policy, rows, token, waiting

PENDING, CONFIRMED, APPROVED = RequestState.PENDING, RequestState.CONFIRMED, RequestState.APPROVED
ON = SubscriptionState.SUBSCRIBED


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    return context


def standing(ctx: Context, address: str = "maria@example.org") -> SubscriptionState | None:
    with ctx.db.read() as tx:
        for person in people.at_address(tx, address):
            if (row := subscriptions.get(tx, person.id, 1)) is not None:
                return row.state
    return None


def test_asking_makes_nobody_a_person_and_subscribes_nobody_S46(ctx: Context) -> None:
    ask(ctx)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Person)) == 1  # the Secretary
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == 0
    (row,) = rows(ctx)
    assert (row.state, row.held, row.actor, row.words) == (PENDING, "", "the applicant", "I agree to these mails.")


def test_confirmation_says_when_and_where_it_was_asked_and_nothing_that_was_typed_S46(ctx: Context) -> None:
    ask(ctx, name="Buy Now", language="hu")
    (mail,) = waiting(ctx)
    assert mail["address"] == "maria@example.org"
    assert mail["ground"] is Ground.REQUESTED
    assert mail["facts"]["lists"] == ["Newsletter"]
    assert mail["facts"]["page"] == "https://balint.example.org/join"
    assert mail["facts"]["asked_at"] == {"at": ctx.clock.now().isoformat()}
    assert "Buy" not in str(mail)


def test_confirm_policy_takes_whoever_confirms_with_proof_S42(ctx: Context, clock: MovableClock) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    assert view(ctx, link).standing is Standing.WAITS
    clock.forward(timedelta(hours=3))
    found = confirm(ctx, link)
    assert (found.standing, found.joined) == (Standing.JOINED, ("Newsletter",))
    assert standing(ctx) is ON
    with ctx.db.read() as tx:
        (person,) = people.at_address(tx, "maria@example.org")
        (event,) = consent.history(tx, person.id)
    assert (event.words, event.how, event.actor, event.ground) == (
        "I agree to these mails.", "form", "the applicant", Ground.CONSENT,
    )  # fmt: skip
    assert event.evidence["asked"] == "2026-11-21T18:04:00+00:00"
    assert event.evidence["confirmed"] == "2026-11-21T21:04:00+00:00"
    assert event.evidence["page"] == "https://balint.example.org/join"
    assert (event.evidence["wording"], event.evidence["wording_language"]) == (0, "en")
    assert "network" not in event.evidence
    (welcome,) = waiting(ctx, "welcome")
    assert welcome["person_id"] == person.id
    assert verify(ctx).findings == []


def test_approve_policy_waits_for_the_secretary_and_tells_both(ctx: Context) -> None:
    ask(ctx)
    found = confirm(ctx, token(ctx))
    assert (found.standing, found.asked) == (Standing.ASKED, ("Newsletter",))
    assert standing(ctx) is None
    (row,) = rows(ctx)
    assert (row.state, row.confirmed_at) == (CONFIRMED, ctx.clock.now())
    (received,) = waiting(ctx, "request_received")
    assert received["address"] == "maria@example.org"
    (told,) = waiting(ctx, "request")
    assert (told["address"], told["ground"]) == (society.SECRETARY, Ground.OFFICER)
    assert told["facts"]["applicant"] == "Mária Bálint"


def test_open_policy_takes_an_unknown_address_at_once(ctx: Context) -> None:
    policy(ctx, Policy.OPEN)
    ask(ctx)
    assert standing(ctx) is None  # the page answers before it is looked up
    assert take_turns(ctx) == 1
    assert standing(ctx) is ON
    assert waiting(ctx) == []
    assert len(waiting(ctx, "welcome")) == 1
    assert take_turns(ctx) == 0


def test_open_policy_lets_a_known_address_confirm_so_that_no_stranger_undoes_a_no_D4(ctx: Context) -> None:
    policy(ctx, Policy.OPEN)
    subscribe(ctx, ["maria@example.org"], Joining(name="Mária Bálint"))
    unsubscribe(ctx, ["maria@example.org"], Leaving())
    ask(ctx)
    take_turns(ctx)
    assert standing(ctx) is SubscriptionState.UNSUBSCRIBED
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED
    assert standing(ctx) is ON


def test_open_policy_adds_no_second_person_at_an_address_without_confirmation(ctx: Context) -> None:
    policy(ctx, Policy.OPEN)
    subscribe(ctx, ["both@example.org"], Joining(name="Anna Example"))
    ask(ctx, "both@example.org", "Somebody Else")
    take_turns(ctx)
    with ctx.db.read() as tx:
        assert len(people.at_address(tx, "both@example.org")) == 1


def test_closed_list_is_not_offered_and_cannot_be_asked_for(ctx: Context) -> None:
    policy(ctx, Policy.CLOSED)
    assert offers.offers(ctx, offers.Wording("x")) == []
    with pytest.raises(ApplicationRefused) as refused:
        ask(ctx)
    assert set(refused.value.problems) == {"lists"}
    assert rows(ctx) == []


def test_list_that_closes_meanwhile_leaves_the_decision_to_the_secretary(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    policy(ctx, Policy.CLOSED)
    assert confirm(ctx, token(ctx)).standing is Standing.ASKED
    assert standing(ctx) is None


def test_list_that_is_archived_meanwhile_takes_nobody(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    lists.add(ctx, "courses", lists.Manners(policy=Policy.CONFIRM))
    ask(ctx, chosen=("courses",))
    lists.archive(ctx, "courses")
    assert confirm(ctx, token(ctx)).standing is Standing.ASKED


@pytest.mark.parametrize("wanted", [Policy.CONFIRM, Policy.APPROVE])
def test_confirming_twice_changes_nothing_more_C6(ctx: Context, wanted: Policy) -> None:
    policy(ctx, wanted)
    ask(ctx)
    link = token(ctx)
    first = confirm(ctx, link)
    mails = sum(len(waiting(ctx, name)) for name in ("welcome", "request", "request_received"))
    assert confirm(ctx, link).standing is first.standing
    assert sum(len(waiting(ctx, name)) for name in ("welcome", "request", "request_received")) == mails
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent)) == (1 if wanted is Policy.CONFIRM else 0)


def test_confirmation_after_leaving_brings_nobody_back_C13(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    confirm(ctx, link)
    unsubscribe(ctx, ["maria@example.org"], Leaving())
    confirm(ctx, link)
    assert standing(ctx) is SubscriptionState.UNSUBSCRIBED


def test_expired_link_confirms_nobody_and_the_data_goes_C5_S46(ctx: Context, clock: MovableClock) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    clock.forward(timedelta(days=7, seconds=1))
    assert view(ctx, link).standing is Standing.OLD
    assert confirm(ctx, link).standing is Standing.OLD
    assert standing(ctx) is None
    with ctx.db.write() as tx:
        assert requests.expire(tx, now=clock.now()) == 1
    (row,) = rows(ctx)
    assert row.state is RequestState.EXPIRED
    assert "maria" not in str(row).lower()
    assert "bálint" not in str(row).lower()
    assert confirm(ctx, link).standing is Standing.OLD


@pytest.mark.parametrize(
    "damage", ["truncated C1", "bit C2", "purpose C3", "other C4", "spelling C9", "long C10", "empty"]
)
def test_damaged_link_is_no_link_C(ctx: Context, damage: str) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    key = ctx.keyring.tokens
    claims = tokens.read(link, Purpose.CONFIRM, [key])
    assert claims is not None
    bad = {
        "truncated C1": link[:-1],
        "bit C2": ("b" if link[0] != "b" else "c") + link[1:],
        "purpose C3": tokens.make(replace(claims, purpose=Purpose.DECIDE), key),
        "other C4": tokens.make(claims, bytes(32)),
        "spelling C9": f"{link}=",
        "long C10": link * 50,
        "empty": "",
    }[damage]
    assert confirm(ctx, bad).standing is Standing.UNKNOWN
    assert rows(ctx)[0].state is PENDING


def test_link_signed_before_a_key_was_rotated_still_works_C11(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    rotated = replace(ctx, keyring=replace(ctx.keyring, tokens=b"n" * 32, previous=(ctx.keyring.tokens,)))
    assert confirm(rotated, link).standing is Standing.JOINED


def test_number_that_is_used_again_does_not_revive_an_old_link(ctx: Context, clock: MovableClock) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx, "first@example.org")
    link = token(ctx)
    with ctx.db.write() as tx:
        tx.execute(sa.delete(JoinRequest))
    clock.forward(timedelta(minutes=1))
    number = ask(ctx, "second@example.org")[0]
    with ctx.db.write() as tx:
        tx.execute(sa.update(JoinRequest).where(JoinRequest.id == number).values(id=1, batch=1))
    assert confirm(ctx, link).standing is Standing.OLD
    assert standing(ctx, "second@example.org") is None


def test_fifty_requests_for_one_address_are_one_mail_a_day_S46(ctx: Context, clock: MovableClock) -> None:
    left: list[datetime] = []
    for day in range(3):
        for number in range(50):
            ask(ctx, name=f"Name {day} {number}", network=f"198.51.{number}.0/24")
            if due := [mail for mail in waiting(ctx) if mail["due_at"] <= clock.now()]:  # it leaves at once
                left += [clock.now()] * len(due)
                flush(ctx)
            clock.forward(timedelta(minutes=10))
        assert len(rows(ctx)) <= 10 * (day + 1)
        clock.forward(timedelta(hours=17))
    assert 1 <= len(left) <= 3
    assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(left))


@pytest.mark.parametrize("gap", [timedelta(0), timedelta(hours=5), timedelta(hours=23, minutes=59)])
def test_same_form_again_within_a_day_brings_no_second_mail(ctx: Context, clock: MovableClock, gap: timedelta) -> None:
    ask(ctx)
    flush(ctx)
    clock.forward(gap)
    ask(ctx)
    assert waiting(ctx) == []
    assert len(rows(ctx)) == 1


def test_same_form_on_another_day_brings_the_link_again_and_more_time(ctx: Context, clock: MovableClock) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    flush(ctx)
    clock.forward(timedelta(days=6))
    ask(ctx)
    assert token(ctx) == link
    clock.forward(timedelta(days=6))
    assert confirm(ctx, link).standing is Standing.JOINED


def test_second_list_asked_for_on_the_same_day_is_confirmed_by_the_same_link(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    lists.add(ctx, "courses", lists.Manners(name="Weekends", policy=Policy.CONFIRM))
    ask(ctx)
    link = token(ctx)
    flush(ctx)
    ask(ctx, chosen=("courses",))
    assert waiting(ctx) == []
    assert view(ctx, link).waits == ("Newsletter", "Weekends")
    assert confirm(ctx, link).joined == ("Newsletter", "Weekends")


def test_several_lists_are_one_mail_and_each_goes_by_its_own_policy(ctx: Context) -> None:
    lists.add(ctx, "courses", lists.Manners(name="Weekends", policy=Policy.CONFIRM))
    lists.add(ctx, "news", lists.Manners(name="News", policy=Policy.OPEN))
    ask(ctx, chosen=("newsletter", "courses", "news"))
    (mail,) = waiting(ctx)
    assert mail["facts"]["lists"] == ["Newsletter", "Weekends", "News"]
    found = confirm(ctx, token(ctx))
    assert (found.joined, found.asked) == (("Weekends", "News"), ("Newsletter",))


def test_too_many_from_one_network_wait_for_the_secretary_with_an_alarm(ctx: Context) -> None:
    for number in range(25):
        ask(ctx, f"reader{number}@example.org", network="192.0.2.0/24")
    ask(ctx, "elsewhere@example.org", network="198.51.100.0/24")
    held = [row.email for row in rows(ctx) if row.held == Held.NETWORK.value]
    assert len(held) == 5
    assert len(waiting(ctx)) == 21
    (alarm,) = waiting(ctx, "alarm")
    assert (alarm["facts"]["about"], alarm["address"]) == ("network", society.SECRETARY)


def test_network_is_free_again_after_its_hours(ctx: Context, clock: MovableClock) -> None:
    for number in range(25):
        ask(ctx, f"reader{number}@example.org", network="192.0.2.0/24")
    clock.forward(timedelta(hours=2))
    ask(ctx, "later@example.org", network="192.0.2.0/24")
    assert rows(ctx)[-1].held == ""


def test_flood_from_everywhere_is_held_overall_with_one_alarm_a_day(ctx: Context, clock: MovableClock) -> None:
    few = replace(ctx, settings=ctx.settings.model_copy(update={"joining": JoiningSettings(per_hour=5)}))
    for number in range(12):
        ask(few, f"reader{number}@example.org", network=f"192.0.{number}.0/24")
    assert [row.held for row in rows(ctx)].count(Held.FLOOD.value) == 7
    assert len(waiting(ctx)) == 5
    assert len(waiting(ctx, "alarm")) == 1
    flush(ctx)
    clock.forward(timedelta(hours=2))
    for number in range(12, 24):
        ask(few, f"reader{number}@example.org", network=f"192.0.{number}.0/24")
    assert waiting(ctx, "alarm") == []


def test_throttles_name_nobody(ctx: Context) -> None:
    ask(ctx, network="192.0.2.0/24")
    with ctx.db.read() as tx:
        keys = list(tx.scalars(sa.select(Throttle.key)))
    assert keys
    assert all(len(key) == 32 and b"maria" not in key and b"192" not in key for key in keys)


@pytest.mark.parametrize("why", [Held.TRAP, Held.QUICK])
def test_what_looks_automatic_gets_no_mail_and_waits(ctx: Context, why: Held) -> None:
    ask(ctx, suspicion=why)
    assert waiting(ctx) == []
    (row,) = rows(ctx)
    assert (row.state, row.held) == (PENDING, why.value)


@pytest.mark.parametrize(
    "name", ["http://evil.example.net win", "www.evil.example.net", "[url=x]", "Come to HTTPS://x.example"]
)
def test_name_full_of_web_addresses_looks_automatic(ctx: Context, name: str) -> None:
    ask(ctx, name=name)
    assert waiting(ctx) == []
    assert rows(ctx)[0].held == Held.LINKS.value


def test_suspicious_form_takes_nothing_from_the_owners_mail_of_the_day(ctx: Context) -> None:
    ask(ctx, suspicion=Held.TRAP, name="A Program")
    ask(ctx)
    assert len(waiting(ctx)) == 1


def test_person_who_was_held_and_asks_properly_gets_their_mail(ctx: Context) -> None:
    ask(ctx, suspicion=Held.QUICK)
    ask(ctx)
    assert len(waiting(ctx)) == 1
    assert rows(ctx)[0].held == ""


def test_without_a_site_the_request_waits_for_the_secretary(ctx: Context) -> None:
    bare = replace(ctx, settings=ctx.settings.model_copy(update={"society": Society(name="X")}))
    ask(bare)
    assert rows(ctx)[0].held == Held.NO_SITE.value
    assert waiting(ctx) == []


def test_known_person_gets_the_same_rows_as_a_stranger_D22(ctx: Context) -> None:
    subscribe(ctx, ["known@example.org"], Joining(name="Mária Bálint"))
    ask(ctx, "known@example.org")
    ask(ctx, "unknown@example.org")
    known, unknown = rows(ctx)
    assert (known.state, known.held, known.person_id) == (unknown.state, unknown.held, unknown.person_id)
    assert [set(mail["facts"]) for mail in waiting(ctx)] == [set(waiting(ctx)[0]["facts"])] * 2


def test_somebody_who_is_on_the_list_already_confirms_and_nothing_is_doubled(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    person = subscribe(ctx, ["maria@example.org"], Joining(name="Mária Bálint"))[0].person
    ask(ctx)
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED
    with ctx.db.read() as tx:
        assert [one.id for one in people.at_address(tx, "maria@example.org")] == [person]
        assert len(consent.history(tx, person or 0)) == 1
    assert waiting(ctx, "welcome") == []


@pytest.mark.parametrize("typed", ["Dr. Maria Balint", "Bálint Mária", "maria bálint", "M. Bálint"])
def test_own_address_and_a_name_written_otherwise_is_the_same_person(ctx: Context, typed: str) -> None:
    policy(ctx, Policy.CONFIRM)
    person = subscribe(ctx, ["maria@example.org"], Joining(name="Mária Bálint"))[0].person
    unsubscribe(ctx, ["maria@example.org"], Leaving())
    ask(ctx, name=typed)
    confirm(ctx, token(ctx))
    with ctx.db.read() as tx:
        assert [one.id for one in people.at_address(tx, "maria@example.org")] == [person]


@pytest.mark.parametrize("reason", list(SuppressionReason))
def test_suppressed_or_erased_address_stays_out_D7(ctx: Context, reason: SuppressionReason) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    why = suppressions.SuppressionRow(reason, "", ctx.clock.now(), "the Secretary")
    with ctx.db.write() as tx:
        suppressions.add(tx, ctx.keyring.address_hash("maria@example.org"), "maria@example.org", why)
    assert confirm(ctx, token(ctx)).standing is Standing.ASKED
    assert standing(ctx) is None


def test_erasing_an_applicant_leaves_nothing_of_the_request_S45(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    ask(ctx)
    link = token(ctx)
    confirm(ctx, link)
    with ctx.db.read() as tx:
        (person,) = people.at_address(tx, "maria@example.org")
    erase(ctx, person.id)
    assert all("maria" not in str(row).lower() for row in rows(ctx))
    assert confirm(ctx, link).standing is Standing.OLD


def test_questions_are_answered_checked_and_kept_with_the_subscription(ctx: Context) -> None:
    asked = [
        {"name": "how", "label": "How do you know Balint work?", "kind": "text"},
        {
            "name": "work",
            "label": "Where do you work?",
            "kind": "choice",
            "choices": ["GP", "Hospital"],
            "required": True,
        },
    ]
    offers.set_questions(ctx, "newsletter", asked)
    policy(ctx, Policy.CONFIRM)
    with pytest.raises(ApplicationRefused) as refused:
        ask(ctx, answers={"newsletter.how": ["a"], "newsletter.work": ["Elsewhere"]})
    assert {name: one.code for name, one in refused.value.problems.items()} == {"newsletter.work": "choice"}
    ask(ctx, answers={"newsletter.how": ["In Dr Elder's group"], "newsletter.work": ["GP"]})
    confirm(ctx, token(ctx))
    with ctx.db.read() as tx:
        kept = tx.scalar(sa.text("SELECT answers FROM subscriptions"))
    assert "Elder" in str(kept)
    assert "GP" in str(kept)


def test_own_words_are_recorded_in_the_version_that_was_shown_S42(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    offers.set_wording(ctx, "newsletter", "en", "I want the newsletter.")
    shown = application(ctx)
    offers.set_wording(ctx, "newsletter", "en", "I want everything.")
    take(ctx, shown)
    confirm(ctx, token(ctx))
    with ctx.db.read() as tx:
        (person,) = people.at_address(tx, "maria@example.org")
        (event,) = consent.history(tx, person.id)
    assert (event.words, event.evidence["wording"]) == ("I want the newsletter.", 1)


def test_network_is_evidence_only_where_the_society_keeps_it(ctx: Context) -> None:
    keeping = replace(ctx, settings=ctx.settings.model_copy(update={"joining": JoiningSettings(keep_network=True)}))
    ask(keeping, network="192.0.2.0/24")
    assert rows(ctx)[0].evidence["network"] == "192.0.2.0/24"


def test_typed_request_goes_the_same_way_and_says_so(ctx: Context) -> None:
    policy(ctx, Policy.CONFIRM)
    (asked,) = requests_typed.request(ctx, ["a@example.org"], Joining(name="Anna"))
    assert (asked.result, asked.person) == (ResultKind.REQUESTED, None)
    assert rows(ctx)[0].how == "command"
    (again,) = requests_typed.request(ctx, ["A@example.org"], Joining(name="Anna"))
    assert "since 2026-11-21" in again.reason
    assert confirm(ctx, token(ctx)).standing is Standing.JOINED
    (now,) = requests_typed.request(ctx, ["a@example.org"], Joining(name="Anna"))
    assert now.result is ResultKind.ALREADY


def test_typed_request_to_a_closed_list_or_from_a_suppressed_address_is_refused(ctx: Context) -> None:
    assert requests_typed.request(ctx, ["no address"], Joining())[0].result is ResultKind.REFUSED
    with ctx.db.write() as tx:
        suppressions.erase(tx, ctx.keyring.address_hash("gone@example.org"), actor="x", now=ctx.clock.now())
    assert requests_typed.request(ctx, ["gone@example.org"], Joining())[0].result is ResultKind.REFUSED
    policy(ctx, Policy.CLOSED)
    assert requests_typed.request(ctx, ["a@example.org"], Joining())[0].result is ResultKind.REFUSED
    assert rows(ctx) == []


def test_typed_request_to_an_open_list_is_taken_at_once(ctx: Context) -> None:
    policy(ctx, Policy.OPEN)
    (asked,) = requests_typed.request(ctx, ["a@example.org"], Joining())
    assert asked.result is ResultKind.SUBSCRIBED
    assert standing(ctx, "a@example.org") is ON


def test_the_secretarys_own_act_decides_the_request_that_waited(ctx: Context) -> None:
    ask(ctx)
    subscribe(ctx, ["maria@example.org"], Joining(name="Mária Bálint"))
    (row,) = rows(ctx)
    assert (row.state, row.decided_by) == (APPROVED, "the Secretary")
    assert waiting(ctx) == []


def test_idn_address_and_its_punycode_twin_are_one_request_B61_B62(ctx: Context) -> None:
    ask(ctx, "a@példa.example.org")
    ask(ctx, "a@xn--plda-bpa.example.org")
    assert len(rows(ctx)) == 1


def test_no_notice_is_for_a_person_that_does_not_exist(ctx: Context) -> None:
    ask(ctx)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(Notice.person_id)) is None


def test_claims_of_a_confirmation_name_no_person(ctx: Context) -> None:
    ask(ctx)
    claims = tokens.read(token(ctx), Purpose.CONFIRM, [ctx.keyring.tokens])
    assert isinstance(claims, TokenClaims)
    assert claims.person == 0


@pytest.mark.parametrize("wanted", [Policy.CONFIRM, Policy.APPROVE])
def test_two_clicks_at_once_are_one_confirmation(ctx: Context, wanted: Policy) -> None:
    policy(ctx, wanted)
    ask(ctx)
    link = token(ctx)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: confirm(ctx, link).standing, range(4)))
    assert len(set(answers)) == 1
    with ctx.db.read() as tx:
        events = tx.scalar(sa.select(sa.func.count()).select_from(ConsentEvent))
    assert events == (1 if wanted is Policy.CONFIRM else 0)
    assert len(waiting(ctx, "welcome")) + len(waiting(ctx, "request")) == 1


def test_fifty_forms_at_once_for_one_address_are_one_mail_S46(ctx: Context) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ask(ctx, name=f"Name {number % 3}", network=""), range(50)))
    assert len([mail for mail in waiting(ctx) if mail["due_at"] <= ctx.clock.now()]) == 1
