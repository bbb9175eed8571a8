"""The values that cross from composing to sending and back: envelope, composed message, outcome.

They decide nothing; what an outcome means for the next attempt is `domain/retry.py`.
Stages follow RFC 5321 section 4.1.4 (order of commands) and 6.1 (who is responsible after the final dot).
"""

from enum import StrEnum

from balintmail.domain.hot import hot


class Stage(StrEnum):
    """How far a transaction had come when its answer, or its silence, was seen."""

    LOCAL = "local"  # decided by us, before any network
    CONNECT = "connect"
    GREETING = "greeting"
    TLS = "tls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # the body is leaving or has left; the closing dot is held back
    DOT = "dot"  # the dot may have left


class Verdict(StrEnum):
    """What is known after one attempt."""

    ACCEPTED = "accepted"  # 250 after the dot
    DEFERRED = "deferred"  # 4xx, or a fault before the dot that time may mend
    REFUSED = "refused"  # 5xx about this recipient or this message
    UNKNOWN = "unknown"  # the dot left and no answer was read
    NOT_SENT = "not_sent"  # surely not taken and nobody's fault: the row goes back to the queue


@hot(frozen=True, slots=True)
class Outcome:
    """What one attempt gave.

    `code` is the SMTP reply code (0: none was read), `enhanced` the RFC 3463 code or "", `reply` the relay's
    whole text, lines joined by a blank, control characters escaped, at most 1,000 characters.
    """

    verdict: Verdict
    stage: Stage
    code: int = 0
    enhanced: str = ""
    reply: str = ""
    relay: str = ""


@hot(frozen=True, slots=True)
class Envelope:
    """Who a message is from and to on the wire, in ASCII unless `smtputf8`."""

    sender: str
    recipient: str
    smtputf8: bool = False


@hot(frozen=True, slots=True)
class Composed:
    """One person's message, ready for a transport.

    `data` has CRLF line ends only, ends with CRLF, no line begins with a dot (composing encodes it, so stuffing
    changes nothing), and every byte is below 128 unless `envelope.smtputf8`. `proven` says that composing has shown
    this of these very bytes, piece by piece; without it they are looked over once more before they leave.
    """

    delivery: int
    envelope: Envelope
    message_id: str
    data: bytes
    proven: bool = False
