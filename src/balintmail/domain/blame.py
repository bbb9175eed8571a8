"""Say whose matter an answer is: the person's, ours, or the relay's. A policy refusal is never a person's fault (S20).

Pure. Sources: RFC 3463 section 3 (subjects and details of enhanced codes); RFC 7372 (authentication failures); RFC 7505
section 4.2 (5.7.27); the senders' rules of Gmail and Outlook.com for the codes above. Used by domain/judgement.py and
domain/pace.py.
"""

import re
from enum import StrEnum

from balintmail.domain.outcome import Outcome, Stage, Verdict

# x.7.N that speak of how we send: DKIM, SPF, reverse DNS, DMARC, TLS, alignment; 509 and 515 are Outlook.com's.
OUR_FAULTS = frozenset({20, 21, 22, 23, 24, 25, 26, 27, 29, 30, 32, 509, 515})
_WANTS_AUTH = frozenset({530, 534, 535, 538})  # RFC 4954 section 6
_TOO_BIG = "3.4"
_SENDER = frozenset({"1.7", "1.8"})  # the sender's address, not the recipient's
_ADDRESS = re.compile(r"<?[^\s<>]+@[^\s<>]+>?")


class Blame(StrEnum):
    """Whose matter an answer that is no yes is."""

    NOBODY = "nobody"  # accepted, or surely not sent
    PERSON = "person"  # their address, their mailbox
    POLICY = "policy"  # a rule that somebody applies to us or to this letter
    OURS = "ours"  # how we send is not as it must be; somebody here has to mend it
    RELAY = "relay"  # busy, full, out of order
    DOUBT = "doubt"  # no answer


def blame(outcome: Outcome) -> Blame:
    """Return whose matter `outcome` is."""
    if outcome.verdict in {Verdict.ACCEPTED, Verdict.NOT_SENT}:
        return Blame.NOBODY
    if outcome.verdict is Verdict.UNKNOWN:
        return Blame.DOUBT
    _, _, detail = outcome.enhanced.partition(".")
    subject, _, number = detail.partition(".")
    if outcome.code in _WANTS_AUTH or (subject == "7" and number.isdigit() and int(number) in OUR_FAULTS):
        return Blame.OURS
    if outcome.verdict is Verdict.DEFERRED:
        return Blame.PERSON if subject in {"1", "2"} else Blame.RELAY
    if outcome.stage is Stage.LOCAL:  # refused by ourselves; a letter too big for the relay may be everybody's
        return Blame.POLICY if detail == _TOO_BIG else Blame.PERSON
    if subject == "7" or detail in _SENDER:
        return Blame.POLICY
    if outcome.stage is Stage.RCPT or subject in {"1", "2"}:
        return Blame.PERSON
    return Blame.POLICY


def without_addresses(text: str) -> str:
    """Return a relay's words without the addresses in them, so that they may stand where nobody erases."""
    return _ADDRESS.sub("…", text)
