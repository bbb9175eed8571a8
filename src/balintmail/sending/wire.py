"""The last gate before the wire: is this envelope and are these bytes fit to be sent as they are?

It never mends a message beyond dot-stuffing: what composing should not have made is refused, for that person alone.
Sources: RFC 5321 sections 2.3.8 (bare CR and LF), 4.5.2 (transparency) and 4.5.3.1.6 (line length); RFC 6531.
"""

import re

from balintmail.domain.outcome import Composed

LONGEST_TEXT_LINE = 998  # octets without CRLF; RFC 5322 section 2.1.1
DOT = b"\r\n.\r\n"  # the final CRLF of the message belongs to it: RFC 5321 section 4.1.1.4
# Lines of at most 998 octets, each LF behind a CR: one pass, where the obvious calls take three times as long.
_LINES = re.compile(rb"(?:.{0,%d}\r\n)*+" % LONGEST_TEXT_LINE)
_LEADING_DOT = re.compile(rb"\n\.")
# No control, no blank, no bracket, no delete: nothing that could end a path or a command (S50).
_UNFIT = re.compile(r"[\x00-\x20<>\x7f]")


def fault_of(message: Composed) -> str:
    """Return why `message` cannot go over the wire, or "" when it can."""
    envelope, data = message.envelope, message.data
    if not envelope.recipient or _UNFIT.search(envelope.recipient) or _UNFIT.search(envelope.sender):
        return "the address cannot be written in an SMTP command"
    plain = envelope.recipient.isascii() and envelope.sender.isascii() and data.isascii()
    if not plain and not envelope.smtputf8:
        return "the message has letters beyond ASCII but does not ask for SMTPUTF8"
    if not data.endswith(b"\r\n"):
        return "the message does not end with a line end"
    if _LINES.fullmatch(data) and data.count(b"\n") == data.count(b"\r"):
        return ""
    if not data.count(b"\r\n") == data.count(b"\n") == data.count(b"\r"):
        return "the message has a bare CR or LF"
    return f"the message has a line above {LONGEST_TEXT_LINE} octets"


def body_of(message: Composed) -> bytes:
    """Return the bytes that leave before the dot: stuffed, without the last CRLF, which goes with the dot."""
    data = message.data
    if data.startswith(b".") or _LEADING_DOT.search(data):
        data = (b"\n" + data).replace(b"\n.", b"\n..")[1:]
    return data[:-2]
