"""Read the few forms of Jinja that a letter may use, and put an inert token in the place of each.

Jinja's own lexer and parser read the text; nothing is ever compiled or run as a template, so there is no sandbox to
leave (standards.md 3.1, group E). Only fields, `default`, `if`/`elif`/`else` with simple tests, and comments pass.
The tokens are inert.py's; docs/newsletter-format.md describes the forms.
"""

import re

from jinja2 import Environment, TemplateSyntaxError, nodes

from balintmail.composing.expressions import (
    AllOf,
    AnyOf,
    Const,
    Default,
    Equals,
    Field,
    Not,
    Test,
    Truth,
    Value,
)
from balintmail.composing.inert import Fragment, Part, TokenTable, Woven
from balintmail.composing.refusals import FieldUnknown, SyntaxRefused

LONGEST_TAG = 500  # characters; a longer one is no field
MOST_TAGS = 4000  # of one letter; nine thousand fit the token's digits
DEEPEST = 12  # conditions inside conditions

_LEXER = Environment(keep_trailing_newline=True, autoescape=False)  # noqa: S701  (it only reads; nothing is rendered)
# `{#name}` is an attribute list of Markdown, `{# … #}` a comment of Jinja.
_ATTRIBUTE_LIST = re.compile(r"\{#(?=[A-Za-z][\w:-]*(?:[ \t][^{}\n#]*)?\})")
_GUARD = "{\ue000"
_SIGNS = re.compile(r"(?<=\{[{%#])[-+](?!\d)|[-+](?=[%}#]\})")


def weave(source: str, table: TokenTable, *, first_line: int = 1) -> Woven:
    """Return `source` with every field and condition replaced by a token of `table`.

    Faults are added to `table.problems` with their lines, so that one reading finds them all.
    """
    return _Weaver(source, table, first_line).weave()


class _Weaver:
    """One reading of one text."""

    def __init__(self, source: str, table: TokenTable, first_line: int) -> None:
        self.source = _SIGNS.sub(" ", _ATTRIBUTE_LIST.sub(_GUARD, source.replace("\r\n", "\n").replace("\r", "\n")))
        self.table = table
        self.first_line = first_line
        self.out: list[str] = []
        self.lines: list[int] = [first_line]
        self.open: list[tuple[int, int, bool]] = []  # condition, line, whether its else has come
        self.tags = 0
        self.after_comment = False
        self.tag: list[str] = []  # the pieces of the tag that is being read
        self.tag_line = 1
        self.inside = False

    def weave(self) -> Woven:
        try:
            for line, kind, text in _LEXER.lexer.tokeniter(self.source, None):
                self._piece(line, kind, text)
        except TemplateSyntaxError as exc:
            where = self.tag_line if self.inside else exc.lineno
            told = "".join(self.tag).strip() if self.inside else self._source_line(exc.lineno)
            self._refuse(where, f'"{_short(told)}" cannot be read: {exc.message}.')
        except (RecursionError, ValueError, OverflowError):
            self._refuse(self.tag_line, f'"{_short("".join(self.tag))}" is too deep or too large.')
        else:
            if self.inside:
                self._refuse(self.tag_line, f'"{_short("".join(self.tag).strip())}" is never closed.')
        for _, line, _ in self.open:
            self._refuse(line, f'"{_short(self._source_line(line))}" has no {{% endif %}}.')
        return Woven("".join(self.out), tuple(self.lines))

    def _piece(self, line: int, kind: str, text: str) -> None:
        """Take one piece of Jinja's lexer: text passes, a tag is collected until it ends."""
        if kind in {"variable_begin", "block_begin"}:
            self.tag, self.tag_line, self.inside = [text], line, True
        elif kind in {"variable_end", "block_end"}:
            self.inside = False
            self.tag.append(text)
            self._tag("".join(self.tag), self.tag_line, is_block=kind == "block_end")
        elif self.inside:
            self.tag.append(text)
        elif kind == "data":
            self._text(text, line)
        elif kind == "comment_end":
            self.after_comment = True
        elif kind == "raw_begin":
            self._refuse(line, f'"{text.strip()}" is not known in a letter.')

    def _text(self, text: str, line: int) -> None:
        if self.after_comment and text.startswith("\n") and (not self.out or self.out[-1].endswith("\n")):
            # A comment alone on its lines must not leave an empty line, which would end a paragraph.
            text, line = text[1:], line + 1
            self.lines[-1] = self.first_line + line - 1
        self.after_comment = False
        self.out.append(text.replace(_GUARD, "{#"))
        for further in range(text.count("\n")):
            self.lines.append(self.first_line + line + further)

    def _tag(self, raw: str, line: int, *, is_block: bool) -> None:
        self.tags += 1
        if len(raw) > LONGEST_TAG or self.tags > MOST_TAGS:
            self._refuse(line, f'"{_short(raw)}" is {"too long" if len(raw) > LONGEST_TAG else "one field too many"}.')
            return
        if is_block:
            self._block(raw, line)
            return
        if (value := self._value_of(raw, line)) is not None:
            self.out.append(self.table.value_token(value))

    def _value_of(self, raw: str, line: int) -> Value | Fragment | None:
        """Return the value of `{{ … }}`, or None after noting what is wrong with it."""
        try:
            body = _LEXER.parse(raw).body
            if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
                return self._value(body[0].nodes[0], raw, line)
            self._refuse(line, f'"{_short(raw)}" is empty or holds more than one field.')
        except TemplateSyntaxError as exc:
            self._refuse(line, f'"{_short(raw)}" cannot be read: {exc.message}.')
        except _Refused:
            pass
        return None

    def _block(self, raw: str, line: int) -> None:
        words = raw[2:-2].split(None, 1)
        keyword = words[0] if words else ""
        if keyword in {"if", "elif"}:
            self._condition(raw, keyword, line)
        elif keyword in {"else", "endif"}:
            if len(words) > 1:
                self._refuse(line, f'"{_short(raw)}" holds more than its one word.')
            elif not self.open:
                self._refuse(line, f'"{_short(raw)}" stands without an {{% if %}} before it.')
            elif keyword == "endif":
                number = self.open.pop()[0]
                self.out.append(self.table.token(Part.END, number))
            else:
                self._else(raw, line)
        else:
            self._refuse(line, f'"{_short(raw)}" is not known in a letter.')

    def _else(self, raw: str, line: int) -> None:
        number, opened, ended = self.open[-1]
        if ended:
            self._refuse(line, f'"{_short(raw)}" is the second else of the same {{% if %}}.')
            return
        self.open[-1] = (number, opened, True)
        self.table.elses[number] += 1
        self.out.append(self.table.token(Part.ELSE, number))

    def _condition(self, raw: str, keyword: str, line: int) -> None:
        if keyword == "elif" and (not self.open or self.open[-1][2]):
            self._refuse(line, f'"{_short(raw)}" stands without an {{% if %}} before it.')
            return
        test: Test = Truth(Const(""))
        try:
            body = _LEXER.parse(raw.replace("elif", "if", 1) + "{% endif %}").body
            if len(body) == 1 and isinstance(body[0], nodes.If):
                test = self._test(body[0].test, raw, line)
        except TemplateSyntaxError as exc:
            self._refuse(line, f'"{_short(raw)}" cannot be read: {exc.message}.')
        except _Refused:
            pass
        if keyword == "elif":
            number = self.open[-1][0]
            self.table.conditions[number].append(test)
            self.table.elses[number] += 1
            self.out.append(self.table.token(Part.ELSE, number))
            return
        if len(self.open) >= DEEPEST:
            self._refuse(line, f'"{_short(raw)}" stands in more than {DEEPEST} other conditions.')
        number = self.table.add_condition(test)
        self.table.lines[number] = self.first_line + line - 1
        self.open.append((number, line, False))
        self.out.append(self.table.token(Part.IF, number))

    def _test(self, node: nodes.Node, raw: str, line: int) -> Test:
        match node:
            case nodes.Not():
                return Not(self._test(node.node, raw, line))
            case nodes.And():
                return AllOf((self._test(node.left, raw, line), self._test(node.right, raw, line)))
            case nodes.Or():
                return AnyOf((self._test(node.left, raw, line), self._test(node.right, raw, line)))
            case nodes.Compare():
                return self._comparison(node, raw, line)
        return Truth(self._plain(node, raw, line))

    def _comparison(self, node: nodes.Compare, raw: str, line: int) -> Test:
        if len(node.ops) == 1 and node.ops[0].op in {"eq", "ne"}:
            left, right = node.expr, node.ops[0].expr
            if isinstance(left, nodes.Const) and not isinstance(right, nodes.Const):
                left, right = right, left
            if isinstance(right, nodes.Const) and not isinstance(left, nodes.Const):
                constant = right.value
                truth = constant if isinstance(constant, bool) else None
                text = "" if constant is None else str(constant)
                equal = Equals(self._plain(left, raw, line), text, truth)
                return equal if node.ops[0].op == "eq" else Not(equal)
        raise self._refuse(line, f'"{_short(raw)}" compares in a way that is not known: write field == "text".')

    def _plain(self, node: nodes.Node, raw: str, line: int) -> Value:
        """Return a value that may stand in a test or a default: no text with tokens of its own."""
        value = self._value(node, raw, line)
        return Const("yes") if isinstance(value, Fragment) else value

    def _value(self, node: nodes.Node, raw: str, line: int) -> Value | Fragment:
        match node:
            case nodes.Const(value=str() | int() | float() as constant) if not isinstance(constant, bool):
                return Const(str(constant))
            case nodes.Filter() if node.node is not None:
                return self._default(node, raw, line)
            case nodes.Getattr() | nodes.Getitem() | nodes.Name():
                return self._field(node, raw, line)
        raise self._refuse(line, f'"{_short(raw)}" is more than a letter may use.')

    def _default(self, node: nodes.Filter, raw: str, line: int) -> Value | Fragment:
        if node.name not in {"default", "d"}:
            raise self._refuse(line, f'there is no filter "{node.name}" in "{_short(raw)}".')
        if node.kwargs or node.dyn_args or node.dyn_kwargs or not 1 <= len(node.args) <= 2 or node.node is None:
            raise self._refuse(line, f'"{_short(raw)}" needs one text: default("friend").')
        if len(node.args) == 2 and not isinstance(node.args[1], nodes.Const):
            raise self._refuse(line, f'"{_short(raw)}" needs one text: default("friend").')
        value = self._value(node.node, raw, line)
        fallback = self._plain(node.args[0], raw, line)
        if isinstance(value, Fragment):
            return value
        if isinstance(value, Const):
            return value if value.text.strip() else fallback
        return Default(value, fallback)

    def _field(self, node: nodes.Node, raw: str, line: int) -> Value | Fragment:
        name = _dotted(node)
        vocabulary = self.table.vocabulary
        if not name:
            raise self._refuse(line, f'"{_short(raw)}" is more than a letter may use.')
        if name in vocabulary.constants:
            constant = vocabulary.constants[name]
            return constant if isinstance(constant, Fragment) else Const(constant)
        if name in vocabulary.personal or (name.startswith("person.") and name[7:] in vocabulary.own_fields):
            return Field(name)
        near = vocabulary.nearest(name)
        hint = f"Nearest: {near}." if near else "docs/newsletter-format.md lists every field."
        problem = f'there is no field "{_short(name)}".'
        self.table.problems.append(FieldUnknown(self.table.file, self.first_line + line - 1, problem, hint=hint))
        raise _Refused

    def _source_line(self, line: int) -> str:
        lines = self.source.split("\n")
        return lines[line - 1].replace(_GUARD, "{#").strip() if 0 < line <= len(lines) else ""

    def _refuse(self, line: int, problem: str) -> "_Refused":
        hint = "A letter may use {{ person.first_name }}, default and {% if %}; see docs/newsletter-format.md."
        self.table.problems.append(
            SyntaxRefused(self.table.file, self.first_line + line - 1, problem.replace("..", "."), hint=hint)
        )
        return _Refused()


class _Refused(Exception):
    """A fault that is already noted in the table."""


def _dotted(node: nodes.Node) -> str:
    """Return `person.town` for that chain of names, or "" for anything else."""
    match node:
        case nodes.Name():
            return str(node.name)
        case nodes.Getattr():
            inner = _dotted(node.node)
            return f"{inner}.{node.attr}" if inner else ""
        case nodes.Getitem(arg=nodes.Const(value=str() as key)):
            inner = _dotted(node.node)
            return f"{inner}.{key}" if inner else ""
    return ""


def _short(text: str) -> str:
    """Return `text` on one line, not longer than 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= 60 else f"{line[:59]}…"
