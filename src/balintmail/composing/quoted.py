"""Write text as quoted-printable (RFC 2045 section 6.7), constant parts and merged values apart.

Every piece begins at the start of a line and ends with a hard or a soft line break, so that pieces can be joined in
any order without looking at them again. No line is longer than 76 octets, none begins with a dot (SMTP's dot-stuffing
changes nothing, RFC 5321 section 4.5.2) or with "From " (mbox files change that), none ends in a space.
"""

import re
from binascii import a2b_qp

SOFT_BREAK = "=\r\n"
LONGEST = 75  # octets of a line before its soft break's "="

_TABLE = tuple(
    chr(octet) if (33 <= octet <= 126 and octet != 61) or octet in {9, 32} else f"={octet:02X}" for octet in range(256)
)
_PLAIN_VALUE = re.compile(r"[A-EG-Za-z0-9][A-Za-z0-9 ,;:()/'&@_+-]{0,70}")


def constant(text: str) -> str:
    """Return `text`, whose lines end in LF, encoded; it ends with a soft break unless `text` ends with LF."""
    *whole, rest = text.split("\n")
    out = [_line(line, hard=True) for line in whole]
    if rest:
        out.append(_line(rest, hard=False))
    return "".join(out)


def value(text: str) -> bytes:
    """Return one merged value (no line ends in it) encoded, a soft break after it."""
    if _PLAIN_VALUE.fullmatch(text):
        return text.encode("ascii") + b"=\r\n"
    return _line(text, hard=False).encode("ascii") if text else b""


def decode(encoded: bytes) -> str:
    """Return the text that pieces of this module encode, lines ended by LF."""
    return a2b_qp(encoded).replace(b"\r\n", b"\n").decode("utf-8")


def decoded_bytes(encoded: bytes) -> int:
    """Return how many bytes of UTF-8 `decode` gives, without decoding: `check` asks for everybody's."""
    soft = encoded.count(b"=\r\n")
    escapes = encoded.count(b"=") - soft
    hard = encoded.count(b"\r\n") - soft
    return len(encoded) - 3 * soft - 2 * escapes - hard


def _line(text: str, *, hard: bool) -> str:
    """Return one line of text as lines of quoted-printable, the last ended by a hard or a soft break."""
    units = [_TABLE[octet] for octet in text.encode("utf-8", "replace")]
    if not hard and len(whole := "".join(units)) <= LONGEST and not whole.startswith((".", "From ")):
        return whole + SOFT_BREAK
    if hard and units and units[-1] in {" ", "\t"}:
        units[-1] = f"={ord(units[-1]):02X}"
    lines: list[str] = []
    start = 0
    while True:
        first = _guarded(units, start)
        length, end = len(first), start + 1
        while end < len(units) and length + len(units[end]) <= LONGEST:
            length += len(units[end])
            end += 1
        lines.append(first + "".join(units[start + 1 : end]))
        if end >= len(units):
            break
        start = end
    return SOFT_BREAK.join(lines) + ("\r\n" if hard else SOFT_BREAK)


def _guarded(units: list[str], start: int) -> str:
    """Return the first unit of a line, encoded where it would be a dot or begin "From "."""
    unit = units[start] if start < len(units) else ""
    if unit == ".":
        return "=2E"
    if unit == "F" and units[start : start + 5] == ["F", "r", "o", "m", " "]:
        return "=46"
    return unit
