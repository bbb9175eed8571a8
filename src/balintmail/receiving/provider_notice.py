"""Read the notices that Amazon SES writes in JSON instead of a report, mailed by its notification service.

Only what stands in the document's own fields is believed; a document of another form is none of these.
"""

import json
from typing import Any

from balintmail.domain.judging import judge
from balintmail.domain.returns import Judged, Kind, Reason, Sentence
from balintmail.receiving import addresses
from balintmail.receiving.event import Found
from balintmail.receiving.mail import Mail

_LARGEST = 300_000  # characters
_MOST = 500


def read_notice(mail: Mail) -> tuple[Kind, list[Found]] | None:
    """Return what such a notice tells, or None where the message is none."""
    words = mail.words[:_LARGEST].strip()
    if not words.startswith("{") or "Type" not in words:
        return None
    try:
        document, _ = json.JSONDecoder().raw_decode(words)
        if isinstance(document.get("Message"), str):  # the notification service's own wrapping
            document = json.loads(document["Message"])
        kind = str(document.get("notificationType") or document.get("eventType")).lower()
        told = document.get(kind)
    except (ValueError, AttributeError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    if kind == "bounce":
        return Kind.BOUNCE, [one for row in _rows(told, "bouncedRecipients") if (one := _bounce(row, told))]
    if kind == "complaint":
        counts = told.get("complaintFeedbackType") != "not-spam"
        judged = Judged(Sentence.COMPLAINT if counts else Sentence.IGNORE, Reason.SPAM_BLOCK, "")
        named = [_address(row) for row in _rows(told, "complainedRecipients")]
        return Kind.COMPLAINT, [Found(one, judged, "complaint told by Amazon SES") for one in named if one]
    if kind == "delivery":
        return Kind.BOUNCE, []
    return None


def _rows(told: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows = told.get(name)
    return [row for row in rows[:_MOST] if isinstance(row, dict)] if isinstance(rows, list) else []


def _address(row: dict[str, Any]) -> str:
    return addresses.of_field(str(row.get("emailAddress", "")))


def _bounce(row: dict[str, Any], told: dict[str, Any]) -> Found | None:
    address = _address(row)
    if not address:
        return None
    words = str(row.get("diagnosticCode", ""))[:2000]
    if not words and told.get("bounceSubType") == "MailboxFull":
        words = "mailbox full"
    lasting = told.get("bounceType") == "Permanent"
    judged = judge(words, str(row.get("status", ""))[:40], lasting=True if lasting else None)
    return Found(address, judged, f"{told.get('bounceType')} {told.get('bounceSubType')} {words}"[:500])
