"""Ask flufl.bounce about a note in which we found nobody; its verdict alone suspends nobody, so it is never `hard`."""

import logging
from email import message_from_bytes, policy

from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.receiving import addresses
from balintmail.receiving.event import Found
from balintmail.receiving.mail import Mail
from balintmail.receiving.note_words import OFFICES

_LARGEST = 200_000  # characters; its patterns are not made for more
_MOST = 20


def second_opinion(mail: Mail) -> list[Found]:
    """Return whom flufl.bounce finds, as passing failures; whoever the message's own header names is none of them."""
    from flufl.bounce import all_failures  # noqa: PLC0415  (only for what nobody else understood)

    if len(mail.leaves) > 20:
        return []
    logging.getLogger("flufl.bounce").disabled = True  # it tells of its own mishaps, with the message
    text = mail.text[:_LARGEST].encode("utf-8", "surrogateescape")
    try:
        passing, lasting = all_failures(message_from_bytes(text, policy=policy.compat32))
    except Exception:  # whatever a stranger's parser does with a stranger's mail
        return []
    named = {addresses.key(one[0]) for _, value in mail.headers.fields for one in addresses.every(value[:2000])}
    judged = Judged(Sentence.SOFT, Reason.OTHER, "")
    told = sorted({one.decode("utf-8", "replace") for one in {*passing, *lasting}})
    found = [Found(one, judged, "second opinion") for one in told if _is_somebody(one, named)]
    return found[:_MOST]


def _is_somebody(address: str, named: set[str]) -> bool:
    local = address.partition("@")[0]
    whole = addresses.ADDRESS.fullmatch(address) is not None and "..." not in address
    return whole and addresses.key(address) not in named and not OFFICES.fullmatch(local)
