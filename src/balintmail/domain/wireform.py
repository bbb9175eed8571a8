"""What the bytes of a message must be to go over the wire as they are; pure, and it mends nothing.

Sources: RFC 5321 section 2.3.8 (bare CR and LF), RFC 5322 section 2.1.1 (line length). Asked by composing once for
each shape of a letter (composing/proof.py), and by sending for every message that composing has not proven.
"""

import re

LONGEST_TEXT_LINE = 998  # octets without CRLF; RFC 5322 section 2.1.1
# Lines of at most 998 octets, each LF behind a CR: one pass, where the obvious calls take three times as long.
_LINES = re.compile(rb"(?:.{0,%d}\r\n)*+" % LONGEST_TEXT_LINE)
_LEADING_DOT = re.compile(rb"\n\.")


def fault_of_lines(data: bytes) -> str:
    """Return why the lines of a message cannot go over the wire, or "" when they can."""
    if not data.endswith(b"\r\n"):
        return "the message does not end with a line end"
    if _LINES.fullmatch(data) and data.count(b"\n") == data.count(b"\r"):
        return ""
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        return "the message has a bare CR or LF"
    return f"the message has a line above {LONGEST_TEXT_LINE} octets"


def begins_a_line_with_a_dot(data: bytes) -> bool:
    """Return whether a line begins with a dot, which would have to be doubled (RFC 5321 section 4.5.2)."""
    return data.startswith(b".") or _LEADING_DOT.search(data) is not None
