"""Our own tokens are found wherever a system leaves them, and not in what a person quotes (S18, S21)."""

import pytest

from balintmail.receiving.read import read

TOKEN = "ae3gk7mz2qvw5t4bnp6yc3xd7rf2hj5l"
OTHER = "ba3gk7mz2qvw5t4bnp6yc3xd7rf2hj5l"
DAEMON = "From: MAILER-DAEMON@mx.example.net\nSubject: Undeliverable mail\n"
PLAIN = f"{DAEMON}To: office@balint.example.org\n\n"


@pytest.mark.parametrize(
    "raw",
    [
        f"{DAEMON}To: bounces+{TOKEN}@balint.example.org\n\n<ada@example.net>: no such user\n",
        f"{DAEMON}To: <BOUNCES+{TOKEN.upper()}@balint.example.org>\n\n<ada@example.net>: no such user\n",
        f"{DAEMON}Delivered-To: {TOKEN}@bounces.balint.example.org\n\n<ada@example.net>: no such user\n",
        f"{PLAIN}<ada@example.net>: no such user\n\n--- Below this line is a copy of the message.\n\n"
        f"Return-Path: <bounces+{TOKEN}@balint.example.org>\nTo: ada@example.net\n\nx\n",
        f"{PLAIN}<ada@example.net>: no such user\n\n--- Below this line is a copy of the message.\n\n"
        f"Message-ID: <{TOKEN}@balint.example.org>\nTo: ada@example.net\n\nx\n",
        f"{PLAIN}>>> MAIL From:<bounces+{TOKEN}@balint.example.org>\n<ada@example.net>: no such user\n",
        f"{DAEMON}To: office@balint.example.org\nIn-Reply-To: <{TOKEN}@balint.example.org>\n\nada@example.net: full\n",
    ],
)
def test_token_is_found_in_a_note(raw: str) -> None:
    assert TOKEN in read(raw.encode()).tokens


@pytest.mark.parametrize(
    "inner",
    [
        f"Content-Type: message/rfc822\n\nMessage-ID: <{TOKEN}@balint.example.org>\nTo: ada@example.net\n\nx\n",
        f"Content-Type: text/rfc822-headers\n\nReturn-Path: <bounces+{TOKEN}@balint.example.org>\n\n",
        f"Content-Type: message/delivery-status\n\nX-Postfix-Sender: rfc822; bounces+{TOKEN}@balint.example.org\n",
        f"Content-Type: message/delivery-status\n\nOriginal-Envelope-Id: {TOKEN}\n",
    ],
)
def test_token_is_found_in_a_report(inner: str) -> None:
    raw = (
        f"{DAEMON}To: office@balint.example.org\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=cut\n\n"
        f"--cut\nContent-Type: text/plain\n\n<ada@example.net>: no such user\n\n--cut\n{inner}\n--cut--\n"
    )
    assert TOKEN in read(raw.encode()).tokens


@pytest.mark.parametrize(
    "field", [f"Original-Mail-From: <bounces+{TOKEN}@balint.example.org>\n", f"Original-Envelope-Id: {TOKEN}\n"]
)
def test_token_finds_the_person_whom_a_complaint_hides_S21_H27(field: str) -> None:
    raw = (
        "From: feedback@provider.example.net\nTo: abuse@balint.example.org\nSubject: FW: Newsletter\n"
        "Content-Type: multipart/report; report-type=feedback-report; boundary=cut\n\n--cut\n"
        f"Content-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n{field}"
        "Original-Rcpt-To: redacted@example.net\n\n--cut--\n"
    )
    event = read(raw.encode())
    assert TOKEN in event.tokens
    assert event.results == ()


def test_surest_token_stands_first() -> None:
    raw = (
        f"{DAEMON}To: bounces+{TOKEN}@balint.example.org\n\n<ada@example.net>: no such user\n\n"
        f"--- Below this line is a copy of the message.\n\nMessage-ID: <{OTHER}@balint.example.org>\n\nx\n"
    )
    assert read(raw.encode()).tokens == (TOKEN, OTHER)


def test_token_in_what_a_person_quotes_is_none() -> None:
    raw = (
        "From: ada@example.net\nTo: office@balint.example.org\nSubject: Re: Newsletter\n\nThank you.\n\n"
        f"> Write to bounces+{TOKEN}@balint.example.org to leave.\n"
    )
    assert read(raw.encode()).tokens == ()
