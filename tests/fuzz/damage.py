"""Ways to damage a message, for where no fuzzer that sees branches can be installed; seeded, so it can be repeated."""

import random
from collections.abc import Callable, Sequence

TOKENS = (
    b"\n",
    b"\n\n",
    b"\r",
    b"\r\n",
    b"\0",
    b"\xff",
    b"\x1b$B",
    b"=?utf-8?q?=FF=00?=",
    b"=?utf-8?b?/w==?=",
    b"--cut\n",
    b"--cut--\n",
    b"Content-Type: multipart/mixed; boundary=cut\n",
    b"Content-Type: message/rfc822\n\n",
    b"Content-Type: message/delivery-status\n\n",
    b"Content-Type: message/feedback-report\n\n",
    b"Content-Type: text/html; charset=utf-16\n\n",
    b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"Final-Recipient: rfc822;",
    b"Original-Recipient: utf-8;\\x{110000}",
    b"Action: failed\n",
    b"Status: 5.1.1\n",
    b"Feedback-Type: abuse\n",
    b"Original-Rcpt-To: ",
    b"<ada@example.net>",
    b"@",
    b"550 5.1.1 ",
    b"user unknown",
    b"\xe3\x83\xa6\xe3\x83\xbc\xe3\x82\xb6",
    b"\xed\xa0\x80",
    b'{"notificationType":"Bounce","bounce":{"bouncedRecipients":[',
    b"[" * 500,
    b"(" * 500,
    b" " * 2000,
    b"a" * 2000,
    b"Subject: leave\n",
    b"> ",
    b"<style>",
    b"<!--",
)


def damaged(seeds: Sequence[bytes], chance: random.Random, most: int) -> bytes:
    """Return one of `seeds` after one to eight wounds, at most `most` octets of it."""
    raw = chance.choice(seeds)
    for _ in range(chance.randint(1, 8)):
        raw = chance.choice(_WOUNDS)(raw, seeds, chance)
    return raw[:most]


def _place(raw: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randint(0, len(raw))
    return start, min(len(raw), start + chance.randint(0, chance.choice((4, 60, 1000))))


def _cut(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    start, end = _place(raw, chance)
    return raw[:start] + raw[end:]


def _double(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    start, end = _place(raw, chance)
    return raw[:end] + raw[start:end] * chance.randint(1, 20) + raw[end:]


def _flip(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    if not raw:
        return raw
    at = chance.randrange(len(raw))
    return raw[:at] + bytes((raw[at] ^ (1 << chance.randrange(8)),)) + raw[at + 1 :]


def _insert(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(raw))
    return raw[:at] + chance.choice(TOKENS) + raw[at:]


def _splice(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    other = chance.choice(seeds)
    start, end = _place(other, chance)
    at = chance.randint(0, len(raw))
    return raw[:at] + other[start:end] + raw[at:]


def _noise(raw: bytes, seeds: Sequence[bytes], chance: random.Random) -> bytes:
    at = chance.randint(0, len(raw))
    return raw[:at] + chance.randbytes(chance.randint(1, 40)) + raw[at:]


_WOUNDS: tuple[Callable[[bytes, Sequence[bytes], random.Random], bytes], ...] = (
    _cut,
    _double,
    _flip,
    _insert,
    _insert,
    _splice,
    _noise,
)
