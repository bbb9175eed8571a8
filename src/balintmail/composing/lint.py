"""Say what stops or spoils a letter: every rule over its rendered HTML, its text and its source.

Pure: the same letter gives the same findings. It asks no database and no network; services/checking.py adds what only
they know. Rules: S7, S27, S28, S29; WCAG 2.2 by number where one is meant. One rule, one function, one sample that
fails it in the tests.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from balintmail.composing.lint_page import LinkSeen, Page, read_page
from balintmail.domain.colour import LARGE_READABLE, READABLE, contrast, nearest_readable

WARN_HTML_BYTES = 90_000  # Gmail clips somewhere above; the point is not published (S27)
_VAGUE = frozenset(
    {"here", "click here", "link", "more", "read more", "this", "this link", "hier", "ici", "itt", "tovább"}
)
_SAFE = ("https:", "mailto:", "tel:", "cid:", "#")
_WEB = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_SHORTEST_TEXT = 40  # characters


class Level(StrEnum):
    """How grave a finding is: a `stop` keeps the letter from being sent."""

    STOP = "stop"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know before sending. `line` counts from 1 in the source; 0: the letter as a whole."""

    code: str
    level: Level
    line: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A letter as one person would get it.

    `leave` is the token that every address by which this person leaves holds; `own` are pieces of addresses that may
    be repeated without fault, such as the preferences token. `night` maps the layout's light colours to its dark ones.
    """

    html: str
    text: str
    source: str
    leave: str
    own: tuple[str, ...] = ()
    night: Mapping[str, str] = field(default_factory=dict)
    max_html_bytes: int = 102_000


def lint(letter: Rendered) -> list[Finding]:
    """Return every finding, stops first, then by line."""
    page = read_page(letter.html, letter.night)
    found = {finding: None for rule in _RULES for finding in rule(letter, page)}
    return in_order(list(found))


def in_order(findings: list[Finding]) -> list[Finding]:
    """Return `findings` without repetitions, stops first, then warnings, then notes, each by line."""
    grave = list(Level)
    return sorted(dict.fromkeys(findings), key=lambda finding: (grave.index(finding.level), finding.line))


def size_finding(size: int, limit: int, *, people: int = 0) -> Finding | None:
    """Return what is to be said of an HTML part of `size` bytes; `people` (0: unsaid) would get one as large."""
    whom = f" for {people} {'person' if people == 1 else 'people'}" if people else ""
    if size > limit:
        message = f"the HTML part has {size:,} bytes{whom}; {limit:,} is the most (send.max_html_bytes)"
        return Finding("html_too_large", Level.STOP, 0, message)
    if size > min(WARN_HTML_BYTES, limit):
        message = f"the HTML part has {size:,} bytes{whom}; Gmail hides the end of letters of about {limit:,}"
        return Finding("html_large", Level.WARN, 0, message)
    return None


def _size(letter: Rendered, page: Page) -> Iterator[Finding]:
    """S27."""
    if finding := size_finding(len(letter.html.encode("utf-8", "replace")), letter.max_html_bytes):
        yield finding


def _leave(letter: Rendered, page: Page) -> Iterator[Finding]:
    """S7: a visible way out in both parts."""
    for part, present in (
        ("HTML", any(letter.leave in link.address and link.words.strip() for link in page.links)),
        ("text", letter.leave in letter.text),
    ):
        if not present:
            yield Finding("no_leave_link", Level.STOP, 0, f"the {part} part has no link to leave the list")


def _document(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 3.1.1 and 2.4.2."""
    if not page.language:
        yield Finding("no_language", Level.WARN, 0, "the letter does not say which language it is in")
    if not page.title.strip():
        yield Finding("no_document_title", Level.WARN, 0, "the HTML part has no title")


def _pictures(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 1.1.1; and pictures that would be fetched from elsewhere."""
    for picture in page.pictures:
        line = _line(letter.source, _picture_needle(letter.source, picture.source))
        if picture.alt is None or (picture.in_letter and not picture.alt.strip()):
            yield Finding("picture_alt", Level.WARN, line, "picture without alternative text")
        if picture.source.startswith(("http:", "https:", "//")):
            where = _short(picture.source)
            message = f"the picture {where} is fetched from elsewhere: most programs hide it, and it tells who reads"
            yield Finding("picture_remote", Level.WARN, line, message)


def _empty_links(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 2.4.4."""
    for link in page.links:
        line = _line(letter.source, link.address)
        if not link.words.strip():
            yield Finding("link_empty", Level.WARN, line, f"the link to {_short(link.address)} has no words")
        elif link.address in {"", "#"}:
            line = _line(letter.source, link.words.strip())
            yield Finding("link_empty", Level.WARN, line, f"the link “{_short(link.words)}” leads nowhere")
        elif link.in_letter and " ".join(link.words.lower().split()).strip(".…!:") in _VAGUE:
            message = f"the link “{_short(link.words)}” does not say where it leads"
            yield Finding("link_vague", Level.NOTE, line, message)


def _duplicate_links(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 2.4.4: one address twice, or the same words for two."""
    by_address: dict[str, int] = defaultdict(int)
    by_words: dict[str, set[str]] = defaultdict(set)
    for link in _own_of_author(letter, page):
        by_address[link.address] += 1
        by_words[" ".join(link.words.lower().split())].update({link.address} - {""})
    for address, times in by_address.items():
        if times > 1 and address:  # an empty one is told of as leading nowhere
            line = _last_line(letter.source, address)
            message = f"the address {_short(address)} is linked {'twice' if times == 2 else f'{times} times'}"
            yield Finding("link_duplicate", Level.WARN, line, message)
    for words, addresses in by_words.items():
        if words and len(addresses) > 1:
            line = max(_line(letter.source, address) for address in addresses)
            message = f"the words “{_short(words)}” lead to {len(addresses)} different addresses"
            yield Finding("link_duplicate", Level.WARN, line, message)


def _own_of_author(letter: Rendered, page: Page) -> Iterator[LinkSeen]:
    apart = (letter.leave, *letter.own)
    return (
        link
        for link in page.links
        if link.in_letter
        and link.words.strip()
        and not link.address.startswith("#")
        and not any(piece in link.address for piece in apart)
    )


def _insecure_links(letter: Rendered, page: Page) -> Iterator[Finding]:
    for link in page.links:
        address = link.address.lower()
        if not address or address.startswith(_SAFE):
            continue
        line = _line(letter.source, link.address)
        if address.startswith("http:"):
            message = f"the link {_short(link.address)} is without https"
        elif _WEB.match(address):
            message = f"the link {_short(link.address)} is not one that every reader can open"
        else:
            message = f"the link {_short(link.address)} is without https:// and leads nowhere from a mail"
        yield Finding("link_insecure", Level.WARN, line, message)


def _colour_alone(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 1.4.1: a link in running text is known by more than its colour."""
    for link in _own_of_author(letter, page):
        if not link.underlined and not link.painted:
            message = f"the link “{_short(link.words)}” is known by its colour alone"
            yield Finding("link_colour_alone", Level.WARN, _line(letter.source, link.address), message)


def _headings(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 1.3.1: one title, and no level left out on the way down."""
    above = 0
    for index, heading in enumerate(page.headings):
        words = heading.words.strip()
        line = _heading_line(letter.source, words)
        if not words:
            yield Finding("heading_empty", Level.WARN, line, "a heading without words")
        elif heading.level == 1 and index > 0:
            message = f"“{_short(words)}” is a second title (#): headings in a letter begin with ##"
            yield Finding("heading_level", Level.WARN, line, message)
        elif heading.level > above + 1:
            message = f"the heading “{_short(words)}” jumps from level {above} to {heading.level}"
            yield Finding("heading_level", Level.WARN, line, message)
        above = heading.level


def _tables(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 1.3.1: a table is either data with a header or layout that says so."""
    for table in page.tables:
        if not table.presentation and not table.headers and table.cells:
            message = "a table has neither a header row nor role=presentation"
            yield Finding("table_role", Level.WARN, 0, message)


def _contrasts(letter: Rendered, page: Page) -> Iterator[Finding]:
    """WCAG 2.2, 1.4.3, in both colour schemes; once for each pair of colours."""
    named: set[tuple[object, ...]] = set()
    for text in page.texts:
        wanted = LARGE_READABLE if text.large else READABLE
        reached = contrast(text.ink, text.ground)
        pair = (text.ink, text.ground, text.dark, text.large)
        if reached < wanted and pair not in named:
            named.add(pair)
            scheme = "in the dark scheme " if text.dark else ""
            line = _line(letter.source, str(text.ink)) or _line(letter.source, text.words)
            message = (
                f"“{_short(text.words)}” is hard to read: {scheme}{text.ink} on {text.ground} has a contrast of "
                f"{reached:.1f}, {wanted} is needed; nearest: {nearest_readable(text.ink, text.ground, wanted=wanted)}"
            )
            yield Finding("contrast", Level.WARN, line, message)


def _text_part(letter: Rendered, page: Page) -> Iterator[Finding]:
    """S28: the text part is a letter of its own."""
    if len(letter.text.strip()) < _SHORTEST_TEXT:
        yield Finding("text_part", Level.WARN, 0, "the text part is nearly empty")


_RULES: tuple[Callable[[Rendered, Page], Iterator[Finding]], ...] = (
    _leave,
    _size,
    _document,
    _pictures,
    _empty_links,
    _duplicate_links,
    _insecure_links,
    _colour_alone,
    _headings,
    _tables,
    _contrasts,
    _text_part,
)


def _line(source: str, needle: str) -> int:
    """Return the first line of `source` with `needle`, or 0."""
    at = source.find(needle) if needle else -1
    return source.count("\n", 0, at) + 1 if at >= 0 else 0


def _last_line(source: str, needle: str) -> int:
    at = source.rfind(needle)
    return source.count("\n", 0, at) + 1 if needle and at >= 0 else 0


def _picture_needle(source: str, address: str) -> str:
    """Return what to look for in the source: the address, or the first picture without words for an embedded one."""
    if address and address in source:
        return address
    found = re.search(r"!\[\s*\]\(", source)
    return found[0] if found else ""


def _heading_line(source: str, words: str) -> int:
    for number, line in enumerate(source.split("\n"), start=1):
        if line.startswith("#") and (line.strip("# ") == words or (words and words in line)):
            return number
    return _line(source, words)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
