"""Read complaints: feedback reports (ARF, RFC 5965 and 6591) and the older form that Hotmail's programme sent.

A redacted recipient is none; whose complaint it is then only our own token can tell. Reports about authentication and
the opposite of a complaint (not-spam) are read and count for nothing.
"""

import re

from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.receiving import addresses
from balintmail.receiving.event import Found
from balintmail.receiving.mail import Headers, Mail, read_headers

_NO_COMPLAINT = frozenset({"not-spam", "auth-failure", "dmarc", "other", "virus"})
_JMRP = ("x-hmxmroriginalrecipient", "x-original-recipient")
_SUBJECT = re.compile(r"complaint about message|abuse report|email feedback report|spam (?:complaint|report)|fbl", re.I)


def is_complaint(mail: Mail) -> bool:
    """Say whether a message reports how somebody marked one of our letters."""
    if mail.report_type == "feedback-report" or mail.of_kind("message/feedback-report"):
        return True
    if _SUBJECT.search(mail.headers.get("subject")):
        told = any(re.search(r"^feedback-type:", leaf.text, re.I | re.M) for leaf in mail.leaves[:5])
        return told or any(one.every(*_JMRP) for one in (mail.headers, *mail.enclosed))
    return False


def read_complaint(mail: Mail) -> list[Found]:
    """Return whom a complaint is about: who got the letter and marked it; nobody where that was taken out."""
    fields = _fields(mail)
    kind = fields.get("feedback-type").strip().lower()
    named = fields.every("original-rcpt-to", "removal-recipient", "original-recipient", "x-original-rcpt-to")
    returned = [value for one in mail.enclosed for value in one.every(*_JMRP)]
    candidates = [addresses.of_field(value) for value in (*named, *returned)]
    if not any(map(_is_whole, candidates)):
        candidates = [found for one in mail.enclosed[:2] for found in _recipients(one)]
    judged = Judged(Sentence.COMPLAINT, Reason.SPAM_BLOCK, "")
    if kind in _NO_COMPLAINT:
        judged = Judged(Sentence.IGNORE, Reason.OTHER, "")
    distinct = {addresses.key(one): one for one in candidates if _is_whole(one)}
    return [Found(one, judged, f"Feedback-Type: {kind or 'none'}") for one in list(distinct.values())[:500]]


def _fields(mail: Mail) -> Headers:
    for leaf in mail.leaves:
        if leaf.kind == "message/feedback-report" or re.search(r"^feedback-type:", leaf.text, re.I | re.M):
            at = re.search(r"^feedback-type:|^user-agent:|^version:", leaf.text, re.I | re.M)
            return read_headers(leaf.text[at.start() :] if at else leaf.text.lstrip("\n"))
    return Headers()


def _recipients(letter: Headers) -> list[str]:
    """Return the one recipient in the header of the letter that was marked."""
    found = [addresses.clean(one[0]) for field in letter.every("to") for one in addresses.every(field)]
    if len(found) != 1:
        found = [addresses.clean(one[0]) for field in letter.every("delivered-to") for one in addresses.every(field)]
    lists = {addresses.key(one[0]) for field in letter.every("list-post", "from") for one in addresses.every(field)}
    return [one for one in found if addresses.key(one) not in lists][:1]


def _is_whole(address: str) -> bool:
    """Say whether an address is one, and not what a reporter left of it."""
    local = address.partition("@")[0].lower()
    if "@" not in address or "redacted" in address.lower() or re.search(r"x{4,}|\*{2,}|\.{3}|hidden|removed", local):
        return False
    return not re.fullmatch(r"[0-9a-f]{32,}|undisclosed|unknown|recipient", local)
