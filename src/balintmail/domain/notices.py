"""The system mails: which there are, and what each may say beside the person it goes to.

A fact is a plain value (domain/facts.py); composing/facts.py writes it in the reader's language, so nobody who puts a
mail into the queue formats a date or counts a plural. It knows no person and no template's words: those lie in
templates/emails/NAME/. Put into the queue by services/notices.py.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from balintmail.domain.copy_notices import COPIES
from balintmail.domain.facts import Fact as Fact  # noqa: PLC0414  (everybody looks for them here)
from balintmail.domain.facts import NoticeKind as NoticeKind  # noqa: PLC0414
from balintmail.domain.facts import Plain as Plain  # noqa: PLC0414
from balintmail.domain.facts import Row as Row  # noqa: PLC0414
from balintmail.domain.facts import Word as Word  # noqa: PLC0414
from balintmail.domain.facts import from_stored as from_stored  # noqa: PLC0414
from balintmail.domain.facts import to_stored as to_stored  # noqa: PLC0414
from balintmail.domain.journal_notices import JOURNAL
from balintmail.domain.member_notices import MEMBERS
from balintmail.domain.order_notices import ORDERS
from balintmail.domain.paper_notices import PAPERS

_ASKED = datetime.fromisoformat("2026-11-21T18:04:00+00:00")
_UNTIL = datetime.fromisoformat("2026-11-28T18:04:00+00:00")
_HINTS: tuple[Row, ...] = (
    {"kind": "former_member", "text": "Jane Smith, jane@example.net", "at": _ASKED},
    {"kind": "refused_before", "text": "Jane Smith, jane@example.net", "at": _ASKED},
)
_NOT_MAILED: tuple[Row, ...] = (
    {"number": 9, "reason": Word("skip_paused")},
    {"number": 3, "reason": Word("skip_bounced")},
)
_ANSWERS: tuple[Row, ...] = ({"number": 1, "words": "550 5.1.1 no such user"},)
_BLOCKS: tuple[Row, ...] = (
    {
        "domain": "example.net",
        "number": 14,
        "words": "550 5.7.1 Message from 192.0.2.1 rejected as spam, see https://example.net/why",
    },
)
_FINDINGS: tuple[Row, ...] = (
    {"level": Word("finding_warn"), "line": "12", "message": "the picture has no alternative text"},
)
_SITE = "https://balint.example.org"
_OPEN: tuple[Mapping[str, Plain], ...] = (
    {
        "applicant": "Dr Jane Smith",
        "lists": "Newsletter",
        "asked_at": _ASKED,
        "expires_at": _UNTIL,
        "url": f"{_SITE}/decide/abc",
    },
    {
        "applicant": "Bálint Mihály",
        "lists": "Newsletter",
        "asked_at": _ASKED,
        "expires_at": _UNTIL,
        "url": f"{_SITE}/decide/def",
    },
)

NOTICES: Mapping[str, NoticeKind] = {
    # To whoever wants to join. `page` is where it was asked (our own address), "" where it was on no page; `reply` says
    # that a plain answer confirms. Without a site there is no `confirm_url`.
    "confirm": NoticeKind(
        facts={
            "lists": ("Newsletter", "Weekends"),
            "confirm_url": f"{_SITE}/confirm/abc",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
            "page": f"{_SITE}/join/newsletter",
            "reply": True,
        },
        strangers=True,
        answerable=True,
    ),
    "request_received": NoticeKind(facts={"lists": ("Newsletter",), "asked_at": _ASKED}),
    "declined": NoticeKind(
        facts={
            "lists": ("Newsletter",),
            "asked_at": _ASKED,
            "reason": "The list is for people who lead groups; our weekends are open to everybody.",
        }
    ),
    # `latest_*` are the newest number of the list, "" where there is none or the list does not send it.
    "welcome": NoticeKind(
        facts={"latest_title": "Groups this winter", "latest_url": f"{_SITE}/newsletters/newsletter/84"}, leavable=True
    ),
    # To whoever has left. `lists` are what they left; `kept` what they still get; `join_url` is the way back.
    "goodbye": NoticeKind(
        facts={"lists": ("Newsletter",), "kept": ("Weekends",), "left_at": _ASKED, "join_url": f"{_SITE}/join"}
    ),
    # To the Secretary. `number` is what commands call it, `hints` are services/hints.py's: `text` is a name with an
    # address, `at` a moment or what was said then. `held` is "automatic" where it waits unconfirmed, else "". `reply`
    # says that a plain answer decides.
    "request": NoticeKind(
        facts={
            "number": "12",
            "applicant": "Dr Jane Smith",
            "address": "jane.smith@example.org",
            "lists": ("Newsletter",),
            "language": "en",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
            "held": "",
            "answers": ({"question": "Where do you work?", "answer": "In a practice in Leeds"},),
            "hints": _HINTS,
            "approve_url": f"{_SITE}/decide/abc/approve",
            "decline_url": f"{_SITE}/decide/abc/decline",
            "reply": True,
        },
        officers=True,
        named_by="number",
        answerable=True,
    ),
    # To the Secretary, and to the editor who mailed a newsletter in: `why` says what kept it from being read, "" for
    # nothing; `by` is in whose name it came, "" for the reader's own; `releases` says that the reader may release it,
    # with `release_url` where there is a site. `lines` are its first paragraphs, `cut` says that there are more.
    "draft": NoticeKind(
        facts={
            "number": 12,
            "title": "Groups this winter",
            "label": "newsletter/84",
            "list": "Newsletter",
            "by": "Bálint Mihály",
            "received_at": _ASKED,
            "expires_at": _UNTIL,
            "reaches": 287,
            "stops": 0,
            "stopped": False,
            "warnings": 1,
            "findings": _FINDINGS,
            "lines": ({"text": "Dear Mária,"}, {"text": "three new groups begin in January."}),
            "cut": True,
            "why": "",
            "releases": True,
            "release_url": f"{_SITE}/release/abc",
        },
        officers=True,
    ),
    # To the officer who answered one of our letters: what was done. `about` is "join" or "copy", `what` the lists or
    # what was asked for; `result` is approved, waits, declined, sent, refused (`remark` says why), already (`before` is
    # yes, no or over) or unclear. `told` says that the applicant is written to, `command` what to type in a terminal.
    "decided": NoticeKind(
        facts={
            "about": "join",
            "what": ("Newsletter",),
            "applicant": "Dr Jane Smith",
            "result": "declined",
            "before": "",
            "decided_at": _ASKED,
            "reason": "The list is for people who lead groups.",
            "note": "",
            "remark": "",
            "told": True,
            "command": "requests show 12",
        },
        officers=True,
        answerable=True,
    ),
    # `count` are all that wait; `requests` as many of them as the letter lists, the oldest first.
    "reminder": NoticeKind(facts={"count": 2, "requests": _OPEN}, officers=True),
    "digest": NoticeKind(facts={"count": 2, "requests": _OPEN}, officers=True),
    # `about` is "address", "network" or "all": whose cap was reached. `held` counts the forms that wait since.
    "alarm": NoticeKind(
        facts={"about": "all", "count": 214, "held": 188, "since": _ASKED, "until": _UNTIL}, officers=True
    ),
    "preferences_link": NoticeKind(facts={"link_url": f"{_SITE}/manage/abc", "asked_at": _ASKED, "expires_at": _UNTIL}),
    # To the new address; `old_address` is masked.
    "address_confirm": NoticeKind(
        facts={
            "confirm_url": f"{_SITE}/manage/address/abc",
            "old_address": "j•••@example.org",
            "asked_at": _ASKED,
            "expires_at": _UNTIL,
        },
        strangers=True,
    ),
    # To the old address; `new_address` is masked.
    "address_changed": NoticeKind(facts={"new_address": "j•••@example.net", "changed_at": _ASKED}),
    # To a paused address, to see whether mail reaches it again. `reason` is why letters came back, `since` the pause;
    # `on_a_list` is "yes" for a reader, and nothing for an officer or a member who is on no list.
    "probe": NoticeKind(
        facts={"reason": Word("return_mailbox_full"), "since": _ASKED, "on_a_list": True}, leavable=True
    ),
    # To the Secretary: refusals by a rule or a spam filter. `answers` are the systems' own words, without addresses.
    "blocked": NoticeKind(
        facts={
            "count": 14,
            "since": _ASKED,
            "answers": _BLOCKS,
        },
        officers=True,
    ),
    # To whoever asked to leave by a mail without the token of a letter. `lists` are what they are on, none where the
    # address is on none; `reply` says that a plain answer leaves them all.
    "leave_link": NoticeKind(
        facts={
            "asked_at": _ASKED,
            "lists": (
                {"name": "Newsletter", "url": f"{_SITE}/leave/abc"},
                {"name": "Weekends", "url": f"{_SITE}/leave/def"},
            ),
            "reply": True,
        },
        strangers=True,
        answerable=True,
    ),
    # To whoever asked to join by mail a list whose questions a mail cannot answer.
    "join_by_page": NoticeKind(
        facts={"lists": ("Newsletter",), "join_url": f"{_SITE}/join/newsletter", "asked_at": _ASKED}, strangers=True
    ),
    # What may be asked by mail. `address` is where to; `lists` are those that anybody may ask to join.
    "help": NoticeKind(
        facts={
            "lists": ({"name": "Newsletter", "slug": "newsletter"}, {"name": "Weekends", "slug": "weekends"}),
            "address": "bounces@balint.example.org",
            "asked_at": _ASKED,
        },
        strangers=True,
        answerable=True,
    ),
    # To the Secretary: a mailbox that cannot be read. `reason` and `hint` are the program's words.
    "mailbox": NoticeKind(
        facts={
            "mailbox": "bounces/INBOX",
            "since": _ASKED,
            "reason": "imap.example.org:993 does not let us in: [AUTHENTICATIONFAILED] Authentication failed.",
            "hint": "Look at username and password of [inbox.bounces].",
        },
        officers=True,
        named_by="mailbox",
    ),
    "data_export": NoticeKind(facts={"link_url": f"{_SITE}/manage/abc/data", "expires_at": _UNTIL}),
    # To the Secretary about a mailing; `label` is how commands name it.
    "paused": NoticeKind(
        facts={
            "label": "newsletter/84",
            "name": "Groups this winter",
            "reason": "every relay refuses us: 554 5.7.1 not you (main, greeting)",
            "accepted": 164,
            "waiting": 123,
            "paused_at": _ASKED,
        },
        officers=True,
        named_by="label",
    ),
    "report": NoticeKind(
        facts={
            "label": "newsletter/84",
            "name": "Groups this winter",
            "audience": 301,
            "accepted": 284,
            "refused": 1,
            "written_off": 0,
            "not_mailed": _NOT_MAILED,
            "answers": _ANSWERS,
            "began_at": _ASKED,
            "ended_at": _UNTIL,
            "took": timedelta(hours=1, minutes=32),
        },
        officers=True,
        named_by="label",
    ),
    # To an officer: a stranger's letter, its words alone. `person` and `name` are whose address `sender` is on the
    # register, "" for nobody's; `answer_url` begins the answer to them; `cut` is "yes" where it goes on.
    "letter": NoticeKind(
        facts={
            "number": "12",
            "sender": "jane.smith@example.org",
            "subject": "A room for the autumn weekend",
            "received_at": _ASKED,
            "person": "7",
            "name": "Dr Jane Smith",
            "answer_url": "mailto:jane.smith@example.org?subject=Re%3A%20A%20room%20for%20the%20autumn%20weekend",
            "lines": (
                {"text": "Dear Secretary,"},
                {"text": "we have a room for thirty people, with a garden, and could keep it for you until March."},
            ),
            "cut": "",
        },
        officers=True,
        named_by="number",
    ),
    **COPIES,
    **JOURNAL,
    **MEMBERS,
    **ORDERS,
    **PAPERS,
}
