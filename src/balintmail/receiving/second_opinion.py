"""Ask flufl.bounce about a note in which we found nobody; its verdict alone suspends nobody, so it is never `hard`."""

from email import message_from_bytes, policy

from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.receiving.mail import LARGEST, Mail
from balintmail.receiving.report import Found

_LARGEST = min(LARGEST, 200_000)  # octets; its patterns are not made for more


def second_opinion(raw: bytes, mail: Mail) -> list[Found]:
    """Return whom flufl.bounce finds in `raw`, as passing failures."""
    from flufl.bounce import all_failures  # noqa: PLC0415  (only for what nobody else understood)

    if len(mail.leaves) > 20:
        return []
    try:
        passing, lasting = all_failures(message_from_bytes(raw[:_LARGEST], policy=policy.compat32))
    except Exception:  # whatever a stranger's parser does with a stranger's mail
        return []
    texts = sorted({one.decode("utf-8", "replace") for one in {*passing, *lasting}})
    judged = Judged(Sentence.SOFT, Reason.OTHER, "")
    return [Found(text, judged, "second opinion") for text in texts if text.count("@") == 1][:20]
