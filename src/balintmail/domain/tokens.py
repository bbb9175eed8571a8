"""Make and read the unforgeable tokens of links, envelope senders and Message-IDs (S1, S18, S11).

A token names a purpose, a person, a list and a delivery, and carries a 128-bit keyed hash over all of them
(HMAC-SHA-256, RFC 2104, cut to 16 bytes). It is written in lower-case base32 (RFC 4648 section 6), because mail
systems change the case of local parts. It never carries an address, a name or a password.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

MAC_BYTES = 16  # 128 bits: standards.md 3.2 asks for 128 or more
LONGEST = 80  # characters; a longer token is not looked at
_ALPHABET = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256, b"?")
_BLOCK = 64  # bytes that SHA-256 takes at a time (RFC 2104 section 2 calls it B)


_BYTES = tuple(bytes((octet,)) for octet in range(256))


class Purpose(Enum):
    """What a token may do. The value is its first byte and goes into the hash."""

    LEAVE = 1  # may only unsubscribe
    PREFERENCES = 2  # may view masked data and ask for a fresh link
    BOUNCE = 3  # envelope sender of one delivery
    MESSAGE_ID = 4
    CONFIRM = 5
    DECIDE = 6
    MANAGE = 7  # the fresh, short-lived link of the preferences page
    REPLY = 8  # the reply address of one delivery of a system mail that asks something
    RELEASE = 9  # the release of one draft by one officer
    COPY = 10  # the decision on one request for a copy, by one officer
    COPY_WISH = 11  # whoever asked for a copy says that it was them
    READING = 12  # one mailed link to something that is not open to all
    COPY_QUOTE = 13  # whoever asked for a copy agrees to its price
    JOURNAL_COPY = 20  # somebody's own copy of a journal issue
    ORDER = 21  # whoever ordered sees their order and its papers
    PAPER = 14  # one reader reads one paper and gives advice
    PAPER_DECISION = 16  # the decision on one paper, by one officer
    CALENDAR = 15  # the feed of the society's year


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token says; 0 stands for "none"."""

    purpose: Purpose
    person: int = 0
    list: int = 0
    delivery: int = 0


def make(claims: TokenClaims, key: bytes) -> str:
    """Return the token for `claims` under `key` (32 bytes); the same claims give the same token."""
    return Mint(key, claims.purpose).token(claims.person, claims.list, claims.delivery)


class Mint:
    """Makes the tokens of one key and purpose, one for each letter: what all of them share is done once."""

    __slots__ = ("_first", "_inner", "_outer")

    def __init__(self, key: bytes, purpose: Purpose) -> None:
        key = key if len(key) <= _BLOCK else hashlib.sha256(key).digest()
        self._first = bytes((purpose.value,))
        # HMAC by its definition (RFC 2104 section 2): copying two begun hashes takes a third of hmac.digest's time.
        self._inner = hashlib.sha256(bytes(octet ^ 0x36 for octet in key.ljust(_BLOCK, b"\0")) + self._first)
        self._outer = hashlib.sha256(bytes(octet ^ 0x5C for octet in key.ljust(_BLOCK, b"\0")))

    def token(self, person: int = 0, list_id: int = 0, delivery: int = 0) -> str:
        """Return the token that says this; 0 stands for "none"."""
        payload = _varint(person) + _varint(list_id) + _varint(delivery)
        inner = self._inner.copy()
        inner.update(payload)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return _base32(self._first + payload + outer.digest()[:MAC_BYTES])


def length(person: int = 0, list_id: int = 0, delivery: int = 0) -> int:
    """Return how many characters the token that says this has, for less than it costs to make it."""
    octets = 1 + len(_varint(person)) + len(_varint(list_id)) + len(_varint(delivery)) + MAC_BYTES
    return (octets * 8 + 4) // 5


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


def _base32(raw: bytes) -> str:
    """Return `raw` in lower-case base32 without padding, as `base64.b32encode` would, in a third of its time.

    The groups of five bits are drawn apart to whole octets by halving, all groups in one number at once, and then
    translated.
    """
    length = (len(raw) * 8 + 4) // 5
    number = int.from_bytes(raw, "big") << (length * 5 - len(raw) * 8)
    for low, high, shift in _spreads(length):
        number = (number & low) | ((number & high) << shift)
    return number.to_bytes(length, "big").translate(_ALPHABET).decode("ascii")


@lru_cache(maxsize=LONGEST + 1)
def _spreads(groups: int) -> tuple[tuple[int, int, int], ...]:
    """Return, for each halving of that many groups of five bits, which bits stay, which move, and how far."""
    size = whole = 1 << (groups - 1).bit_length()
    steps = []
    while size > 1:
        half = size // 2
        low = high = 0
        for start in range(0, whole * 8, size * 8):
            low |= ((1 << half * 5) - 1) << start
            high |= ((1 << half * 5) - 1) << (start + half * 5)
        steps.append((low, high, half * 3))
        size = half
    return tuple(steps)


def _varint(number: int) -> bytes:
    """Return `number` in base 128, least significant group first, high bit set on all but the last byte."""
    if 0 <= number < 1 << 21:  # nearly always, and a letter holds a dozen
        if number < 128:
            return _BYTES[number]
        if number < 1 << 14:
            return bytes((number & 127 | 128, number >> 7))
        return bytes((number & 127 | 128, number >> 7 & 127 | 128, number >> 14))
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
