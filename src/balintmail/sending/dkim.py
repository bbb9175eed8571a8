"""Sign ready messages with DKIM: rsa-sha256 and Ed25519 side by side, each with a selector of its own.

It never changes a byte of the message: `sign` returns the fields to set before it. The same message gives the same
signature on every retry, because `t=` is the mailing's and both algorithms are deterministic (P6, S11).
RFC 6376, RFC 8301 (algorithms), RFC 8463 (Ed25519), RFC 8058 section 4 (what one-click leaving needs signed).
Between composing and the transport: sign what `Merger.compose` returned, before anything dot-stuffs it (S15).
"""

import hashlib
from binascii import b2a_base64
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from balintmail.domain.dkim import SignedWith
from balintmail.domain.outcome import Composed
from balintmail.sending import dkim_keys
from balintmail.sending.dkim_canonical import Unsignable, relaxed_fields, simple_body, split
from balintmail.sending.dkim_keys import DkimKey

# Named once more than they occur, so that nobody can add another: readers and mail programs act on each of them, and
# some show the first of two, some the last (RFC 6376 section 8.15).
OVERSIGNED = (
    b"from",
    b"to",
    b"cc",
    b"subject",
    b"date",
    b"message-id",
    b"reply-to",
    b"sender",
    b"mime-version",
    b"content-type",
    b"content-transfer-encoding",
    b"list-id",
    b"list-unsubscribe",
    b"list-unsubscribe-post",
    b"feedback-id",
)
# Signed where they are; a list or a forwarder that adds one does no harm.
SIGNED_IF_PRESENT = (
    b"in-reply-to",
    b"references",
    b"list-help",
    b"list-subscribe",
    b"list-post",
    b"list-owner",
    b"list-archive",
    b"auto-submitted",
    b"precedence",
    b"content-language",
)
_ORDER = (*OVERSIGNED, *SIGNED_IF_PRESENT)
_WANTED = frozenset(_ORDER)
_WIDTH = 76  # characters of a folded line, CRLF not counted; RFC 5322 section 2.1.1 asks for at most 78
_SIGNATURE_LINE = _WIDTH - 4  # " b=" stands before the first
_MOST_SHAPES = 64  # a mailing's letters share a handful of sets of fields; more is somebody else's messages


class Signer:
    """Signs every message of one mailing; made once, used from any number of threads.

    Most of a signature's time is spent in OpenSSL without Python's lock, so threads use all processors.
    """

    def __init__(self, domain: str, keys: Sequence[DkimKey], *, signed_at: datetime) -> None:
        """Prepare signatures for `domain` (A-labels, small letters) that all say they were made at `signed_at`.

        `keys` in the order in which their fields are to stand in the message.
        """
        if not keys or signed_at.tzinfo is None:
            raise ValueError("a signer needs a key, and a time with its zone")
        self.domain = domain
        self.selectors = tuple(key.selector for key in keys)
        self._keys = tuple(keys)
        self._signed_at = int(signed_at.timestamp())
        self._shapes: dict[tuple[int, ...], tuple[_Prefix, ...]] = {}

    def sign(self, data: bytes) -> bytes:
        """Return the DKIM-Signature fields, each ending with CRLF, to set before the message `data`.

        `data` is the message as it leaves: CRLF line ends, not dot-stuffed. Raises Unsignable.
        """
        head, body = split(data)
        fields = relaxed_fields(head, _WANTED)
        if len(fields.get(b"from", ())) != 1:
            raise Unsignable("The message has not exactly one From.")
        body_hash = b2a_base64(hashlib.sha256(simple_body(body)).digest(), newline=False)
        # Where a field occurs more than once, the lowest is signed first (RFC 6376 section 5.4.2).
        signed = [field for name in _ORDER if name in fields for field in reversed(fields[name])]
        signed_head = b"\r\n".join(signed) + b"\r\n"
        block: list[bytes] = []
        for key, prefix in zip(self._keys, self._prefixes(fields), strict=True):
            raw = key.sign(signed_head + prefix.canonical + body_hash + b"; b=")
            text = b2a_base64(raw, newline=False)
            lines = [text[at : at + _SIGNATURE_LINE] for at in range(0, len(text), _SIGNATURE_LINE)]
            block += (prefix.folded, body_hash, b";\r\n b=", b"\r\n ".join(lines), b"\r\n")
        return b"".join(block)

    def signed(self, message: Composed) -> Composed:
        """Return `message` with its signatures before it."""
        return replace(message, data=self.sign(message.data) + message.data)

    def _prefixes(self, fields: dict[bytes, list[bytes]]) -> "tuple[_Prefix, ...]":
        """Return what stands before the hashes in each signature; equal for all messages with the same fields."""
        shape = tuple([len(fields[name]) if name in fields else 0 for name in _ORDER])
        found = self._shapes.get(shape)
        if found is None:
            if len(self._shapes) >= _MOST_SHAPES:
                self._shapes.clear()
            names = [
                name
                for name, count in zip(_ORDER, shape, strict=True)
                for _ in range(count + 1 if name in OVERSIGNED else count)
            ]
            found = tuple(_Prefix(self.domain, key, self._signed_at, names) for key in self._keys)
            self._shapes[shape] = found
        return found


class _Prefix:
    """The start of a DKIM-Signature field up to `bh=`: `folded` as it is sent, `canonical` as it is hashed."""

    __slots__ = ("canonical", "folded")

    def __init__(self, domain: str, key: DkimKey, signed_at: int, names: list[bytes]) -> None:
        tags = f"v=1; a={key.algorithm.value}; c=relaxed/simple;\r\n d={domain};\r\n s={key.selector}; t={signed_at};"
        value = tags.encode("ascii") + b"\r\n " + _fold_names(names) + b";\r\n bh="
        self.folded = b"DKIM-Signature: " + value
        # Every fold is CRLF and one blank, and there are no other runs of blanks: unfolding is all that relaxed does.
        self.canonical = b"dkim-signature:" + value.replace(b"\r\n ", b" ")


def open_signer(instance: Path, signed_with: SignedWith, *, signed_at: datetime) -> Signer:
    """Return the signer of a mailing, its keys read from the instance's folder; raise KeyRefused.

    `signed_with` and `signed_at` are what the mailing froze, so a rotation in between changes nothing (S48).
    """
    keys = [dkim_keys.load(instance, selector) for selector in signed_with.selectors]
    return Signer(signed_with.domain, keys, signed_at=signed_at)


def _fold_names(names: list[bytes]) -> bytes:
    """Return `h=from:from:to…` folded after colons (RFC 6376 section 3.5)."""
    lines, line = [], b"h="
    for at, name in enumerate(names):
        word = name if at == len(names) - 1 else name + b":"
        if len(line) + len(word) > _WIDTH - 2:  # the blank before the line, the semicolon after the last
            lines.append(line)
            line = b""
        line += word
    return b"\r\n ".join([*lines, line])
