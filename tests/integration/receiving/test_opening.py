"""A letter opened in a process of its own: its words, its files, and that a hostile one takes nobody along (H1-H14)."""

import base64
from collections.abc import Iterator

import pytest

from balintmail.receiving.child import ChildGone
from balintmail.receiving.opening import LARGEST, Opener, opened

LETTER = (
    b"From: Ada Lovelace <ada@example.net>\nTo: office@balint.example.org\nSubject: =?utf-8?q?T=C3=A9a?=\n"
    b"Content-Type: multipart/mixed; boundary=b\n\n"
    b"--b\nContent-Type: multipart/alternative; boundary=c\n\n"
    b"--c\nContent-Type: text/plain\n\nDear Secretary\n\n"
    b"--c\nContent-Type: text/html\n\n<p onclick=x>Dear <b>Secretary</b><script>x</script>\n\n--c--\n"
    b'--b\nContent-Type: application/pdf\nContent-Disposition: attachment; filename="../a.pdf"\n'
    b"Content-Transfer-Encoding: base64\n\nAAH/\n"
    b"--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nnotes\n--b--\n"
)


@pytest.fixture
def opener() -> Iterator[Opener]:
    with Opener() as found:
        yield found


def test_letter_is_opened_with_words_harmless_html_and_files(opener: Opener) -> None:
    found = opener.open(LETTER)
    assert found == opened(LETTER)
    assert found.headers["subject"] == "Téa"
    assert found.text.strip() == "Dear Secretary"
    assert found.html.replace("\n", "") == "<p>Dear <b>Secretary</b></p>"
    assert [(one.name, one.said, one.size) for one in found.attachments] == [
        ("a.pdf", "../a.pdf", 3),
        ("text.txt", "", 5),
    ]
    assert (found.encrypted, found.cut, found.why) == (False, False, "")


def test_files_come_with_every_octet(opener: Opener) -> None:
    [(_, content), (_, text)] = opener.files(LETTER)
    assert (content, text) == (b"\x00\x01\xff", b"notes")


def test_html_alone_is_read_as_text(opener: Opener) -> None:
    found = opener.open(b"From: a@example.net\nContent-Type: text/html\n\n<p>Tea &amp; cake</p><style>x</style>")
    assert found.text.strip() == "Tea & cake"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\0" * 1000,
        b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: multipart/mixed; boundary=b\n\n" * 3000,
        b"Content-Type: message/rfc822\n\n" * 3000,
        b"Content-Type: text/html\n\n" + b"<div>" * 400_000,
        b"Content-Type: text/html\n\n" + b"<a href='" * 100_000,
        b"Subject: " + b"x" * 10_000_000,
        b"X: y\n" * 100_000 + b"\ntea",
        b"Content-Disposition: attachment; " + b"filename*0*=" * 10_000,
    ],
    ids=["empty", "garbage", "H1", "H2", "deep html", "open links", "H5", "H6", "parameters"],
)
def test_hostile_letters_are_opened_or_say_why_and_the_next_is_opened(opener: Opener, raw: bytes) -> None:
    opener.open(raw)
    assert opener.open(LETTER).text.strip() == "Dear Secretary"


def test_letter_larger_than_what_is_looked_at_is_cut_H14(opener: Opener) -> None:
    raw = LETTER.replace(b"AAH/", base64.b64encode(b"\0" * LARGEST))
    found = opener.open(raw)
    assert found.cut
    assert found.text.strip() == "Dear Secretary"


def test_child_that_has_too_little_memory_says_so() -> None:
    with Opener(memory=8 << 20) as small:
        assert "too much memory" in small.open(LETTER + b"x" * (8 << 20)).why
        with pytest.raises(ChildGone):
            small.files(LETTER + b"x" * (8 << 20))
