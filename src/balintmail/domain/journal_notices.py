"""The system mail that brings somebody their own copy of the Journal; part of domain/notices.py.

It leaves as a mailing of kind journal (services/journal_links.py), in the same letters as every system mail.
"""

from collections.abc import Mapping
from datetime import datetime

from balintmail.domain.facts import NoticeKind, Row

_PAPERS: tuple[Row, ...] = (
    {"title": "The Doctor as a Drug", "authors": "Michael Balint"},
    {"title": "Sixty years of a group", "authors": ""},
)

JOURNAL: Mapping[str, NoticeKind] = {
    # To whoever gets the Journal by email: the link to their own copy. `issue` is its volume, number and year, `theme`
    # a title of its own or "", `papers` the first of its papers.
    "journal_copy": NoticeKind(
        facts={
            "journal": "Journal of the Balint Society",
            "issue": "53 (1), 2026",
            "theme": "Sixty years",
            "papers": _PAPERS,
            "link_url": "https://balint.example.org/ecopy/abc",
            "expires_at": datetime.fromisoformat("2027-02-19T18:04:00+00:00"),
        }
    ),
}
