"""Say what one raw message is and what it tells: the room's one door. It reads and judges, and knows no database.

The order is the issue's: report by its fields, complaint, note in prose, what a machine wrote, a command, a letter. Our
own tokens are collected beside; whoever holds the keys looks at them first. No input makes it raise.
"""

import re
from itertools import islice

from balintmail.domain.mail_commands import Command
from balintmail.domain.returns import Kind
from balintmail.receiving import addresses
from balintmail.receiving.automatic import is_automatic, is_receipt, is_robots, says_so_itself
from balintmail.receiving.command import carries_token, command_in
from balintmail.receiving.complaint import is_complaint, read_complaint
from balintmail.receiving.event import Event, Found
from balintmail.receiving.mail import Mail, take_apart
from balintmail.receiving.note_words import SUBJECTS
from balintmail.receiving.provider_notice import read_notice
from balintmail.receiving.refusal import can_be_answered, is_from_a_daemon, is_refusal, read_refusal
from balintmail.receiving.report import read_report
from balintmail.receiving.second_opinion import second_opinion
from balintmail.receiving.words_said import words_said

_TOKEN = re.compile(r"(?<![a-z2-7])([a-z2-7]{30,80})(?![a-z2-7])")
_TOKEN_OF_ADDRESS = re.compile(r"(?<![a-z2-7])([a-z2-7]{30,80})(?:\.\w{1,40})?@")
_LINK = re.compile(r"leave(?:/|%20|\+| )([a-z2-7]{30,80})(?![a-z2-7])")  # of a letter, to leave its list
_MOST_LINKS = 5
_LONGEST_TEXT = 500_000  # characters
_TELLING = ("message/delivery-status", "message/global-delivery-status", "message/feedback-report")
_MOST_TOKENS = 50
_LONGEST_NAME = 200  # characters
_MOST_RECIPIENTS = 50


def read(raw: bytes) -> Event:
    """Return what `raw` is; what cannot be read at all is `broken`."""
    try:
        mail = take_apart(raw)
        kind, results = _understand(mail)
        return _event(mail, kind, results)
    except Exception:  # whatever it is, the message is set aside and the run goes on
        return Event(Kind.BROKEN, (), (), "", "", "", robot=True)


def _understand(mail: Mail) -> tuple[Kind, list[Found]]:
    if not mail.headers.fields and not mail.text.strip():
        return Kind.BROKEN, []
    if (notice := read_notice(mail)) is not None:
        return notice
    if is_complaint(mail):
        return Kind.COMPLAINT, read_complaint(mail)
    if is_receipt(mail):
        return Kind.AUTO_REPLY, []
    if carries_token(mail.headers.get("subject")):
        return Kind.COMMAND, []  # also where a provider's machine pressed the button for somebody
    if found := read_report(mail):
        return Kind.BOUNCE, found
    refusal = is_refusal(mail)
    personal = is_automatic(mail) and mail.report_type != "delivery-status"
    if refusal and not (personal and _is_a_persons(mail)):
        found = read_refusal(mail) or second_opinion(mail)
        # Whoever can be answered, names nobody and wrote to no address of one letter is a person who writes about mail.
        sure = found or not can_be_answered(mail) or _is_to_a_token(mail)
        return (Kind.BOUNCE, found) if sure else (Kind.LETTER, [])
    if personal:
        return Kind.AUTO_REPLY, []
    return Kind.LETTER, []


def _is_to_a_token(mail: Mail) -> bool:
    fields = mail.headers.every("to", "delivered-to", "x-original-to")
    return any(_TOKEN_OF_ADDRESS.search(field[:1000].lower()) for field in fields)


def _is_a_persons(mail: Mail) -> bool:
    """Say whether an automatic note speaks for a person: not a system's that says of itself that it is automatic."""
    if is_from_a_daemon(mail.headers) or mail.headers.every("x-failed-recipients"):
        return False
    return says_so_itself(mail) or not SUBJECTS.search(mail.headers.get("subject"))


def _event(mail: Mail, kind: Kind, results: list[Found]) -> Event:
    headers = mail.headers
    sender = next((addresses.clean(one[0]) for one in addresses.every(headers.get("from")[:2000])), "")
    robot = is_robots(mail) or kind in {Kind.BOUNCE, Kind.COMPLAINT, Kind.AUTO_REPLY}
    text, command = _asked(mail, kind)
    distinct = {(addresses.key(one.address), one.judged.sentence): one for one in results}
    return Event(
        Kind.COMMAND if command is not None else kind,
        tuple(distinct.values()),
        _tokens(mail, kind),
        sender,
        headers.get("subject")[:500],
        headers.get("message-id")[:500],
        robot,
        _recipients(mail),
        text,
        command,
        _name(headers.get("from")),
    )


def _name(field: str) -> str:
    """Return the display name of a From field, "" where it has none (RFC 5322 section 3.4)."""
    before, bracket, _ = field[:2000].rpartition("<")
    name = re.sub(r"\s+", " ", before.strip().strip('"').replace('\\"', '"')).strip(" '\"") if bracket else ""
    return "" if "@" in name or len(name) > _LONGEST_NAME or not name.isprintable() else name


def _asked(mail: Mail, kind: Kind) -> tuple[str, Command | None]:
    """Return a person's own words, and the command in them; a machine's words are no command."""
    if kind in {Kind.BOUNCE, Kind.COMPLAINT, Kind.BROKEN}:
        return "", None
    text = words_said(mail)
    return text, command_in(mail.headers.get("subject"), text) if kind is not Kind.AUTO_REPLY else None


def _recipients(mail: Mail) -> tuple[str, ...]:
    """Return where a message says it went: what the servers noted, then To and Cc."""
    found: dict[str, None] = {}
    for name in ("x-original-to", "delivered-to", "envelope-to", "to", "cc"):
        for text in mail.headers.every(name):
            for one in addresses.every(text[:5000]):
                found[addresses.clean(one[0])] = None
    return tuple(found)[:_MOST_RECIPIENTS]


def _tokens(mail: Mail, kind: Kind) -> tuple[str, ...]:
    """Return what may be tokens of ours: in the recipient, in what was returned, in what was answered (S18).

    In what systems write they are also looked for in the text, where one stands before an "@": the sender of a
    transcript, the Message-ID of a letter that was returned as plain text; and of a complaint, the link in the letter
    that it returns. In a person's letter they are not, because a quoted newsletter says nothing.
    """
    headers = mail.headers
    places = headers.every("to", "cc", "delivered-to", "x-original-to", "envelope-to", "subject")
    places += headers.every("in-reply-to", "references")
    told = [leaf for leaf in mail.leaves if leaf.kind in _TELLING and not leaf.returned]
    for letter in mail.enclosed[:3]:
        places += letter.every("message-id", "return-path", "list-unsubscribe", "list-unsubscribe-post", "received")
    places += [field for leaf in told[:2] for field in leaf.text.split("\n")[:40]]
    found: dict[str, None] = {}
    for text in places:
        for one in _TOKEN.finditer(text[:5000].lower()):
            found[one[1]] = None
    if kind in {Kind.BOUNCE, Kind.COMPLAINT}:
        for one in islice(_TOKEN_OF_ADDRESS.finditer(mail.text[:_LONGEST_TEXT].lower()), _MOST_TOKENS):
            found[one[1]] = None
    if kind is Kind.COMPLAINT:  # some providers take all out that is personal, but for the link to leave (S21)
        for leaf in mail.leaves:
            links = _LINK.finditer(leaf.text[:_LONGEST_TEXT].lower()) if leaf.returned else ()
            found.update((one[1], None) for one in islice(links, _MOST_LINKS))
    return tuple(found)[:_MOST_TOKENS]
