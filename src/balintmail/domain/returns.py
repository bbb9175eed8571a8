"""What came back: the kinds of inbound mail, what each means for an address, and why; decides nothing.

Pure. judging.py reads the words of mail systems, so that whoever only asks what was found need not load its patterns.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What one inbound message is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    AUTO_REPLY = "auto_reply"
    COMMAND = "command"
    LETTER = "letter"
    BROKEN = "broken"


class Sentence(StrEnum):
    """What a report means for the address that it names."""

    HARD = "hard"  # nobody is there, and waiting changes nothing
    SOFT = "soft"  # not this time
    POLICY = "policy"  # somebody's rule about us or the letter; says nothing about the address
    COMPLAINT = "complaint"
    IGNORE = "ignore"  # no failure: delayed, delivered, relayed


class Reason(StrEnum):
    """Why, in the words of the contract."""

    NO_SUCH_USER = "no_such_user"
    HOST_UNKNOWN = "host_unknown"
    MOVED = "moved"
    MAILBOX_FULL = "mailbox_full"
    INACTIVE = "inactive"
    TOO_BIG = "too_big"
    POLICY = "policy"
    SPAM_BLOCK = "spam_block"
    EXPIRED = "expired"
    RELAYING = "relaying"
    NETWORK = "network"
    CONTENT = "content"
    OTHER = "other"


# What the Secretary reads.
REASON_WORDS: dict[Reason, str] = {
    Reason.NO_SUCH_USER: "no such user",
    Reason.HOST_UNKNOWN: "no such host",
    Reason.MOVED: "moved",
    Reason.MAILBOX_FULL: "mailbox full",
    Reason.INACTIVE: "mailbox out of use",
    Reason.TOO_BIG: "message too big",
    Reason.POLICY: "refused by a rule",
    Reason.SPAM_BLOCK: "taken for spam",
    Reason.EXPIRED: "given up after trying for days",
    Reason.RELAYING: "the server does not take mail for it",
    Reason.NETWORK: "server not reached",
    Reason.CONTENT: "the letter's form refused",
    Reason.OTHER: "reason not given",
}


@dataclass(frozen=True, slots=True)
class Judged:
    """What a failure means: `status` is the best enhanced code known, or ""."""

    sentence: Sentence
    reason: Reason
    status: str
