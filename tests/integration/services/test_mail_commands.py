"""Commands by mail, from the raw message to the register: what needs a token, who is answered, and how often.

H23 to H26, S6, S9, S41, S46; the words of commands are in tests/unit/receiving/test_command.py.
"""

import re
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.config import BounceStyle
from balintmail.db.models import Delivery, InboundMessage, Mailing, Notice
from balintmail.domain.states import InboundState, Policy, RequestState, SubscriptionState
from balintmail.domain.tokens import Purpose
from balintmail.services import copies, copy_requests, lists
from balintmail.services.context import Context
from balintmail.services.notice_mailings import release_due
from tests.conftest import MovableClock
from tests.support import joining, society
from tests.support.answering import field, letters, reply, with_bounces
from tests.support.coming_back import Post

ADA = "ada@example.net"
ON, OFF = SubscriptionState.SUBSCRIBED, SubscriptionState.UNSUBSCRIBED


@pytest.fixture(params=[BounceStyle.PLUS, BounceStyle.PLAIN], ids=lambda style: style.value)
def ctx(request: pytest.FixtureRequest, context: Context) -> Context:
    return with_bounces(context, request.param)


@pytest.fixture
def post(ctx: Context) -> Post:
    return Post.of(ctx)


def mail(subject: str = "", text: str = "", *, sender: str = ADA, name: str = "Ada Example", **fields: str) -> bytes:
    known = {
        "From": f"{name} <{sender}>",
        "To": "bounces@example.org",
        "Subject": subject,
        "Message-ID": f"<{abs(hash((subject, text, sender)))}@example.net>",
        "Content-Type": "text/plain; charset=utf-8",
        **{key.replace("_", "-"): value for key, value in fields.items()},
    }
    head = "".join(f"{key}: {value}\r\n" for key, value in known.items() if value)
    return f"{head}\r\n{text}".encode()


def waiting(ctx: Context, address: str = ADA) -> list[str]:
    """Return the templates of the mails that wait for an address, in their order."""
    with ctx.db.read() as tx:
        return list(tx.scalars(sa.select(Notice.template).where(Notice.address == address).order_by(Notice.id)))


def last(ctx: Context) -> Any:
    with ctx.db.read() as tx:
        return tx.execute(sa.select(InboundMessage.__table__).order_by(InboundMessage.id.desc()).limit(1)).one()


def facts(ctx: Context, template: str) -> Any:
    return joining.waiting(ctx, template)[-1]["facts"]


def letter(ctx: Context, address: str = ADA) -> str:
    """Let what waits become letters and return the newest one to an address."""
    release_due(ctx)
    return letters(ctx, address)[-1]


# Leaving


@pytest.mark.parametrize(
    ("subject", "text"),
    [("leave {}", ""), ("Leave {}", "Sent from my iPhone"), ("Re: leave {}", "please"), ("{}", ""), ("xyz {} abc", "")],
)
def test_mail_with_the_token_of_a_letter_leaves_at_once_with_any_subject_S6(
    post: Post, subject: str, text: str
) -> None:
    person = post.reader(ADA)
    delivery = post.sent(person, ADA)
    token = post.token(delivery, Purpose.LEAVE, person=person, list=1)
    post.comes(mail(subject.format(token), text, sender="somebody.else@example.net"))
    assert post.standing(person) == {"newsletter": OFF}
    assert (last(post.ctx).state, last(post.ctx).remark) == (InboundState.DONE, "left Newsletter")
    assert (last(post.ctx).person_id, last(post.ctx).delivery_id) == (person, delivery)
    assert waiting(post.ctx) == []


def test_token_works_for_a_robot_and_in_capitals_and_twice_H24_H26(post: Post) -> None:
    person = post.reader(ADA, "newsletter", "courses")
    token = post.token(post.sent(person, ADA), Purpose.LEAVE, person=person, list=1)
    robot = mail(f"LEAVE {token.upper()}", Auto_Submitted="auto-generated")
    post.comes(robot, mail(f"leave {token}", "again"))
    assert post.standing(person) == {"newsletter": OFF, "courses": ON}
    assert post.remarks() == ["left Newsletter", "had left already"]
    assert waiting(post.ctx) == []


def test_damaged_token_leaves_nobody_and_is_answered_with_the_links_C1_C2(post: Post) -> None:
    person = post.reader(ADA)
    token = post.token(post.sent(person, ADA), Purpose.LEAVE, person=person, list=1)
    post.comes(mail(f"leave {token[:-1]}{'a' if token[-1] != 'a' else 'b'}"))
    assert post.standing(person) == {"newsletter": ON}
    assert waiting(post.ctx) == ["leave_link"]


def test_token_in_a_quoted_letter_leaves_nobody(post: Post) -> None:
    person = post.reader(ADA)
    token = post.token(post.sent(person, ADA), Purpose.LEAVE, person=person, list=1)
    post.comes(mail("Re: Newsletter", f"Thank you for this.\r\n\r\n> https://balint.example.org/leave/{token}\r\n"))
    assert post.standing(person) == {"newsletter": ON}
    assert last(post.ctx).state is InboundState.WAITING


def test_leave_from_a_forged_sender_mails_a_link_and_changes_nothing_H23(post: Post) -> None:
    person = post.reader(ADA)
    post.comes(mail("unsubscribe"))
    assert post.standing(person) == {"newsletter": ON}
    assert waiting(post.ctx) == ["leave_link"]
    assert [row["name"] for row in _rows(facts(post.ctx, "leave_link")["lists"])] == ["Newsletter"]


def test_reply_to_the_link_leaves_every_list_of_the_letter(post: Post) -> None:
    person = post.reader(ADA, "newsletter", "courses")
    post.comes(mail("unsubscribe"))
    post.comes(reply(letter(post.ctx), "", sender=ADA, Subject="Re: Leave by one click"))
    assert post.standing(person) == {"newsletter": OFF, "courses": OFF}
    assert waiting(post.ctx) == ["goodbye"]


def test_reply_that_denies_it_changes_nothing(post: Post) -> None:
    person = post.reader(ADA)
    post.comes(mail("unsubscribe"))
    post.comes(reply(letter(post.ctx), "No, that was not me!", sender=ADA))
    assert post.standing(person) == {"newsletter": ON}
    assert last(post.ctx).state is InboundState.WAITING


def test_leave_names_one_list_of_two(post: Post) -> None:
    person = post.reader(ADA, "newsletter", "courses")
    post.comes(mail("leave courses"))
    assert [row["name"] for row in _rows(facts(post.ctx, "leave_link")["lists"])] == ["Weekends and courses"]
    post.comes(reply(letter(post.ctx), "yes", sender=ADA))
    assert post.standing(person) == {"newsletter": ON, "courses": OFF}


def test_leave_of_an_address_on_no_list_says_so_to_that_address_alone(post: Post) -> None:
    post.comes(mail("unsubscribe", sender="stranger@example.net"))
    assert waiting(post.ctx, "stranger@example.net") == ["leave_link"]
    assert "on none of our lists" in " ".join(letter(post.ctx, "stranger@example.net").split())


def test_without_a_site_the_link_is_a_mail_S6(context: Context) -> None:
    society_ = context.settings.society.model_copy(update={"url": ""})
    ctx = with_bounces(context, BounceStyle.PLUS)
    post = Post.of(replace(ctx, settings=ctx.settings.model_copy(update={"society": society_})))
    person = post.reader(ADA)
    post.comes(mail("unsubscribe"))
    url = _rows(facts(post.ctx, "leave_link")["lists"])[0]["url"]
    subject = re.fullmatch(r"mailto:bounces@example\.org\?subject=leave%20([a-z2-7]+)", url)
    assert subject is not None
    post.comes(mail(f"leave {subject[1]}"))
    assert post.standing(person) == {"newsletter": OFF}


# Joining and confirming


def test_join_by_mail_is_confirmed_by_a_plain_reply(post: Post) -> None:
    joining.policy(post.ctx, Policy.CONFIRM)
    post.comes(mail("join", name="Ada Example"))
    assert waiting(post.ctx) == ["confirm"]
    assert "Ada" not in letter(post.ctx)  # nothing of what was typed (S46)
    post.comes(reply(letter(post.ctx), "Sure!", sender=ADA))
    row = joining.rows(post.ctx)[0]
    assert (row.state, row.how, row.name) == (RequestState.APPROVED, "mail", "Ada Example")
    assert row.words == 'asked by mail: "join"'
    assert post.standing(row.person_id) == {"newsletter": ON}
    assert last(post.ctx).remark == "confirmed by reply, and is on the list"
    assert last(post.ctx).person_id == row.person_id  # it stands on their timeline


def test_open_list_asks_back_too_because_a_from_proves_nothing_H23(post: Post) -> None:
    joining.policy(post.ctx, Policy.OPEN)
    post.comes(mail("subscribe"))
    assert joining.rows(post.ctx)[0].state is RequestState.PENDING
    assert waiting(post.ctx) == ["confirm"]


def test_reply_to_a_list_of_the_secretarys_confirms_and_goes_to_the_secretary(post: Post) -> None:
    post.comes(mail("Feliratkozás"))
    post.comes(reply(letter(post.ctx), "", sender=ADA))
    assert joining.rows(post.ctx)[0].state is RequestState.CONFIRMED
    assert last(post.ctx).remark == "confirmed by reply: the Secretary decides"
    assert waiting(post.ctx) == ["request_received"]
    assert waiting(post.ctx, society.SECRETARY) == ["request"]


@pytest.mark.parametrize("text", ["No, I did not ask for this", "Nein", "Ce n'est pas moi", "Nem én voltam", "stop"])
def test_reply_that_says_no_confirms_nothing(post: Post, text: str) -> None:
    post.comes(mail("join"))
    post.comes(reply(letter(post.ctx), text, sender=ADA))
    assert joining.rows(post.ctx)[0].state is RequestState.PENDING
    assert last(post.ctx).state is InboundState.WAITING


@pytest.mark.parametrize(
    "fields", [{"Auto-Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"Subject": "Out of office"}]
)
def test_machines_reply_confirms_nothing_S41(post: Post, fields: dict[str, str]) -> None:
    post.comes(mail("join"))
    post.comes(reply(letter(post.ctx), "yes", sender=ADA, **fields))
    assert joining.rows(post.ctx)[0].state is RequestState.PENDING


def test_reply_confirms_a_form_of_the_page_too(post: Post) -> None:
    joining.ask(post.ctx, ADA)
    post.comes(reply(letter(post.ctx), "yes", sender=ADA))
    assert joining.rows(post.ctx)[0].state is RequestState.CONFIRMED


def test_confirm_without_anything_to_confirm_is_told_what_can_be_asked(post: Post) -> None:
    post.comes(mail("confirm"))
    assert waiting(post.ctx) == ["help"]


def test_join_of_a_list_with_questions_is_sent_to_its_page(post: Post) -> None:
    from balintmail.services import offers

    question = {"name": "work", "label": "Where do you work?", "kind": "text", "required": True}
    offers.set_questions(post.ctx, "newsletter", [question])
    post.comes(mail("join"))
    assert waiting(post.ctx) == ["join_by_page"]
    assert facts(post.ctx, "join_by_page")["join_url"].endswith("/join/newsletter")
    assert joining.rows(post.ctx) == []


def test_join_of_a_closed_list_waits_for_the_secretary(post: Post) -> None:
    joining.policy(post.ctx, Policy.CLOSED)
    post.comes(mail("join"))
    assert (last(post.ctx).state, waiting(post.ctx)) == (InboundState.WAITING, [])


def test_join_of_a_list_that_is_not_there_is_told_which_are(post: Post) -> None:
    lists.add(post.ctx, "closed", lists.Manners(policy=Policy.CLOSED))
    post.comes(mail("join oxford"))
    assert [row["slug"] for row in _rows(facts(post.ctx, "help")["lists"])] == ["newsletter", "courses"]


# Who is answered, and how often


def test_help_comes_in_the_language_it_was_asked_in_S9(post: Post) -> None:
    post.comes(mail("Hilfe"))
    found = letter(post.ctx)
    assert "Auto-Submitted: auto-" in found
    assert "List-Unsubscribe" not in found
    assert "anmelden" in found


def test_same_command_twice_has_one_answer_H24(post: Post) -> None:
    post.comes(mail("help"), mail("Help"), mail("HELP"))
    assert waiting(post.ctx) == ["help"]
    assert last(post.ctx).state is InboundState.DONE


def test_second_answer_waits_for_the_next_day_and_no_third_is_given(post: Post, clock: MovableClock) -> None:
    post.reader(ADA)
    post.comes(mail("help"), mail("unsubscribe"), mail("copy 84"), mail("join courses"))
    with post.ctx.db.read() as tx:
        due = list(tx.scalars(sa.select(Notice.due_at).where(Notice.address == ADA).order_by(Notice.due_at)))
    assert len(due) == len(set(due)) == 3
    assert all(later - earlier >= timedelta(days=1) for earlier, later in pairwise(due))
    assert due[0] == clock.now()
    with post.ctx.db.read() as tx:
        remarks = list(tx.scalars(sa.select(InboundMessage.remark).order_by(InboundMessage.id)))
    assert "leaves on" not in remarks[0]
    assert "leaves on" in remarks[1]  # nobody is told that a mail went which waits
    assert last(post.ctx).state is InboundState.WAITING


@pytest.mark.parametrize(
    "fields",
    [
        {"Auto-Submitted": "auto-generated"},
        {"Precedence": "list"},
        {"List-Id": "<others.example.net>"},
        {"Return-Path": "<>"},
        {"From": "no-reply@example.net"},
        {"From": "MAILER-DAEMON@example.net"},
        {"From": "bounces@example.org"},
        {"From": "others-request@example.net"},
        {"From": "not an address"},
    ],
)
def test_no_machine_and_no_address_of_ours_is_answered_H25_H26(post: Post, fields: dict[str, str]) -> None:
    post.comes(mail("help", **fields))
    with post.ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Notice)) == 0


def test_two_instances_pointed_at_each_other_stop_after_one_message_S9(post: Post) -> None:
    post.comes(mail("help", sender="other.instance@example.net"))
    answer = letter(post.ctx, "other.instance@example.net").encode()
    post.comes(answer.replace(b"Subject: ", b"Subject: help "))
    assert waiting(post.ctx) == []
    with post.ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 1


def test_flood_of_commands_is_not_answered(post: Post) -> None:
    most = post.ctx.settings.joining.per_hour
    tight = post.ctx.settings.joining.model_copy(update={"per_hour": 3})
    post.ctx = replace(post.ctx, settings=post.ctx.settings.model_copy(update={"joining": tight}))
    post.comes(*[mail("help", sender=f"victim{number}@example.net") for number in range(6)])
    with post.ctx.db.read() as tx:
        assert tx.scalar(sa.select(sa.func.count()).select_from(Notice)) == 3 < most


def test_command_with_a_letter_is_answered_and_waits_for_a_person(post: Post) -> None:
    post.reader(ADA)
    text = "I no longer work in a practice and would like fewer mails, but do write to me about the Oxford weekends."
    post.comes(mail("unsubscribe", text))
    assert (last(post.ctx).state, waiting(post.ctx)) == (InboundState.WAITING, ["leave_link"])


def test_html_only_command_with_a_quote_and_a_signature_is_understood(post: Post) -> None:
    post.reader(ADA)
    html = '<div>Abmelden</div><div class="gmail_signature">Ada</div><blockquote>Liebe Ada, anmelden</blockquote>'
    post.comes(mail("Re: Newsletter", html, Content_Type="text/html; charset=utf-8"))
    assert waiting(post.ctx) == ["leave_link"]
    assert field(letter(post.ctx), "Subject") == "Mit einem Klick abmelden"


def test_letter_is_no_command(post: Post) -> None:
    post.comes(mail("Help with the minutes", "Dear Secretary, could we talk on Monday? Ada"))
    assert (last(post.ctx).kind, last(post.ctx).state) == ("letter", InboundState.WAITING)
    assert waiting(post.ctx) == []


# Copies of past newsletters


def newsletter(ctx: Context, visibility: str = "public") -> int:
    number = joining.a_sent_newsletter(ctx)
    with ctx.db.write() as tx:
        tx.execute(sa.update(Mailing).where(Mailing.id == number).values(visibility=visibility))
    return number


def second_copies(ctx: Context) -> list[tuple[int | None, int | None, str, str]]:
    with ctx.db.read() as tx:
        query = sa.select(Mailing.again_of, Delivery.person_id, Delivery.address, Delivery.ground)
        rows = tx.execute(query.join(Delivery, Delivery.mailing_id == Mailing.id).where(Mailing.again_of.is_not(None)))
        return [(row[0], row[1], row[2], row[3].value) for row in rows]


def test_copy_goes_to_a_reader_at_once(post: Post) -> None:
    first, person = newsletter(post.ctx), post.reader(ADA)
    post.comes(mail("Re: something", "Could you send me a copy of newsletter 84, please?"))
    assert second_copies(post.ctx) == [(first, person, ADA, "requested")]
    assert last(post.ctx).remark == "copy of 84: sent the copy"


def test_copy_for_members_goes_to_members_and_the_secretary_decides_for_others(post: Post) -> None:
    first = newsletter(post.ctx, "members")
    post.reader(ADA)
    post.comes(mail("copy newsletter/84"))
    assert second_copies(post.ctx) == []
    assert waiting(post.ctx) == ["copy_received"]
    post.comes(reply(letter(post.ctx, society.SECRETARY), "ok"))
    assert [one[0] for one in second_copies(post.ctx)] == [first]


def test_copy_is_declined_with_a_reason_by_the_secretarys_reply(post: Post) -> None:
    newsletter(post.ctx, "none")
    post.reader(ADA)
    post.comes(mail("copy 84"))
    release_due(post.ctx)
    post.comes(reply(letter(post.ctx, society.SECRETARY), "no, because it was for the committee."))
    assert second_copies(post.ctx) == []
    assert "t was for the committee" in facts(post.ctx, "copy_declined")["reason"]


def test_stranger_says_first_that_it_was_them_H23(post: Post) -> None:
    first = newsletter(post.ctx)
    post.comes(mail("copy 84", name="Buy pills"))
    assert (second_copies(post.ctx), waiting(post.ctx)) == ([], ["copy_confirm"])
    found = letter(post.ctx)
    assert "pills" not in found
    post.comes(reply(found, "yes", sender=ADA))
    assert second_copies(post.ctx) == [(first, None, ADA, "requested")]
    post.comes(reply(found, "yes, again", sender=ADA))
    assert len(second_copies(post.ctx)) == 1


def test_strangers_wish_that_nobody_confirms_is_forgotten_S46(post: Post, clock: MovableClock) -> None:
    newsletter(post.ctx)
    post.comes(mail("copy 84"))
    found = letter(post.ctx)
    clock.forward(timedelta(days=8))
    copies.tidy(post.ctx)
    with post.ctx.db.read() as tx:
        assert copy_requests.shown(tx, 1).email == ""
    post.comes(reply(found, "yes", sender=ADA))
    assert second_copies(post.ctx) == []


def test_number_that_was_never_sent_is_put_to_the_secretary(post: Post) -> None:
    post.reader(ADA)
    post.comes(mail("copy 12"))
    assert facts(post.ctx, "copy_request")["wanted"] == "12"
    assert facts(post.ctx, "copy_request")["title"] == ""


def test_copy_of_the_latest(post: Post) -> None:
    newsletter(post.ctx)
    post.reader(ADA)
    post.comes(mail("copy latest"))
    assert len(second_copies(post.ctx)) == 1


def test_suppressed_address_is_sent_nothing_D6(post: Post) -> None:
    from balintmail.services import suppressions

    newsletter(post.ctx)
    post.reader(ADA)
    suppressions.suppress(post.ctx, ADA)
    post.comes(mail("copy 84"))
    assert second_copies(post.ctx) == []
    assert "must not be mailed" in last(post.ctx).remark


def _rows(stored: Any) -> list[dict[str, str]]:
    return [one["row"] for one in stored]
