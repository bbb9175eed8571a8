"""The system mails about copies and links to read by; part of domain/notices.py."""

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
}
