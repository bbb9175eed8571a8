"""Make and read the unforgeable tokens of links, envelope senders and Message-IDs (S1, S18, S11).

A token names a purpose, a person, a list and a delivery, and carries a 128-bit keyed hash over all of them
(HMAC-SHA-256, RFC 2104, cut to 16 bytes). It is written in lower-case base32 (RFC 4648 section 6), because mail
systems change the case of local parts. It never carries an address, a name or a password.
"""

import base64
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

MAC_BYTES = 16  # 128 bits: standards.md 3.2 asks for 128 or more
LONGEST = 80  # characters; a longer token is not looked at


class Purpose(Enum):
    """What a token may do. The value is its first byte and goes into the hash."""

    LEAVE = 1  # may only unsubscribe
    PREFERENCES = 2  # may view masked data and ask for a fresh link
    BOUNCE = 3  # envelope sender of one delivery
    MESSAGE_ID = 4
    CONFIRM = 5
    DECIDE = 6
    MANAGE = 7  # the fresh, short-lived link of the preferences page


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says; 0 stands for "none"."""

    purpose: Purpose
    person: int = 0
    list: int = 0
    delivery: int = 0


def make(claims: TokenClaims, key: bytes) -> str:
    """Return the token for `claims` under `key` (32 bytes); the same claims give the same token."""
    payload = bytes((claims.purpose.value,)) + _varint(claims.person) + _varint(claims.list) + _varint(claims.delivery)
    mac = hmac.digest(key, payload, "sha256")[:MAC_BYTES]
    return base64.b32encode(payload + mac).decode("ascii").rstrip("=").lower()


def read(token: str, purpose: Purpose, keys: Sequence[bytes]) -> TokenClaims | None:
    """Return what `token` says, or None when it is damaged, forged, of another purpose or in another spelling.

    `keys` are tried in turn, so that links signed before a key was rotated go on working.
    """
    if not token or len(token) > LONGEST or not token.isascii() or not token.isalnum():
        return None
    text = token.lower()
    try:
        raw = base64.b32decode(text.upper() + "=" * (-len(text) % 8))
    except ValueError:
        return None
    payload, mac = raw[:-MAC_BYTES], raw[-MAC_BYTES:]
    # Unused bits at the end would let two spellings name one token; only the canonical one counts.
    if base64.b32encode(raw).decode("ascii").rstrip("=").lower() != text or not payload:
        return None
    if payload[0] != purpose.value:
        return None
    if not any(hmac.compare_digest(mac, hmac.digest(key, payload, "sha256")[:MAC_BYTES]) for key in keys):
        return None
    numbers = _read_varints(payload[1:])
    if numbers is None or len(numbers) != 3:
        return None
    return TokenClaims(purpose, *numbers)


def _varint(number: int) -> bytes:
    """Return `number` in base 128, least significant group first, high bit set on all but the last byte."""
    if number < 0:
        raise ValueError("a token holds no negative number")
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _read_varints(raw: bytes) -> list[int] | None:
    numbers: list[int] = []
    value = shift = 0
    for byte in raw:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    return numbers if shift == 0 else None
