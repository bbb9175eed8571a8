"""What a relay offers, whether it can be given a message, and the commands that hand it over.

It never writes to a connection. Sources: RFC 5321 section 4.1.1, RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531
(SMTPUTF8), RFC 9422 (LIMITS). Optional parameters are left out where a relay can do without them: an offer it then
refuses costs a letter (I12). Used by smtp_lane.py; the offer is read by connect.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from balintmail.domain.outcome import Composed
from balintmail.sending.wire import fault_of

QUIT = b"QUIT\r\n"
_MAILMAX = re.compile(r"(?:^|\s)MAILMAX=(\d{1,6})(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Offer:
    """What the relay said in its last EHLO, after TLS.

    `size` is in octets (0: no limit was declared), `messages` how many one connection may carry (None: not said).
    `keywords` is all of it as it was said, keyword (lower case) to parameters, for whoever shows it.
    """

    pipelining: bool = False
    smtputf8: bool = False
    eightbitmime: bool = False
    size: int = 0
    messages: int | None = None
    keywords: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def read_offer(extensions: dict[str, str]) -> Offer:
    """Return the offer in EHLO's keywords (lower case) with their parameters; what makes no sense was not offered."""
    size = extensions.get("size", "").strip()
    mailmax = _MAILMAX.search(extensions.get("limits", ""))
    return Offer(
        pipelining="pipelining" in extensions,
        smtputf8="smtputf8" in extensions,
        eightbitmime="8bitmime" in extensions,
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 20 else 0,
        messages=max(1, int(mailmax[1])) if mailmax else None,
        keywords=dict(extensions),
    )


def unfit_for(offer: Offer, message: Composed) -> str:
    """Return why a relay with this offer cannot be given `message`, or "" when it can."""
    if fault := fault_of(message):
        return fault
    if message.envelope.smtputf8:
        if not offer.smtputf8:
            return "the relay takes no letters beyond a to z before an @-sign: it does not offer SMTPUTF8"
        if not offer.eightbitmime and not message.data.isascii():
            return "the relay cannot take letters beyond ASCII: it does not offer 8BITMIME"
    if offer.size and len(message.data) > offer.size:
        return f"the message has {len(message.data)} octets and the relay takes at most {offer.size}"
    return ""


def mail(message: Composed) -> bytes:
    """Return the MAIL command."""
    envelope = message.envelope
    parameters = ""
    if envelope.smtputf8:
        parameters = " SMTPUTF8" if message.data.isascii() else " BODY=8BITMIME SMTPUTF8"
    return f"MAIL FROM:<{envelope.sender}>{parameters}\r\n".encode()


def rcpt(message: Composed) -> bytes:
    """Return the RCPT command."""
    return f"RCPT TO:<{message.envelope.recipient}>\r\n".encode()


def data(_: Composed) -> bytes:
    """Return the DATA command."""
    return b"DATA\r\n"


def reset(_: Composed) -> bytes:
    """Return the RSET command, which forgets a transaction that was refused half-way."""
    return b"RSET\r\n"


def whole(message: Composed) -> bytes:
    """Return MAIL, RCPT and DATA in one piece, for a relay that takes commands in groups (RFC 2920)."""
    return mail(message) + rcpt(message) + data(message)
