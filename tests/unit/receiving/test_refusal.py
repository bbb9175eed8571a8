"""Notes in prose, one written example for each way mail systems have of telling: who was not reached, and why."""

import pytest

from balintmail.domain.returns import Kind
from balintmail.receiving.read import read

DAEMON = "From: MAILER-DAEMON@mx.example.net (Mail Delivery System)\nTo: bounces@balint.example.org\n"
RETURNED = (
    "Return-Path: <bounces@balint.example.org>\nReceived: by mx.example.net; Mon, 2 Nov 2026 10:00:00 +0000\n"
    "From: The Example Balint Society <office@balint.example.org>\nTo: Ada <ada@example.net>\nSubject: Newsletter 84\n"
    "\nDear Ada, write to tea@balint.example.org.\n"
)


def note(subject: str, words: str, more: str = "") -> bytes:
    return f"{DAEMON}{more}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{words}".encode()


CASES = {
    "qmail": (
        note(
            "failure notice",
            "Hi. This is the qmail-send program at mx.example.net.\nI'm afraid I wasn't able to deliver your message "
            "to "
            "the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n"
            "<ada@example.net>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n"
            f"--- Below this line is a copy of the message.\n\n{RETURNED}",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "exim": (
        note(
            "Mail delivery failed: returning message to sender",
            "This message was created automatically by mail delivery software.\n\nA message that you sent could not be "
            "delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) "
            "failed:\n\n"
            "  ada@example.net\n    host mx.example.net [192.0.2.1]\n    SMTP error from remote mail server after "
            "RCPT TO:"
            "<ada@example.net>:\n    550 5.1.1 <ada@example.net>: User unknown\n\n"
            f"------ This is a copy of the message, including all the headers. ------\n\n{RETURNED}",
            "X-Failed-Recipients: ada@example.net\n",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "postfix without its report": (
        note(
            "Undelivered Mail Returned to Sender",
            "This is the mail system at host mx.example.net.\n\nI'm sorry to have to inform you that your message "
            "could "
            "not\nbe delivered to one or more recipients. It's attached below.\n\nFor further assistance, please send "
            "mail to postmaster.\n\n<ada@example.net>: host mx.example.net[192.0.2.1] said: 552 5.2.2 Mailbox full\n"
            "    (in reply to RCPT TO command)\n",
        ),
        ("ada@example.net", "soft", "mailbox_full"),
    ),
    "sendmail": (
        note(
            "Returned mail: see transcript for details",
            "The original message was received at Mon, 2 Nov 2026 10:00:00 GMT\nfrom localhost [127.0.0.1]\n\n"
            "   ----- The following addresses had permanent fatal errors -----\n<ada@example.net>\n"
            "    (reason: 550 5.1.1 <ada@example.net>... User unknown)\n\n   ----- Transcript of session follows "
            "-----\n"
            "... while talking to mx.example.net.:\n>>> DATA\n<<< 550 5.1.1 <ada@example.net>... User unknown\n",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "exchange of old": (
        note(
            "Undeliverable: Newsletter 84",
            "Your message\n\n  To:      readers@balint.example.org\n  Subject: Newsletter 84\n  Sent:    Mon, 2 Nov "
            "2026\n\n"
            "did not reach the following recipient(s):\n\nada@example.net on Mon, 2 Nov 2026 10:00:00 +0000\n"
            "    The recipient name is not recognized\n",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "a quota in German": (
        note(
            "Unzustellbar: Newsletter 84",
            "Ihre Nachricht konnte nicht zugestellt werden an:\n\n    ada@example.net\n\nDas Postfach ist voll.\n",
        ),
        ("ada@example.net", "soft", "mailbox_full"),
    ),
    "nobody in French": (
        note(
            "Échec de remise",
            "Votre message n'a pas pu être remis aux destinataires suivants :\n\n    ada@example.net : utilisateur "
            "inconnu\n",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "nobody in Hungarian": (
        note(
            "Sikertelen kézbesítés",
            "A levelet nem sikerült kézbesíteni a következő címre:\n\n<ada@example.net>: ismeretlen felhasználó\n",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "a block list": (
        note(
            "Undeliverable mail",
            "Your message to ada@example.net was rejected:\n\n<ada@example.net>: 554 5.7.1 Service unavailable; Client "
            "host [192.0.2.9] blocked using zen.example.org\n",
        ),
        ("ada@example.net", "policy", "spam_block"),
    ),
    "our own rules": (
        note(
            "Undeliverable mail",
            "<ada@example.net>: 550-5.7.26 This mail has been blocked because the sender is unauthenticated. Both DKIM "
            "and SPF are required.\n",
        ),
        ("ada@example.net", "policy", "policy"),
    ),
    "a host that is not": (
        note(
            "Undelivered Mail Returned to Sender",
            "<ada@example.net>: Host or domain name not found. Name service error for\n    name=example.net type=A: "
            "Host "
            "not found\n",
        ),
        ("ada@example.net", "hard", "host_unknown"),
    ),
    "days of trying": (
        note(
            "Mail delivery failed",
            "Delivery to the following recipient has failed:\n\n    ada@example.net\n      retry timeout exceeded\n",
        ),
        ("ada@example.net", "soft", "expired"),
    ),
    "only what was returned names her": (
        note(
            "Undeliverable mail",
            "Your message could not be delivered, because there is no such user here.\n\n"
            f"----- Original message follows -----\n\n{RETURNED}",
        ),
        ("ada@example.net", "hard", "no_such_user"),
    ),
    "delayed": (
        note(
            "Warning: message delayed 24 hours",
            "A message that you sent has not yet been delivered to one or more of its recipients after more than 24 "
            "hours.\n\n  ada@example.net\n    connection timed out\n\nNo action is required on your part. Delivery "
            "attempts "
            "will continue.\n",
        ),
        ("ada@example.net", "ignore", "network"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_note_names_who_was_not_reached_and_why(name: str) -> None:
    raw, expected = CASES[name]
    event = read(raw)
    assert event.kind is Kind.BOUNCE
    found = [(one.address, one.judged.sentence.value, one.judged.reason.value) for one in event.results]
    assert found == [expected]


@pytest.mark.parametrize("name", CASES)
def test_line_ends_change_nothing_H16(name: str) -> None:
    raw, _ = CASES[name]
    assert read(raw) == read(raw.replace(b"\n", b"\r\n")) == read(raw.replace(b"\n", b"\r"))


def test_whom_to_ask_and_who_wrote_are_no_recipients() -> None:
    event = read(
        note(
            "Undeliverable mail",
            "The following recipient failed:\n  <ada@example.net>: no such user\n\nIf you need help, contact "
            "desk@example.net or postmaster@example.net.\nThe sender was office@balint.example.org.\n",
        )
    )
    assert [one.address for one in event.results] == ["ada@example.net"]


def test_several_are_named_each_with_their_own_reason() -> None:
    event = read(
        note(
            "failure notice",
            "I wasn't able to deliver your message to the following addresses.\n\n<ada@example.net>:\nno such user\n\n"
            "<bob@example.net>:\nmailbox is full\n",
        )
    )
    assert [(one.address, one.judged.reason.value) for one in event.results] == [
        ("ada@example.net", "no_such_user"),
        ("bob@example.net", "mailbox_full"),
    ]


@pytest.mark.parametrize(
    ("to", "kind"),
    [("office@balint.example.org", Kind.LETTER), (f"bounces+{'a2' * 20}@balint.example.org", Kind.BOUNCE)],
)
def test_who_can_be_answered_and_names_nobody_writes_a_letter_but_to_one_letters_address(to: str, kind: Kind) -> None:
    head = f"Return-Path: <noreply@example.net>\nFrom: noreply@example.net\nTo: {to}\nSubject: Not delivered\n\n"
    assert read(head.encode() + b"Your message was not delivered: the mailbox is full.\n").kind is kind
