"""Turn a newsletter of earlier years, a page of HTML or a mail as somebody got it, into Markdown; in its own process.

Whoever got the mail leaves no trace: their names and addresses, the links that were theirs alone and the ways to
leave are taken out (S49). `PastReader` is the parent's side, the child `python -m balintmail.receiving.past`. It
decides nothing of numbers or lists; services/past_newsletters.py does.
"""

import base64
import json
import re
import sys
from dataclasses import dataclass
from datetime import date
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from urllib.parse import unquote

from balintmail.receiving.child import Child, ChildGone, serve
from balintmail.receiving.draft import mailed
from balintmail.receiving.mail import Headers, take_apart
from balintmail.receiving.markup import to_markdown

LARGEST = 30_000_000  # octets
_RECIPIENTS = ("to", "cc", "bcc", "delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "resent-to")
_TITLE = re.compile(r"<title\b[^>]*>(.{0,2000}?)</title", re.IGNORECASE | re.DOTALL)
_HEADING = re.compile(r"<h1\b[^>]*>(.{0,2000}?)</h1", re.IGNORECASE | re.DOTALL)
_META_DATE = re.compile(
    r"<(?:meta\b[^>]{0,300}(?:date|published_time|dcterms\.issued|dc\.date)[^>]{0,300}content|time\b[^>]{0,300}datetime)"
    r"\s*=\s*[\"']?(\d{4}-\d{2}-\d{2})",
    re.IGNORECASE,
)
_CHARSET = re.compile(rb"<meta\b[^>]{0,200}charset\s*=\s*[\"']?([A-Za-z0-9_-]{2,30})", re.IGNORECASE)
_LANGUAGE = re.compile(r"<html\b[^>]{0,300}\blang\s*=\s*[\"']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?)", re.IGNORECASE)
_LINK = re.compile(
    r"(!?)\[((?:[^\[\]\\]|\\.){0,500})\]\(<?([^()\s<>]{1,4000}(?:\([^()\s]*\)[^()\s<>]*)?)>?\)(\{[^}\n]*\})?"
)
_BARE = re.compile(r"<?https?://[^\s<>)]{8,4000}>?")
_PERSONAL = re.compile(
    r"unsubscri|opt-?out|abmeld|austrag|desabonn|désabonn|desinscri|désinscri|leiratkoz|list-manage|email-preferences|"
    r"manage[-_]?(?:your[-_]?)?(?:subscription|preferences)|/leave/|/preferences/|update[-_]profile|subscriber[-_]?id|"
    r"forward-to-friend|viewinbrowser|view[-_]?in[-_]?browser",
    re.IGNORECASE,
)
_BRACES = str.maketrans({"{": "&#123;", "}": "&#125;"})


@dataclass(frozen=True, slots=True)
class Past:
    """What was found: Markdown, and what the file says of itself. `why` says what kept it from being read."""

    text: str = ""
    title: str = ""
    on: date | None = None
    language: str = ""
    files: tuple[tuple[str, bytes], ...] = ()
    why: str = ""


class PastReader(Child):
    """Reads pages and mails, one by one."""

    module = "balintmail.receiving.past"

    def page(self, raw: bytes) -> Past:
        """Return the newsletter in a page of HTML."""
        return self._read(b"html\n" + raw)

    def mail(self, raw: bytes) -> Past:
        """Return the newsletter in a mail."""
        return self._read(b"mail\n" + raw)

    def _read(self, framed: bytes) -> Past:
        if len(framed) > LARGEST:
            return Past(why=f"it is larger than {LARGEST // 1_000_000} MB")
        try:
            found = json.loads(self._answer(framed))
        except ChildGone as gone:
            return Past(why=str(gone))
        files = tuple((name, base64.b64decode(content)) for name, content in found["files"])
        on = date.fromisoformat(found["on"]) if found["on"] else None
        return Past(found["text"], found["title"], on, found["language"], files, found["why"])


def read_page(raw: bytes) -> Past:
    """Return the newsletter in a page of HTML, in this process."""
    markup = _decoded(raw)
    text = without_readers(to_markdown(markup), (), ())
    heading = next((_words(found[1]) for found in _HEADING.finditer(markup) if _words(found[1])), "")
    title = _words(found[1]) if (found := _TITLE.search(markup)) else ""
    day = found[1] if (found := _META_DATE.search(markup)) else ""
    language = found[1] if (found := _LANGUAGE.search(markup)) else ""
    return Past(text, title or heading, _day(day), language, why="" if text.strip() else "there are no words in it")


def read_mail(raw: bytes) -> Past:
    """Return the newsletter in a mail, in this process."""
    headers = take_apart(raw, largest=LARGEST).headers
    found = mailed(raw)
    if found.why:
        return Past(title=found.subject, why=found.why)
    people = [(name.strip(), address) for name, address in getaddresses(headers.every(*_RECIPIENTS)) if address]
    text = (
        found.text
        if found.has_front_matter
        else without_readers(found.text, [address for _, address in people], [name for name, _ in people])
    )
    return Past(text, found.subject, _sent_on(headers), headers.get("content-language")[:10], found.files)


def without_readers(text: str, addresses: "list[str] | tuple[()]", names: "list[str] | tuple[()]") -> str:
    """Return Markdown without the addresses and names of whoever got it, and without links that were theirs alone.

    Braces become plain letters: what looked like a field to another program is none to ours.
    """
    sought = [address.casefold() for address in addresses if "@" in address]

    def link(found: re.Match[str]) -> str:
        target = unquote(unescape(found[3])).casefold()
        personal = _PERSONAL.search(target) or _PERSONAL.search(found[2]) or any(one in target for one in sought)
        if found[1] and (personal or target.startswith(("http:", "https:", "//", "data:"))):
            return "" if personal else found[2]  # a picture from elsewhere tells its host who looks
        return found[2] if personal else found[0]

    def bare(found: re.Match[str]) -> str:
        target = unquote(found[0]).casefold()
        return "" if _PERSONAL.search(target) or any(one in target for one in sought) else found[0]

    text = _BARE.sub(bare, _LINK.sub(link, text))
    for address in addresses:
        text = re.sub(rf"(?:mailto:)?(?<![\w.+-]){re.escape(address)}(?![\w-])", "", text, flags=re.IGNORECASE)
    for name in names:
        if "@" not in name and len(name) >= 3:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "reader", text, flags=re.IGNORECASE)
            first = name.split()[0]
            if len(first) >= 2:
                greeting = (
                    rf"(?im)^((?:dear|hello|hi|liebe[rs]?|hallo|cher|chère|bonjour|kedves)\s+){re.escape(first)}\b"
                )
                text = re.sub(greeting, r"\1reader", text)
    return text.translate(_BRACES)


def _sent_on(headers: Headers) -> date | None:
    try:
        return parsedate_to_datetime(headers.get("date")).date()
    except (ValueError, TypeError, OverflowError):
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _words(markup: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", markup)).split())[:500]


def _decoded(raw: bytes) -> str:
    """Return a page's text: by its mark, by what it says of itself, as UTF-8, or as western Windows writes it."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    told = _CHARSET.search(raw[:4096])
    for charset in ("utf-8-sig", told[1].decode("ascii") if told else "cp1252"):
        try:
            return raw.decode(charset)
        except (UnicodeDecodeError, LookupError, ValueError):
            continue
    return raw.decode("cp1252", "replace")


def _answer(framed: bytes) -> bytes:
    kind, _, raw = framed.partition(b"\n")
    found = read_page(raw) if kind == b"html" else read_mail(raw)
    document = {
        "text": found.text,
        "title": found.title,
        "on": found.on.isoformat() if found.on else "",
        "language": found.language,
        "files": [(name, base64.b64encode(octets).decode("ascii")) for name, octets in found.files],
        "why": found.why,
    }
    return json.dumps(document, ensure_ascii=True).encode("ascii")


if __name__ == "__main__":
    serve(int(sys.argv[1]), _answer)
