"""Cases of group H that are no damage: challenges, several of our addresses, encryption, bombs and sheer size."""

import base64
import gzip
import io
import time
import tracemalloc
import zipfile

import pytest

from balintmail.domain.returns import Kind
from balintmail.receiving.event import LARGEST
from balintmail.receiving.read import read

PERSON = b"Return-Path: <ada@example.net>\nFrom: Ada <ada@example.net>\nTo: office@balint.example.org\n"
MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: Please confirm your message to ada@example.net\n",
        b"Subject: Sender verification required\n",
        b"Subject: Re: Newsletter 84 [waiting list]\n",
        b"Subject: Your mail to Ada requires verification\n",
        b"Subject: Re: Newsletter 84\nX-Boxbe: challenge\n",
        b"Subject: Re: Newsletter 84\nX-TMDA-Fingerprint: abc\n",
        "Subject: Bestätigen Sie Ihre Nachricht an ada@example.net\n".encode(),
    ],
)
def test_challenge_counts_for_nothing_and_nothing_answers_it_H30(head: bytes) -> None:
    event = read(PERSON + head + b"\nUntil you press the link, 550 your mail is not delivered to ada@example.net.\n")
    assert event.kind is Kind.AUTO_REPLY
    assert event.robot
    assert not event.results
    assert event.command is None


def test_mail_to_several_of_our_addresses_is_one_message_that_names_them_all_H31() -> None:
    token, other = "a2" * 20, "b3" * 20
    head = (
        f"Delivered-To: bounces+{token}@balint.example.org\nFrom: Ada <ada@example.net>\nSubject: Tea\n"
        f"To: office@balint.example.org, Draft <draft@balint.example.org>\nCc: confirm+{other}@balint.example.org\n\nx"
    )
    event = read(head.encode())
    assert event.to == (
        f"bounces+{token}@balint.example.org",
        "office@balint.example.org",
        "draft@balint.example.org",
        f"confirm+{other}@balint.example.org",
    )
    assert set(event.tokens) == {token, other}


@pytest.mark.parametrize(
    "kind",
    [
        'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        'multipart/encrypted; protocol="application/pgp-encrypted"; boundary=cut',
    ],
)
def test_encrypted_mail_is_a_letter_without_words_H32(kind: str) -> None:
    body = "--cut\nContent-Type: application/octet-stream\n\n" if "cut" in kind else ""
    raw = f"Content-Type: {kind}\nContent-Transfer-Encoding: base64\nSubject: Secret\n\n{body}bGVhdmU=\n"
    event = read(PERSON + raw.encode())
    assert event.kind is Kind.LETTER
    assert event.text == ""
    assert event.command is None


def _bomb(name: str) -> bytes:
    zeros = b"\0" * (64 * MEGABYTE)
    if name == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("zeros", zeros)
        return packed.getvalue()
    return gzip.compress(zeros, 1)


@pytest.mark.parametrize("name", ["zip", "gzip"])
def test_bomb_beside_a_report_is_not_unpacked_H13(name: str) -> None:
    raw = (
        b"From: MAILER-DAEMON@example.net\nTo: bounces@balint.example.org\nSubject: Undeliverable mail\n"
        b"Content-Type: multipart/mixed; boundary=cut\n\n--cut\n\n<ada@example.net>: 550 5.1.1 User unknown\n"
        b"--cut\nContent-Type: application/%s\nContent-Encoding: gzip\nContent-Transfer-Encoding: base64\n\n%s--cut--\n"
        % (name.encode(), base64.encodebytes(_bomb(name)))
    )
    tracemalloc.start()
    event = read(raw)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [one.address for one in event.results] == ["ada@example.net"]
    assert most < 16 * MEGABYTE


def test_of_a_huge_report_the_beginning_is_read_H14() -> None:
    head = b"From: MAILER-DAEMON@example.net\nTo: bounces@balint.example.org\nSubject: Undeliverable mail\n\n"
    raw = head + b"<ada@example.net>: 550 5.1.1 User unknown\n\n--- Below this line is a copy of the message.\n\n"
    raw += b"x" * 70 * 10 + b"\n" * (16 * LARGEST - len(raw))
    began = time.process_time()
    assert [one.address for one in read(raw).results] == ["ada@example.net"]
    assert time.process_time() - began < 5
