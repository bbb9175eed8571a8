"""What a message is: complaints, what machines wrote, letters; and that nothing makes the reader raise (group H)."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.domain.returns import Kind
from balintmail.receiving.read import read

PERSON = "From: Ada Example <ada@example.net>\nTo: office@balint.example.org\n"
DAEMON = b"From: MAILER-DAEMON@example.net\nTo: bounces@balint.example.org\nSubject: Undeliverable mail\n"
LETTER = "From: office@balint.example.org\nTo: {}\nSubject: Newsletter 84\n\nDear reader\n"


def complaint(fields: str, to: str = "ada@example.net") -> bytes:
    return (
        "From: feedback@provider.example.net\nTo: bounces@balint.example.org\nSubject: FW: Newsletter 84\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n"
        "--cut\nContent-Type: text/plain\n\nThis is an abuse report.\n\n"
        f"--cut\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n{fields}\n"
        f"--cut\nContent-Type: message/rfc822\n\n{LETTER.format(to)}\n--cut--\n"
    ).encode()


def test_complaint_names_the_recipient_S21() -> None:
    event = read(complaint("Original-Rcpt-To: <ada@example.net>\n"))
    assert event.kind is Kind.COMPLAINT
    assert [(one.address, one.judged.sentence.value) for one in event.results] == [("ada@example.net", "complaint")]


def test_complaint_without_the_field_takes_it_from_the_letter_S21() -> None:
    assert [one.address for one in read(complaint("")).results] == ["ada@example.net"]


def test_redacted_recipient_is_none_H27() -> None:
    raw = complaint("Original-Rcpt-To: redacted@example.net\n", to="redacted@example.net")
    assert read(raw).kind is Kind.COMPLAINT
    assert read(raw).results == ()


def test_the_opposite_of_a_complaint_counts_for_nothing() -> None:
    raw = complaint("Original-Rcpt-To: <ada@example.net>\n").replace(b"Type: abuse", b"Type: not-spam")
    assert [one.judged.sentence.value for one in read(raw).results] == ["ignore"]


@pytest.mark.parametrize(
    "header",
    [
        "Subject: Automatic reply: Newsletter 84\n",
        "Subject: Abwesenheitsnotiz\n",
        "Subject: Réponse automatique : Newsletter\n",
        "Subject: Automatikus válasz: Newsletter\n",
        "Subject: =?utf-8?q?Au=C3=9Fer_Haus?=\n",
        "Auto-Submitted: auto-replied\nSubject: Re: Newsletter 84\n",
        "X-Autoreply: yes\nSubject: Thank you for your mail\n",
        "Subject: Please confirm your message\n",
        "Return-Path: <>\nSubject: Automatic reply: Undeliverable: Newsletter 84\n",  # a note, but for who wrote it
    ],
)
def test_what_a_machine_wrote_is_no_bounce_even_with_a_refusal_in_it_S41_H28(header: str) -> None:
    text = "I am away.\n\n> <bob@example.net>: 550 5.1.1 User unknown\n"
    event = read(f"{PERSON}{header}\n{text}".encode())
    assert (event.kind, event.results, event.robot) == (Kind.AUTO_REPLY, (), True)


def test_receipt_is_no_bounce_S41() -> None:
    raw = (
        f"{PERSON}Subject: Read: Newsletter\n"
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=cut\n\n"
        "--cut\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;ada@example.net\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n\n--cut--\n"
    )
    assert (read(raw.encode()).kind, read(raw.encode()).results) == (Kind.AUTO_REPLY, ())


def test_letter_is_a_letter_and_may_be_answered() -> None:
    event = read(
        f"{PERSON}Subject: My new address\n\nDear Secretary, I have moved. My address was old@example.net.\n".encode()
    )
    assert (event.kind, event.results, event.robot, event.sender) == (Kind.LETTER, (), False, "ada@example.net")


def _nested(depth: int) -> bytes:
    return DAEMON + b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (i, i) for i in range(depth))


HOSTILE = {
    "H1 300": _nested(300),
    "H1 3000": _nested(3000),
    "H2": DAEMON + b"Content-Type: message/rfc822\n\n" * 3000,
    "H3": b"From: a@example.net\nTo: " + b"(" * 3000 + b"\n\nx",
    "H4": b"From: a@example.net\nTo: " + b", ".join(b"u%d@example.net" % i for i in range(20_000)) + b"\n\nx",
    "H5": b"X: " + b"a" * 10_000_000 + b"\n\nx",
    "H6": b"".join(b"X-%d: y\n" % i for i in range(100_000)) + b"\nx",
    "H7": DAEMON.rstrip(),
    "H8 none": DAEMON + b"Content-Type: multipart/mixed\n\nx",
    "H8 empty": DAEMON + b'Content-Type: multipart/mixed; boundary=""\n\n--\nx',
    "H8 long": DAEMON + b'Content-Type: multipart/mixed; boundary="' + b"x" * 10_000 + b'"\n\nx',
    "H9": DAEMON + b"Content-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: wild\n\n\xff\xfe",
    "H9 slow": DAEMON + b"Content-Type: text/plain; charset=punycode\n\na-" + b"z" * 200_000,
    "H10": DAEMON + b"Content-Transfer-Encoding: base64\n\n$$$===AA",
    "H11": DAEMON + b"Message-ID: <[\n\nx",
    "H12": DAEMON + b"Date: Mon, 00 Xxx 99999 99:99:99 +9999\n\nx",
    "H15": b"Subject: \xff\xfe\xfd\nFrom: \x80\n\nx",
    "styles": DAEMON + b"Content-Type: text/html\n\n" + b"<style " * 60_000,
    "tags": DAEMON + b"Content-Type: text/html\n\n" + b"<a" * 200_000,
    "signs": DAEMON + b"\n" + b"a@b" * 100_000,
    "addresses": DAEMON + b"\n" + b"<u@example.net>: 550 \n" * 20_000,
    "dashes": DAEMON + b"\n" + b"-" * 300_000,
    "blanks": DAEMON + b"\n" + b" " * 300_000 + b"x",
    "hosts": DAEMON + b"\n" + b"host mailbox user account " * 20_000,
    "words": b"Subject: " + b"=?utf-8?q?a?= " * 2000 + b"\n\nx",
    "parameters": b"Content-Type: text/plain" + b'; a="' * 5000 + b"\n\nx",
    "boundaries": DAEMON + b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\n" * 100_000,
    "noise": random.Random(1).randbytes(500_000),
    "nothing": b"",
    "zeros": DAEMON + b"\n" + b"\0" * 100_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.timeout(30)
def test_hostile_message_is_read_within_bounds_H1_H16(name: str) -> None:
    assert isinstance(read(HOSTILE[name]).kind, Kind)


PIECES = [
    b"\n",
    b"\r",
    b"From: ",
    b"To: ",
    b"Subject: ",
    b"Content-Type: ",
    b"multipart/report; boundary=x",
    b"--x",
    b"--x--",
]
PIECES += [
    b"message/delivery-status",
    b"Final-Recipient: rfc822;",
    b"Action: failed",
    b"a@example.net",
    b"=?utf-8?b?",
    b"\xff",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=30)), max_size=60))
def test_no_bytes_make_it_raise(pieces: list[bytes]) -> None:
    raw = b"".join(pieces)
    assert read(raw) == read(raw)
