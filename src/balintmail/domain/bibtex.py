"""Read BibTeX: entries with their fields, LaTeX's commands turned into letters or left out; nothing is ever run.

Pure, and of bounded cost: each character is looked at a fixed number of times. Format: the BibTeX manual (Patashnik,
1988) with what biber and reference managers write today. domain/reading.py makes works of the entries.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

LARGEST = 5_000_000  # characters
MOST_ENTRIES = 20_000
DEEPEST = 40  # braces in braces
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = re.compile(r"[^\s\"#%'(),={}]+")
_KEY = re.compile(r"[^\s,{}()]*")


class BibtexRefused(ValueError):
    """A file cannot be read as BibTeX; `line` counts from 1."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")
        self.line = line
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its kind and fields in small letters, the values as they stand, LaTeX in them."""

    kind: str
    key: str
    line: int
    fields: dict[str, str] = field(default_factory=dict)


def parse(text: str) -> list[Entry]:
    """Return the entries of a file in their order; raise BibtexRefused."""
    if len(text) > LARGEST:
        raise BibtexRefused(1, f"it has more than {LARGEST:,} characters")
    return list(_Reader(text).entries())


class _Reader:
    """One pass over a file; what stands between entries is a comment."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counted, self._lines = 0, 1
        self._strings = {month: str(number) for number, month in enumerate(_MONTHS, 1)}

    def entries(self) -> Iterator[Entry]:
        count = 0
        while (at := self._text.find("@", self._at)) >= 0:
            self._at = at + 1
            kind = self._word().lower()
            self._blank()
            if not kind or self._peek() not in "{(":
                continue  # an address in a comment, or nothing at all
            line, close = self._line(at), "}" if self._peek() == "{" else ")"
            self._at += 1
            if kind == "comment":
                self._skip_body(line, close)
            elif kind == "preamble":
                self._value(line)
                self._end(line, close)
            elif kind == "string":
                self._strings.update(self._fields(line, close))
            else:
                count += 1
                if count > MOST_ENTRIES:
                    raise BibtexRefused(line, f"there are more than {MOST_ENTRIES:,} entries")
                yield self._entry(kind, line, close)

    def _entry(self, kind: str, line: int, close: str) -> Entry:
        self._blank()
        found = _KEY.match(self._text, self._at)
        key = found[0] if found else ""
        self._at += len(key)
        self._blank()
        if self._peek() == close:
            self._at += 1
            return Entry(kind, key, line)
        if self._peek() != ",":
            raise BibtexRefused(line, f"the entry @{kind[:30]} does not begin with its key and a comma")
        self._at += 1
        return Entry(kind, key, line, self._fields(line, close))

    def _fields(self, line: int, close: str) -> dict[str, str]:
        found: dict[str, str] = {}
        while True:
            self._blank()
            if self._peek() == close:
                self._at += 1
                return found
            name = self._word().lower()
            self._blank()
            if not name or self._peek() != "=":
                raise BibtexRefused(self._line(self._at), f"the entry that begins in line {line} is not closed")
            self._at += 1
            found.setdefault(name, self._value(line))
            self._blank()
            if self._peek() == ",":
                self._at += 1
            elif self._peek() == "\0":
                raise BibtexRefused(line, "the entry that begins here is never closed")
            elif self._peek() != close:
                raise BibtexRefused(self._line(self._at), f'a comma is missing after "{name[:30]}"')

    def _value(self, line: int) -> str:
        parts = []
        while True:
            self._blank()
            sign = self._peek()
            if sign == "{":
                parts.append(self._braced(line))
            elif sign == '"':
                parts.append(self._quoted(line))
            else:
                word = self._word()
                if not word:
                    raise BibtexRefused(self._line(self._at), "a value is missing")
                parts.append(self._strings.get(word.lower(), word))
            self._blank()
            if self._peek() != "#":
                return "".join(parts)[:LARGEST]
            self._at += 1

    def _braced(self, line: int) -> str:
        begin, depth = self._at + 1, 0
        for found in re.compile(r"\\.|[{}]", re.DOTALL).finditer(self._text, self._at):
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if depth > DEEPEST:
                raise BibtexRefused(self._line(found.start()), f"more than {DEEPEST} braces stand in each other")
            if depth == 0 and found[0] == "}":
                self._at = found.end()
                return self._text[begin : found.start()]
        raise BibtexRefused(line, "a brace is never closed")

    def _quoted(self, line: int) -> str:
        begin, depth = self._at + 1, 0
        for found in re.compile(r"\\[^\"]|[{}\"]", re.DOTALL).finditer(self._text, begin):
            depth += {"{": 1, "}": -1}.get(found[0], 0)
            if depth < 0 or depth > DEEPEST:
                break
            if depth == 0 and found[0] == '"':
                self._at = found.end()
                return self._text[begin : found.start()]
        raise BibtexRefused(line, "a quotation mark is never closed")

    def _skip_body(self, line: int, close: str) -> None:
        if close == "}":
            self._at -= 1
            self._braced(line)
        else:
            self._end_of_line()

    def _end(self, line: int, close: str) -> None:
        self._blank()
        if self._peek() != close:
            raise BibtexRefused(line, "a brace is never closed")
        self._at += 1

    def _end_of_line(self) -> None:
        end = self._text.find("\n", self._at)
        self._at = len(self._text) if end < 0 else end

    def _word(self) -> str:
        self._blank()
        found = _NAME.match(self._text, self._at)
        if found is None:
            return ""
        self._at = found.end()
        return found[0]

    def _blank(self) -> None:
        while self._at < len(self._text):
            letter = self._text[self._at]
            if letter == "%":  # BibTeX knows no such comment, people write it all the same
                self._end_of_line()
            elif not letter.isspace():
                return
            self._at += letter != "%"

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1] or "\0"

    def _line(self, at: int) -> int:
        if at >= self._counted:
            self._lines += self._text.count("\n", self._counted, at)
            self._counted = at
            return self._lines
        return self._text.count("\n", 0, at) + 1
