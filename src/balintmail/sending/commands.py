"""What a relay offers, whether it can be given a message, and the commands that hand it over.

It never writes to a connection. Sources: RFC 5321 section 4.1.1, RFC 1870 (SIZE), RFC 3461 section 4 (DSN), RFC 6152
(8BITMIME), RFC 6531 (SMTPUTF8), RFC 6533 section 3 (ORCPT beyond ASCII), RFC 9422 section 4 (LIMITS). Nothing is said
that was not offered, and what is offered and then refused is left out from then on (I12). Used by smtp_lane.py; the
offer is read by connect.py.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from balintmail.domain.outcome import Composed
from balintmail.sending.outcomes import Misfit, Unfit
from balintmail.sending.wire import ADDRESS_FAULT, fault_of

QUIT = b"QUIT\r\n"
_LIMIT = re.compile(r"(?:^|\s)(MAILMAX|RCPTDOMAINMAX)=(\d{1,6})(?=\s|$)", re.IGNORECASE)
_UNITEXT = str.maketrans({"+": r"\x{2B}", "=": r"\x{3D}", "\\": r"\x{5C}"})  # RFC 6533 section 3


@dataclass(frozen=True, slots=True)
class Offer:
    """What the relay said in its last EHLO, after TLS.

    `size` is in octets (0: no limit was declared), `messages` how many transactions one connection may carry and
    `domains` how many recipient domains (None: not said; RCPTMAX is no limit to us, who name one recipient at a time).
    `dsn` and `sizes` say whether MAIL and RCPT may carry the parameters of RFC 3461 and RFC 1870. `keywords` is all of
    it as it was said, keyword (lower case) to parameters, for whoever shows it.
    """

    pipelining: bool = False
    smtputf8: bool = False
    eightbitmime: bool = False
    size: int = 0
    messages: int | None = None
    domains: int | None = None
    dsn: bool = False
    sizes: bool = False
    keywords: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def extras(self) -> bool:
        """Whether commands carry parameters that a letter could do without."""
        return self.dsn or self.sizes

    def without_extras(self) -> "Offer":
        """Return the same without those parameters."""
        return replace(self, dsn=False, sizes=False) if self.extras else self


def read_offer(extensions: dict[str, str]) -> Offer:
    """Return the offer in EHLO's keywords (lower case) with their parameters; what makes no sense was not offered."""
    size = extensions.get("size", "").strip()
    limits = {found[1].upper(): max(1, int(found[2])) for found in _LIMIT.finditer(extensions.get("limits", ""))}
    return Offer(
        pipelining="pipelining" in extensions,
        smtputf8="smtputf8" in extensions,
        eightbitmime="8bitmime" in extensions,
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 20 else 0,
        messages=limits.get("MAILMAX"),
        domains=limits.get("RCPTDOMAINMAX"),
        dsn="dsn" in extensions,
        sizes="size" in extensions,
        keywords=dict(extensions),
    )


def unfit_for(offer: Offer, message: Composed) -> Unfit | None:
    """Return why a relay with this offer cannot be given `message`, or None when it can."""
    if fault := fault_of(message):
        return Unfit(fault, Misfit.ADDRESS if fault == ADDRESS_FAULT else Misfit.CONTENT)
    if message.envelope.smtputf8:
        if not offer.smtputf8:
            why = "the relay takes no letters beyond a to z before an @-sign: it does not offer SMTPUTF8"
            return Unfit(why, Misfit.UTF8)
        if not offer.eightbitmime and not message.data.isascii():
            return Unfit("the relay cannot take letters beyond ASCII: it does not offer 8BITMIME", Misfit.EIGHT_BIT)
    if offer.size and len(message.data) > offer.size:
        why = f"the message has {len(message.data)} octets and the relay takes at most {offer.size}"
        return Unfit(why, Misfit.SIZE)
    return None


def mail(message: Composed, offer: Offer) -> bytes:
    """Return the MAIL command. The envelope's id (S39) is the delivery's, so that a report names it."""
    envelope = message.envelope
    parameters = ""
    if envelope.smtputf8:
        parameters = " SMTPUTF8" if message.data.isascii() else " BODY=8BITMIME SMTPUTF8"
    if offer.dsn:
        parameters += f" RET=HDRS ENVID={message.delivery}"
    if offer.sizes:
        parameters += f" SIZE={len(message.data)}"
    return f"MAIL FROM:<{envelope.sender}>{parameters}\r\n".encode()


def rcpt(message: Composed, offer: Offer) -> bytes:
    """Return the RCPT command."""
    recipient = message.envelope.recipient
    parameters = f" NOTIFY=FAILURE,DELAY ORCPT={_original(recipient)}" if offer.dsn else ""
    return f"RCPT TO:<{recipient}>{parameters}\r\n".encode()


def _original(recipient: str) -> str:
    """Return an address as ORCPT has it: xtext (RFC 3461 section 4), or RFC 6533's own form beyond ASCII."""
    if recipient.isascii():
        return "rfc822;" + recipient.replace("+", "+2B").replace("=", "+3D")
    return "utf-8;" + recipient.translate(_UNITEXT)


def data(_: Composed, __: Offer) -> bytes:
    """Return the DATA command."""
    return b"DATA\r\n"


def reset(_: Composed, __: Offer) -> bytes:
    """Return the RSET command, which forgets a transaction that was refused half-way."""
    return b"RSET\r\n"


def whole(message: Composed, offer: Offer) -> bytes:
    """Return MAIL, RCPT and DATA in one piece, for a relay that takes commands in groups (RFC 2920)."""
    return mail(message, offer) + rcpt(message, offer) + b"DATA\r\n"
