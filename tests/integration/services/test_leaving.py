"""Leaving by the link of a letter: at once, once, by every old link, and never anything but quieter (S4, S44, D4)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from balintmail.db.models import AuditEvent, ConsentEvent, Delivery, Mailing
from balintmail.domain import tokens
from balintmail.domain.keys import Keyring
from balintmail.domain.states import (
    ConsentAction,
    DeliveryState,
    Ground,
    MailingKind,
    MailingState,
    SkipReason,
    SubscriptionState,
)
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import UsageRefused
from balintmail.services import leaving, lists, subscriptions
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.leaving import Door, LinkBroken, Visit
from balintmail.services.merging import merge
from balintmail.services.subscriptions import Joining
from tests.conftest import MovableClock
from tests.support import society

ONE_CLICK = Visit(Door.ONE_CLICK)
ON, OFF, PAUSED = SubscriptionState.SUBSCRIBED, SubscriptionState.UNSUBSCRIBED, SubscriptionState.PAUSED


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    lists.add(context, "courses", lists.Manners(name="Weekends and courses"))
    return context


def reader(ctx: Context, *slugs: str, address: str = "maria@example.org") -> int:
    found = 0
    for slug in slugs or ("newsletter",):
        found = subscriptions.subscribe(ctx, [address], Joining(list_slug=slug))[0].person or 0
    return found


def link(ctx: Context, person: int, list_id: int = 1, delivery: int = 0, purpose: Purpose = Purpose.LEAVE) -> str:
    return tokens.make(TokenClaims(purpose, person, list_id, delivery), ctx.keyring.tokens)


def states(ctx: Context, person: int) -> dict[str, SubscriptionState | None]:
    with ctx.db.read() as tx:
        return {each.slug: each.state for each in leaving.standings(tx, person)}


def counted(ctx: Context, person: int) -> tuple[int, int]:
    """Return how many consent events of withdrawal and audit lines of leaving a person has."""
    with ctx.db.read() as tx:
        gone = sa.select(sa.func.count()).where(
            ConsentEvent.person_id == person, ConsentEvent.action == ConsentAction.WITHDREW
        )
        lines = sa.select(sa.func.count()).where(AuditEvent.person_id == person, AuditEvent.action == "unsubscribed")
        return tx.scalar(gone) or 0, tx.scalar(lines) or 0


def mail(ctx: Context, person: int, state: DeliveryState) -> int:
    """Put one delivery to this person, of a mailing that is under way, into the ledger."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        mailing = {
            "list_id": 1, "kind": MailingKind.NEWSLETTER, "number": "84", "title": "N", "state": MailingState.SENDING,
            "content_hash": "0" * 64, "created_at": now, "frozen_at": now,
        }  # fmt: skip
        number = tx.execute(sa.insert(Mailing).values(**mailing).returning(Mailing.id)).scalar_one()
        row = {
            "mailing_id": number, "person_id": person, "address": "maria@example.org", "envelope": "maria@example.org",
            "address_key": "maria@example.org", "ground": Ground.CONSENT, "state": state, "at": now,
        }  # fmt: skip
        return tx.execute(sa.insert(Delivery).values(**row).returning(Delivery.id)).scalar_one()


def test_one_click_leaves_the_links_list_at_once_and_no_other_S4(ctx: Context) -> None:
    person = reader(ctx, "newsletter", "courses")
    page = leaving.leave(ctx, link(ctx, person), ONE_CLICK)
    assert states(ctx, person) == {"newsletter": OFF, "courses": ON}
    assert page.of is not None
    assert (page.of.state, page.address) == (OFF, "m•••••@example.org")
    assert [each.slug for each in page.others] == ["courses"]


def test_leaving_twice_leaves_one_event_and_one_audit_line_S4(ctx: Context) -> None:
    person = reader(ctx)
    for _ in range(3):
        leaving.leave(ctx, link(ctx, person), ONE_CLICK)
    assert counted(ctx, person) == (1, 1)


def test_the_record_says_who_by_which_door_and_in_which_zone_S42(ctx: Context) -> None:
    person = reader(ctx)
    leaving.leave(ctx, link(ctx, person), Visit(Door.ONE_CLICK, {"network": "192.0.2.7"}))
    with ctx.db.read() as tx:
        event = (
            tx.execute(sa.select(ConsentEvent).where(ConsentEvent.action == ConsentAction.WITHDREW)).mappings().one()
        )
    assert (event["how"], event["actor"], event["address"]) == ("one-click", "the person", "maria@example.org")
    assert event["evidence"] == {"zone": "Europe/London", "network": "192.0.2.7"}
    assert verify(ctx).whole


def test_view_changes_nothing_S5_D8(ctx: Context) -> None:
    person = reader(ctx)
    for _ in range(100):
        leaving.view(ctx, link(ctx, person))
    assert states(ctx, person) == {"newsletter": ON}
    assert counted(ctx, person) == (0, 0)


def test_leaving_takes_back_what_is_not_at_risk_yet_D4(ctx: Context) -> None:
    person = reader(ctx)
    delivery = mail(ctx, person, DeliveryState.CLAIMED)
    leaving.leave(ctx, link(ctx, person, delivery=delivery), ONE_CLICK)
    with ctx.db.read() as tx:
        row = tx.execute(sa.select(Delivery.state, Delivery.skip_reason).where(Delivery.id == delivery)).one()
    assert tuple(row) == (DeliveryState.SKIPPED, SkipReason.NOT_SUBSCRIBED)


def test_a_used_link_proves_that_its_unknown_delivery_arrived_P3(ctx: Context) -> None:
    person = reader(ctx)
    delivery = mail(ctx, person, DeliveryState.UNKNOWN)
    leaving.view(ctx, link(ctx, person, delivery=delivery))  # a scanner looks at it; that proves nothing
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(Delivery.state)) is DeliveryState.UNKNOWN
    leaving.leave(ctx, link(ctx, person, delivery=delivery), ONE_CLICK)
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(Delivery.state)) is DeliveryState.ACCEPTED
        assert tx.scalar(sa.select(Mailing.state)) is MailingState.SENT


@pytest.mark.parametrize("spoil", [
    lambda token: token[:-1], lambda token: token[1:], lambda token: token + "a", lambda token: token[:-4] + "aaaa",
    lambda token: token + "=", lambda token: token * 40, lambda token: "", lambda token: "\ud800", lambda token: "../x",
])  # fmt: skip
def test_damaged_links_are_refused_C1_C2_C9_C10(ctx: Context, spoil: object) -> None:
    person = reader(ctx)
    token = link(ctx, person)
    with pytest.raises(LinkBroken):
        leaving.leave(ctx, spoil(token), ONE_CLICK)  # type: ignore[operator]
    assert states(ctx, person) == {"newsletter": ON}


def test_every_changed_character_is_refused_S1(ctx: Context) -> None:
    token = link(ctx, reader(ctx))
    for place, letter in enumerate(token):
        other = "b" if letter != "b" else "c"
        with pytest.raises(LinkBroken):
            leaving.view(ctx, token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("purpose", [each for each in Purpose if each is not Purpose.LEAVE])
def test_token_of_another_purpose_is_refused_C3(ctx: Context, purpose: Purpose) -> None:
    with pytest.raises(LinkBroken):
        leaving.leave(ctx, link(ctx, reader(ctx), purpose=purpose), ONE_CLICK)


def test_link_signed_before_the_key_was_rotated_still_leaves_C11(ctx: Context) -> None:
    person = reader(ctx)
    token = link(ctx, person)
    fresh = Keyring(bytes(range(64, 96)), ctx.keyring.erasure, (ctx.keyring.tokens,))
    leaving.leave(replace(ctx, keyring=fresh), token, ONE_CLICK)
    assert states(ctx, person) == {"newsletter": OFF}
    with pytest.raises(LinkBroken):
        leaving.leave(replace(ctx, keyring=replace(fresh, previous=())), token, ONE_CLICK)


def test_leaving_after_an_erasure_is_answered_like_any_other_C12(ctx: Context) -> None:
    person = reader(ctx)
    token = link(ctx, person)
    erase(ctx, person)
    for act in (leaving.view(ctx, token), leaving.leave(ctx, token, ONE_CLICK), leaving.leave_all(ctx, token, Visit())):
        assert (act.address, act.others) == ("", ())
    assert leaving.pause(ctx, token, date(2027, 3, 1)).all_on == ()


def test_links_of_both_halves_of_a_merged_person_leave(ctx: Context) -> None:
    keep, gone = reader(ctx, "courses"), reader(ctx, "newsletter", address="old@example.org")
    merge(ctx, keep, gone)
    assert states(ctx, keep) == {"newsletter": ON, "courses": ON}
    leaving.leave(ctx, link(ctx, gone), ONE_CLICK)
    assert states(ctx, keep) == {"newsletter": OFF, "courses": ON}
    leaving.leave(ctx, link(ctx, keep, 2), ONE_CLICK)
    assert states(ctx, keep) == {"newsletter": OFF, "courses": OFF}


def test_archived_list_is_left_too_S44(ctx: Context) -> None:
    person = reader(ctx, "courses")
    lists.archive(ctx, "courses")
    leaving.leave(ctx, link(ctx, person, 2), ONE_CLICK)
    assert states(ctx, person) == {"courses": OFF}


def test_list_or_person_that_is_not_there_is_answered_J6(ctx: Context) -> None:
    person = reader(ctx)
    page = leaving.leave(ctx, link(ctx, person, 999), ONE_CLICK)
    assert (page.of, [each.slug for each in page.others]) == (None, ["newsletter"])
    assert leaving.leave(ctx, link(ctx, 0), ONE_CLICK).address == ""  # the test letter of a stranger
    assert leaving.leave(ctx, link(ctx, 2**62), ONE_CLICK).address == ""
    with pytest.raises(LinkBroken):
        leaving.leave(ctx, link(ctx, 2**70), ONE_CLICK)  # F9: no database counts that far
    assert states(ctx, person) == {"newsletter": ON}


def test_leave_some_and_all(ctx: Context) -> None:
    person = reader(ctx, "newsletter", "courses")
    page = leaving.leave_some(ctx, link(ctx, person), Visit(), ["courses", "nonsense"])
    assert [each.slug for each in page.all_on] == ["newsletter"]
    assert leaving.leave_all(ctx, link(ctx, person), Visit()).all_on == ()
    assert states(ctx, person) == {"newsletter": OFF, "courses": OFF}
    assert counted(ctx, person) == (2, 2)


def test_pause_begins_at_once_ends_on_its_day_and_keeps_the_ground(ctx: Context, clock: MovableClock) -> None:
    person = reader(ctx)
    delivery = mail(ctx, person, DeliveryState.QUEUED)
    page = leaving.pause(ctx, link(ctx, person), date(2027, 3, 28))  # the night in which London's clocks go forward
    assert page.of is not None
    assert (page.of.state, page.of.paused_until) == (PAUSED, clock.now().replace(2027, 3, 28, 0, 0))
    with ctx.db.read() as tx:
        assert tx.scalar(sa.select(Delivery.skip_reason).where(Delivery.id == delivery)) is SkipReason.PAUSED
    clock.moment = clock.now().replace(2027, 3, 27, 23, 59)
    assert leaving.end_pauses(ctx) == 0
    clock.forward(timedelta(minutes=1))
    assert leaving.end_pauses(ctx) == 1
    assert leaving.end_pauses(ctx) == 0
    assert states(ctx, person) == {"newsletter": ON}
    with ctx.db.read() as tx:
        assert society.groundless(tx) == []


def test_pause_without_an_end_stays(ctx: Context, clock: MovableClock) -> None:
    person = reader(ctx)
    subscriptions.pause(ctx, person, "newsletter", None)
    leaving.pause(ctx, link(ctx, person), date(2027, 3, 1))  # it would end what was to last
    clock.forward(timedelta(days=1000))
    assert leaving.end_pauses(ctx) == 0
    assert states(ctx, person) == {"newsletter": PAUSED}


def test_pause_is_only_lengthened_by_a_link(ctx: Context) -> None:
    person = reader(ctx)
    for day, stands in ((date(2027, 3, 1), 1), (date(2027, 4, 5), 4), (date(2027, 2, 1), 4)):
        page = leaving.pause(ctx, link(ctx, person), day)
        assert page.of is not None
        assert page.of.paused_until is not None
        assert page.of.paused_until.astimezone(ctx.settings.zone).day == (1 if stands == 1 else 5)


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(1999, 1, 1), date(2028, 11, 24), date(9999, 12, 31)])
def test_pause_until_a_day_that_cannot_be_is_refused(ctx: Context, day: date) -> None:
    person = reader(ctx)
    with pytest.raises(UsageRefused):
        leaving.pause(ctx, link(ctx, person), day)
    assert states(ctx, person) == {"newsletter": ON}


def test_nothing_brings_back_whoever_has_left(ctx: Context, clock: MovableClock) -> None:
    person = reader(ctx)
    token = link(ctx, person)
    leaving.leave(ctx, token, ONE_CLICK)
    leaving.pause(ctx, token, date(2027, 3, 1))
    leaving.leave_some(ctx, token, Visit(), ["newsletter"])
    leaving.explain(ctx, token, Visit(), "too many")
    clock.forward(timedelta(days=400))
    leaving.end_pauses(ctx)
    assert states(ctx, person) == {"newsletter": OFF}


def test_reason_is_recorded_once_for_each_leaving_and_in_their_words(ctx: Context) -> None:
    person = reader(ctx)
    token = link(ctx, person)
    leaving.explain(ctx, token, Visit(), "I have not left yet")
    leaving.leave(ctx, token, ONE_CLICK)
    for reason in ("", "Túl sok levél\nés túl hosszú", "a second thought"):
        leaving.explain(ctx, token, Visit(), reason)
    with ctx.db.read() as tx:
        left = sa.select(ConsentEvent.words).where(ConsentEvent.action == ConsentAction.WITHDREW)
        words = list(tx.scalars(left.order_by(ConsentEvent.id)))
    assert words == ["left with the button of their mail program", "Túl sok levél\nés túl hosszú"]
    assert verify(ctx).whole


def test_reason_that_no_record_can_hold_keeps_nobody_on_the_list_A(ctx: Context) -> None:
    person = reader(ctx)
    leaving.leave(ctx, link(ctx, person), Visit(), reason="\x00\ud800" * 300)
    assert states(ctx, person) == {"newsletter": OFF}
