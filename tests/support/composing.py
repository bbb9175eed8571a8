"""Letters, surroundings and readers for the tests of composing; nothing here is a real person."""

import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.letter import parse_letter
from balintmail.composing.merge import Merger
from balintmail.composing.surroundings import ListFacts, Surroundings
from balintmail.config import BounceStyle
from balintmail.domain.keys import Keyring
from balintmail.domain.recipient import PersonData, Recipient
from balintmail.resources import templates_folder

KEYS = Keyring(tokens=bytes(range(32)), erasure=bytes(range(32, 64)))
SITE = "https://balint.example.org"
SECRETARY = "secretary@balint.example.org"
NEWSLETTER = ListFacts(
    id=3, slug="newsletter", name="Newsletter", list_id="newsletter.balint.example.org", purpose="News of the groups"
)
AROUND = Surroundings(
    society="The Example Balint Society",
    from_address=SECRETARY,
    bounce_address="bounces@balint.example.org",
    bounce_style=BounceStyle.PLUS,
    owner_address=SECRETARY,
    date=datetime(2026, 11, 21, 18, 4, tzinfo=UTC),
    zone=ZoneInfo("Europe/London"),
    templates=(templates_folder(),),
    key_id=KEYS.token_id,
    list=NEWSLETTER,
    url=SITE,
    postal_address="1 Example Street, London",
    person_fields=frozenset({"town", "note", "website"}),
)
FRONT = "title: Groups this winter\nnumber: 84\ndate: 2026-11-21"
FRONT_LINES = 5  # the body of `source` begins on the line after these

# Group A of standards.md 3.3, each with its number.
ODD_TEXTS = {
    "A1": "Anna\r\nBcc: x@example.net",
    "A2": "Anna\nBcc: x@example.net",
    "A3": "Anna\rBcc: x@example.net",
    "A4": "Anna\n Bcc: x@example.net",
    "A5": "Anna%0d%0aBcc: x@example.net",
    "A6": "=?utf-8?q?a=0ABcc:_x@example.net?=",
    "A7": "=?utf-8?q?a=0D=0ABcc:_x@example.net?=",
    "A8": "=?utf-8?q?a?=\r\n =?utf-8?q?b?=",
    "A9": "An\x0bna",
    "A10": "An\x0cna",
    "A11": "An\x1c\x1d\x1e\x1fna",
    "A12": "An\x85na",
    "A13": "An\u2028na",
    "A14": "An\u2029na",
    "A15": "An\0na",
    "A16": "An\ud800na",
    "A17": "An\u202egnp.exe",
    "A18": "An\u200dn\u200ca",
    "A19": "Annamaria " * 1000,
    "A20": "A" * 998,
    "A21": "     ",
    "A22": "From: x@example.net",
    "A23": "",
    "A24": "=?utf-8?q?unfinished",
    "A25": "\U0001f469\u200d\U0001f680e\u0301" * 500,
    "A26": "\ufeffAnna",
}


def source(body: str, front: str = FRONT) -> str:
    """Return a newsletter file; with the usual front matter its body begins on line 6."""
    return f"---\n{front}\n---\n{body}"


def compiled(body: str, *, front: str = FRONT, folder: Path = Path("/nowhere"), **around: Any) -> Compiled:
    """Return a letter compiled in the usual surroundings, changed by `around`, as the database gives it back."""
    surroundings = replace(AROUND, **around)
    letter = parse_letter(source(body, front), folder, "newsletter.md", kind=surroundings.kind)
    return Compiled.load(compile_letter(letter, surroundings).dump())


def merger(body: str, *, front: str = FRONT, folder: Path = Path("/nowhere"), **around: Any) -> Merger:
    return Merger(compiled(body, front=front, folder=folder, **around), KEYS)


def reader(
    name: str = "Anna Kovács", *, first_name: str = "Anna", address: str = "anna@example.org", **data: Any
) -> Recipient:
    """Return delivery 7 to person 5 on list 3; `fields`, `member` and `language` as PersonData takes them."""
    return Recipient(7, 5, 3, address, address, PersonData(name, first_name, **data))


def parsed(raw: bytes) -> EmailMessage:
    """Return a message as an independent parser reads it."""
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


def part(message: EmailMessage, kind: str) -> str:
    """Return the text of the one part of a media type, lines ended by LF."""
    found = [piece for piece in message.walk() if piece.get_content_type() == kind]
    assert len(found) == 1
    return str(found[0].get_content()).replace("\r\n", "\n")


def fields(raw: bytes) -> list[tuple[str, str]]:
    """Return the header fields as the bytes say, unfolded."""
    head = raw.split(b"\r\n\r\n", 1)[0].decode("utf-8")
    unfolded = re.sub(r"\r\n(?=[ \t])", "", head)
    return [(name, value.strip()) for name, _, value in (line.partition(":") for line in unfolded.split("\r\n"))]


def field(raw: bytes, name: str) -> str:
    """Return the one field called `name`."""
    found = [value for known, value in fields(raw) if known.lower() == name.lower()]
    assert len(found) == 1, (name, found)
    return found[0]


def shown_name(raw: bytes) -> str:
    """Return the display name in To.

    Python 3.11's own address parser leaves a blank between two encoded words, which RFC 2047 section 6.2 forbids; its
    older header module does not.
    """
    phrase = field(raw, "To").rpartition("<")[0].strip()
    if phrase.startswith('"'):
        return re.sub(r"\\(.)", r"\1", phrase[1:-1])
    return str(make_header(decode_header(phrase)))


def assert_well_formed(raw: bytes, *, ascii_only: bool = True) -> None:
    """Assert what every message keeps: CRLF only, short lines, no leading dot, no field twice, 7 bits."""
    assert raw.endswith(b"\r\n")
    assert b"\r" not in raw.replace(b"\r\n", b"")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert not any(line.startswith((b".", b"From ")) for line in lines)
    body = raw.split(b"\r\n\r\n", 1)[1].split(b"\r\n")
    assert max(map(len, body)) <= 78
    assert raw.isascii() or not ascii_only
    assert b"\0" not in raw
    names = [name.lower() for name, _ in fields(raw)]
    assert len(names) == len(set(names))
    assert "bcc" not in names
