"""The files of a mail: found, named safely, never unpacked (D9, D10, H10, H13, H32)."""

import base64
import gzip

import pytest

from balintmail.receiving.attachments import MOST, attachments, file_name, is_encrypted
from balintmail.receiving.mail import Headers, take_apart

PDF = base64.b64encode(b"%PDF-1.7 \x00\xff")


def mail(*parts: bytes) -> bytes:
    lines = [b"From: Ada <ada@example.net>\nSubject: Tea\nContent-Type: multipart/mixed; boundary=b\n"]
    lines += [b"--b\n" + part for part in parts]
    return b"\n".join([*lines, b"--b--\n"])


def attached(disposition: bytes, content: bytes = PDF, encoding: bytes = b"base64") -> bytes:
    head = b"Content-Type: application/pdf\nContent-Transfer-Encoding: " + encoding
    return head + b"\nContent-Disposition: " + disposition + b"\n\n" + content + b"\n"


TEXT = b"Content-Type: text/plain\n\nDear Secretary\n"


def test_letters_text_is_no_file_and_every_octet_of_a_file_is_kept() -> None:
    raw = mail(TEXT, attached(b'attachment; filename="Report 2026.pdf"'))
    [(one, part)] = attachments(take_apart(raw))
    assert (one.name, one.kind, one.size) == ("Report 2026.pdf", "application/pdf", 11)
    assert part.octets == b"%PDF-1.7 \x00\xff"


def test_text_and_forwarded_message_that_are_attached_are_files() -> None:
    inner = b"Content-Type: message/rfc822\n\nFrom: bob@example.net\nSubject: Old\n\nWords\n"
    text = b'Content-Type: text/plain; name="notes.txt"\n\nWords\n'
    found = [one for one, _ in attachments(take_apart(mail(TEXT, inner, text)))]
    assert [(one.name, one.kind) for one in found] == [("message.eml", "message/rfc822"), ("notes.txt", "text/plain")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("attachment; filename*=utf-8''Megh%C3%ADv%C3%B3.pdf", "Meghívó.pdf"),
        ("attachment; filename*0*=iso-8859-1''B%E1; filename*1=\"lint.pdf\"", "Bálint.pdf"),
        ('attachment; filename*1="b.pdf"; filename*0="a"', "ab.pdf"),
        ("attachment; filename==?utf-8?q?B=C3=A1lint.pdf?=", "Bálint.pdf"),
        ('attachment; filename="a\\"b.pdf"', 'a"b.pdf'),
        ("attachment; filename=plain.pdf", "plain.pdf"),
        ("attachment; filename*=no-such-charset''a%FFb.pdf", "aÿb.pdf"),
        ('attachment; filename="never ends', "never ends"),
        ("attachment", ""),
    ],
)
def test_name_is_read_in_every_way_of_writing_it_RFC2231(said: str, expected: str) -> None:
    raw = f"Content-Disposition: {said}\n\n".encode()
    assert file_name(take_apart(raw).headers) == expected


def test_name_of_the_type_serves_where_the_disposition_has_none() -> None:
    assert file_name(Headers((("content-type", 'image/png; name="a.png"'),))) == "a.png"


def test_names_that_would_meet_in_a_folder_are_told_apart_D9() -> None:
    parts = [attached(b'attachment; filename="%s"' % name) for name in (b"a.pdf", b"../A.pdf", b"C:\\a.PDF")]
    names = [one.name for one, _ in attachments(take_apart(mail(*parts)))]
    assert names == ["a.pdf", "A-2.pdf", "a-3.PDF"]


def test_bomb_is_not_unpacked_and_garbage_is_kept_as_far_as_it_goes_H10_H13() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    parts = (
        attached(b"attachment; filename=bomb.gz", base64.b64encode(bomb)),
        attached(b"attachment; filename=x.bin", b"!!!=%%"),
    )
    found = attachments(take_apart(mail(*parts)))
    assert [(one.name, one.size) for one, _ in found] == [("bomb.gz", len(bomb)), ("x.bin", 0)]


def test_mail_of_thousands_of_files_shows_the_first_hundred() -> None:
    raw = mail(*(attached(b"attachment; filename=a.pdf") for _ in range(3000)))
    assert len(attachments(take_apart(raw))) <= MOST


def test_letter_that_is_only_encrypted_says_so_H32() -> None:
    raw = b"From: a@example.net\nContent-Type: application/pkcs7-mime; name=smime.p7m\n\nMIIB\n"
    assert is_encrypted(take_apart(raw))
    assert not is_encrypted(take_apart(mail(TEXT)))
