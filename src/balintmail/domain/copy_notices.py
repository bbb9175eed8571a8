"""The system mails about copies and links to read by; part of domain/notices.py.

`title` is what a copy is of, "" where nothing of that name was found; a link is "" where the society has no site.
"""

from collections.abc import Mapping
from datetime import datetime

from balintmail.domain.facts import NoticeKind

_SITE = "https://balint.example.org"
_ASKED = datetime.fromisoformat("2026-11-21T18:04:00+00:00")
_UNTIL = datetime.fromisoformat("2026-12-21T18:04:00+00:00")

COPIES: Mapping[str, NoticeKind] = {
    # To whoever asked on a page for a link to something that is for members. `uses` is how often it opens it.
    "reading_link": NoticeKind(
        facts={
            "title": "A word to members",
            "link_url": f"{_SITE}/copies/abc",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
            "uses": 20,
        }
    ),
    # To an address that nobody knows, from which somebody asked for a copy: was it you?
    "copy_confirm": NoticeKind(
        facts={
            "title": "Groups this winter",
            "confirm_url": f"{_SITE}/copies/confirm/abc",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
            "reply": True,
        },
        strangers=True,
        answerable=True,
    ),
    # To whoever asked: the Secretary decides; declined; a link; a price; on its way by post.
    "copy_received": NoticeKind(facts={"title": "Groups this winter", "asked_at": _ASKED}),
    "copy_declined": NoticeKind(
        facts={"title": "Groups this winter", "asked_at": _ASKED, "reason": "That number was for members alone."}
    ),
    "copy_link": NoticeKind(
        facts={
            "title": "Journal of the Balint Society 53 (1), 2026",
            "link_url": f"{_SITE}/copies/abc",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
            "uses": 20,
        }
    ),
    # `words` are the Secretary's, `payment` those of the settings, `reference` what a payment
    # names, `paper` whether it would come by post.
    "copy_quote": NoticeKind(
        facts={
            "title": "Journal of the Balint Society 41 (1), 2014",
            "asked_at": _ASKED,
            "price": "£5.00",
            "reference": "COPY 7",
            "paper": True,
            "words": "It is the last one that we have; postage is included.",
            "payment": "Pay to The Balint Society, sort code 00-00-00, account 00000000.",
            "agree_url": f"{_SITE}/copies/quote/abc",
            "expires_at": _UNTIL,
            "reply": True,
        },
        answerable=True,
    ),
    "copy_posted": NoticeKind(facts={"title": "Journal of the Balint Society 41 (1), 2014", "asked_at": _ASKED}),
    # To the Secretary. `known` is "member", "reader", "confirmed" or ""; `paper`, `free` (printed copies that are
    # there) and `post` (the envelope, in one line) are of a copy on paper; `agreed` is the price
    # that they agreed to, "" for none.
    "copy_request": NoticeKind(
        facts={
            "number": "7",
            "applicant": "Dr Jane Smith",
            "address": "jane.smith@example.org",
            "wanted": "journal/2014",
            "title": "Journal of the Balint Society 41 (1), 2014",
            "label": "journal/2014",
            "known": "reader",
            "paper": True,
            "free": 3,
            "post": "Dr Jane Smith, 1 High Street, LONDON EC1A 1BB",
            "agreed": "",
            "asked_at": _ASKED,
            "approve_url": f"{_SITE}/copies/decide/abc/approve",
            "quote_url": f"{_SITE}/copies/decide/abc/quote",
            "decline_url": f"{_SITE}/copies/decide/abc/decline",
            "reply": True,
        },
        officers=True,
        answerable=True,
    ),
}
