"""Newsletters that officers mail in: kept, checked, answered; nothing is sent (H23, D8, groups A, G7, H)."""

from dataclasses import replace
from datetime import timedelta
from email import message_from_string
from email.message import EmailMessage
from email.policy import default as modern

import pytest

from balintmail.config import Bounces, BounceStyle
from balintmail.db import inbox as messages
from balintmail.db.inbox import Arrival
from balintmail.domain.states import InboundState
from balintmail.receiving.draft import DraftReader, Mailed
from balintmail.services import drafts, errands, fetching, inbox, notice_mailings
from balintmail.services.context import Context
from tests.conftest import MovableClock
from tests.support import joining, society
from tests.support.answering import arrives, letters
from tests.support.mailing_in import BODY, EDITOR, TO, a_society, comes, mail, mailings, path, rows, told


@pytest.fixture
def ctx(context: Context) -> Context:
    return a_society(context)


def test_secretarys_mail_becomes_a_draft_and_is_answered_with_check_preview_and_link(ctx: Context) -> None:
    row = comes(ctx)
    assert row.source == f'---\ntitle: "Groups this winter"\nnumber: 1\n---\n\n{BODY}'
    (one,) = told(ctx)
    facts = one["facts"]
    assert one["address"] == society.SECRETARY
    assert (facts["title"], facts["label"], facts["reaches"]) == ("Groups this winter", "newsletter/1", 2)
    assert (facts["stops"], facts["why"], facts["by"]) == (0, "", "")
    assert "Dear Enid," in str(facts["lines"])
    assert path(ctx).startswith("/release/")
    assert "It cannot be sent like this" not in words(letter(ctx))
    assert mailings(ctx) == []


def test_message_is_done_and_stands_on_the_officers_timeline(ctx: Context) -> None:
    row = arrives(ctx, mail())
    assert (row.state, row.remark) == (InboundState.DONE, "draft 1 of a newsletter")
    assert row.person_id == rows(ctx)[0].officer_id


def test_editor_gets_the_findings_and_the_secretary_the_link_too(ctx: Context) -> None:
    comes(ctx, mail(From=f"B <{EDITOR}>"))
    found = {one["address"]: one["facts"] for one in told(ctx)}
    assert set(found) == {society.SECRETARY, EDITOR}
    assert (found[EDITOR]["release_url"], found[EDITOR]["releases"]) == ("", False)
    assert found[society.SECRETARY]["by"] == "Bálint Mihály"
    assert found[society.SECRETARY]["release_url"]


@pytest.mark.parametrize(
    "sender", ["reader0@example.net", "stranger@example.net", "", "secretary@example.org.example.net"]
)
def test_mail_of_anybody_else_is_a_letter_like_any_other(ctx: Context, sender: str) -> None:
    row = arrives(ctx, mail(From=sender))
    assert (row.state, rows(ctx), drafts.answer_waiting(ctx)) == (InboundState.WAITING, [], 0)
    assert (row.person_id is not None) == (sender == "reader0@example.net")  # filed as letters are


def test_mail_to_another_address_is_no_draft(ctx: Context) -> None:
    assert arrives(ctx, mail(To="secretary@example.org")).state is InboundState.WAITING
    assert rows(ctx) == []


@pytest.mark.parametrize(
    ("style", "to"),
    [
        (BounceStyle.PLUS, "bounces+draft@example.org"),
        (BounceStyle.CATCHALL, "Draft@example.org"),
        (BounceStyle.PLAIN, ""),
    ],
)
def test_bounce_address_has_one_of_its_own(ctx: Context, style: BounceStyle, to: str) -> None:
    bounces = Bounces(address="bounces@example.org", style=style)
    settings = ctx.settings.model_copy(update={"bounces": bounces, "inbox": {}})
    own = replace(ctx, settings=settings)
    if not to:
        assert drafts.addresses_for_drafts(settings) == frozenset()
        return
    arrives(own, mail(To="somebody@example.org", Delivered_To=to))
    assert len(rows(own)) == 1


@pytest.mark.parametrize("field", ["Auto-Submitted: auto-replied", "Precedence: bulk", "List-Id: <x.example.org>"])
def test_what_a_machine_wrote_is_no_draft_S9_H26(ctx: Context, field: str) -> None:
    arrives(ctx, f"{field}\n".encode() + mail())
    assert rows(ctx) == []


def test_forged_from_costs_one_mail_a_letter_and_twenty_a_day_H23(
    ctx: Context, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drafts, "MOST_A_DAY", 3)
    for number in range(5):
        arrives(ctx, mail(f"Number {number}.\n"))
    while drafts.answer_waiting(ctx):
        pass
    assert (len(rows(ctx)), len(told(ctx)), mailings(ctx)) == (3, 3, [])
    late = arrives(ctx, mail("Once more.\n"))
    assert (late.state, late.remark) == (InboundState.WAITING, "more than 3 drafts in one name in a day")
    clock.forward(timedelta(days=1, hours=1))
    arrives(ctx, mail("The next day.\n"))
    assert len(rows(ctx)) == 4


def test_same_mail_twice_is_one_draft_H24(ctx: Context) -> None:
    raw = mail()
    for _ in range(2):
        comes(ctx, raw)
    assert (len(rows(ctx)), len(told(ctx))) == (1, 1)


def test_few_at_once_so_that_nothing_waits_for_them(ctx: Context) -> None:
    for number in range(drafts.MOST_AT_ONCE + 1):
        arrives(ctx, mail(f"Number {number}.\n"))
    assert drafts.answer_waiting(ctx) == drafts.MOST_AT_ONCE
    assert inbox.anything_to_read(replace(ctx, settings=ctx.settings.model_copy(update={"inbox": {}})))
    assert drafts.answer_waiting(ctx) == 1
    assert drafts.answer_waiting(ctx) == 0


def test_reading_the_post_answers_drafts_too(ctx: Context) -> None:
    with ctx.db.write() as tx:
        raw = mail()
        messages.store(tx, Arrival(mailbox="pipe", place="", raw=raw, size=len(raw), received_at=ctx.clock.now()))
    assert fetching.process(ctx, patience=1.0)
    assert len(told(ctx)) == 1


FRONT = """---
title: Groups
number: 84
list: newsletter
preheader: Come
language: de
visibility: members
---

Hello.
"""


def test_markdown_file_is_the_letter_with_its_own_settings(ctx: Context) -> None:
    row = comes(ctx, mail("See the file.", files={"number 84.md": FRONT.encode(), "programme.pdf": b"%PDF-1.4\n"}))
    assert row.source == FRONT
    assert told(ctx)[0]["facts"]["label"] == "newsletter/84"


def test_markdown_file_of_western_windows_is_read(ctx: Context) -> None:
    row = comes(ctx, mail("", files={"letter.MD": "Grüße – „hier“\r\nund da.\r\n".encode("cp1252")}))
    assert row.source.endswith("\n\nGrüße – „hier“\nund da.\n")


def test_settings_that_say_nothing_are_filled_in(ctx: Context) -> None:
    row = comes(ctx, mail('---\ntitle:\nnumber: ""\n---\nHello.\n'))
    assert told(ctx)[0]["facts"]["stops"] == 0
    assert row.source == '---\ntitle: "Groups this winter"\nnumber: 1\n---\nHello.\n'


ODD = {
    "unknown key": "---\ntitle: a\nnumber: 1\nlayout: ../x\n---\nHello.\n",
    "other list": "---\ntitle: a\nnumber: 1\nlist: nowhere\n---\nHello.\n",
    "a file of ours": "---\ntitle: a\nnumber: 1\nattachments: [/etc/passwd, ../../secrets.toml]\n---\nHello.\n",
    "a picture of ours": "---\ntitle: a\nnumber: 1\n---\n![x](/etc/hostname)\n\n![y](../balintmail.db)\n",
    "sender": "---\ntitle: a\nnumber: 1\nfrom: [a, b]\n---\nHello.\n",
    "sandbox E1": "{{ ''.__class__ }}\n",
    "number": "---\ntitle: a\nnumber: -1\n---\nHello.\n",
    "twice": "---\ntitle: a\ntitle: b\nnumber: 1\n---\nHello.\n",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_letter_is_answered_with_its_stops(ctx: Context, kind: str) -> None:
    comes(ctx, mail(ODD[kind]))
    (one,) = told(ctx)
    assert one["facts"]["stops"] > 0, one
    assert "root:" not in str(one)


BROKEN = {
    "no end of the settings": ("---\ntitle: a\nHello.\n", "no end"),
    "alias": ("---\ntitle: &a b\nnumber: *a\n---\nHello.\n", "aliases"),
    "too long": ("word " * 13_000, "more than 60,000 characters"),
    "too many lines": ("# a\n" * 5000, "4,000 lines"),
    "nothing": (" \n\n", "no text"),
    "only a signature": ("-- \nEnid\n", "no text"),
    "PGP": ("-----BEGIN PGP MESSAGE-----\n\nabc\n", "encrypted"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_mail_that_is_no_letter_ends_with_the_reason(ctx: Context, kind: str) -> None:
    text, why = BROKEN[kind]
    row = comes(ctx, mail(text))
    (one,) = told(ctx)
    assert why in one["facts"]["why"]
    assert (one["facts"]["release_url"], row.source, row.closed_at is not None) == ("", "", True)
    assert drafts.answer_waiting(ctx) == 0


def test_mail_that_was_not_taken_in_whole_says_so_H14(ctx: Context) -> None:
    with ctx.db.write() as tx:
        raw = mail()
        arrival = Arrival(mailbox="pipe", place="", raw=raw, size=900_000_000, received_at=ctx.clock.now())
        messages.store(tx, arrival)
    fetching.process(ctx, patience=1.0)
    assert told(ctx)[0]["facts"]["why"] == "the mail has 900,000,000 octets, and was not taken in whole"


def test_reader_that_dies_ends_the_draft_and_not_the_run(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DraftReader, "read", lambda *_: Mailed(why="the reader was not done with it after 20 seconds"))
    comes(ctx)
    assert "20 seconds" in told(ctx)[0]["facts"]["why"]


def test_check_that_fails_ends_the_draft_and_not_the_run(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("balintmail.services.checking.check", fails)
    comes(ctx)
    assert told(ctx)[0]["facts"]["why"] == "checking it failed"


def test_draft_that_takes_the_process_along_is_given_up(ctx: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    arrives(ctx, mail())
    with monkeypatch.context() as broken:
        broken.setattr("balintmail.services.checking.check", dies)
        for _ in range(drafts.MOST_ATTEMPTS):
            with pytest.raises(KeyboardInterrupt):
                drafts.answer_waiting(ctx)
    assert told(ctx) == []
    drafts.answer_waiting(ctx)
    assert told(ctx)[0]["facts"]["why"] == "checking it was begun 3 times and never finished"


def test_draft_is_emptied_when_its_time_is_over_S45(ctx: Context, clock: MovableClock) -> None:
    comes(ctx)
    errands.run(ctx)
    assert rows(ctx)[0].source
    clock.forward(drafts.KEPT)
    errands.run(ctx)
    assert (rows(ctx)[0].source, rows(ctx)[0].closed_at is not None) == ("", True)


def test_number_after_the_last_one_is_taken(ctx: Context) -> None:
    joining.a_sent_newsletter(ctx, "84")
    comes(ctx)
    assert told(ctx)[0]["facts"]["label"] == "newsletter/85"


def test_society_without_a_site_gets_the_command_instead_of_a_link(ctx: Context) -> None:
    society_ = ctx.settings.society.model_copy(update={"url": ""})
    without = replace(ctx, settings=ctx.settings.model_copy(update={"society": society_}))
    comes(without)
    (one,) = told(without)
    assert (one["facts"]["release_url"], one["facts"]["releases"]) == ("", True)


def letter(ctx: Context, address: str = society.SECRETARY) -> EmailMessage:
    """Return the newest answer that was mailed, as a mail program shows it."""
    notice_mailings.release_due(ctx)
    return message_from_string(letters(ctx, address)[-1], policy=modern)


def words(message: EmailMessage) -> str:
    found = message.get_body(("plain",))
    assert found is not None
    return " ".join(found.get_content().split())


def test_answer_says_what_kept_a_mail_from_being_read(ctx: Context) -> None:
    comes(ctx, mail("-----BEGIN PGP MESSAGE-----\n"))
    said = words(letter(ctx))
    assert "nothing could be made of it: it is encrypted. Nobody has been mailed." in said
    assert "/release/" not in said


def test_answer_about_a_letter_with_stops_says_what_to_do(ctx: Context) -> None:
    comes(ctx, mail("---\ntitle: a\nnumber: 1\nlist: nowhere\n---\nHello.\n"))
    said = words(letter(ctx))
    assert "It cannot be sent like this. Mend it, and mail it in once more." in said
    assert "It would go to" not in said


def test_answer_to_the_editor_has_no_link_and_says_who_has(ctx: Context) -> None:
    comes(ctx, mail(From=EDITOR))
    theirs = letter(ctx, EDITOR)
    assert "The Secretary has the same letter, with the link that releases it." in words(theirs)
    assert "/release/" not in theirs.as_string()
    assert "in the name of Bálint Mihály" in words(letter(ctx))


def test_preview_holds_no_link_that_is_good_for_somebody(ctx: Context) -> None:
    comes(ctx, mail(From=EDITOR))
    for one in told(ctx):
        assert [line["row"]["text"] for line in one["facts"]["lines"]] == [
            "Dear Enid,",
            "three new groups begin in January.",
        ]
        assert "/leave/" not in str(one["facts"])


def test_answer_without_a_site_names_the_commands(ctx: Context) -> None:
    none = ctx.settings.society.model_copy(update={"url": ""})
    without = replace(ctx, settings=ctx.settings.model_copy(update={"society": none}))
    comes(without)
    assert "balintmail drafts save 1" in words(letter(without))


@pytest.mark.parametrize(
    "subject",
    [
        "=?utf-8?q?a=0D=0ABcc:_x@example.net?=",
        "=?utf-8?q?a=0ABcc:_x@example.net?=",
        "a\r\n Bcc: x@example.net",
        "'\"><script>alert(1)</script>",
        "{{ ''.__class__ }} {% raw %}",
        "\u202eevil",
        "=?",
        "a" * 10_000,
    ],
)
def test_odd_subject_stays_a_subject_A_E(ctx: Context, subject: str) -> None:
    raw = mail(f"Hello {subject}.\n", Subject="SUBJECT").replace(b"Subject: SUBJECT", f"Subject: {subject}".encode())
    comes(ctx, raw)
    message = letter(ctx)
    assert (message["Bcc"], message["To"].addresses[0].addr_spec) == (None, society.SECRETARY)
    assert len(message.get_all("Subject") or []) == 1
    page = message.get_body(("html",))
    assert page is not None
    assert "<script" not in page.get_content()
    assert message["Auto-Submitted"]


def test_draft_that_was_begun_as_an_answer_is_a_draft(ctx: Context) -> None:
    comes(ctx)
    message = letter(ctx)
    comes(ctx, mail("The next one.\n", In_Reply_To=message["Message-ID"], References=message["Message-ID"]))
    assert len(rows(ctx)) == 2


def test_addresses_are_compared_as_addresses(ctx: Context) -> None:
    arrives(ctx, mail(To=TO.upper(), From=society.SECRETARY.title()))
    assert len(rows(ctx)) == 1
