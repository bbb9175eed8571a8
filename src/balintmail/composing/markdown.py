"""Turn a letter's woven Markdown into one token stream, from which both the HTML and the text part are written.

CommonMark with tables, footnotes, definition lists, strikethrough and attribute lists. Raw HTML is not markup here:
it is shown as it was typed, so a letter can hold no script, style or foreign content (D1-D5). Conditions may stand in
a line, round whole blocks, or round rows of a table, but never tear an element apart. Neighbours: subset.py before,
conditions.py for the conditions, layout.py and plaintext.py after.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_block import StateBlock
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.footnote import footnote_plugin

from balintmail.composing.inert import Part, TokenTable, Woven
from balintmail.composing.refusals import LinkRefused

BOUNDARY = "merge"  # the type of a token that stands for the edge of a condition between blocks or rows
ATTRIBUTES = ("class", "id", "lang", "dir", "title", "width", "height")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_IGNORED_IN_ADDRESS = re.compile("[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]")
_LINKED = frozenset({"http", "https", "mailto", "tel"})
_RULE_OF_TABLE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*")
_TRAILING_ATTRIBUTES = re.compile(r"\s*\{:?((?:\s*[#.][A-Za-z][\w:-]*)+)\s*\}\s*$")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a Markdown token comes from: the line of the source."""

    token: Token
    line: int


def parse(woven: Woven, table: TokenTable) -> list[Token]:
    """Return the token stream of `woven`; boundaries between blocks are tokens of type BOUNDARY."""
    md = _markdown(table)
    lines = _rows_between(woven.text.split("\n"), table)
    tokens = md.parse("\n".join(lines))
    tokens = _lift_rows(tokens, table)
    _attributes_of_headings(tokens)
    return tokens


def to_html(tokens: Sequence[Token], table: TokenTable) -> str:
    """Return the letter's HTML, inert tokens in it; edges of conditions between blocks stand in comments."""
    md = _markdown(table)
    html: str = md.renderer.render(tokens, md.options, {})
    return html


def each(tokens: Sequence[Token], woven: Woven) -> Iterator[Placed]:
    """Yield every token and every child in order, each with its line in the source."""
    line = 0
    for token in tokens:
        if token.map:
            line = token.map[0]
        yield Placed(token, woven.source_line(line))
        breaks = 0
        for child in _children(token):
            breaks += child.type in {"softbreak", "hardbreak"}
            yield Placed(child, woven.source_line(line + breaks))


def check_links(tokens: Sequence[Token], woven: Woven, table: TokenTable) -> None:
    """Note every link whose scheme must not be mailed, and mark the fields that stand in addresses."""
    values = table.pattern("v")
    for placed in each(tokens, woven):
        key = {"link_open": "href", "image": "src"}.get(placed.token.type)
        if key is None:
            continue
        written = str(placed.token.attrGet(key) or "")
        scheme = scheme_of(written)
        if scheme and scheme not in (_LINKED if key == "href" else {"http", "https"}):
            table.problems.append(
                LinkRefused(
                    table.file,
                    placed.line,
                    f'the address "{written:.60}" must not be mailed.',
                    hint="Links begin with https://, http://, mailto: or tel:.",
                )
            )
        address = values.sub(lambda found: table.address_token(int(found[2]), leads=found.start() == 0), written)
        placed.token.attrSet(key, address)


def scheme_of(written: str) -> str:
    """Return the scheme a browser would see in an address, in small letters, or ""."""
    found = _SCHEME.match(_IGNORED_IN_ADDRESS.sub("", unquote(written)))
    return found[1].lower() if found else ""


def place_pictures(tokens: Sequence[Token], woven: Woven, place: Callable[[str, int], str]) -> None:
    """Give every local picture the address that `place` returns for its name and line."""
    for placed in each(tokens, woven):
        if placed.token.type == "image":
            written = str(placed.token.attrGet("src") or "")
            if written and not scheme_of(written) and not written.startswith("//"):
                placed.token.attrSet("src", place(written, placed.line))


def _children(token: Token) -> Iterator[Token]:
    for child in token.children or []:
        yield child
        yield from _children(child)


def _markdown(table: TokenTable) -> MarkdownIt:
    md = MarkdownIt("commonmark", {"html": False, "typographer": False, "linkify": False})
    md.enable(["table", "strikethrough"])
    md.use(footnote_plugin).use(deflist_plugin)
    md.use(attrs_plugin, spans=True, allowed=ATTRIBUTES).use(attrs_block_plugin, allowed=ATTRIBUTES)
    md.validateLink = lambda url: True  # type: ignore[method-assign]  # check_links refuses with a line instead
    edge = re.compile(rf"(?:{table.pattern('iex').pattern}[ \t]*)+")

    def boundary(state: StateBlock, start: int, end: int, silent: bool) -> bool:  # noqa: FBT001
        if state.is_code_block(start):
            return False
        line = state.src[state.bMarks[start] + state.tShift[start] : state.eMarks[start]]
        if not edge.fullmatch(line):
            return False
        if not silent:
            for found in table.pattern("iex").finditer(line):
                _boundary(state.push(BOUNDARY, "", 0), found[0], start)
            state.line = start + 1
        return True

    md.block.ruler.before("table", BOUNDARY, boundary, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    md.add_render_rule(BOUNDARY, _render_boundary)
    md.add_render_rule("footnote_open", _render_footnote)
    return md


def _boundary(token: Token, content: str, line: int) -> Token:
    token.content = content
    token.map = [line, line + 1]
    token.block = True
    return token


def _render_boundary(
    self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    return f"<!--{tokens[at].content}-->"


def _render_footnote(
    self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    options: OptionsDict,
    env: EnvType,
) -> str:
    """Write the number too: where a note is not for everybody, the others keep theirs."""
    number = int(tokens[at].meta["id"]) + 1
    return f'<li id="fn{number}" class="footnote-item" value="{number}">'


def _rows_between(lines: list[str], table: TokenTable) -> list[str]:
    """Make a row of every condition that stands between the rows of a table, so that the table goes on."""
    edges = table.pattern("iex")
    only = re.compile(rf"\s*(?:{edges.pattern}\s*)+")
    out: list[str] = []
    in_table = False
    inside: set[str] = set()
    for at, line in enumerate(lines):
        if not line.strip():
            in_table = False
            inside.clear()
        elif not in_table:
            in_table = "|" in line and at > 0 and "|" in lines[at - 1] and bool(_RULE_OF_TABLE.fullmatch(line))
        elif only.fullmatch(line):
            found = list(edges.finditer(line))
            after = next((further for further in lines[at + 1 :] if not only.fullmatch(further)), "")
            if "|" in after or any(edge[2] in inside for edge in found):
                inside |= {edge[2] for edge in found if edge[1] == Part.IF}
                line = f"| {line.strip()} |"  # noqa: PLW2901
            else:
                in_table = False
        out.append(line)
    return out


def _lift_rows(tokens: list[Token], table: TokenTable) -> list[Token]:
    """Put the bare boundaries in the place of the rows that `_rows_between` made."""
    only = re.compile(rf"(?:{table.pattern('iex').pattern}\s*)+")
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "tr_open" and at + 2 < len(tokens) and only.fullmatch(tokens[at + 2].content or " "):
            line = token.map[0] if token.map else 0
            level = token.level
            for found in table.pattern("iex").finditer(tokens[at + 2].content):
                edge = _boundary(Token(BOUNDARY, "", 0), found[0], line)
                edge.level = level
                out.append(edge)
            while tokens[at].type != "tr_close":
                at += 1
        else:
            out.append(token)
        at += 1
    return out


def _attributes_of_headings(tokens: Sequence[Token]) -> None:
    """Take `{#id .class}` off the end of a heading's words."""
    for at, token in enumerate(tokens):
        if token.type != "heading_open" or not tokens[at + 1].children:
            continue
        last = (tokens[at + 1].children or [])[-1]
        if last.type == "text" and (found := _TRAILING_ATTRIBUTES.search(last.content)):
            last.content = last.content[: found.start()]
            for mark in found[1].split():
                if mark.startswith("#"):
                    token.attrSet("id", mark[1:])
                else:
                    token.attrJoin("class", mark[1:])
