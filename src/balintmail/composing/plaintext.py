"""Write a letter's text part from the tokens that Markdown gave: good to read by itself, in a terminal or aloud.

Wrapped at 72 columns; links stand behind their words in angle brackets (numbers would leave gaps where a part is not
for everybody); narrow tables are aligned, wide ones become lists of facts; footnotes are kept at the end. Inert
tokens stay as they are, and a condition round blocks leaves no hole where its part is left out. It never raises on
any Markdown. Its twin for HTML is layout.py, its tables plaintables.py.
"""

import html
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from balintmail.composing.layout import MEMBERS_CLOSE, MEMBERS_OPEN, LayoutValues, render, shown, templating
from balintmail.composing.look import read_words
from balintmail.composing.plaintables import Cell, Row, Table, lay_out
from balintmail.composing.wrapping import BOUNDARY_TOKENS, WIDTH, hang, underlined, wrap

_TAG = re.compile(r"<!--.*?-->|<[^>]*>", re.DOTALL)
_NARROWEST = 24  # columns that are left to text however deep it is nested


def render_text(tokens: Sequence[Token], values: LayoutValues) -> str:
    """Return the whole text part: `layout.txt` of the mail's folder with the letter's text in it.

    Raises TemplateError naming the file and line of a template that is wrong.
    """
    body = body_text(tokens, read_words(values.templates, values.language))
    environment = templating(values.templates)
    environment.filters["wrapped"] = lambda text: "\n".join(wrap(str(text)))
    environment.filters["underlined"] = lambda text: underlined(str(text))
    whole = render(environment, f"emails/{values.template}/layout.txt", shown(values) | {"body": body})
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in whole.splitlines())).strip("\n") + "\n"


def body_text(tokens: Sequence[Token], words: dict[str, str]) -> str:
    """Return the letter's own text, wrapped, without masthead and foot."""
    writer = _Writer(list(tokens), words)
    return "\n".join(_joined(writer.blocks(WIDTH)))


@dataclass(slots=True)
class _Block:
    """Lines that stand together; a `tight` one follows the one before without an empty line.

    A `boundary` is the inert token of a condition: it is written against the block it precedes, so that nothing but
    that block goes with it.
    """

    lines: list[str]
    tight: bool = False
    boundary: bool = False


def _joined(blocks: Sequence[_Block]) -> list[str]:
    """Return all lines, an empty one between blocks; boundaries are glued to what follows, or at the end precedes."""
    lines: list[str] = []
    waiting = ""
    for block in blocks:
        if block.boundary:
            waiting += block.lines[0]
            continue
        if lines and not block.tight:
            lines.append("")
        lines += [waiting + block.lines[0], *block.lines[1:]] if block.lines else [waiting]
        waiting = ""
    if waiting:
        lines = [*lines[:-1], lines[-1] + waiting] if lines else [waiting]
    return lines


@dataclass(slots=True)
class _Writer:
    """Walks over Markdown's flat token list once, one block after another."""

    tokens: list[Token]
    words: dict[str, str]
    at: int = 0
    items: int = 0  # list items that are open
    inline: "_Inline" = field(init=False)

    def __post_init__(self) -> None:
        self.inline = _Inline(self.words)

    def blocks(self, width: int, *, until: str = "") -> list[_Block]:
        """Return the blocks up to the closing token `until`, which is taken too."""
        found: list[_Block] = []
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token.type == until:
                break
            found += self._block(token, max(width, _NARROWEST))
        return found

    def _block(self, token: Token, width: int) -> list[_Block]:
        plain = _LEAVES.get(token.type)
        if plain is not None:
            return plain(self, token, width)
        if token.nesting == 1:
            closing = token.type.removesuffix("_open") + "_close"
            nested = _NESTED.get(token.type)
            return nested(self, token, width) if nested else self.blocks(width, until=closing)
        if token.nesting == -1 or token.type in _SILENT:
            return []
        text = (self.inline.text(token.children) if token.children else token.content).strip()
        return [_Block([text], boundary=True)] if text else []

    def _inline_block(self, token: Token, width: int) -> list[_Block]:
        text = self.inline.text(token.children or [])
        if BOUNDARY_TOKENS.fullmatch(text):
            return [_Block(["".join(text.split())], boundary=True)]
        return [_Block(wrap(text, width))] if text else []

    def _rule(self, token: Token, width: int) -> list[_Block]:
        return [_Block(["* * *".center(width).rstrip()])]

    def _code(self, token: Token, width: int) -> list[_Block]:
        return [_Block([f"    {line}".rstrip() for line in token.content.rstrip("\n").split("\n")])]

    def _html(self, token: Token, width: int) -> list[_Block]:
        """Return the words of a piece of HTML, the label of a members' part, or the boundary that stands there."""
        content = token.content.strip()
        if content == MEMBERS_OPEN:
            return [_Block([f"[{self.words['for_members']}]"])]
        if content == MEMBERS_CLOSE:
            return []
        text = html.unescape(_TAG.sub(" ", content)).strip()
        if BOUNDARY_TOKENS.fullmatch(text):
            return [_Block(["".join(text.split())], boundary=True)]
        return [_Block(wrap(text, width))] if text else []

    def _paragraph(self, token: Token, width: int) -> list[_Block]:
        blocks = self.blocks(width, until="paragraph_close")
        if token.hidden and blocks:
            blocks[0].tight = True
        return blocks

    def _heading(self, token: Token, width: int) -> list[_Block]:
        inner = self.blocks(width, until="heading_close")
        lines = [line for block in inner for line in block.lines]
        text = " ".join(lines).strip()
        if not text:
            return []
        mark = {"h1": "=", "h2": "-"}.get(token.tag)
        return [_Block(underlined(text, mark, width).split("\n") if mark else wrap(text, width))]

    def _quote(self, token: Token, width: int) -> list[_Block]:
        lines = _joined(self.blocks(width - 2, until="blockquote_close"))
        return [_Block(hang(lines, "> ", "> "))] if lines else []

    def _list(self, token: Token, width: int) -> list[_Block]:
        closing = token.type.replace("_open", "_close")
        number = int(token.attrGet("start") or 1) if token.type.startswith("ordered") else None
        found: list[_Block] = []
        loose = False
        while self.at < len(self.tokens) and self.tokens[self.at].type != closing:
            item = self.tokens[self.at]
            self.at += 1
            if item.type != "list_item_open":
                found += self._block(item, width)
                continue
            sign = "* " if number is None else f"{number}. "
            self.items += 1
            inner = self.blocks(width - len(sign), until="list_item_close")
            self.items -= 1
            loose = loose or any(not block.tight and not block.boundary for block in inner[:1])
            lines = _joined(inner)
            found.append(_Block(hang(lines, sign, " " * len(sign)), tight=bool(found) and not loose))
            number = number + 1 if number is not None else None
        self.at += 1
        if found and self.items and not loose:
            found[0].tight = True
        return found

    def _definition(self, token: Token, width: int) -> list[_Block]:
        lines = _joined(self.blocks(width - 4, until="dd_close"))
        return [_Block(hang(lines, "    ", "    "), tight=True)] if lines else []

    def _footnote(self, token: Token, width: int) -> list[_Block]:
        sign = f"[{_footnote_number(token)}] "
        lines = _joined(self.blocks(width - len(sign), until="footnote_close"))
        return [_Block(hang(lines or [""], sign, " " * len(sign)))]

    def _footnotes(self, token: Token, width: int) -> list[_Block]:
        inner = self.blocks(width, until="footnote_block_close")
        return [_Block(underlined(self.words["footnotes"], "-").split("\n")), *inner] if inner else []

    def _table(self, token: Token, width: int) -> list[_Block]:
        """Read a whole table and lay it out; edges of conditions between rows keep their place."""
        table = Table([], [])
        in_head = False
        for part in self._until("table_close"):
            if part.type in {"thead_open", "thead_close"}:
                in_head = part.type == "thead_open"
            elif part.type == "tr_open" and not in_head:
                table.rows.append(Row([], table.edges))
                table.edges = ""
            elif part.type in {"th_open", "td_open"}:
                row = table.rows[-1].cells if table.rows and not in_head else table.header
                row.append(Cell("", _alignment(part)))
            elif part.type == "inline":
                row = table.rows[-1].cells if table.rows and not in_head else table.header
                if row:
                    row[-1].text += " ".join(self.inline.text(part.children or []).split())
            elif not part.nesting:
                table.edges += part.content.strip()
        return [_Block(lines) for lines in lay_out(table, width)]

    def _until(self, closing: str) -> Iterator[Token]:
        while self.at < len(self.tokens):
            token = self.tokens[self.at]
            self.at += 1
            if token.type == closing:
                return
            yield token


_Leaf = Callable[[_Writer, Token, int], list[_Block]]

_LEAVES: dict[str, _Leaf] = {
    "inline": _Writer._inline_block,
    "hr": _Writer._rule,
    "fence": _Writer._code,
    "code_block": _Writer._code,
    "html_block": _Writer._html,
}
_NESTED: dict[str, _Leaf] = {
    "paragraph_open": _Writer._paragraph,
    "heading_open": _Writer._heading,
    "blockquote_open": _Writer._quote,
    "bullet_list_open": _Writer._list,
    "ordered_list_open": _Writer._list,
    "dd_open": _Writer._definition,
    "footnote_open": _Writer._footnote,
    "footnote_block_open": _Writer._footnotes,
    "table_open": _Writer._table,
}
_SILENT = frozenset({"footnote_anchor"})


def _alignment(token: Token) -> str:
    style = str(token.attrGet("style") or "")
    return style.rpartition("text-align:")[2].strip() if "text-align:" in style else "left"


def _footnote_number(token: Token) -> int:
    return int(token.meta.get("id", 0)) + 1


@dataclass(slots=True)
class _Inline:
    """Turns the inside of a paragraph into text; a newline in it is a break the author wants."""

    words: dict[str, str]

    def text(self, tokens: Sequence[Token]) -> str:
        """Return the text of `tokens`, links followed by their address."""
        out: list[str] = []
        links: list[tuple[str, int]] = []
        for token in tokens:
            if token.type == "link_open":
                links.append((str(token.attrGet("href") or ""), len(out)))
            elif token.type == "link_close" and links:
                address, start = links.pop()
                label = "".join(out[start:])
                out[start:] = [_link(label, address)]
            else:
                out.append(self._piece(token))
        return "".join(out).strip()

    def _piece(self, token: Token) -> str:
        if token.type in {"text", "code_inline", "text_special"}:
            return token.content
        if token.type == "softbreak":
            return " "
        if token.type == "hardbreak":
            return "\n"
        if token.type == "image":
            return self._picture(token)
        if token.type == "footnote_ref":
            return f" [{_footnote_number(token)}]"
        if token.type == "html_inline":
            content = token.content
            return "\n" if re.fullmatch(r"<br\s*/?>", content) else html.unescape(_TAG.sub("", content))
        if token.nesting:
            return _EMPHASIS.get(token.tag, "")
        return "" if token.type in _SILENT else token.content

    def _picture(self, token: Token) -> str:
        alt = (self.text(token.children) if token.children else token.content) or str(token.attrGet("alt") or "")
        return f"[{self.words['picture']}: {alt}]" if alt.strip() else ""


_EMPHASIS = {"em": "_", "strong": "*", "s": "~"}


def _link(label: str, address: str) -> str:
    """Return the words of a link with its address, once where both are the same."""
    bare = address.removeprefix("mailto:")
    if not address or address.startswith("#"):
        return label
    if label.strip() in {address, bare, bare.removeprefix("https://").removeprefix("http://")}:
        return bare if address.startswith("mailto:") else address
    return f"{label} <{bare if '?' not in bare else address}>" if label.strip() else address
