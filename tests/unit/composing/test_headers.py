"""Header fields: folded, ASCII, never split by input, encoded words only where RFC 2047 allows them."""

import email
from datetime import UTC, datetime, timedelta, timezone
from email import policy
from email.header import decode_header, make_header

import pytest

from balintmail.composing import headers
from balintmail.composing.escaping import clean_header
from tests.support.composing import ODD_TEXTS


def assert_one_field(written: str, name: str) -> None:
    assert written.isascii()
    assert written.endswith("\r\n")
    lines = written[:-2].split("\r\n")
    assert lines[0].startswith(f"{name}:")
    assert all(line[0] in " \t" and line.strip() for line in lines[1:])
    assert max(map(len, lines)) <= 78
    assert "\r" not in written.replace("\r\n", "")
    assert "\n" not in written.replace("\r\n", "")


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_subject_is_one_field_that_reads_back(odd: str) -> None:
    written = headers.unstructured("Subject", odd)
    assert_one_field(written, "Subject")
    message = email.message_from_bytes(written.encode() + b"\r\n", policy=policy.default)
    assert message.keys() == ["Subject"]
    assert str(message["Subject"]) == clean_header(odd)


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_file_name_is_one_parameter_that_reads_back_S26(odd: str) -> None:
    written = f"Content-Disposition: attachment{headers.file_name('filename', odd)}\r\n"
    assert_one_field(written, "Content-Disposition")
    assert "=?" not in written.replace("*=utf-8''", "")
    message = email.message_from_bytes(written.encode() + b"\r\n", policy=policy.default)
    assert message.get_filename() == (clean_header(odd).replace("/", "_").replace("\\", "_") or "file")


@pytest.mark.parametrize("odd", ODD_TEXTS.values(), ids=ODD_TEXTS)
def test_odd_list_name_never_becomes_an_encoded_word_S26_T1(odd: str) -> None:
    written = headers.list_id("newsletter.example.org", odd)
    assert_one_field(written, "List-Id")
    assert "=?" not in written
    assert written.rstrip().endswith("<newsletter.example.org>")


def test_text_that_looks_encoded_is_shown_and_not_decoded_T2() -> None:
    odd = "=?utf-8?q?a=0D=0ABcc:_x@example.net?="
    message = email.message_from_bytes(headers.unstructured("Subject", odd).encode() + b"\r\n", policy=policy.default)
    assert str(message["Subject"]) == odd


def test_plain_subject_stays_plain_and_is_folded_at_78() -> None:
    written = headers.unstructured("Subject", "word " * 40)
    assert_one_field(written, "Subject")
    assert "=?" not in written
    assert "\r\n " in written


def test_character_is_never_split_between_two_encoded_words() -> None:
    for word in headers.encoded_words("李明" * 100, first_room=60):
        assert len(word) <= 75
        assert str(make_header(decode_header(word)))


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Anna Kovacs", "Anna Kovacs"),
        ("J. R. Doe", '"J. R. Doe"'),
        ('O"N\\x', '"O\\"N\\\\x"'),
        ("O'Neill-Smith", "O'Neill-Smith"),
        ("", ""),
        ("Bálint", "=?utf-8?q?B=C3=A1lint?="),
        ("李 明", "=?utf-8?b?5p2OIOaYjg==?="),
    ],
)
def test_display_name_takes_the_plainest_form(name: str, written: str) -> None:
    assert headers.display_name(name) == written


def test_long_address_goes_on_a_line_of_its_own() -> None:
    written = headers.mailbox("To", "Anna Maria Kovacs of the Leeds Group", "a" * 60 + "@example.org")
    assert written.count("\r\n ") == 1
    assert written.index("\r\n <") > 0


def test_date_is_rfc_5322_with_its_offset_in_english() -> None:
    moment = datetime(2026, 3, 1, 9, 5, 7, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    assert headers.date_time(moment) == "Sun, 01 Mar 2026 09:05:07 -0330"
    assert headers.date_time(datetime(2026, 11, 21, 18, 4, tzinfo=UTC)) == "Sat, 21 Nov 2026 18:04:00 +0000"
    with pytest.raises(ValueError, match="zone"):
        headers.date_time(datetime(2026, 1, 1))  # noqa: DTZ001


def test_file_name_in_other_letters_follows_rfc_2231() -> None:
    assert headers.file_name("filename", "Jahresbericht für 2026.pdf") == (
        ";\r\n filename*=utf-8''Jahresbericht%20f%C3%BCr%202026.pdf"
    )
    assert "filename*0*=utf-8''" in headers.file_name("filename", "é" * 100)
