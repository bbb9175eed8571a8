"""The faults a relay can be given, each a small named function that makes a `Fault` value.

A fault names the step at which it strikes and what happens there instead of the usual reply. Whatever a test needs and
is not here is a `Fault(...)` of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """Where a fault strikes: just before the relay would answer (or go on reading, for BODY)."""

    GREETING = "greeting"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"  # once `at_bytes` of the body have come, be the dot among them or not; nothing is taken
    DOT = "dot"  # the dot has come, nothing is in the log yet
    ACCEPTED = "accepted"  # it is in the log (fsynced), the 250 has not left
    ANSWERED = "answered"  # the 250 has left
    RSET = "rset"
    QUIT = "quit"


class Then(StrEnum):
    """What the relay does after the (unusual) reply."""

    GO_ON = "go_on"
    CLOSE = "close"  # FIN
    RESET = "reset"  # RST
    STALL = "stall"  # keeps the connection and says nothing any more


@dataclass(frozen=True, slots=True)
class Fault:
    """One misbehaviour.

    `reply` is sent in place of the usual one (None: the usual one, b"": nothing), `cut` sends only its first bytes and
    `extra` more after it; `bytewise` sends byte by byte, `delay` waits so many seconds before. It strikes only where
    `match` is in the command, after the first `skip` occasions, on connections that have accepted `after_accepted`
    messages, and `times` times (None: always); `once_each` means once for each recipient.
    """

    step: Step
    reply: bytes | None = None
    then: Then = Then.GO_ON
    match: str = ""
    times: int | None = None
    skip: int = 0
    after_accepted: int = 0
    once_each: bool = False
    cut: int | None = None
    extra: bytes = b""
    bytewise: bool = False
    delay: float = 0.0
    at_bytes: int = 1


# Lines that break. `step` says where; before Step.DOT nothing was taken, from Step.ACCEPTED on it was.


def drops(step: str, times: int | None = None, match: str = "") -> Fault:
    """Close the connection (FIN) in place of the reply."""
    return Fault(Step(step), b"", Then.CLOSE, times=times, match=match)


def resets(step: str, times: int | None = None) -> Fault:
    """Reset the connection (RST) in place of the reply."""
    return Fault(Step(step), b"", Then.RESET, times=times)


def half_reply(step: str, times: int | None = None) -> Fault:
    """Send the first two bytes of the reply, then close."""
    return Fault(Step(step), then=Then.CLOSE, cut=2, times=times)


def stalls(step: str, times: int | None = None) -> Fault:
    """Say nothing and keep the connection."""
    return Fault(Step(step), b"", Then.STALL, times=times)


def drops_after_data(times: int | None = None) -> Fault:
    """Close where the 354 should come."""
    return drops(Step.DATA, times)


def stalls_on_data(times: int | None = None) -> Fault:
    """Never send the 354."""
    return stalls(Step.DATA, times)


def drops_mid_body(at_bytes: int = 100, times: int | None = None) -> Fault:
    """Close once so many bytes of the body have come."""
    return Fault(Step.BODY, b"", Then.CLOSE, times=times, at_bytes=at_bytes)


def drops_after_dot(times: int | None = None) -> Fault:
    """Close after the dot without having taken the message."""
    return drops(Step.DOT, times)


def drops_after_accepting(times: int | None = None) -> Fault:
    """Take the message, log it, and close without a word: the case nobody can know."""
    return drops(Step.ACCEPTED, times)


def stalls_after_accepting(times: int | None = None) -> Fault:
    """Take the message, log it, and never answer."""
    return stalls(Step.ACCEPTED, times)


def closes_with_421(after_accepted: int = 0, times: int | None = None) -> Fault:
    """Answer MAIL with 421 and close, once a connection has accepted so many messages."""
    reply = b"421 4.7.0 too many messages on this connection\r\n"
    return Fault(Step.MAIL, reply, Then.CLOSE, after_accepted=after_accepted, times=times)


# Answers.


def says(step: str, text: str, match: str = "", times: int | None = None) -> Fault:
    """Answer this line (CRLF is added) and go on."""
    return Fault(Step(step), text.encode() + b"\r\n", match=match, times=times)


def refuses_mail(text: str = "550 5.7.1 sender refused", times: int | None = None) -> Fault:
    """Refuse the sender."""
    return says(Step.MAIL, text, times=times)


def refuses_rcpt(match: str = "", text: str = "550 5.1.1 no such user", times: int | None = None) -> Fault:
    """Refuse the recipients whose address contains `match`."""
    return says(Step.RCPT, text, match, times)


def refuses_data(text: str = "554 5.5.1 no valid recipients", times: int | None = None) -> Fault:
    """Refuse DATA."""
    return says(Step.DATA, text, times=times)


def refuses_message(text: str = "554 5.7.1 content refused", times: int | None = None) -> Fault:
    """Refuse after the dot: a clear no."""
    return says(Step.DOT, text, times=times)


def defers_message(text: str = "451 4.3.0 try later", times: int | None = None) -> Fault:
    """Answer the dot with a 4xx."""
    return says(Step.DOT, text, times=times)


def greylists(text: str = "451 4.7.1 greylisted, try again later") -> Fault:
    """Refuse each recipient once."""
    return Fault(Step.RCPT, text.encode() + b"\r\n", once_each=True)


def quota_of(accepted: int, text: str = "452 4.5.3 quota exceeded") -> Fault:
    """Answer RCPT with a 452 once a connection has accepted so many messages."""
    return Fault(Step.RCPT, text.encode() + b"\r\n", after_accepted=accepted)


def refuses_auth(text: str = "535 5.7.8 authentication failed", times: int | None = None) -> Fault:
    """Refuse every password."""
    return says(Step.AUTH, text, times=times)


# Manners.


def splits_replies_by_byte(step: str) -> Fault:
    """Send the usual reply one byte at a time."""
    return Fault(Step(step), bytewise=True)


def answers_late(step: str, seconds: float, times: int | None = None) -> Fault:
    """Send the usual reply after so many seconds."""
    return Fault(Step(step), delay=seconds, times=times)


def extra_250(step: str) -> Fault:
    """Send the usual reply and, unasked, another 250."""
    return Fault(Step(step), extra=b"250 2.0.0 and again\r\n")


def injects_before_tls(text: str = "235 2.7.0 authentication successful") -> Fault:
    """Send more plain text behind the 220 of STARTTLS, as a man in the middle would (RFC 3207)."""
    return Fault(Step.STARTTLS, extra=text.encode() + b"\r\n")


BY_NAME: dict[str, Callable[..., Fault]] = {
    made.__name__: made
    for made in (
        drops,
        resets,
        half_reply,
        stalls,
        drops_after_data,
        stalls_on_data,
        drops_mid_body,
        drops_after_dot,
        drops_after_accepting,
        stalls_after_accepting,
        closes_with_421,
        says,
        refuses_mail,
        refuses_rcpt,
        refuses_data,
        refuses_message,
        defers_message,
        greylists,
        quota_of,
        refuses_auth,
        splits_replies_by_byte,
        answers_late,
        extra_250,
        injects_before_tls,
    )
}


def parse(text: str) -> Fault:
    """Return the fault that `name` or `name:argument,argument` names on a command line."""
    name, _, rest = text.partition(":")
    arguments = [int(part) if part.isdigit() else part for part in rest.split(",")] if rest else []
    return BY_NAME[name](*arguments)
