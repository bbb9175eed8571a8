"""The inert tokens that stand for a letter's fields and conditions while others work on its text.

A token is a short word of small letters and digits that Markdown, MJML and css-inline carry along untouched; nobody
can write one by hand. It reads and renders nothing: subset.py makes the tokens, splitting.py finds them again.
"""

import difflib
import hashlib
import re
from base64 import b32encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from balintmail.composing.expressions import AllOf, Not, Test, Value, implies_member
from balintmail.composing.refusals import LetterError

PERSON_FIELDS = ("person.name", "person.first_name", "person.member", "person.language")
PERSONAL_URLS = ("urls.unsubscribe", "urls.preferences")


class Part(StrEnum):
    """What a token stands for; the letter is part of the token."""

    VALUE = "v"
    ADDRESS = "u"  # the same value inside a link's address
    IF = "i"
    ELSE = "e"
    END = "x"


@dataclass(frozen=True, slots=True)
class Fragment:
    """A constant name whose text holds tokens itself: `mailing.title` with a field in it."""

    text: str


@dataclass(frozen=True, slots=True)
class Leading:
    """A value at the beginning of a link's address, where a scheme may stand."""

    value: Value | Fragment


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names a letter may use: the society's own fields of people, and the constants of this mailing."""

    own_fields: frozenset[str] = frozenset()
    constants: Mapping[str, str | Fragment] = field(default_factory=dict)
    personal: frozenset[str] = frozenset((*PERSON_FIELDS, *PERSONAL_URLS))

    def names(self) -> list[str]:
        """Return every name, for the search of the nearest."""
        return sorted({*self.personal, *self.constants, *(f"person.{name}" for name in self.own_fields)})

    def nearest(self, name: str) -> str:
        """Return the known name most like `name`, or ""."""
        found = difflib.get_close_matches(name.lower(), self.names(), n=1, cutoff=0.6)
        if not found and "." in name:
            tails = {known.partition(".")[2]: known for known in reversed(self.names())}
            close = difflib.get_close_matches(name.partition(".")[2].lower(), list(tails), n=1, cutoff=0.7)
            found = [tails[close[0]]] if close else []
        return found[0] if found else ""


@dataclass(frozen=True, slots=True)
class Woven:
    """A text with tokens in it. `lines[n]` is the line of the source that line n of `text` (from 0) came from."""

    text: str
    lines: tuple[int, ...]

    def source_line(self, line: int) -> int:
        """Return the source's line (from 1) for line `line` (from 0) of the woven text."""
        return self.lines[min(max(line, 0), len(self.lines) - 1)] if self.lines else 0


@dataclass(slots=True)
class TokenTable:
    """All tokens of one letter. `values[n]` and `conditions[n]` are what token number n stands for.

    A condition is the list of its tests, one per `if` and `elif`. `prefix` begins every token and occurs nowhere in
    the letter, so nobody can write a token by hand.
    """

    prefix: str
    vocabulary: Vocabulary
    file: str = "newsletter.md"
    values: list[Value | Fragment | Leading] = field(default_factory=list)
    conditions: list[list[Test]] = field(default_factory=list)
    lines: dict[int, int] = field(default_factory=dict)  # of the conditions that stand in the letter's text
    elses: Counter[int] = field(default_factory=Counter)  # how many `elif` and `else` each of them has
    problems: list[LetterError] = field(default_factory=list)

    def token(self, part: Part, number: int) -> str:
        """Return the token for `part` number `number`."""
        return f"{self.prefix}{part.value}{number:04d}z"

    def pattern(self, parts: str = "vuiex") -> re.Pattern[str]:
        """Return an expression that finds tokens; group 1 is the part's letter, group 2 its number."""
        return re.compile(f"{self.prefix}([{parts}])([0-9]{{4}})z")

    def value_token(self, value: Value | Fragment | Leading, part: Part = Part.VALUE) -> str:
        """Return a token for `value`."""
        if value not in self.values:
            self.values.append(value)
        return self.token(part, self.values.index(value))

    def address_token(self, number: int, *, leads: bool) -> str:
        """Return the token for value `number` inside a link's address; `leads` where it begins the address."""
        value = self.values[number]
        return self.value_token(Leading(value) if leads and not isinstance(value, Leading) else value, Part.ADDRESS)

    def add_condition(self, *tests: Test) -> int:
        """Return the number of a new condition with `tests`."""
        self.conditions.append(list(tests))
        return len(self.conditions) - 1

    def for_members(self, number: int, branch: int) -> bool:
        """Return whether only members read branch `branch` of condition `number`."""
        tests = self.conditions[number]
        mine = [tests[branch]] if branch < len(tests) else []
        return implies_member(AllOf((*(Not(test) for test in tests[:branch]), *mine)))


def new_table(vocabulary: Vocabulary, *texts: str, file: str = "newsletter.md") -> TokenTable:
    """Return an empty table whose prefix occurs in none of `texts`; the same texts give the same prefix."""
    everything = "\0".join(texts)
    lowered = everything.lower()
    for attempt in range(1000):
        digest = hashlib.sha256(f"{attempt}\0{everything}".encode("utf-8", "surrogatepass")).digest()
        prefix = "q" + b32encode(digest).decode("ascii").lower()[:6]
        if prefix not in lowered:
            return TokenTable(prefix, vocabulary, file)
    raise AssertionError("no prefix is free")
