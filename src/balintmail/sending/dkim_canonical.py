"""The canonical forms of a message that DKIM hashes: header fields relaxed, body simple (RFC 6376 section 3.4).

It changes no message. Relaxed for the fields, because relays refold them. Simple for the body, because the bodies are
quoted-printable or base64: no line ends in a blank and no relay has a reason to touch one, so relaxed would forgive
nothing more, and would cost a search for runs of blanks in every letter (20 to 90 microseconds in 12 KB).
Called by dkim.py.
"""

from balintmail.errors import BalintmailError

_CRLF = b"\r\n"
_MANY_LINES = _CRLF * 512


class Unsignable(BalintmailError):
    """The bytes are no message that can be signed: a bare CR or LF, a line that is no field, no From or two."""

    code = "unsignable"


def simple_body(body: bytes) -> bytes:
    """Return `body` with exactly one CRLF at its end (section 3.4.3); the very same object where that is so already."""
    if body.endswith(_CRLF) and not body.endswith(b"\r\n\r\n"):
        return body
    while body.endswith(_CRLF):
        body = body[:-2] if not body.endswith(_MANY_LINES) else body[: -len(_MANY_LINES)]
    return body + _CRLF


def relaxed_fields(head: bytes, wanted: frozenset[bytes]) -> dict[bytes, list[bytes]]:
    """Return the `wanted` fields (names in small letters) in relaxed form (section 3.4.2), from top to bottom.

    `head` is the header without the empty line that ends it. Raises Unsignable for a line that is no field.
    """
    if b"\t" in head:
        head = head.replace(b"\t", b" ")
    flat = _single_blanks(head.replace(b"\r\n ", b" "))
    found: dict[bytes, list[bytes]] = {}
    for line in flat.split(_CRLF):
        name, colon, value = line.partition(b":")
        key = name.lower()
        # A blank before the colon is obsolete syntax (RFC 5322 section 4.5.8), and verifiers read it differently.
        if not colon or not key or b" " in key:
            raise Unsignable("The message's header holds a line that is no field.")
        if key in wanted:
            field = key + b":" + value.strip(b" ")
            if key in found:
                found[key].append(field)
            else:
                found[key] = [field]
    return found


def split(data: bytes) -> tuple[bytes, bytes]:
    """Return header and body of a message, without the empty line between them; raise Unsignable for a bare CR or LF.

    In the body a bare CR and a bare LF that make up for one another are not seen: searching for pairs would cost more
    than hashing. There they would spoil the signature; in the header, where they could smuggle a field, all are seen.
    """
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.removesuffix(_CRLF)
    ends = head.count(_CRLF)
    if not ends == head.count(b"\n") == head.count(b"\r") or body.count(b"\n") != body.count(b"\r"):
        raise Unsignable("The message holds a CR or LF that is not part of a CRLF; it would not arrive as signed.")
    return head, body


def _single_blanks(text: bytes) -> bytes:
    """Return `text` with each run of blanks made one; halving a run at a time beats a regular expression."""
    while b"  " in text:
        text = text.replace(b"  ", b" ")
    return text
