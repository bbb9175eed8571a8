"""A newsletter file: exact keys with their lines, many encodings, nothing clever in its YAML."""

from datetime import date, datetime
from pathlib import Path

import pytest

from balintmail.composing.letter import LARGEST, decode, parse_letter, read_letter
from balintmail.composing.refusals import (
    FileUnreadable,
    FrontMatterRefused,
    LetterError,
    NumberMissing,
    TitleMissing,
)
from balintmail.domain.states import MailingKind, Visibility
from tests.support.composing import source

FULL = """\
title: "Groups this winter: and a weekend"
number: 84
list: newsletter
preheader: Three groups
from: "The Secretary" <secretary@balint.example.org>
reply_to: answers@example.org
date: 2026-11-21
attachments:
  - a.pdf
  - folder/b.ics
visibility: members
language: en-GB"""


def refused(front: str, body: str = "Hello.") -> LetterError:
    with pytest.raises(LetterError) as caught:
        parse_letter(source(body, front), Path(), "newsletter.md")
    return caught.value


def test_all_keys_are_read() -> None:
    letter = parse_letter(source("Hello.\n", FULL), Path("/x"), "newsletter.md")
    assert (letter.title, letter.number, letter.list) == ("Groups this winter: and a weekend", "84", "newsletter")
    assert letter.sender is not None
    assert (letter.sender.name, letter.sender.envelope) == ("The Secretary", "secretary@balint.example.org")
    assert letter.reply_to is not None
    assert letter.reply_to.address == "answers@example.org"
    assert letter.date == date(2026, 11, 21)
    assert [(name.path, name.line) for name in letter.attachments] == [("a.pdf", 10), ("folder/b.ics", 11)]
    assert (letter.visibility, letter.language) == (Visibility.MEMBERS, "en-GB")
    assert (letter.body, letter.body_line) == ("Hello.\n", 15)
    assert letter.line_of("language") == 13


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("tilte", "title"),
        ("replyto", "reply_to"),
        ("attachment", "attachments"),
        ("Title", "title"),
        ("lang", "language"),
    ],
)
def test_unknown_key_names_line_and_nearest(key: str, near: str) -> None:
    found = refused(f"title: T\nnumber: 1\n{key}: x")
    assert found.message == f'newsletter.md, line 4: there is no key "{key}".'
    assert found.hint == f"Nearest: {near}."


def test_missing_title_and_number_are_both_found() -> None:
    found = refused("list: newsletter")
    assert {type(problem) for problem in (found, *found.others)} == {TitleMissing, NumberMissing}


def test_notice_needs_no_number() -> None:
    letter = parse_letter(source("Hello.", "title: Welcome"), Path(), "letter.md", kind=MailingKind.NOTICE)
    assert letter.number == ""


@pytest.mark.parametrize(
    ("front", "line"),
    [
        ("title: T\nnumber: -1", 3),
        ("title: T\nnumber: 1.5", 3),
        ("title: T\nnumber: eighty", 3),
        ("title: T\nnumber: 0", 3),
        (f"title: T\nnumber: {'9' * 5000}", 3),
        (f"title: T\nnumber: {'0' * 5000}84", 3),
        ("title: T\nnumber: [1]", 3),
        ("title: T\nslug: Spring Extra", 3),
        ("title: T\nslug: ../x", 3),
        ("title: T\nslug: '12'", 3),
        ("title: T\nnumber: 1\nslug: a-b", 4),
        ("title: T\nnumber: 1\nnumber: 2", 4),
        ("title: T\nnumber: 1\nvisibility: secret", 4),
        ("title: T\nnumber: 1\ndate: 21/11/2026", 4),
        ("title: T\nnumber: 1\ndate: 2026-02-31", 4),
        ("title: T\nnumber: 1\ndate: 9999-12-31T23:59:59-12:00", 4),
        ("title: T\nnumber: 1\ndate: 0001-01-01T00:00:00+14:00", 4),
        ("title: T\nnumber: 1\nlanguage: english please", 4),
        ("title: T\nnumber: 1\nfrom: nobody", 4),
        ("title: T\nnumber: 1\nfrom: a@example.org, b@example.org", 4),
        ("title: T\nnumber: 1\nreply_to: müller@example.org", 4),
        ("title: T\nnumber: 1\nlist: 'a/b'", 4),
        ("title: Groups: winter\nnumber: 1", 2),
        ("title: 'T\nnumber: 1", 3),
        ("number: 1\ntitle: {a: b}", 3),
        ("- title", 2),
        ("just words", 2),
        ("? [a]\n: b", 2),
    ],
)
def test_wrong_value_names_its_line(front: str, line: int) -> None:
    found = refused(front)
    assert isinstance(found, FrontMatterRefused)
    assert found.line == line
    assert found.hint or "address" in found.problem or "date" in found.problem or "ASCII" in found.problem


@pytest.mark.parametrize(
    "odd", ["a\\r\\nBcc: x@example.net", "a\\nb", "a\\rb", "a\\0b", "a\\vb", "a\\Nb", "a\\Lb", "a\\Pb", "a\\x1fb"]
)
def test_title_with_a_control_character_is_refused_A1_to_A15(odd: str) -> None:
    found = refused(f'title: "{odd}"\nnumber: 1')
    assert found.line == 2


@pytest.mark.parametrize(
    "front",
    [
        "title: &a T\nnumber: *a",
        "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\ntitle: *c",
        "title: !!python/object/apply:os.system ['x']\nnumber: 1",
        "title: !!binary aGk=\nnumber: 1",
        "title: T\nnumber: 1\n<<: {a: b}",
        "attachments: [" + "[" * 400 + "]" * 400 + "]",
        "title: T\nattachments: [" + "x," * 600 + "]",
        "title: " + "x" * 20_000,
    ],
)
def test_clever_yaml_is_refused(front: str) -> None:
    assert isinstance(refused(front), FrontMatterRefused)


def test_yaml_reads_texts_and_nothing_else() -> None:
    letter = parse_letter(source("x", "title: 012\nslug: 2026-spring\nlanguage: no"), Path(), "n.md")
    assert (letter.title, letter.number, letter.language) == ("012", "2026-spring", "no")
    assert isinstance(refused("title: ~\nslug: a"), TitleMissing)


def test_date_may_have_a_time() -> None:
    letter = parse_letter(source("x", "title: T\nnumber: 1\ndate: 2026-11-21 18:04"), Path(), "n.md")
    assert letter.date == datetime(2026, 11, 21, 18, 4)  # noqa: DTZ001  (the society's zone is added later)


@pytest.mark.parametrize("text", ["no front matter", "", "---\ntitle: T\n", "\n\n# Title\n---\n"])
def test_file_without_front_matter_is_refused(text: str) -> None:
    with pytest.raises(FrontMatterRefused):
        parse_letter(text, Path(), "n.md")


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
        lambda text: text.replace("\n", "\r\n").encode(),
        lambda text: text.replace("\n", "\r").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16-be", "crlf", "cr"],
)
def test_usual_encodings_and_line_ends_are_read(encode: object, tmp_path: Path) -> None:
    file = tmp_path / "newsletter.md"
    file.write_bytes(encode(source("Kedves Bálint,\nszia.\n")))  # type: ignore[operator]
    letter = read_letter(file)
    assert letter.body == "Kedves Bálint,\nszia.\n"
    assert letter.folder == tmp_path


def test_latin_1_is_refused_with_its_line() -> None:
    with pytest.raises(FileUnreadable) as caught:
        decode("title\nn\nKedves Bálint".encode("latin-1"), "n.md")
    assert caught.value.message == "n.md, line 3: it is not UTF-8 text."


def test_nul_is_refused_with_its_line_A15() -> None:
    with pytest.raises(FileUnreadable) as caught:
        decode(b"a\nb\0", "n.md")
    assert caught.value.line == 2


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable):
        read_letter(tmp_path / "newsletter.md")
    with pytest.raises(FileUnreadable):
        read_letter(tmp_path)
    huge = tmp_path / "huge.md"
    huge.write_bytes(b"x" * (LARGEST + 1))
    with pytest.raises(FileUnreadable):
        read_letter(huge)


def test_stray_control_characters_in_the_text_become_spaces_and_keep_the_lines() -> None:
    letter = parse_letter(source("a\x0bb\x0cc\u2028d\x85e\n\x1bf"), Path(), "n.md")
    assert letter.body == "a b c d e\n f"


@pytest.mark.parametrize(
    ("front_matter", "words"),
    [
        ("title: Groups: winter\nnumber: 1", "there is a colon inside a text"),
        ('title: "Groups\nnumber: 1', "a quotation mark is never closed"),
        ("\ttitle: Groups\nnumber: 1", "a line begins with a tab"),
    ],
)
def test_everyday_slip_of_the_front_matter_is_told_in_plain_words(front_matter: str, words: str) -> None:
    with pytest.raises(FrontMatterRefused) as caught:
        parse_letter(f"---\n{front_matter}\n---\n\nDear reader\n", Path(), "newsletter.md")
    assert words in caught.value.problem
    assert caught.value.hint
