"""Judge what a mail system's words and codes mean for the address that they are about.

Pure. A reason is read from the words first, because they say more than the codes, and many systems put 5.0.0 or 5.7.1
on everything; then from the enhanced status (RFC 3463, RFC 7505, RFC 7372), then from the reply code. Policy, fullness
and silence never mean a dead address (S36). Used by receiving/, which finds address and words.
"""

import re
from functools import lru_cache

from balintmail.domain.return_words import PASSING, WITH_NAMES, WORDS, bare, folded, unhedged
from balintmail.domain.returns import Judged, Reason, Sentence

LONGEST = 4000  # characters of a system's words that are looked at
_DEAD = frozenset({Reason.NO_SUCH_USER, Reason.HOST_UNKNOWN, Reason.MOVED})
_RULES = frozenset({Reason.POLICY, Reason.SPAM_BLOCK, Reason.RELAYING, Reason.CONTENT})

# RFC 3463 section 3; 5.1.10 is RFC 7505's. "1.1" stands for 4.1.1 and 5.1.1.
_BY_STATUS: dict[str, Reason] = {
    "1.1": Reason.NO_SUCH_USER,
    "1.2": Reason.HOST_UNKNOWN,
    "1.3": Reason.NO_SUCH_USER,
    "1.4": Reason.NO_SUCH_USER,
    "1.6": Reason.MOVED,
    "1.7": Reason.POLICY,  # the sender's address
    "1.8": Reason.POLICY,
    "1.9": Reason.POLICY,
    "1.10": Reason.HOST_UNKNOWN,
    "2.1": Reason.INACTIVE,
    "2.2": Reason.MAILBOX_FULL,
    "2.3": Reason.TOO_BIG,
    "3.1": Reason.OTHER,
    "3.2": Reason.NETWORK,
    "3.4": Reason.TOO_BIG,
    "4.1": Reason.NETWORK,
    "4.2": Reason.NETWORK,
    "4.3": Reason.NETWORK,
    "4.4": Reason.HOST_UNKNOWN,
    "4.5": Reason.NETWORK,
    "4.6": Reason.NETWORK,
    "4.7": Reason.EXPIRED,
    "4.8": Reason.EXPIRED,
    "5.3": Reason.POLICY,
    "7.13": Reason.INACTIVE,
    "7.17": Reason.NO_SUCH_USER,  # RFC 7293: the mailbox has another owner now
    "7.18": Reason.NO_SUCH_USER,
}
_BY_SUBJECT: dict[str, Reason] = {"6": Reason.CONTENT, "7": Reason.POLICY}
# RFC 3463 section 3.2: the sender's address; RFC 7372: the sender's authentication; 5.7.515 is Outlook.com's (S20).
_ABOUT_US = frozenset({"1.7", "1.8", "7.20", "7.21", "7.22", "7.23", "7.24", "7.25", "7.26", "7.27", "7.515"})
_BY_CODE: dict[str, Reason] = {
    "521": Reason.HOST_UNKNOWN,
    "556": Reason.HOST_UNKNOWN,
    "552": Reason.MAILBOX_FULL,
    "551": Reason.MOVED,
    "553": Reason.OTHER,
    "523": Reason.TOO_BIG,
}
_STATUS = re.compile(r"(?<![\d.])([245])\.(\d{1,3})\.(\d{1,3})(?![\d]|\.\d)")
_CODE = re.compile(r"(?<![\d.:/#-])([45]\d\d)(?=[\s\-:.,;)#]|$)")


def judge(words: str, status: str = "", *, lasting: bool | None = None) -> Judged:
    """Return what `words`, the mail system's own, and its `status` mean for the address they are about.

    `lasting` says that the system gave up although the code may speak of a passing fault (Action: failed), or, when
    False, that it goes on trying.
    """
    words = words[:LONGEST]
    status = _best_status(status, words)
    code = _reply_code(words)
    reason, sure = _reason(words, status, code)
    return Judged(_sentence(reason, status, code, lasting=lasting, sure=sure), reason, status)


def reason_of(words: str, status: str = "", code: str = "") -> Reason:
    """Return the reason that `words` give, or else the codes."""
    return _reason(words, status, code)[0]


@lru_cache(maxsize=512)  # one report may say the same of ten thousand
def _reason(words: str, status: str, code: str) -> tuple[Reason, bool]:
    """Return the reason, and whether it is said and not only supposed."""
    _, _, detail = status.partition(".")
    if detail in _ABOUT_US:
        return Reason.POLICY, True
    plain = " ".join(folded(words).split())
    said = bare(plain)
    firm = unhedged(said)
    by_status = _BY_STATUS.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0])
    if status == "4.2.1":  # a full hour, not a closed box: Gmail's "receiving mail at a rate that …"
        by_status = Reason.OTHER
    if found := _by_words(firm, unhedged(plain)):
        if found in _DEAD and by_status not in _DEAD and PASSING.search(firm):
            return found, False  # nobody is there, but try again later
        # Why the last try failed says less than that there was a last one.
        return (by_status if found is Reason.NETWORK and by_status is Reason.EXPIRED else found), True
    if by_status is not None and by_status not in _RULES:
        return by_status, True
    if firm != said and (found := _by_words(said, plain)):
        return found, False
    return by_status or _BY_CODE.get(code, Reason.OTHER), True


def _by_words(said: str, plain: str) -> Reason | None:
    for reason, patterns in WORDS:
        text = plain if reason in WITH_NAMES else said
        if any(pattern.search(text) for pattern in patterns):
            return Reason(reason)
    return None


def _sentence(reason: Reason, status: str, code: str, *, lasting: bool | None, sure: bool) -> Sentence:
    if lasting is False:
        return Sentence.IGNORE
    if reason in _RULES:
        return Sentence.POLICY
    # A code of class 4 says that it may pass; a host that is not found for the moment is a fault of the network.
    passing = status.startswith("4") if status else code.startswith("4")
    if reason in _DEAD and sure and not passing:
        return Sentence.HARD
    return Sentence.SOFT


def _best_status(status: str, words: str) -> str:
    """Return `status`, or the one in the words where the given one says nothing (5.0.0, 5.5.0, none)."""
    given = _STATUS.search(status)
    text = ".".join(given.groups()) if given else ""
    detail = text.partition(".")[2]
    if text and detail not in {"0.0", "5.0", "3.0", "1.0", "2.0", "4.0", "7.0"}:
        return text
    for found in _STATUS.finditer(words):
        inner = ".".join(found.groups())
        if (not text or inner[0] == text[0]) and inner.partition(".")[2] != "0.0":
            return inner
    return text


def _reply_code(words: str) -> str:
    found = _CODE.search(words)
    return found[1] if found else ""
