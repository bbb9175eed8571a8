"""Hold the conditions of a letter against its structure: none may tear an element apart, and nothing leaks.

Members' parts get their tinted box; a footnote or a picture that only a conditional part names goes with that part.
It evaluates nothing. Works on the token stream of markdown.py.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it.token import Token

from balintmail.composing.expressions import AllOf, AnyOf, Not, Test
from balintmail.composing.inert import Part, TokenTable, Woven
from balintmail.composing.layout import MEMBERS_CLOSE, MEMBERS_OPEN
from balintmail.composing.markdown import BOUNDARY, each
from balintmail.composing.refusals import SyntaxRefused

_MARKUP = frozenset({"text", "code_inline", "fence", "code_block", BOUNDARY})
Branch = tuple[int, int]  # a condition and the number of its part


@dataclass(slots=True)
class Uses:
    """Where footnotes (by id) and pictures (by address) are named: the branches round each, and the note it is in."""

    notes: dict[int, list[tuple[tuple[Branch, ...], int | None]]] = field(default_factory=dict)
    pictures: dict[str, list[tuple[tuple[Branch, ...], int | None]]] = field(default_factory=dict)


def settle(tokens: list[Token], woven: Woven, table: TokenTable) -> list[Token]:
    """Return the stream with whole-paragraph conditions lifted out, members' boxes drawn, and footnotes tied.

    Conditions that tear an element apart are noted in `table.problems`.
    """
    tokens = _lift_paragraphs(tokens, table)
    _check_places(tokens, woven, table)
    if table.problems:
        return tokens
    tokens = _tie_footnotes(tokens, table)
    return _draw_boxes(tokens, table)


def test_of_branch(table: TokenTable, branch: Branch) -> Test:
    """Return the test that holds where part `branch` is shown."""
    number, part = branch
    tests = table.conditions[number]
    before: list[Test] = [Not(test) for test in tests[:part]]
    return AllOf((*before, *tests[part : part + 1]))


def uses_of(tokens: Sequence[Token], table: TokenTable) -> Uses:
    """Return where footnotes and pictures are named."""
    uses = Uses()
    active: list[Branch] = []
    note: int | None = None
    for token in _flat(tokens):
        if token.type == "footnote_open":
            note = int(token.meta["id"])
        elif token.type == "footnote_close":
            note = None
        elif token.type == "footnote_ref":
            uses.notes.setdefault(int(token.meta["id"]), []).append((tuple(active), note))
        elif token.type == "image":
            uses.pictures.setdefault(str(token.attrGet("src") or ""), []).append((tuple(active), note))
        elif token.type in _MARKUP:
            _walk_edges(token.content, table, active)
    return uses


def test_of_uses(table: TokenTable, uses: Uses, places: Sequence[tuple[tuple[Branch, ...], int | None]]) -> Test | None:
    """Return the test under which at least one of `places` is shown, or None when one always is."""
    return _test_of_uses(table, uses, places, frozenset())


def _test_of_uses(
    table: TokenTable,
    uses: Uses,
    places: Sequence[tuple[tuple[Branch, ...], int | None]],
    seen: frozenset[int],
) -> Test | None:
    tests: list[Test] = []
    for branches, note in places:
        if note is not None and note in seen:
            continue  # a note that names itself shows nothing by that
        parts = [test_of_branch(table, branch) for branch in branches]
        if note is not None and (own := _test_of_uses(table, uses, uses.notes.get(note, []), seen | {note})):
            parts.append(own)
        if not parts:
            return None
        tests.append(AllOf(tuple(parts)))
    return AnyOf(tuple(tests))


def _walk_edges(content: str, table: TokenTable, active: list[Branch]) -> None:
    for found in table.pattern("iex").finditer(content):
        if found[1] == Part.IF:
            active.append((int(found[2]), 0))
        elif active and found[1] == Part.ELSE:
            active[-1] = (active[-1][0], active[-1][1] + 1)
        elif active:
            active.pop()


def _flat(tokens: Sequence[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        if token.children:
            yield from _flat(token.children)


def _check_places(tokens: Sequence[Token], woven: Woven, table: TokenTable) -> None:
    """Note a condition whose `if`, `else` and `endif` do not stand in the same element, or are lost in Markdown."""
    stack: list[int] = []
    seen: Counter[tuple[int, str]] = Counter()
    place_of: dict[int, tuple[int, ...]] = {}
    torn: set[int] = set()
    for serial, placed in enumerate(each(tokens, woven)):
        token = placed.token
        if token.nesting == -1 and stack:
            stack.pop()
        for found in table.pattern("iex").finditer(token.content if token.type in _MARKUP else ""):
            number = int(found[2])
            seen[number, found[1]] += 1
            if place_of.setdefault(number, tuple(stack)) != tuple(stack):
                torn.add(number)
        alternative = token.content if token.type == "image" else ""
        for value in (*map(str, token.attrs.values()), token.info, alternative):
            edges = [(int(found[2]), found[1]) for found in table.pattern("iex").finditer(value)]
            seen.update(edges)
            torn |= {number for number, _ in edges if not _whole_in(number, Counter(edges), table)}
        if token.nesting == 1:
            stack.append(serial)
    for number, line in table.lines.items():
        if number in _in_text(woven, table) and (number in torn or not _whole_in(number, seen, table)):
            problem = "the {% if %} here does not end in the same paragraph, list, cell or emphasis."
            hint = "Put {% if %} and {% endif %} on lines of their own, equally far in."
            table.problems.append(SyntaxRefused(table.file, line, problem, hint=hint))


def _in_text(woven: Woven, table: TokenTable) -> set[int]:
    return {int(found[2]) for found in table.pattern("i").finditer(woven.text)}


def _whole_in(number: int, seen: Counter[tuple[int, str]], table: TokenTable) -> bool:
    """Return whether condition `number` was seen, each time with its end and all its parts."""
    begun = seen[number, Part.IF.value]
    parts = table.elses[number] * begun
    return 0 < begun == seen[number, Part.END.value] and seen[number, Part.ELSE.value] == parts


def _lift_paragraphs(tokens: list[Token], table: TokenTable) -> list[Token]:
    """Put the edges of a condition that is all of a paragraph outside of it, so that it leaves no empty one."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        found = _whole(tokens[at + 1], table) if _is_paragraph(tokens, at) else None
        if found is None:
            out.append(tokens[at])
            at += 1
            continue
        before, after = found
        for edge, group in ((before, tokens[at : at + 3]), (after, [])):
            token = Token(BOUNDARY, "", 0, content=edge, map=tokens[at].map, level=tokens[at].level, block=True)
            out += [token, *group]
        at += 3
    return out


def _is_paragraph(tokens: Sequence[Token], at: int) -> bool:
    return tokens[at].type == "paragraph_open" and not tokens[at].hidden and bool(tokens[at + 1].children)


def _whole(inline: Token, table: TokenTable) -> tuple[str, str] | None:
    """Return the two edges, taken off, when one condition without `else` is all that a paragraph holds."""
    children = inline.children or []
    edges = [
        edge for child in children if child.type == "text" for edge in table.pattern("iex").finditer(child.content)
    ]
    if len(edges) < 2 or edges[0][1] != Part.IF or edges[-1][1] != Part.END or edges[0][2] != edges[-1][2]:
        return None
    if any(edge[1] == Part.ELSE and edge[2] == edges[0][2] for edge in edges):
        return None
    first, last = children[0], children[-1]
    begins = re.match(rf"\s*{edges[0][0]}", first.content) if first.type == "text" else None
    ends = re.search(rf"{edges[-1][0]}\s*$", last.content) if last.type == "text" else None
    if begins is None or ends is None or any(child.type == "footnote_anchor" for child in children):
        return None
    last.content = last.content[: ends.start()]
    first.content = first.content[begins.end() :]
    inline.content = ""
    return edges[0][0], edges[-1][0]


def _draw_boxes(tokens: list[Token], table: TokenTable) -> list[Token]:
    """Put the marks of the members' box round parts that only members read, outermost ones only."""
    out: list[Token] = []
    active: list[Branch] = []
    drawn: list[int] = []
    for token in tokens:
        if token.type != BOUNDARY or token.level:
            out.append(token)
            continue
        found = table.pattern("iex").fullmatch(token.content)
        number = int(found[2]) if found else -1
        if found and found[1] != Part.IF and drawn and drawn[-1] == number:
            out.append(Token("html_block", "", 0, content=MEMBERS_CLOSE, block=True))
            drawn.pop()
        out.append(token)
        _walk_edges(token.content, table, active)
        opens = found is not None and found[1] != Part.END and not drawn
        if opens and active and active[-1][0] == number and table.for_members(*active[-1]):
            out.append(Token("html_block", "", 0, content=MEMBERS_OPEN, block=True))
            drawn.append(number)
    return out


def _tie_footnotes(tokens: list[Token], table: TokenTable) -> list[Token]:
    """Wrap every footnote that only conditional parts name in a condition of its own."""
    uses = uses_of(tokens, table)
    out: list[Token] = []
    for token in tokens:
        if token.type == "footnote_open":
            test = test_of_uses(table, uses, uses.notes.get(int(token.meta["id"]), []))
            tied = table.add_condition(test) if test is not None else None
            if tied is not None:
                out.append(Token(BOUNDARY, "", 0, content=table.token(Part.IF, tied), level=1, block=True))
            out.append(token)
        elif token.type == "footnote_close":
            out.append(token)
            if tied is not None:
                out.append(Token(BOUNDARY, "", 0, content=table.token(Part.END, tied), level=1, block=True))
        else:
            out.append(token)
    return out
