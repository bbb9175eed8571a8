"""What a report does: to the address its letter went to, to the ledger, and to nobody else (H19–H22, P3, S21, S36)."""

import pytest
import sqlalchemy as sa

from balintmail.db.models import AuditEvent, Mailing, Notice
from balintmail.domain.states import (
    AddressHealth,
    DeliveryState,
    MailingState,
    SkipReason,
    SubscriptionState,
    SuppressionReason,
)
from balintmail.domain.tokens import Purpose
from balintmail.services import suppressions
from balintmail.services.consent import verify
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.merging import merge
from balintmail.services.people import Changes, edit
from tests.conftest import MovableClock
from tests.support.coming_back import FULL, NO_USER, SPAM, Post, days

ON, OFF = SubscriptionState.SUBSCRIBED, SubscriptionState.UNSUBSCRIBED
MARIA, JANE = "maria@example.org", "jane@example.net"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def test_no_such_user_suppresses_the_address_at_once_and_says_so_in_the_ledger(post: Post) -> None:
    person = post.reader(MARIA)
    delivery = post.sent(person, MARIA)
    waiting = post.sent(person, MARIA, DeliveryState.QUEUED)
    post.comes(post.dsn(delivery, MARIA))
    assert post.suppressed(MARIA) is SuppressionReason.BOUNCED
    assert post.address(MARIA).health is AddressHealth.BOUNCED
    assert post.address(MARIA).trouble == "no_such_user"
    assert post.address(MARIA).probe_at is None
    assert post.delivery(delivery).bounced_at == post.ctx.clock.now()
    assert post.delivery(delivery).state is DeliveryState.ACCEPTED
    assert post.delivery(waiting).skip_reason is SkipReason.SUPPRESSED
    assert post.standing(person)["newsletter"] is ON  # it is the address that is dead, not the wish
    [event] = post.events()
    assert (event.proven, event.person_id, event.delivery_id, event.reason) == (True, person, delivery, "no_such_user")
    assert "User unknown" in event.evidence
    assert post.remarks() == ["no such user (5.1.1): nobody is there, so the address is suppressed"]


def test_a_full_mailbox_scores_and_pauses_at_the_threshold(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for month in range(3):
        assert post.mailed(MARIA), month
        post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
        clock.forward(days(30))
    address = post.address(MARIA)
    assert (address.health, address.trouble) == (AddressHealth.BOUNCED, "mailbox_full")
    assert post.suppressed(MARIA) is None  # S36: fullness never means a dead address
    assert address.probe_at == clock.now() - days(30) + days(7)


def test_scores_age_out(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for _ in range(5):
        post.comes(post.dsn(post.sent(person, MARIA), MARIA, FULL))
        clock.forward(days(61))
    assert post.mailed(MARIA)


def test_a_token_reused_again_and_again_counts_once_H21(post: Post, clock: MovableClock) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA)
    for _ in range(20):
        post.comes(*(post.dsn(delivery, MARIA, FULL) for _ in range(5)))
        clock.forward(days(1))
    assert post.mailed(MARIA)
    assert len(post.events()) == 100


def test_an_old_letters_token_counts_for_nothing_H22(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    old = post.sent(person, MARIA)
    clock.forward(days(31))
    post.comes(post.dsn(old, MARIA))
    assert post.mailed(MARIA)
    assert post.remarks() == ["no such user (5.1.1): about an old letter: changed nothing"]
    assert post.delivery(old).bounced_at == clock.now()


def test_a_report_about_somebody_never_mailed_changes_nothing_H19(post: Post) -> None:
    post.reader(MARIA)
    post.comes(post.dsn(0, JANE, token=""))
    assert [(one.proven, one.weight, one.person_id) for one in post.events()] == [(False, 0, None)]
    assert post.mailed(MARIA)


@pytest.mark.parametrize("token", ["", "a" * 37, "forged"])
def test_a_forged_report_changes_nothing_and_is_counted(post: Post, token: str) -> None:
    person = post.reader(MARIA)
    delivery = post.sent(person, MARIA, DeliveryState.UNKNOWN)
    forged = post.token(delivery)[:-2] + "aa" if token == "forged" else token
    post.comes(post.dsn(delivery, MARIA, token=forged))
    assert post.mailed(MARIA)
    row = post.delivery(delivery)
    assert (row.state, row.bounced_at) == (DeliveryState.UNKNOWN, None)
    [event] = post.events()
    assert (event.proven, event.person_id, event.delivery_id) == (False, person, None)
    assert post.remarks() == ["bounce with no token of ours: changed nothing"]


def test_a_forged_complaint_changes_nothing(post: Post) -> None:
    person = post.reader(MARIA)
    post.comes(post.arf(0, MARIA, message_id=False))
    assert post.standing(person)["newsletter"] is ON
    assert post.suppressed(MARIA) is None


def test_a_valid_token_with_another_recipient_suspends_neither_H20(post: Post) -> None:
    maria, jane = post.reader(MARIA), post.reader(JANE)
    post.sent(jane, JANE)
    post.comes(post.dsn(post.sent(maria, MARIA), JANE))
    assert post.mailed(MARIA)
    assert post.mailed(JANE)
    assert [(one.address, one.weight) for one in post.events()] == [(MARIA, 2)]


def test_a_forwarding_that_leads_nowhere_pauses_after_a_while_H20(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for _ in range(2):
        post.comes(post.dsn(post.sent(person, MARIA), "m.private@example.net"))
        clock.forward(days(7))
    assert post.address(MARIA).health is AddressHealth.BOUNCED
    assert post.suppressed(MARIA) is None


def test_a_report_with_ten_thousand_recipients_touches_the_letters_own_alone_H18(post: Post) -> None:
    maria, jane = post.reader(MARIA), post.reader(JANE)
    post.sent(jane, JANE)
    others = tuple(f"reader{number}@example.net" for number in range(10_000))
    post.comes(post.dsn(post.sent(maria, MARIA), JANE, also=(*others, MARIA)))
    assert post.suppressed(MARIA) is SuppressionReason.BOUNCED
    assert post.mailed(JANE)
    post.comes(post.dsn(0, JANE, also=others, token=""))
    assert len(post.events()) == 21


def test_the_readers_own_host_names_the_reader(post: Post) -> None:
    post.comes(post.dsn(post.sent(post.reader(MARIA), MARIA), "Maria@mailhost.example.org"))
    assert post.suppressed(MARIA) is SuppressionReason.BOUNCED


def test_a_refusal_by_a_rule_counts_against_nobody_S20(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    for _ in range(10):
        post.comes(post.dsn(post.sent(person, MARIA), MARIA, SPAM))
        clock.forward(days(1))
    assert post.mailed(MARIA)
    assert {(one.sentence, one.weight) for one in post.events()} == {("policy", 0)}


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_what_is_no_failure_is_none_H29(post: Post, action: str) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA)
    post.comes(post.dsn(delivery, MARIA, action=action))
    assert post.mailed(MARIA)
    assert post.delivery(delivery).bounced_at is None


@pytest.mark.parametrize("state", [DeliveryState.UNKNOWN, DeliveryState.ACCEPTED, DeliveryState.AT_RISK])
def test_a_bounce_settles_what_is_unknown_P3(post: Post, state: DeliveryState) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA, state)
    post.comes(post.dsn(delivery, MARIA, FULL))
    row = post.delivery(delivery)
    assert row.state is (DeliveryState.ACCEPTED if state is DeliveryState.UNKNOWN else state)
    assert row.bounced_at == post.ctx.clock.now()
    with post.ctx.db.read() as tx:
        sent = tx.scalar(sa.select(Mailing.state).where(Mailing.id == row.mailing_id)) is MailingState.SENT
        settled = tx.scalar(sa.select(sa.func.count()).where(AuditEvent.action == "settled"))
    assert (sent, settled) == ((True, 1) if state is DeliveryState.UNKNOWN else (False, 0))


def test_the_first_time_it_came_back_stays(post: Post, clock: MovableClock) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA)
    post.comes(post.dsn(delivery, MARIA, FULL))
    first = clock.now()
    clock.forward(days(1))
    post.comes(post.dsn(delivery, MARIA, FULL))
    assert post.delivery(delivery).bounced_at == first


def test_a_complaint_unsubscribes_and_suppresses_at_once_and_mails_nobody(post: Post) -> None:
    person = post.reader(MARIA, "newsletter", "courses")
    delivery = post.sent(person, MARIA)
    waiting = post.sent(person, MARIA, DeliveryState.QUEUED)
    with post.ctx.db.write() as tx:
        tx.execute(sa.delete(Notice))
    post.comes(post.arf(delivery, MARIA))
    assert post.standing(person) == {"newsletter": OFF, "courses": ON}
    assert post.suppressed(MARIA) is SuppressionReason.COMPLAINT
    assert post.delivery(delivery).complained_at == post.ctx.clock.now()
    assert post.delivery(waiting).state is DeliveryState.SKIPPED
    assert post.remarks() == ["complaint: taken off newsletter, the address is suppressed"]
    with post.ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Notice)) == 0
    assert verify(post.ctx).whole


def test_a_complaint_without_its_recipient_finds_the_person_by_our_token_S21_H27(post: Post) -> None:
    person = post.reader(MARIA)
    post.comes(post.arf(post.sent(person, MARIA, DeliveryState.UNKNOWN)))
    assert post.standing(person)["newsletter"] is OFF
    assert post.suppressed(MARIA) is SuppressionReason.COMPLAINT
    assert [one.person_id for one in post.events()] == [person]


def test_a_complaint_that_kept_the_link_alone_leaves_the_list_and_no_more(post: Post) -> None:
    person = post.reader(MARIA, "newsletter", "courses")
    link = post.token(post.sent(person, MARIA), Purpose.LEAVE, person=person, list=1)
    text = f"List-Unsubscribe: <https://balint.example.org/leave/{link}>\n"
    post.comes(post.arf(0, text=text, message_id=False))
    assert post.standing(person) == {"newsletter": OFF, "courses": ON}
    assert post.suppressed(MARIA) is None


@pytest.mark.parametrize("link", ["https://balint.example.org/leave/{}", "mailto:b@example.org?subject=leave%20{}"])
def test_a_complaint_that_kept_the_link_in_the_text_alone_leaves_the_list_S21(post: Post, link: str) -> None:
    person = post.reader(MARIA, "newsletter", "courses")
    token = post.token(post.sent(person, MARIA), Purpose.LEAVE, person=person, list=1)
    words = f"Dear reader,\r\n\r\nLeave this list: {link.format(token)}\r\n".encode()
    post.comes(post.arf(0, message_id=False).replace(b"Dear reader,", words))
    assert post.standing(person) == {"newsletter": OFF, "courses": ON}
    assert post.suppressed(MARIA) is None


def test_a_bounce_that_has_the_link_alone_changes_nothing(post: Post) -> None:
    person = post.reader(MARIA)
    link = post.token(post.sent(person, MARIA), Purpose.LEAVE, person=person, list=1)
    post.comes(post.dsn(0, MARIA, token=link))
    assert post.mailed(MARIA)
    assert post.standing(person)["newsletter"] is ON


def test_the_opposite_of_a_complaint_changes_nothing(post: Post) -> None:
    person = post.reader(MARIA)
    delivery = post.sent(person, MARIA)
    post.comes(post.arf(delivery, kind="not-spam"), post.arf(delivery, MARIA, kind="not-spam"))
    assert post.standing(person)["newsletter"] is ON
    assert post.mailed(MARIA)
    assert post.delivery(delivery).complained_at is None


def test_the_same_message_twice_is_one_event(post: Post) -> None:
    raw = post.dsn(post.sent(post.reader(MARIA), MARIA), MARIA, FULL)
    post.comes(raw, raw)
    post.comes(raw)
    assert len(post.events()) == 1


def test_a_letter_in_doubt_is_settled_by_a_report_that_names_nobody_H17(post: Post) -> None:
    delivery = post.sent(post.reader(MARIA), MARIA, DeliveryState.UNKNOWN)
    post.comes(post.dsn(delivery, ""))
    assert post.delivery(delivery).state is DeliveryState.ACCEPTED
    assert post.mailed(MARIA)


def test_a_report_about_somebody_who_was_merged_stands_with_who_they_are_now(post: Post) -> None:
    keep, other = post.reader(JANE), post.reader(MARIA)
    delivery = post.sent(other, MARIA)
    merge(post.ctx, keep, other)
    post.comes(post.arf(delivery, MARIA))
    assert post.standing(keep)["newsletter"] is OFF
    assert [one.person_id for one in post.events()] == [keep]


def test_a_report_about_somebody_who_was_erased_keeps_nothing_of_them(post: Post) -> None:
    person = post.reader(MARIA)
    bounced, complained = post.sent(person, MARIA), post.sent(person, MARIA)
    erase(post.ctx, person)
    post.comes(post.dsn(bounced, MARIA), post.arf(complained, MARIA))
    assert post.events() == []
    assert post.delivery(bounced).bounced_at is not None


def test_an_address_that_somebody_has_given_up_is_nobodys(post: Post) -> None:
    person = post.reader(MARIA)
    delivery = post.sent(person, MARIA)
    edit(post.ctx, person, Changes(add=(JANE,), remove=(MARIA,)))
    post.comes(post.dsn(delivery, MARIA))
    assert post.mailed(JANE)
    assert post.remarks() == ["no such user (5.1.1): nobody on the register has that address"]


def test_a_persons_word_lets_older_letters_count_no_more(post: Post, clock: MovableClock) -> None:
    person = post.reader(MARIA)
    before = post.sent(person, MARIA)
    post.comes(post.dsn(post.sent(person, MARIA), MARIA))
    clock.forward(days(1))
    suppressions.allow(post.ctx, MARIA)
    post.comes(post.dsn(before, MARIA))
    assert post.mailed(MARIA)
    clock.forward(days(1))
    post.comes(post.dsn(post.sent(person, MARIA), MARIA, NO_USER))
    assert post.suppressed(MARIA) is SuppressionReason.BOUNCED


def test_two_who_share_an_address_lose_it_together_and_only_one_complained(post: Post) -> None:
    first = post.reader(MARIA, name="Maria Example")
    second = post.reader(MARIA, name="Paul Example")
    assert first != second
    post.comes(post.arf(post.sent(second, MARIA), MARIA))
    assert post.standing(first)["newsletter"] is ON
    assert post.standing(second)["newsletter"] is OFF
    assert post.suppressed(MARIA) is SuppressionReason.COMPLAINT


def test_a_letter_to_nobody_on_the_register_still_suppresses_who_complained(post: Post) -> None:
    post.comes(post.arf(post.sent(None, MARIA, list_id=None), MARIA))
    assert post.suppressed(MARIA) is SuppressionReason.COMPLAINT
