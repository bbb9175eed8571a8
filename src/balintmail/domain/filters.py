"""Read the small filter language: `member and language = "hu" and joined < 2025-01-01`.

Text becomes a small tree of values; it never becomes SQL here and nothing in it is ever run. db/filters.py turns the
tree into bound parameters. Meant for people: an error names the position and the nearest name. docs/filters.md.
"""

import difflib
import re
import unicodedata
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from balintmail.domain.times import YEARS
from balintmail.errors import BalintmailError

LONGEST = 4_000  # characters of a filter: a screenful; more is a program's work or an attack (F8)
MOST_CONDITIONS = 200  # SQLite refuses expressions more than 1,000 deep
DEEPEST = 30  # nested brackets and `not`; keeps the reading far from Python's recursion limit
LONGEST_VALUE = 200  # characters of one text between quotes
MOST_DIGITS = 15  # digits of a number that both databases compare exactly as a double


class FilterError(BalintmailError):
    """A filter cannot be read; `position` counts characters from 1."""

    code = "filter"

    def __init__(self, problem: str, *, position: int, hint: str = "") -> None:
        super().__init__(f"The filter is not right at character {position}: {problem}.", hint=hint)
        self.position = position


class Field(StrEnum):
    """What a filter may ask about; the society's own fields stand beside these."""

    ID = "id"
    NAME = "name"
    FIRST_NAME = "first_name"
    LANGUAGE = "language"
    MEMBER = "member"
    JOINED = "joined"
    LIST = "list"
    LEFT = "left"
    ADDRESS = "address"
    DOMAIN = "domain"


class Operator(StrEnum):
    """How a field is compared. `!=` and `not in` are exactly the opposite of `=` and `in`."""

    EQUAL = "="
    LESS = "<"
    LESS_EQUAL = "<="
    GREATER = ">"
    GREATER_EQUAL = ">="
    CONTAINS = "contains"
    STARTS = "starts with"
    ENDS = "ends with"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Own:
    """One of the society's own fields."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, with the digits as they were written."""

    digits: str

    @property
    def value(self) -> float:
        return float(self.digits)


Literal = str | date | bool | Number


@dataclass(frozen=True, slots=True)
class Comparison:
    """One condition; `values` holds one value, several only for `in`."""

    field: Field | Own
    operator: Operator
    values: tuple[Literal, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple["Expression", ...]


Expression = Comparison | Not | And | Or
Names = Callable[[], Collection[str]]

_TEXT_FIELDS = {Field.NAME, Field.FIRST_NAME, Field.LANGUAGE, Field.ADDRESS, Field.DOMAIN}
_ORDER = {Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL}
_PART = {Operator.CONTAINS, Operator.STARTS, Operator.ENDS}
_TAKES: dict[Field, set[Operator]] = {
    Field.ID: {Operator.EQUAL, Operator.IN, *_ORDER},
    Field.MEMBER: {Operator.EQUAL},
    Field.JOINED: {Operator.EQUAL, Operator.IN, *_ORDER},
    Field.LIST: {Operator.EQUAL, Operator.IN},
    Field.LEFT: {Operator.EQUAL, Operator.IN},
    **{field: set(Operator) for field in _TEXT_FIELDS},
}
_KEYWORDS = {"and", "or", "not", "in", "contains", "starts", "ends", "with", "true", "false", "yes", "no"}
_TOKEN = re.compile(
    r"""(?P<space>\s+)
    |(?P<date>\d{4}-\d{2}-\d{2}(?![\w-]))
    |(?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    |(?P<word>[^\W\d]\w*(?:\.\w+)?)
    |(?P<operator><=|>=|!=|<>|==|=|<|>)
    |(?P<mark>[(),])
    |(?P<text>"(?:[^"\\]|\\["\\])*"|'(?:[^'\\]|\\['\\])*'|“[^“”]*”|„[^„“”]*[“”])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    position: int


def parse(text: str, *, own_fields: Names | None = None, lists: Names | None = None) -> Expression:
    """Return what the filter says; raise FilterError otherwise, and never anything else.

    `own_fields` and `lists` give the society's own field names and list names when the filter asks for one; without
    them any own field is believed when written `fields.NAME`, and any list.
    """
    return _Parser(text, own_fields, lists).read()


def _tokens(text: str) -> list[_Token]:
    if len(text) > LONGEST:
        raise FilterError(f"it is longer than {LONGEST:,} characters", position=LONGEST + 1)
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise FilterError(_strange(text, at), position=at + 1)
        kind = str(match.lastgroup)
        if kind != "space":
            found.append(_Token(kind, match[0], at + 1))
        at = match.end()
    found.append(_Token("end", "", len(text) + 1))
    return found


def _strange(text: str, at: int) -> str:
    if text[at] in "\"'“„":
        return "these quotes are never closed"
    if text[at].isdigit() or text[at] == "-":
        return "this is neither a number nor a date such as 2025-01-31"
    return f"{text[at]!a} means nothing here"


class _Parser:
    """Recursive descent over the tokens; `or` binds loosest, then `and`, then `not`."""

    def __init__(self, text: str, own_fields: Names | None, lists: Names | None) -> None:
        self._tokens = _tokens(text)
        self._at = 0
        self._depth = 0
        self._conditions = 0
        self._own_fields = own_fields
        self._lists = lists

    def read(self) -> Expression:
        if self._now.kind == "end":
            raise FilterError("it is empty", position=1, hint='Write one such as: member and language = "hu"')
        found = self._either()
        if self._now.kind != "end":
            raise self._error('"and", "or" or the end was expected here')
        return found

    @property
    def _now(self) -> _Token:
        return self._tokens[self._at]

    def _next(self) -> _Token:
        token = self._now
        self._at += token.kind != "end"
        return token

    def _takes(self, *words: str) -> bool:
        """Step over the next token when it is one of these words or marks."""
        if self._now.kind in {"word", "operator", "mark"} and self._now.text.lower() in words:
            self._at += 1
            return True
        return False

    def _error(self, problem: str, token: _Token | None = None, *, hint: str = "") -> FilterError:
        return FilterError(problem, position=(token or self._now).position, hint=hint)

    def _either(self) -> Expression:
        parts = [self._both()]
        while self._takes("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Expression:
        parts = [self._single()]
        while self._takes("and"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _single(self) -> Expression:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._error(f"it is nested more than {DEEPEST} deep")
        try:
            if self._takes("not"):
                return Not(self._single())
            if self._takes("("):
                found = self._either()
                if not self._takes(")"):
                    raise self._error('a ")" is missing')
                return found
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> Expression:
        self._conditions += 1
        if self._conditions > MOST_CONDITIONS:
            raise self._error(f"it has more than {MOST_CONDITIONS} conditions")
        name = self._next()
        field = self._field(name)
        operator, negated = self._operator(field)
        if operator is None:
            return Comparison(field, Operator.EQUAL, (True,))
        if isinstance(field, Field) and operator not in _TAKES[field]:
            able = ", ".join(sorted(_TAKES[field]))
            raise self._error(f'"{field}" cannot be asked with "{operator}"', name, hint=f"It takes: {able}")
        values = self._values(field) if operator is Operator.IN else (self._value(field, operator),)
        found = Comparison(field, operator, values)
        return Not(found) if negated else found

    def _field(self, token: _Token) -> Field | Own:
        known = [field.value for field in Field]
        if token.kind != "word" or token.text.lower() in _KEYWORDS:
            hint = f"Fields: {', '.join(known)}, and your own"
            raise self._error("the name of a field was expected here", token, hint=hint)
        name = token.text.lower()
        if name in known:
            return Field(name)
        bare = name.removeprefix("fields.")
        own = {field.lower(): field for field in self._own_fields()} if self._own_fields else None
        if own is None and bare != name and "." not in bare:
            return Own(bare)
        if own and bare in own:
            return Own(own[bare])
        near = difflib.get_close_matches(bare, [*known, *sorted(own or ())], n=1, cutoff=0.5)
        hint = f"Nearest: {near[0]}" if near else f"Fields: {', '.join([*known, *sorted(own or ())])}"
        raise self._error(f'there is no field "{token.text[:40]}"', token, hint=hint)

    def _operator(self, field: Field | Own) -> tuple[Operator | None, bool]:
        """Return the operator that comes next and whether it is turned round; none: the field stands alone."""
        token = self._now
        if self._takes("==", "="):
            return Operator.EQUAL, False
        if self._takes("!=", "<>"):
            return Operator.EQUAL, True
        if self._takes("<", "<=", ">", ">="):
            return Operator(token.text), False
        negated = self._takes("not")
        if self._takes("in"):
            return Operator.IN, negated
        if self._takes("contains"):
            return Operator.CONTAINS, negated
        if self._takes("starts", "ends"):
            if not self._takes("with"):
                raise self._error('"with" was expected here')
            return (Operator.STARTS if token.text.lower() == "starts" else Operator.ENDS), negated
        if field is Field.MEMBER and not negated:
            return None, False
        raise self._error('a comparison such as "=" was expected here', hint="Known: = != < <= > >= in contains")

    def _values(self, field: Field | Own) -> tuple[Literal, ...]:
        if not self._takes("("):
            raise self._error('a "(" was expected here', hint='Write: language in ("hu", "de")')
        values = [self._value(field, Operator.IN)]
        while self._takes(","):
            values.append(self._value(field, Operator.IN))
            if len(values) > MOST_CONDITIONS:
                raise self._error(f"this names more than {MOST_CONDITIONS} values")
        if not self._takes(")"):
            raise self._error('a ")" is missing')
        return tuple(values)

    def _value(self, field: Field | Own, operator: Operator) -> Literal:
        token = self._next()
        value = self._literal(token)
        expected = _expected(field, operator)
        if not isinstance(value, expected):
            raise self._error(f"{_describe(expected)} was expected here", token, hint=_mend(token, expected))
        if field is Field.ID and isinstance(value, Number) and not value.value.is_integer():
            raise self._error("a whole number was expected here", token)
        if field in {Field.LIST, Field.LEFT} and self._lists is not None:
            known = self._lists()
            if value not in known:
                near = difflib.get_close_matches(str(value), known, n=1, cutoff=0.5)
                hint = f"Nearest: {near[0]}" if near else f"Lists: {', '.join(sorted(known))}"
                raise self._error(f'there is no list "{value}"', token, hint=hint)
        return value

    def _literal(self, token: _Token) -> Literal:
        if token.kind == "text":
            return self._text(token)
        if token.kind == "number":
            if sum(letter.isdigit() for letter in token.text) > MOST_DIGITS:
                raise self._error(f"a number has at most {MOST_DIGITS} digits", token)
            return Number(token.text)
        if token.kind == "date":
            try:
                found = date.fromisoformat(token.text)
            except ValueError:
                raise self._error(f"there is no day {token.text}", token) from None
            if found.year not in YEARS:
                raise self._error(f"a year lies between {YEARS[0]} and {YEARS[-1]}", token)
            return found
        if token.kind == "word" and token.text.lower() in {"true", "yes", "false", "no"}:
            return token.text.lower() in {"true", "yes"}
        if token.kind == "word" and token.text.lower() not in _KEYWORDS:
            raise self._error("a text stands in quotes", token, hint=f'Write: "{token.text[:40]}"')
        raise self._error("a value was expected here", token)

    def _text(self, token: _Token) -> str:
        inner = token.text[1:-1]
        if token.text[0] in "\"'":
            inner = re.sub(r"\\(.)", r"\1", inner)
        if len(inner) > LONGEST_VALUE:
            raise self._error(f"a text has at most {LONGEST_VALUE} characters", token)
        if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in inner):
            raise self._error("this text holds a control character or a line break", token)
        return unicodedata.normalize("NFC", inner)


def _expected(field: Field | Own, operator: Operator) -> tuple[type, ...]:
    if operator in _PART:
        return (str,)
    if isinstance(field, Own):
        return (str, Number, date, bool) if operator is Operator.EQUAL else (str, Number, date)
    if field is Field.ID:
        return (Number,)
    if field is Field.MEMBER:
        return (bool,)
    return (date,) if field is Field.JOINED else (str,)


def _describe(expected: tuple[type, ...]) -> str:
    words = {str: "a text in quotes", Number: "a number", date: "a date such as 2025-01-31", bool: "true or false"}
    return " or ".join(words[kind] for kind in expected)


def _mend(token: _Token, expected: tuple[type, ...]) -> str:
    return f'Write: "{token.text}"' if str in expected and token.kind in {"number", "date"} else ""
