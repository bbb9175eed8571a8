"""The system mails about papers for the Journal, and about the society's year; part of domain/notices.py."""

from collections.abc import Mapping
from datetime import date, datetime

from balintmail.domain.facts import NoticeKind, Row

_RECEIVED = datetime.fromisoformat("2026-11-21T18:04:00+00:00")
_DUE = date(2027, 2, 19)
_LATE: tuple[Row, ...] = ({"number": "2026-014", "title": "On listening twice", "due_on": _DUE},)
_SITE = "https://balint.example.org"

PAPERS: Mapping[str, NoticeKind] = {
    # The receipt. Its address proves nothing, so nothing that was typed stands in it.
    "paper_received": NoticeKind(
        facts={"number": "2026-014", "received_at": _RECEIVED}, strangers=True, named_by="number"
    ),
    # To the Secretary. `about` is "received", or "advice" where `name` is the reader's and `advice` what was said.
    # Without a site there are no buttons.
    "paper_news": NoticeKind(
        facts={
            "about": "received",
            "number": "2026-014",
            "title": "On listening twice",
            "name": "Dr Jane Smith",
            "address": "jane.smith@example.org",
            "files": 2,
            "due_on": _DUE,
            "advice": "",
            "accept_url": f"{_SITE}/papers/decide/abc/accept",
            "decline_url": f"{_SITE}/papers/decide/abc/decline",
        },
        officers=True,
        named_by="number",
    ),
    # To whoever sent it in. `state` is in_review, accepted, declined or in_journal; `journal` the journal issue.
    "paper_decided": NoticeKind(
        facts={
            "number": "2026-014",
            "title": "On listening twice",
            "state": "accepted",
            "reason": "Shorten the second part to a page.",
            "journal": "",
        },
        named_by="number",
    ),
    # To a reader; `reminds` where the day is over. Without a site there is no `read_url`.
    "paper_reader": NoticeKind(
        facts={
            "number": "2026-014",
            "title": "On listening twice",
            "due_on": _DUE,
            "reminds": False,
            "read_url": f"{_SITE}/papers/abc",
        },
        named_by="number",
    ),
    # To the Secretary: papers that should have been decided; `papers` are as many of the `count` as the letter lists.
    "papers_late": NoticeKind(facts={"count": 1, "papers": _LATE}, officers=True),
    # To the Secretary: a duty of the society's year. `late` where its day is over, `draft` the file that was begun.
    "duty": NoticeKind(
        facts={
            "number": 7,
            "title": "Copy deadline of the Journal",
            "on_day": date(2027, 5, 1),
            "remark": "Ask the editor whether all papers are in.",
            "late": False,
            "draft": "",
        },
        officers=True,
        named_by="title",
    ),
}
