"""The last gate before the wire: is this envelope and are these bytes fit to be sent as they are?

It never mends a message beyond dot-stuffing: what composing should not have made is refused, for that person alone.
What composing has proven (composing/proof.py) is not looked over again: that would cost more than making the letter.
Sources: RFC 5321 sections 2.3.8 (bare CR and LF), 4.5.2 (transparency) and 4.5.3.1.6 (line length); RFC 6531.
"""

import re

from balintmail.domain.outcome import Composed
from balintmail.domain.wireform import LONGEST_TEXT_LINE, begins_a_line_with_a_dot, fault_of_lines

__all__ = ["ADDRESS_FAULT", "DOT", "LONGEST_TEXT_LINE", "body_of", "fault_of"]

ADDRESS_FAULT = "the address cannot be written in an SMTP command"
DOT = b"\r\n.\r\n"  # the final CRLF of the message belongs to it: RFC 5321 section 4.1.1.4
# No control, no blank, no bracket, no delete: nothing that could end a path or a command (S50).
_UNFIT = re.compile(r"[\x00-\x20<>\x7f]")


def fault_of(message: Composed) -> str:
    """Return why `message` cannot go over the wire, or "" when it can."""
    envelope = message.envelope
    if not envelope.recipient or _UNFIT.search(envelope.recipient) or _UNFIT.search(envelope.sender):
        return ADDRESS_FAULT
    if message.proven and envelope.recipient.isascii() and envelope.sender.isascii():
        return ""
    plain = envelope.recipient.isascii() and envelope.sender.isascii() and message.data.isascii()
    if not plain and not envelope.smtputf8:
        return "the message has letters beyond ASCII but does not ask for SMTPUTF8"
    return fault_of_lines(message.data)


def body_of(message: Composed) -> bytes:
    """Return the bytes that leave before the dot: stuffed, without the last CRLF, which goes with the dot."""
    data = message.data
    if not message.proven and begins_a_line_with_a_dot(data):
        data = (b"\n" + data).replace(b"\n.", b"\n..")[1:]
    return data[:-2]
