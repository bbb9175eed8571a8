"""Read a rendered letter as the rules of lint.py need it: links, pictures, headings, tables, the colours of texts.

It judges nothing and never raises on any HTML. Colours are those of the inlined styles; for the dark scheme the
layout's own colours are exchanged as its style sheet does, and an author's own colour stays what it is.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

from balintmail.domain.colour import BLACK, WHITE, Colour, parse

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_UNSEEN = frozenset({"head", "style", "script", "title"})
_SPACE = re.compile(r"\s+")


@dataclass(slots=True)
class LinkSeen:
    """A link; `words` include the alternative texts of its pictures."""

    address: str
    words: str = ""
    in_letter: bool = False
    underlined: bool = True
    painted: bool = False  # it has a background of its own, as a button has


@dataclass(frozen=True, slots=True)
class PictureSeen:
    """A picture; `alt` is None where there is no such attribute."""

    source: str
    alt: str | None
    in_letter: bool


@dataclass(slots=True)
class HeadingSeen:
    """A heading and its level, 1 to 6."""

    level: int
    words: str = ""


@dataclass(slots=True)
class TableSeen:
    """A table: whether it says that it is only there for the layout, and whether it has header cells."""

    presentation: bool
    headers: int = 0
    cells: int = 0


@dataclass(frozen=True, slots=True)
class TextSeen:
    """A piece of text with the colours it has in one scheme; `large` text needs less contrast."""

    words: str
    ink: Colour
    ground: Colour
    large: bool
    dark: bool


@dataclass(slots=True)
class Page:
    """What a reading found, in the order of the document."""

    language: str = ""
    title: str = ""
    links: list[LinkSeen] = field(default_factory=list)
    pictures: list[PictureSeen] = field(default_factory=list)
    headings: list[HeadingSeen] = field(default_factory=list)
    tables: list[TableSeen] = field(default_factory=list)
    texts: list[TextSeen] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element and what its children inherit from it."""

    tag: str
    classes: frozenset[str]
    ink: Colour
    ground: Colour
    dark_ink: Colour
    dark_ground: Colour
    size: float  # pixels
    bold: bool
    hidden: bool


def read_page(html: str, night: Mapping[str, str] | None = None) -> Page:
    """Return what `html` shows; `night` maps the layout's light colours (`#rrggbb`) to its dark ones."""
    reader = _Reader(night or {})
    reader.feed(html)
    reader.close()
    return reader.page


class _Reader(HTMLParser):
    def __init__(self, night: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.night = {parse(light): parse(dark) for light, dark in night.items()}
        self.open: list[_Element] = []
        self.links: list[LinkSeen] = []
        self.heading: HeadingSeen | None = None
        self.tables: list[TableSeen] = []

    @property
    def _here(self) -> _Element:
        empty = _Element("", frozenset(), BLACK, WHITE, BLACK, WHITE, 16.0, bold=False, hidden=False)
        return self.open[-1] if self.open else empty

    def _within(self, name: str) -> bool:
        return any(name in element.classes for element in self.open)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        element = self._element(tag, found)
        if tag == "html":
            self.page.language = found.get("lang", "")
        elif tag == "img":
            self._picture(found)
        elif tag == "table":
            self.tables.append(TableSeen(found.get("role") in {"presentation", "none"}))
            self.page.tables.append(self.tables[-1])
        elif tag in {"td", "th"} and self.tables:
            self.tables[-1].cells += 1
            self.tables[-1].headers += tag == "th"
        if tag in _VOID:
            return
        self.open.append(element)
        if tag == "a" and "href" in found:
            self._link(found)
        elif len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
            self.heading = HeadingSeen(int(tag[1]))
            self.page.headings.append(self.heading)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not any(element.tag == tag for element in self.open):
            return
        while self.open and self.open.pop().tag != tag:
            pass
        if tag == "a" and self.links:
            self.links.pop()
        elif tag == "table" and self.tables:
            self.tables.pop()
        elif self.heading is not None and tag == f"h{self.heading.level}":
            self.heading = None

    def handle_data(self, data: str) -> None:
        words = _SPACE.sub(" ", data)
        if self._here.tag == "title":
            self.page.title += words
        if not words.strip() or self._here.hidden or self._here.tag in _UNSEEN:
            return
        self._say(words)
        here = self._here
        large = here.size >= 24 or (here.bold and here.size >= 18.66)  # WCAG 2.2, "large scale"
        self.page.texts.append(TextSeen(words.strip(), here.ink, here.ground, large, dark=False))
        self.page.texts.append(TextSeen(words.strip(), here.dark_ink, here.dark_ground, large, dark=True))

    def _say(self, words: str) -> None:
        for link in self.links:
            link.words += words
        if self.heading is not None:
            self.heading.words += words

    def _picture(self, found: Mapping[str, str]) -> None:
        alt = found.get("alt")
        self.page.pictures.append(PictureSeen(found.get("src", ""), alt, self._within("letter")))
        self._say(alt or "")

    def _link(self, found: Mapping[str, str]) -> None:
        style = _declarations(found.get("style", ""))
        link = LinkSeen(found["href"].strip(), in_letter=self._within("letter"))
        link.underlined = "none" not in style.get("text-decoration", "underline")
        link.painted = "background-color" in style or "background" in style
        self.links.append(link)
        self.page.links.append(link)

    def _element(self, tag: str, found: Mapping[str, str]) -> _Element:
        above = self._here
        style = _declarations(found.get("style", ""))
        ink = _colour(style.get("color", "") or found.get("color", ""))
        ground = _colour(style.get("background-color", "") or style.get("background", "") or found.get("bgcolor", ""))
        return _Element(
            tag,
            frozenset(found.get("class", "").split()),
            ink or above.ink,
            ground or above.ground,
            self._at_night(ink) or above.dark_ink,
            self._at_night(ground) or above.dark_ground,
            _pixels(style.get("font-size", "")) or above.size,
            bold=_is_bold(tag, style, above),
            hidden=above.hidden or style.get("display") == "none" or tag in _UNSEEN,
        )

    def _at_night(self, colour: Colour | None) -> Colour | None:
        return self.night.get(colour) or colour


def _is_bold(tag: str, style: Mapping[str, str], above: _Element) -> bool:
    weight = style.get("font-weight", "")
    if weight:
        return weight == "bold" or (weight.isdigit() and int(weight) >= 700)
    return above.bold or tag in {"b", "strong", "th", "h1", "h2", "h3", "h4", "h5", "h6"}


def _declarations(style: str) -> dict[str, str]:
    """Return the declarations of a style attribute; the last of a name counts."""
    pairs = (part.partition(":") for part in style.split(";"))
    return {name.strip().lower(): value.replace("!important", "").strip().lower() for name, _, value in pairs if value}


def _colour(text: str) -> Colour | None:
    return parse(text) if text else None


def _pixels(size: str) -> float:
    found = re.fullmatch(r"(\d{1,4}(?:\.\d{1,4})?)px", size)
    return float(found[1]) if found else 0.0
