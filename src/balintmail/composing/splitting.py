"""Find the inert tokens again in rendered HTML or text, and make a program of what stands between them.

Constants are escaped and encoded here, once; values keep a slot that says where they stand. It renders nothing and
knows no person. Its neighbours are subset.py, which put the tokens in, and merge.py, which runs the program.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from balintmail.composing import quoted
from balintmail.composing.escaping import Context, clean, escape
from balintmail.composing.expressions import Const, Default, Field, Value
from balintmail.composing.inert import Fragment, Leading, Part, TokenTable
from balintmail.composing.program import RAW, Choice, Node, Program, Slot


@dataclass(frozen=True, slots=True)
class LinkPattern:
    """A personal address: `before`, our token by the name of its slot, `after`."""

    before: str
    token: str
    after: str = ""


@dataclass(slots=True)
class Splitter:
    """Turns rendered texts into programs and collects their slots.

    `links` gives the personal addresses; one that is missing there reads as empty.
    """

    table: TokenTable
    links: Mapping[str, LinkPattern]
    slots: list[Slot] = field(default_factory=list)

    def slot(self, value: Value, context: str) -> int:
        """Return the number of the slot for `value` in `context`."""
        wanted = Slot(value, context)
        if wanted not in self.slots:
            self.slots.append(wanted)
        return self.slots.index(wanted)

    def body(self, text: str, *, is_html: bool) -> Program:
        """Return the program of a whole body: HTML, or plain text."""
        value = Context.HTML if is_html else Context.TEXT
        return self._split(text, value, quoted.constant)

    def header(self, text: str) -> Program:
        """Return the program of a header's text: constants stay plain Unicode."""
        return self._split(text, Context.HEADER, lambda constant: constant)

    def _split(self, text: str, context: Context, write: Callable[[str], str]) -> Program:
        """Return the program of `text`; `write` encodes what stands between tokens."""
        pattern = self.table.pattern()
        wrapped = re.compile(rf"<!--\s*{pattern.pattern}\s*-->|{pattern.pattern}")
        stack: list[tuple[int, list[Program]]] = [(-1, [[]])]
        at = 0
        for found in wrapped.finditer(text):
            part, number = found[1] or found[3], int(found[2] or found[4])
            here = stack[-1][1][-1]
            _add(here, write(text[at : found.start()]))
            at = found.end()
            if part == Part.IF:
                stack.append((number, [[]]))
            elif part == Part.ELSE and stack[-1][0] == number:
                stack[-1][1].append([])
            elif part == Part.END and stack[-1][0] == number:
                _, branches = stack.pop()
                stack[-1][1][-1].append(self._choice(number, branches))
            elif part in {Part.VALUE, Part.ADDRESS}:
                for node in self._value(number, part, context):
                    _add(here, node)
            else:
                raise ValueError("a template tears a condition apart")
        if len(stack) > 1:
            raise ValueError("a template tears a condition apart")
        _add(stack[0][1][-1], write(text[at:]))
        return stack[0][1][-1]

    def _choice(self, number: int, branches: list[Program]) -> Choice:
        missing = len(self.table.conditions[number]) + 1 - len(branches)
        return Choice(number, branches + [[] for _ in range(missing)])

    def _value(self, number: int, part: str, context: Context) -> Program:
        """Return the nodes of value token `number`."""
        value = self.table.values[number]
        if isinstance(value, Leading):
            value, place = value.value, _leading(context)
        else:
            place = _further(context) if part == Part.ADDRESS else context
        if isinstance(value, Default) and isinstance(value.value, Field) and value.value.name.startswith("urls."):
            value = value.value if value.value.name in self.links else value.fallback
        if isinstance(value, Fragment):
            return self._split(value.text, context, lambda constant: _constant(constant, place))
        if isinstance(value, Const):
            return [_constant(value.text, place)]
        if isinstance(value, Field) and value.name.startswith("urls."):
            return self._link(value.name, place)
        return [self.slot(value, place)]

    def _link(self, name: str, place: Context) -> Program:
        link = self.links.get(name)
        if link is None:
            return []
        whole = (
            Context.HTML if place is Context.HTML_ADDRESS else Context.TEXT if place is Context.TEXT_ADDRESS else place
        )
        token = self.slot(Field(link.token), RAW)
        after = _constant(link.after, whole)
        resume = "" if place is Context.HEADER else quoted.SOFT_BREAK
        return [_constant(link.before, whole), token, resume + after]


def _constant(text: str, place: Context) -> str:
    """Return a constant text escaped for `place` and encoded; ends are kept, since it may be a piece of more."""
    kept = text if place is Context.HEADER else escape(_inner_clean(text), place)
    return kept if place is Context.HEADER else quoted.constant(kept)


def _inner_clean(text: str) -> str:
    return text if text.isprintable() else clean(f".{text}.")[1:-1]


def _leading(context: Context) -> Context:
    return {Context.HTML: Context.HTML_ADDRESS, Context.TEXT: Context.TEXT_ADDRESS}.get(context, context)


def _further(context: Context) -> Context:
    return {Context.HTML: Context.HTML_ADDRESS_PART, Context.TEXT: Context.TEXT_ADDRESS_PART}.get(context, context)


def _add(program: Program, node: Node) -> None:
    if node == "":
        return
    if isinstance(node, str) and program and isinstance(program[-1], str):
        program[-1] += node
    else:
        program.append(node)
