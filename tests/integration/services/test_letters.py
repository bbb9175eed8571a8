"""The starter file, and the preview as one person would get it."""

from email import message_from_bytes
from email.policy import default

import pytest

from balintmail.composing.letter import read_letter
from balintmail.composing.refusals import ContentRefused, FieldUnknown
from balintmail.db import mailings
from balintmail.domain.states import MailingKind, MailingState
from balintmail.errors import Conflict, NotFound
from balintmail.services import checking, letters
from balintmail.services.context import Context
from balintmail.services.people import SharedAddress
from balintmail.services.showing import standing_alone
from tests.support.register import NOW, a_list, a_person, a_secretary, on_list

LETTER = """---
title: "For {{ person.name }}"
number: 84
---

Dear {{ person.first_name | default("reader") }},

{% if person.member %}
The Journal is on its way.
{% endif %}

![A dot](dot.png)
"""
DOT = bytes.fromhex(
    "89504e470d0a1a0a0000000d494844520000000100000001080600000"
    "01f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


@pytest.fixture
def register(context: Context) -> Context:
    with context.db.write() as tx:
        a_secretary(tx)
        number = a_list(tx, name="Newsletter")
        maria = a_person(tx, "maria@example.org", name="Mária <b>", first_name="Mária", member=True)
        on_list(tx, maria, number)
        a_person(tx, "maria@example.org", name="Péter", first_name="Péter")
        a_person(tx, "tom@példa.example.org", name="Tom {{ x }}", first_name="Tom")
    (context.folder / "newsletter.md").write_text(LETTER, "utf-8")
    (context.folder / "dot.png").write_bytes(DOT)
    return context


def test_preview_is_the_secretarys_unless_somebody_is_named(register: Context) -> None:
    shown = letters.preview(register, register.folder / "newsletter.md")
    assert shown.to == "secretary@example.org"
    assert shown.subject == "For Edit Secretary"
    assert "Journal" not in shown.html + shown.text
    assert shown.name == "newsletter-84"


def test_preview_shows_the_parts_that_person_gets(register: Context) -> None:
    shown = letters.preview(register, register.folder / "newsletter.md", "maria@example.org", person=2)
    assert "Dear Mária," in shown.text
    assert "[For members]\n\nThe Journal is on its way." in shown.text
    assert "Mária &lt;b&gt;" in shown.html
    message = message_from_bytes(shown.message, policy=default)
    assert message["subject"] == "For Mária <b>"
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/related",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "image/png",
    ]


def test_preview_for_a_shared_address_asks_whose(register: Context) -> None:
    with pytest.raises(SharedAddress):
        letters.preview(register, register.folder / "newsletter.md", "maria@example.org")


def test_preview_for_nobody_says_so(register: Context) -> None:
    with pytest.raises(NotFound):
        letters.preview(register, register.folder / "newsletter.md", "nobody@example.org")


def test_preview_names_an_internationalised_address_as_people_see_it_B61(register: Context) -> None:
    shown = letters.preview(register, register.folder / "newsletter.md", "tom@példa.example.org")
    assert shown.to == "tom@példa.example.org"
    assert "tom@xn--" in message_from_bytes(shown.message, policy=default)["to"]


def test_data_that_looks_like_a_template_stays_text_E10(register: Context) -> None:
    shown = letters.preview(register, register.folder / "newsletter.md", "tom@példa.example.org")
    assert shown.subject == "For Tom {{ x }}"


def test_preview_of_a_wrong_letter_names_its_line(register: Context) -> None:
    (register.folder / "newsletter.md").write_text(LETTER.replace("first_name", "fist_name"), "utf-8")
    with pytest.raises(FieldUnknown, match="line 6"):
        letters.preview(register, register.folder / "newsletter.md")


def test_preview_of_impossible_data_says_whose(register: Context) -> None:
    with register.db.write() as tx:
        a_person(tx, "odd@example.org", first_name="x" * 20_000)
    with pytest.raises(ContentRefused):
        letters.preview(register, register.folder / "newsletter.md", "odd@example.org")


def test_page_stands_alone_with_its_pictures(register: Context) -> None:
    shown = letters.preview(register, register.folder / "newsletter.md")
    assert "cid:" in shown.html
    page = standing_alone(shown.message, shown.html)
    assert "cid:" not in page
    assert "data:image/png;base64,iVBOR" in page


def sent(ctx: Context, number: str, source: str, list_id: int = 1) -> None:
    with ctx.db.write() as tx:
        new = mailings.NewMailing(list_id, MailingKind.NEWSLETTER, "x", "h", MailingState.SENT, number=number)
        mailings.keep_content(tx, mailings.add(tx, new, now=NOW), source=source, compiled=b"")


def test_first_starter_is_number_one_and_passes_check(register: Context) -> None:
    started = letters.start(register, register.folder / "first.md")
    assert (started.number, started.list, started.after) == (1, "newsletter", "")
    report = checking.check(register, started.path)
    assert report.ok, report.findings
    shown = letters.preview(register, started.path, "maria@example.org", person=2)
    body = shown.text[shown.text.index("Dear Mária,") : shown.text.index("---")]
    assert body.split() == ["Dear", "Mária,", "With", "all", "good", "wishes,", "The", "Secretary"]


def test_starter_takes_the_next_number_and_last_times_settings(register: Context) -> None:
    sent(register, "spring-extra", LETTER)
    sent(
        register,
        "84",
        LETTER.replace("number: 84", "number: 84\nlanguage: hu\nvisibility: members\nfrom: A <a@example.org>"),
    )
    started = letters.start(register, register.folder / "next.md")
    assert (started.number, started.after) == (85, "newsletter/84")
    letter = read_letter(started.path)
    assert letter.number == "85"
    assert letter.title == "Newsletter 85"
    assert letter.language == "hu"
    assert letter.visibility == "members"
    assert letter.sender
    assert letter.sender.address == "a@example.org"
    assert letter.list == ""


def test_starter_for_another_list_names_it_and_counts_by_itself(register: Context) -> None:
    with register.db.write() as tx:
        a_list(tx, "journal", name='The "Journal": yearly')
    sent(register, "84", LETTER)
    started = letters.start(register, register.folder / "journal.md", "journal")
    assert (started.number, started.after) == (1, "")
    letter = read_letter(started.path)
    assert letter.list == "journal"
    assert letter.title == 'The "Journal": yearly 1'


def test_starter_never_overwrites(register: Context) -> None:
    with pytest.raises(Conflict, match="left as it is"):
        letters.start(register, register.folder / "newsletter.md")
    assert (register.folder / "newsletter.md").read_text("utf-8") == LETTER


def test_starter_survives_an_unreadable_predecessor(register: Context) -> None:
    sent(register, "84", "not a letter")
    assert letters.start(register, register.folder / "next.md").number == 85
