"""What each thing that can happen at each stage of a transaction means, all in this one file.

It never talks to anybody and never decides about the next attempt (that is domain/retry.py).
Sources: RFC 5321 sections 4.2.1 (the first digit decides), 4.5.3.1.10 (552 at RCPT) and 6.1 (who is responsible after
the dot); RFC 7504 (521, 556); RFC 4954 section 6 (the replies that ask for AUTH); RFC 3463.
Called by smtp_lane.py, connect.py and outbox.py.

    stage            2xx        3xx        4xx            5xx        garbage, silence   line lost
    MAIL             go on      deferred   deferred (*)   refused    deferred           not sent
    RCPT             go on      deferred   deferred       refused    deferred           not sent
    DATA             deferred   go on      deferred       refused    deferred           not sent
    BODY, unasked    deferred   deferred   deferred       refused    deferred           not sent
    DOT              accepted   unknown    deferred       refused    unknown            unknown

    (*) a 421, 452 or 503 to MAIL on a connection that has carried messages is "not sent" and ends it: the relay's
    habit, and no word about the next person; a fresh connection shows whether it was meant for all of us. "Not sent"
    goes back to the queue at once; dispatch counts how often. So does a message whose optional
    parameters were refused although they had been offered (I12): it leaves without them.

Before anything is said (LOCAL), what this relay cannot be given is refused with the enhanced code of its reason
(`Misfit`), and what this connection cannot carry any more is "not sent" (`elsewhere`).
"""

from dataclasses import dataclass
from enum import StrEnum

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.replies import Reply, shown

SERVICE_ENDS = 421  # may come at any time; the connection ends with it
OUT_OF_STEP = 503  # the two sides disagree on where they are: go on with a fresh connection
NO_MORE_HERE = 452  # OpenSMTPD after so many messages (100) on a connection, which it keeps: "Too many messages sent"
TOO_MANY_RECIPIENTS = 552  # "SHOULD be treated as 452" when it answers RCPT
PARAMETERS_REFUSED = frozenset({501, 504, 555})  # to MAIL or RCPT: RFC 5321 sections 4.1.1.11 and 4.2.4
# They speak about our session and never about a recipient: RFC 4954 section 6.
WANTS_AUTH = frozenset({530, 534, 535, 538})


class Misfit(StrEnum):
    """Why a relay cannot be given a message, as an enhanced code (RFC 3463; RFC 6531 section 4.2 for X.6.7)."""

    ADDRESS = "5.1.3"
    SIZE = "5.3.4"
    CONTENT = "5.6.0"
    EIGHT_BIT = "5.6.1"
    UTF8 = "5.6.7"


@dataclass(frozen=True, slots=True)
class Unfit:
    """Why a message cannot be given to a relay, in words and as a code."""

    why: str
    code: Misfit


def verdict_of(stage: Stage, code: int, *, served: int = 0) -> Verdict:
    """Return what the reply `code` (200 to 599) at `stage` means when it does not let the transaction go on.

    `served` is the number of messages that this connection has carried before.
    """
    kind = code // 100
    if stage is Stage.DOT and kind in {2, 3}:
        return Verdict.ACCEPTED if kind == 2 else Verdict.UNKNOWN
    if has_served_enough(stage, code, served):
        return Verdict.NOT_SENT
    if kind == 5 and not _speaks_of_something_else(stage, code):
        return Verdict.REFUSED
    return Verdict.DEFERRED


def _speaks_of_something_else(stage: Stage, code: int) -> bool:
    return (stage is Stage.RCPT and code == TOO_MANY_RECIPIENTS) or (stage is Stage.MAIL and code in WANTS_AUTH)


def has_served_enough(stage: Stage, code: int, served: int) -> bool:
    """Whether a relay says that this connection, and not the next person, has had its share."""
    return stage is Stage.MAIL and served > 0 and code in {SERVICE_ENDS, OUT_OF_STEP, NO_MORE_HERE}


def ends_connection(code: int) -> bool:
    """Whether a connection that said `code` is of no further use."""
    return code in {SERVICE_ENDS, OUT_OF_STEP} or code in WANTS_AUTH


def answered(stage: Stage, reply: Reply, relay: str, *, served: int = 0) -> Outcome:
    """Return the outcome that `reply` is at `stage`."""
    verdict = verdict_of(stage, reply.code, served=served)
    return Outcome(verdict, stage, reply.code, reply.enhanced, reply.text, relay)


def disturbed(stage: Stage, why: str, relay: str) -> Outcome:
    """Return the outcome of a transaction whose relay fell silent or spoke nonsense at `stage`."""
    verdict = Verdict.UNKNOWN if stage is Stage.DOT else Verdict.DEFERRED
    return Outcome(verdict, stage, reply=shown(why), relay=relay)


def lost(stage: Stage, why: str, relay: str) -> Outcome:
    """Return the outcome of a transaction whose connection ended at `stage`."""
    verdict = Verdict.UNKNOWN if stage is Stage.DOT else Verdict.NOT_SENT
    return Outcome(verdict, stage, reply=shown(why), relay=relay)


def withdrawn(stage: Stage, relay: str) -> Outcome:
    """Return the outcome of a message that we took back ourselves (`abort`)."""
    if stage is Stage.DOT:
        return Outcome(Verdict.UNKNOWN, stage, reply="the connection was dropped before the answer came", relay=relay)
    return Outcome(Verdict.NOT_SENT, stage, reply="taken back before the closing dot", relay=relay)


def unfit(fault: Unfit, relay: str) -> Outcome:
    """Return the outcome of a message that this relay, or any, cannot be given. Nothing touched the network."""
    return Outcome(Verdict.REFUSED, Stage.LOCAL, enhanced=fault.code.value, reply=shown(fault.why), relay=relay)


def elsewhere(relay: str) -> Outcome:
    """Return the outcome of a message that needs a fresh connection. Nothing touched the network."""
    return Outcome(Verdict.NOT_SENT, Stage.LOCAL, reply="this connection takes no further domain", relay=relay)


def refuses_parameters(stage: Stage, reply: Reply) -> bool:
    """Whether a reply may be about the parameters of a command and not about whom it names."""
    return stage in {Stage.MAIL, Stage.RCPT} and (reply.code in PARAMETERS_REFUSED or reply.enhanced == "5.5.4")


def unasked_for(stage: Stage, reply: Reply, relay: str) -> Outcome:
    """Return the outcome of a message whose parameters were refused: it may leave without them."""
    return Outcome(Verdict.NOT_SENT, stage, reply.code, reply.enhanced, reply.text, relay)


def accepted_locally(relay: str, where: str) -> Outcome:
    """Return the outcome of a message that lies in the outbox."""
    return Outcome(Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0", shown(where), relay)


def failed_locally(stage: Stage, why: str, relay: str) -> Outcome:
    """Return the outcome of a write that failed: the disk may have room again later."""
    return Outcome(Verdict.DEFERRED, stage, reply=shown(why), relay=relay)


def unreachable(stage: Stage, why: str, relay: str) -> Outcome:
    """Return why no lane can be had now; time may mend it."""
    return Outcome(Verdict.DEFERRED, stage, reply=shown(why), relay=relay)


def misconfigured(stage: Stage, why: str, relay: str) -> Outcome:
    """Return why no lane can be had until somebody mends a setting, a password or a certificate."""
    return Outcome(Verdict.REFUSED, stage, reply=shown(why), relay=relay)


def turned_away(stage: Stage, code: int, text: str, relay: str) -> Outcome:
    """Return the outcome of a refusal before any transaction: 4xx passes, 5xx has to be mended."""
    reply = Reply(code, text.encode("utf-8", "surrogateescape").replace(b"\n", b" "))
    verdict = Verdict.REFUSED if code // 100 == 5 else Verdict.DEFERRED
    return Outcome(verdict, stage, code if 200 <= code <= 599 else 0, reply.enhanced, reply.text, relay)
