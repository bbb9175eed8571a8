"""A whole letter: the header fields of every kind of mailing, its structure, its hash, what stops it."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from balintmail.composing.refusals import AddressUnusable, LeaveLinkMissing
from balintmail.config import BounceStyle
from balintmail.domain.states import MailingKind
from balintmail.resources import templates_folder
from tests.support.composing import (
    AROUND,
    FRONT,
    NEWSLETTER,
    SECRETARY,
    SITE,
    assert_well_formed,
    compiled,
    field,
    fields,
    merger,
    parsed,
    part,
    reader,
)

BODY = "Dear {{ person.first_name }},\n\nHello.\n"


def raw(body: str = BODY, *, front: str = FRONT, **around: Any) -> bytes:
    return merger(body, front=front, **around).compose(reader()).data


def names(message: bytes) -> list[str]:
    return [name for name, _ in fields(message)]


def test_message_is_well_formed_and_parses_without_defects_S22_S23_S24() -> None:
    message = raw("Dear {{ person.first_name }},\n\n" + "x" * 5000 + "\n\n.\n\n..\n\nFrom me\n")
    assert_well_formed(message)
    found = parsed(message)
    assert [piece.get_content_type() for piece in found.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    assert all(not piece.defects for piece in found.walk())
    assert all(piece["Content-Transfer-Encoding"] in {None, "quoted-printable"} for piece in found.walk())


def test_leaving_by_https_and_mail_in_one_click_S1_S2() -> None:
    message = raw()
    assert re.fullmatch(
        rf"<{SITE}/leave/([a-z2-7]+)>, ?<mailto:bounces@balint\.example\.org\?subject=leave%20\1>",
        field(message, "List-Unsubscribe"),
    )
    assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in message


@pytest.mark.parametrize("url", ["", "http://balint.example.org"])
def test_without_https_leaving_is_by_mail_and_never_one_click_S2(url: str) -> None:
    message = raw(url=url)
    assert re.fullmatch(
        r"<mailto:bounces@balint\.example\.org\?subject=leave%20[a-z2-7]+>", field(message, "List-Unsubscribe")
    )
    assert "List-Unsubscribe-Post" not in names(message)


def test_without_a_site_no_web_link_is_offered() -> None:
    body = (
        "[leave]({{ urls.unsubscribe }}){% if urls.browser %} BROWSER{% endif %}{{ urls.preferences|default('NONE') }}"
    )
    letter = merger(body, url="")
    html, text = letter.html(reader()), letter.text(reader())
    assert "BROWSER" not in text
    assert "NONE" in text
    assert 'href="mailto:bounces@balint.example.org?subject=leave%20' in html
    assert not re.findall(r'href="https?:', html)
    assert "/newsletters/" not in text
    assert "List-Archive" not in names(letter.compose(reader()).data)


def test_list_fields_S8() -> None:
    message = raw()
    assert field(message, "List-Id") == '"Newsletter" <newsletter.balint.example.org>'
    assert field(message, "List-Help") == f"<mailto:{SECRETARY}?subject=help>"
    assert field(message, "List-Owner") == f"<mailto:{SECRETARY}>"
    assert field(message, "List-Archive") == f"<{SITE}/newsletters/newsletter>"
    assert field(message, "List-Post") == "NO"


def test_feedback_id_has_four_parts_and_no_personal_data_S10() -> None:
    assert field(raw(), "Feedback-ID") == "84:newsletter:newsletter:balintmail"
    odd = replace(NEWSLETTER, slug="a:b é")
    parts = field(raw(list=odd), "Feedback-ID").split(":")
    assert len(parts) == 4
    assert parts[3] == "balintmail"


def test_one_from_one_to_and_no_field_twice_S12() -> None:
    found = parsed(raw())
    assert [address.addr_spec for address in found["From"].addresses] == [SECRETARY]
    assert [address.addr_spec for address in found["To"].addresses] == ["anna@example.org"]
    assert len(found.keys()) == len({name.lower() for name in found.keys()})  # noqa: SIM118


def test_date_is_frozen_in_the_societys_zone_S11() -> None:
    summer = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert field(raw(date=summer), "Date") == "Wed, 01 Jul 2026 13:00:00 +0100"


def test_no_list_field_id_or_address_ever_holds_an_encoded_word_S26() -> None:
    message = raw(
        list=replace(NEWSLETTER, name="Hírlevél: " + "é" * 200, slug="hírlevél"),
        from_name="Bálint Társaság",
        society="Bálint",
        front="title: Téli csoportok\nnumber: 84\nreply_to: Ódön <o@példa.example.org>",
    )
    for name, value in fields(message):
        if name not in {"Subject", "From", "To", "Reply-To"}:
            assert "=?" not in value, name
        assert not re.search(r"<[^>]*=\?[^>]*>", value), name
    assert field(message, "Reply-To").endswith("<o@xn--plda-bpa.example.org>")


def test_sender_and_reply_to_of_the_letter_come_before_the_lists() -> None:
    front = 'title: T\nnumber: 1\nfrom: "Anna" <anna@groups.example.org>\nreply_to: answers@example.org'
    letter = merger(BODY, front=front, reply_to="list@example.org")
    message = letter.compose(reader()).data
    assert field(message, "From") == "Anna <anna@groups.example.org>"
    assert field(message, "Reply-To") == "answers@example.org"
    assert letter.compose(reader()).message_id.endswith("@groups.example.org>")
    assert field(raw(reply_to="list@example.org"), "Reply-To") == "list@example.org"


def test_notice_says_it_is_automatic_and_has_no_list_field_S9_S47() -> None:
    message = merger(BODY, kind=MailingKind.NOTICE, front="title: Welcome", template="welcome").compose(reader()).data
    assert_well_formed(message)
    assert field(message, "Auto-Submitted") == "auto-generated"
    assert not [name for name in names(message) if name.startswith("List-") or name == "Feedback-ID"]


def test_notice_needs_no_list_and_takes_words_of_its_own() -> None:
    letter = merger(
        "Confirm: [here]({{ urls.confirm }})",
        kind=MailingKind.NOTICE,
        front="title: Welcome",
        list=None,
        constants=(("urls.confirm", "https://balint.example.org/confirm/x?a=b&c=d"),),
    )
    assert "https://balint.example.org/confirm/x?a=b&c=d" in letter.text(reader())
    assert 'href="https://balint.example.org/confirm/x?a=b&amp;c=d"' in letter.html(reader())


def test_test_is_marked_in_the_subject_and_in_both_parts() -> None:
    letter = merger(BODY, kind=MailingKind.TEST)
    message = letter.compose(reader()).data
    assert field(message, "Subject") == "[Test] Groups this winter"
    assert "This is a test" in letter.text(reader())
    assert "This is a test" in letter.html(reader())
    assert "Auto-Submitted" not in names(raw())


def test_newsletter_is_not_marked_automatic() -> None:
    assert "Auto-Submitted" not in names(raw())


def test_leave_link_is_in_both_parts_without_the_letter_asking_S7_E14() -> None:
    letter = merger("Hello.")
    assert f"{SITE}/leave/" in letter.text(reader())
    assert f'href="{SITE}/leave/' in letter.html(reader())


def test_two_leave_links_are_one_token_E15() -> None:
    letter = merger("[a]({{ urls.unsubscribe }}) [b]({{ urls.unsubscribe }})")
    assert len(set(re.findall(rf"{SITE}/leave/[a-z2-7]+", letter.html(reader())))) == 1


@pytest.mark.parametrize(("file", "part_name"), [("layout.txt", "text"), ("layout.mjml", "HTML")])
def test_layout_without_a_leave_link_is_refused_E14(file: str, part_name: str, tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "newsletter"
    folder.mkdir(parents=True)
    column = "<mj-column><mj-text>{{ slot_body }}</mj-text></mj-column>"
    plain = f"<mjml><mj-body><mj-section>{column}</mj-section></mj-body></mjml>"
    (folder / file).write_text("{{ body }}" if file.endswith("txt") else plain, "utf-8")
    templates = (tmp_path, templates_folder())
    with pytest.raises(LeaveLinkMissing, match=part_name):
        compiled(BODY, templates=templates)
    assert compiled(BODY + "\n[leave]({{ urls.unsubscribe }})", templates=templates)


def test_leave_link_for_some_only_does_not_count_E14(tmp_path: Path) -> None:
    folder = tmp_path / "emails" / "newsletter"
    folder.mkdir(parents=True)
    (folder / "layout.txt").write_text("{{ body }}", "utf-8")
    with pytest.raises(LeaveLinkMissing):
        compiled(
            "Hi.\n\n{% if person.member %}\n[leave]({{ urls.unsubscribe }})\n{% endif %}",
            templates=(tmp_path, templates_folder()),
        )


def test_same_letter_in_the_same_surroundings_gives_the_same_bytes() -> None:
    assert compiled(BODY).dump() == compiled(BODY).dump()


def test_hash_does_not_know_the_day_or_the_key() -> None:
    front = "title: T\nnumber: 1"
    first = compiled(BODY, front=front)
    later = compiled(BODY, front=front, date=datetime(2027, 3, 1, tzinfo=UTC), key_id="0" * 16)
    assert first.content_hash == later.content_hash
    assert first.date != later.date


@pytest.mark.parametrize(
    "change",
    [
        {"from_name": "Other"},
        {"from_address": "other@balint.example.org"},
        {"society": "Other"},
        {"postal_address": "Other"},
        {"reply_to": "other@example.org"},
        {"url": "https://other.example.org"},
        {"accent": "#7a1f3d"},
        {"bounce_address": "other@example.org"},
        {"bounce_style": BounceStyle.PLAIN},
        {"owner_address": "other@example.org"},
        {"list": replace(NEWSLETTER, name="Other")},
        {"list": replace(NEWSLETTER, footer="Other")},
        {"kind": MailingKind.TEST},
    ],
    ids=str,
)
def test_hash_covers_whatever_changes_the_letters(change: dict[str, Any]) -> None:
    assert compiled(BODY).content_hash != compiled(BODY, **change).content_hash


@pytest.mark.parametrize(
    ("body", "front"),
    [
        (BODY + ".", FRONT),
        (BODY, FRONT + "\npreheader: x"),
        (BODY, FRONT.replace("winter", "summer")),
        (BODY, FRONT.replace("84", "85")),
        (BODY, FRONT.replace("2026", "2025")),
        (BODY, FRONT + "\nvisibility: members"),
        (BODY, FRONT + "\nlanguage: hu"),
        (BODY.replace("first_name", "name"), FRONT),
    ],
)
def test_hash_covers_the_letter(body: str, front: str) -> None:
    assert compiled(BODY).content_hash != compiled(body, front=front).content_hash


def test_hash_covers_pictures_attachments_and_layout(tmp_path: Path) -> None:
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 30)
    (tmp_path / "a.pdf").write_bytes(b"one")
    front = FRONT + "\nattachments: a.pdf"
    hashes = {compiled("![x](p.png)", front=front, folder=tmp_path).content_hash}
    (tmp_path / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"y" * 30)
    hashes.add(compiled("![x](p.png)", front=front, folder=tmp_path).content_hash)
    (tmp_path / "a.pdf").write_bytes(b"two")
    hashes.add(compiled("![x](p.png)", front=front, folder=tmp_path).content_hash)
    (tmp_path / "emails" / "frame").mkdir(parents=True)
    shipped = (templates_folder() / "emails" / "frame" / "frame.txt").read_text("utf-8")
    (tmp_path / "emails" / "frame" / "frame.txt").write_text(shipped + "\nOne more line.\n", "utf-8")
    hashes.add(
        compiled("![x](p.png)", front=front, folder=tmp_path, templates=(tmp_path, templates_folder())).content_hash
    )
    assert len(hashes) == 4


def test_attachment_is_frozen(tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"one")
    letter = merger("Hi.", front=FRONT + "\nattachments: [a.pdf]", folder=tmp_path)
    (tmp_path / "a.pdf").unlink()
    (attached,) = parsed(letter.compose(reader()).data).iter_attachments()
    assert attached.get_content() == b"one"


@pytest.mark.parametrize(
    "change",
    [
        {"from_address": "nobody"},
        {"from_address": "a@example.org\r\nBcc: x@example.net"},
        {"from_address": "müller@example.org"},
        {"bounce_address": ""},
        {"owner_address": "a@b@c"},
        {"reply_to": "a@example.org, b@example.org"},
        {"bounce_address": "b" * 60 + "@example.org"},
        {"list": replace(NEWSLETTER, list_id="x>\r\nBcc: y")},
        {"list": replace(NEWSLETTER, list_id="hírlevél.example.org")},
    ],
    ids=str,
)
def test_sender_that_cannot_stand_in_a_header_is_refused_A1_B5(change: dict[str, Any]) -> None:
    with pytest.raises(AddressUnusable):
        compiled(BODY, **change)


def test_fields_used_and_left_open_are_told() -> None:
    found = compiled("{{ person.town }} {{ person.first_name|default('x') }} {% if person.member %}y{% endif %}")
    assert found.fields_used == ("person.first_name", "person.member", "person.town")
    assert found.open_fields == ("person.town",)


def test_letter_of_300_kilobytes_compiles_and_says_its_size_E13_S27() -> None:
    letter = merger("word " * 60_000)
    assert letter.html_bytes(reader()) > 300_000
    assert_well_formed(letter.compose(reader()).data)


def test_preheader_is_the_letters_or_its_first_words() -> None:
    own = merger(BODY, front=FRONT + "\npreheader: Three groups and {{ person.first_name }}")
    assert "Three groups and Anna" in own.html(reader())
    derived = merger("Hi.\n\nThree new groups begin in January, and the weekend has found its house.\n")
    assert derived.html(reader()).count("Three new groups begin in January") == 2


def test_language_of_the_letter_before_the_lists() -> None:
    assert '<html lang="hu"' in merger(BODY, front=FRONT + "\nlanguage: hu").html(reader())
    assert '<html lang="de"' in merger(BODY, list=replace(NEWSLETTER, language="de")).html(reader())


def test_text_and_html_say_the_same_to_an_independent_parser() -> None:
    message = parsed(raw())
    assert "Dear Anna," in part(message, "text/plain")
    assert "Dear Anna," in part(message, "text/html")
    assert AROUND.society in part(message, "text/html")
