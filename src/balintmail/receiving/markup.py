"""Turn the HTML that mail programs write into the Markdown of a newsletter: words, links, emphasis, lists, tables.

Colours, sizes and layout are left behind, and so are scripts, styles, forms and what nobody sees. Merge fields pass as
they were typed. Whatever comes in, it takes time in proportion to its length and never raises: nesting and the number
of elements are bounded. docs/newsletter-format.md describes the Markdown; nothing is rendered here.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote

LONGEST = 1_000_000  # characters; what a word processor writes has 300,000
DEEPEST = 60  # elements inside elements; what is deeper counts as if it were not
MOST = 60_000  # elements
_VOID = frozenset(
    {"br", "hr", "img", "meta", "input", "link", "col", "area", "base", "wbr", "source", "embed", "param"}
)
_UNSEEN = frozenset(
    {"script", "style", "head", "title", "template", "noscript", "object", "iframe", "svg", "math", "select", "button",
     "textarea", "audio", "video", "canvas", "xml"}
)  # fmt: skip
_BLOCKS = frozenset(
    {"p", "ul", "ol", "li", "blockquote", "table", "hr", "pre", "h1", "h2", "h3", "h4", "h5", "h6", "dl"}
)
_CLOSES = {  # what the beginning of an element ends, where its own end is left out
    "li": ("li", {"ul", "ol"}),
    "tr": ("tr", {"table"}),
    "td": ("td", {"tr", "table"}),
    "th": ("td", {"tr", "table"}),
}
_SIGNATURE = re.compile(r"gmail_signature|moz-signature|protonmail_signature|mobile-signature", re.IGNORECASE)
_BOLD = re.compile(r"font-weight\s*:\s*(?:bold|[6-9]00)", re.IGNORECASE)
_ITALIC = re.compile(r"font-style\s*:\s*italic", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)
_TAGS = re.compile(r"(\{[{%#].{0,500}?[}%#]\})", re.DOTALL)  # merge fields and conditions
_SPECIAL = re.compile(r"([\\`*_\[\]<>~^])")
_AT_THE_START = re.compile(r"^(#{1,6}(?=\s)|[-+:](?=\s)|={2,}|-{2,}|\|)")
_NUMBERED = re.compile(r"^(\d{1,9})([.)])(?=\s)")
_SCHEMES = re.compile(r"(?:https?://|mailto:|tel:)[^\n\r<>\"]{1,2000}", re.IGNORECASE)
_BREAK, _EDGE = "\n", "\r"  # a line's end that was asked for, and one only where the line holds anything


@dataclass(slots=True)
class _Element:
    """One element of a page; `inside` holds texts and elements in their order."""

    name: str
    said: Mapping[str, str] = field(default_factory=dict)
    inside: "list[_Element | str]" = field(default_factory=list)


def to_markdown(markup: str, pictures: Mapping[str, str] | None = None) -> str:
    """Return HTML as Markdown, "" where it says nothing.

    `pictures` gives the file names of the parts that `cid:` addresses name.
    """
    return "\n\n".join(_Writer(pictures or {}).blocks(_tree(markup).inside)).strip()


def is_formatted(markup: str) -> bool:
    """Say whether HTML says more than its plain text can: emphasis, links with words, lists, tables, headings."""
    return any(_says_more(one) for one in _every(_tree(markup)))


def _tree(markup: str) -> _Element:
    page = _Page()
    page.feed(_without_open_tags(_without_comments(markup[:LONGEST])))
    page.close()
    return page.root


def _without_comments(markup: str) -> str:
    """Return `markup` without its comments, for which the parser's time would grow with their number squared."""
    kept, at = [], 0
    while (start := markup.find("<!--", at)) >= 0:
        kept.append(markup[at:start])
        end = markup.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
    return "".join([*kept, markup[at:]])


def _without_open_tags(markup: str) -> str:
    """Return `markup` with the tags that never end as text: some parsers look through all that follows for each."""
    whole, end, rest = markup.rpartition(">")
    return whole + end + rest.replace("<", "&lt;")


def _says_more(one: _Element) -> bool:
    if one.name == "a":
        href, words = one.said.get("href", ""), "".join(each for each in one.inside if isinstance(each, str)).strip()
        return bool(words) and words.rstrip("/") not in href
    return one.name in {"b", "strong", "i", "em", "li", "h1", "h2", "h3", "h4", "td", "img"} or _is(one, _BOLD)


def _every(root: _Element) -> Iterator[_Element]:
    waiting = [root]
    while waiting:
        one = waiting.pop()
        yield one
        waiting += [each for each in one.inside if isinstance(each, _Element)]


def _is(one: _Element, style: re.Pattern[str]) -> bool:
    return bool(style.search(one.said.get("style", "")[:1000]))


class _Page(HTMLParser):
    """Builds the tree of elements; an end without a beginning is passed over."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = _Element("")
        self._open = [self.root]
        self._number = 0
        self._unseen: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs[:50]}
        if self._unseen or (tag in _UNSEEN and tag not in _VOID) or self._is_left_out(said):
            if tag not in _VOID:
                self._unseen.append(tag)
            return
        self._number += 1
        if self._number > MOST:
            return
        self._end_before(tag)
        element = _Element(tag, said)
        self._open[-1].inside.append(element)
        if tag not in _VOID and len(self._open) < DEEPEST:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _VOID:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen:
            if tag in self._unseen:
                while self._unseen.pop() != tag:
                    pass
            return
        for at in range(len(self._open) - 1, 0, -1):
            if self._open[at].name == tag:
                del self._open[at:]
                return

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self._open[-1].inside.append(data)

    def _is_left_out(self, said: Mapping[str, str]) -> bool:
        named = f"{said.get('class', '')} {said.get('id', '')}"[:1000]
        return bool(_SIGNATURE.search(named) or _HIDDEN.search(said.get("style", "")[:1000]) or "hidden" in said)

    def _end_before(self, tag: str) -> None:
        ends, inside = _CLOSES.get(tag, ("p", set()) if tag in _BLOCKS else ("", set()))
        for at in range(len(self._open) - 1, 0, -1):
            name = self._open[at].name
            if name in inside:
                return
            if name == ends or (ends == "td" and name == "th"):
                del self._open[at:]
                return
            if ends == "p" and name not in {"b", "strong", "i", "em", "span", "font", "u", "a"}:
                return


class _Writer:
    """Writes the tree as Markdown."""

    def __init__(self, pictures: Mapping[str, str]) -> None:
        self._pictures = pictures
        self._inline: dict[str, Callable[[_Element], str]] = {
            "br": lambda _: _BREAK,
            "img": self._picture,
            "a": self._link,
            "code": lambda one: self._marked(one, "`"),
            **dict.fromkeys(("b", "strong"), lambda one: self._marked(one, "**")),
            **dict.fromkeys(("i", "em", "cite"), lambda one: self._marked(one, "*")),
            **dict.fromkeys(("s", "strike", "del"), lambda one: self._marked(one, "~~")),
        }

    def blocks(self, inside: "Sequence[_Element | str]") -> list[str]:
        """Return the blocks that elements make, each with its lines."""
        found: list[str] = []
        run: list[str] = []

        def flush() -> None:
            found.extend(_paragraphs("".join(run)))
            run.clear()

        for one in inside:
            if isinstance(one, str) or not _holds_blocks(one):
                run.append(self._line(one))
                continue
            flush()
            found += self._block(one)
        flush()
        return found

    def _block(self, one: _Element) -> list[str]:
        if one.name in {"ul", "ol"}:
            return self._list(one)
        if one.name == "blockquote":
            inner = "\n\n".join(self.blocks(one.inside))
            return ["\n".join(f"> {line}".rstrip() for line in inner.split("\n"))] if inner else []
        if one.name == "table":
            return self._table(one)
        if one.name == "hr":
            return ["* * *"]
        if one.name == "pre":
            text = "".join(each if isinstance(each, str) else self._bare(each) for each in one.inside).strip("\n")
            return [f"~~~\n{text.replace('~~~', '')}\n~~~"] if text.strip() else []
        if re.fullmatch(r"h[1-6]", one.name):
            text = " ".join(_paragraphs(self._words(one))).replace("\\\n", " ").strip()
            return [f"{'#' * max(2, int(one.name[1]))} {text.strip('*')}"] if text else []
        return self.blocks(one.inside)

    def _line(self, one: _Element | str) -> str:
        """Return what stands in a line, with `_BREAK` and `_EDGE` in it."""
        if isinstance(one, str):
            return _escaped(re.sub(r"\s+", " ", one.replace("\xa0", " ")))
        if one.name in self._inline:
            return self._inline[one.name](one)
        inner = self._words(one)
        if one.name in {"span", "font"}:
            mark = "**" if _is(one, _BOLD) else "*" if _is(one, _ITALIC) else ""
            return _wrapped(inner, mark) if mark else inner
        return f"{_EDGE}{inner}{_EDGE}" if one.name in {"div", "center", "address", "section", "tr"} else inner

    def _words(self, one: _Element) -> str:
        return "".join(self._line(each) for each in one.inside)

    def _bare(self, one: _Element) -> str:
        if one.name == "br":
            return "\n"
        return "".join(each if isinstance(each, str) else self._bare(each) for each in one.inside)

    def _marked(self, one: _Element, mark: str) -> str:
        return _wrapped(self._bare(one) if mark == "`" else self._words(one), mark)

    def _link(self, one: _Element) -> str:
        href = one.said.get("href", "").strip()
        words = re.sub(r"[\n\r]+", " ", self._words(one)).strip()
        if not _SCHEMES.fullmatch(href) and not _TAGS.fullmatch(href):
            return words
        address = href if _TAGS.fullmatch(href) else quote(href, safe="%/:?#@!$&'*+,;=~-._[]{}|")
        return f"[{words or _escaped(href)}]({address})"

    def _picture(self, one: _Element) -> str:
        source, words = one.said.get("src", "").strip(), _escaped(" ".join(one.said.get("alt", "").split()))
        if source.lower().startswith("cid:"):
            name = self._pictures.get(source[4:].strip("<>"), "")
            return f"![{words}]({quote(name)})" if name else ""
        tiny = {one.said.get("width", ""), one.said.get("height", "")} & {"0", "1"}
        return (
            f"![{words}]({quote(source, safe='%/:?#@!$&+,;=~-._')})" if _SCHEMES.fullmatch(source) and not tiny else ""
        )

    def _list(self, one: _Element) -> list[str]:
        items: list[str] = []
        for each in one.inside:
            if isinstance(each, str) and not each.strip():
                continue
            inside = each.inside if isinstance(each, _Element) and each.name == "li" else [each]
            parts = self.blocks(inside)
            if not parts:
                continue
            mark = f"{len(items) + 1}. " if one.name == "ol" else "- "
            tight = "\n" if len(parts) > 1 and all(_is_list(part) for part in parts[1:]) else "\n\n"
            text = tight.join(parts)
            items.append(mark + text.replace("\n", "\n" + " " * len(mark)))
        return [re.sub(r"(?m)^ +$", "", "\n".join(items))] if items else []

    def _table(self, one: _Element) -> list[str]:
        """Return a table of data as one, and what is only laid out by a table cell by cell."""
        rows = [
            [each for each in row.inside if isinstance(each, _Element) and each.name in {"td", "th"}]
            for row in _rows(one)
        ]
        rows = [row for row in rows if row]
        widest = max(map(len, rows), default=0)
        if widest < 2 or len(rows) < 2 or any(_has_blocks(cell) for row in rows for cell in row):
            loose = [each for each in one.inside if isinstance(each, str)]
            return self.blocks([*loose, *(_Element("p", {}, cell.inside) for row in rows for cell in row)])
        lines = [[self._cell(cell) for cell in row] + [""] * (widest - len(row)) for row in rows]
        lines.insert(1, ["---"] * widest)
        return ["\n".join(f"| {' | '.join(line)} |" for line in lines)]

    def _cell(self, cell: _Element) -> str:
        return " ".join(re.sub(r"[\n\r]+", " ", self._words(cell)).split()).replace("|", "\\|")


def _rows(table: _Element) -> Iterator[_Element]:
    for one in table.inside:
        if isinstance(one, _Element) and one.name == "tr":
            yield one
        elif isinstance(one, _Element) and one.name in {"tbody", "thead", "tfoot"}:
            yield from (row for row in one.inside if isinstance(row, _Element) and row.name == "tr")


def _holds_blocks(one: _Element) -> bool:
    return one.name in _BLOCKS or _has_blocks(one)


def _has_blocks(one: _Element) -> bool:
    return any(each.name in _BLOCKS for each in _every(one) if each is not one)


def _is_list(part: str) -> bool:
    return part.startswith(("- ", "1. "))


def _wrapped(text: str, mark: str) -> str:
    """Return `text` between marks, line by line; blanks at the ends stay outside, where Markdown wants them."""
    done = []
    for piece in re.split(r"([\n\r])", text):
        core = piece.strip()
        if not core or piece in {_BREAK, _EDGE} or core.startswith(mark):
            done.append(piece)
            continue
        lead, tail = piece[: len(piece) - len(piece.lstrip())], piece[len(piece.rstrip()) :]
        done.append(f"{lead}{mark}{core}{mark}{tail}")
    return "".join(done)


def _escaped(text: str) -> str:
    """Return `text` so that Markdown takes it for words; merge fields stay what they are."""
    return "".join(
        piece if number % 2 else _SPECIAL.sub(r"\\\1", piece) for number, piece in enumerate(_TAGS.split(text))
    )


def _paragraphs(run: str) -> list[str]:
    """Return the paragraphs of a run of lines; within one, a line's end is a hard break."""
    lines = [""]
    for piece in re.split(r"([\n\r])", run):
        if piece == _BREAK or (piece == _EDGE and lines[-1].strip()):
            lines.append("")
        elif piece != _EDGE:
            lines[-1] += piece
    found: list[list[str]] = [[]]
    for line in lines:
        if text := " ".join(line.split()):
            found[-1].append(_NUMBERED.sub(r"\1\\\2", _AT_THE_START.sub(r"\\\1", text)))
        elif found[-1]:
            found.append([])
    return [_joined(each) for each in found if each]


def _joined(lines: list[str]) -> str:
    """Return the lines of a paragraph; the tags of conditions stand alone on theirs."""
    text = lines[0]
    for before, line in itertools.pairwise(lines):
        alone = re.fullmatch(r"\{%.*%\}", before) or re.fullmatch(r"\{%.*%\}", line)
        text += f"\n{line}" if alone else f"\\\n{line}"
    return text
