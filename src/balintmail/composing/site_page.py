"""Turn a page of the society's own, Markdown with a few settings, into what the site shows.

The Markdown is the letters' own (markdown.py): no raw HTML, no script, no picture from elsewhere, no link of a strange
scheme. Its headings begin below the page's title. It has no fields: nobody is known who reads it.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markdown_it.token import Token

from balintmail.composing import markdown
from balintmail.composing.frontmatter import Entry, read_front_matter
from balintmail.composing.inert import TokenTable, Vocabulary, Woven, new_table
from balintmail.composing.refusals import FrontMatterRefused, LetterError, LinkRefused, TitleMissing
from balintmail.domain.hygiene import TextRefused, one_line
from balintmail.domain.states import Visibility

KEYS = ("title", "order", "visibility", "menu", "lead")
USUAL_PLACE = 100
_ALIGNED = re.compile(r' style="text-align:(left|right|center)"')
_YES, _NO = ("yes", "true", "on"), ("no", "false", "off")


@dataclass(frozen=True, slots=True)
class PageText:
    """What a page's file says; `html` is its words, escaped where they need it."""

    title: str
    lead: str
    place: int  # in the menu: small numbers first
    visibility: Visibility
    in_menu: bool
    html: str


def read(source: str, file: str, *, link: Callable[[str], str], picture: Callable[[str], str]) -> PageText:
    """Return the page that `source` is; raise LetterError with file, line and the next step for what it cannot be.

    `link` and `picture` give the address on the site of a local link or picture.
    """
    source = source.replace("\r\n", "\n").removeprefix("\ufeff")
    front = read_front_matter(source, file, KEYS)
    if front.problems:
        raise front.problems[0]
    said = front.entries
    if "title" not in said:
        raise TitleMissing(file, 1, "the page has no title.", hint="Write title: … between the two lines of ---.")
    title, lead = _line(said, "title", file), _line(said, "lead", file)
    place, visibility = _place(said, file), _visibility(said, file)
    html = _words(front.body, front.body_line, file, link=link, picture=picture)
    return PageText(title, lead, place, visibility, _in_menu(said, file), html)


def _line(said: dict[str, Entry], key: str, file: str) -> str:
    entry = said.get(key)
    try:
        return one_line(entry.text or "", what=f"the {key}") if entry else ""
    except TextRefused as exc:
        raise FrontMatterRefused(file, entry.line if entry else 0, f"the {key}: {exc.reason}.") from exc


def _place(said: dict[str, Entry], file: str) -> int:
    entry = said.get("order")
    text = (entry.text or "").strip() if entry else str(USUAL_PLACE)
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        hint = "Small numbers stand first, such as order: 10."
        raise FrontMatterRefused(file, entry.line if entry else 0, f'order is a number, not "{text:.20}".', hint=hint)
    return int(text)


def _visibility(said: dict[str, Entry], file: str) -> Visibility:
    entry = said.get("visibility")
    text = (entry.text or "").strip().lower() if entry else Visibility.PUBLIC.value
    try:
        return Visibility(text)
    except ValueError as exc:
        problem = f'visibility is public, members or none, not "{text:.20}".'
        raise FrontMatterRefused(file, entry.line if entry else 0, problem) from exc


def _in_menu(said: dict[str, Entry], file: str) -> bool:
    entry = said.get("menu")
    text = (entry.text or "").strip().lower() if entry else "yes"
    if text not in _YES + _NO:
        raise FrontMatterRefused(file, entry.line if entry else 0, f'menu is yes or no, not "{text:.20}".')
    return text in _YES


def _words(body: str, line: int, file: str, *, link: Callable[[str], str], picture: Callable[[str], str]) -> str:
    woven = Woven(body, tuple(range(line, line + body.count("\n") + 1)))
    table = new_table(Vocabulary(), body, file=file)
    tokens = markdown.parse(woven, table)
    markdown.check_links(tokens, woven, table)
    _refuse_foreign_pictures(tokens, woven, table)
    if table.problems:
        raise _first(table.problems)
    markdown.place_pictures(tokens, woven, lambda name, _line: picture(name))
    for placed in markdown.each(tokens, woven):
        written = str(placed.token.attrGet("href") or "") if placed.token.type == "link_open" else ""
        if written and not markdown.scheme_of(written) and not written.startswith(("//", "#")):
            placed.token.attrSet("href", link(written))
    _lower_headings(tokens)
    return _ALIGNED.sub(r' class="\1"', markdown.to_html(tokens, table))


def _refuse_foreign_pictures(tokens: Sequence[Token], woven: Woven, table: TokenTable) -> None:
    for placed in markdown.each(tokens, woven):
        written = str(placed.token.attrGet("src") or "") if placed.token.type == "image" else ""
        if markdown.scheme_of(written) or written.startswith("//"):
            hint = "Put it into the folder pages/pictures and write pictures/NAME."
            problem = f'the picture "{written:.60}" lies on another site.'
            table.problems.append(LinkRefused(table.file, placed.line, problem, hint=hint))


def _first(problems: Sequence[LetterError]) -> LetterError:
    return min(problems, key=lambda one: one.line)


def _lower_headings(tokens: Sequence[Token]) -> None:
    """Let the highest heading stand one step below the page's title, with no step left out above it."""
    headings = [one for one in tokens if one.type in {"heading_open", "heading_close"}]
    highest = min((int(one.tag[1:]) for one in headings), default=2)
    for one in headings:
        one.tag = f"h{min(int(one.tag[1:]) - highest + 2, 6)}"
