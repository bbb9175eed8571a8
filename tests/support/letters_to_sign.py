"""Messages, keys and public records for the tests of DKIM."""

import binascii
from datetime import UTC, datetime
from pathlib import Path

import dkim
from balintmail.domain.dkim import Algorithm
from balintmail.sending import dkim_keys
from balintmail.sending.dkim import Signer
from balintmail.sending.dkim_keys import DkimKey
from balintmail.sending.dkim_record import record_of

DOMAIN = "example.org"
SIGNED_AT = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
HEAD = (
    b"From: =?utf-8?q?B=C3=A1lint_Society?= <secretary@example.org>\r\n"
    b"To: reader@example.net\r\n"
    b"Subject: Groups this winter,\r\n and a weekend in Oxford\r\n"
    b"Date: Sat, 21 Nov 2026 18:04:00 +0000\r\n"
    b"Message-ID: <84.1.abcdef@example.org>\r\n"
    b"Reply-To: answers@example.org\r\n"
    b"MIME-Version: 1.0\r\n"
    b'Content-Type: multipart/alternative;\r\n\tboundary="=_balint"\r\n'
    b"List-Id: <newsletter.example.org>\r\n"
    b"List-Unsubscribe: <mailto:bounces@example.org?subject=leave>,\r\n <https://balint.example.org/leave/TOKEN>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
    b"Feedback-ID: 84:newsletter:newsletter:balint\r\n"
    b"X-Other: not signed\r\n"
)
BODY = b"--=_balint\r\nContent-Type: text/plain\r\n\r\nDear B=C3=A1lint,   the  table\r\n=20\r\n--=_balint--\r\n"
MESSAGE = HEAD + b"\r\n" + BODY


def make_pair(folder: Path, ending: str = "2026a") -> tuple[DkimKey, DkimKey]:
    """Return a new RSA and a new Ed25519 key."""
    return (
        dkim_keys.make(folder, f"s{ending}", Algorithm.RSA, domain=DOMAIN, now=SIGNED_AT),
        dkim_keys.make(folder, f"e{ending}", Algorithm.ED25519, domain=DOMAIN, now=SIGNED_AT),
    )


def signer(*keys: DkimKey) -> Signer:
    return Signer(DOMAIN, keys, signed_at=SIGNED_AT)


class Published:
    """The public keys as dkimpy asks for them."""

    def __init__(self, *keys: DkimKey) -> None:
        records = [record_of(key, DOMAIN) for key in keys]
        self.records = {f"{record.name}.".encode(): record.value.encode() for record in records}

    def __call__(self, name: bytes, timeout: int = 5) -> bytes | None:
        return self.records.get(name)


def verifies(message: bytes, published: Published) -> list[bool]:
    """Return what dkimpy says of each signature, from top to bottom; what it cannot read does not verify."""
    found = []
    for at in range(message.partition(b"\r\n\r\n")[0].count(b"DKIM-Signature:")):
        try:
            found.append(bool(dkim.DKIM(message).verify(at, dnsfunc=published)))
        except (dkim.DKIMException, binascii.Error, IndexError):
            found.append(False)
    return found
