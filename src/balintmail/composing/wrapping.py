"""Wrap, indent and underline plain text for a fixed pitch.

Widths are columns: wide letters count two, combining marks none. An address on the web is never broken. It knows
nothing of Markdown; plaintext.py is its only caller.
"""

import re
import unicodedata

WIDTH = 72  # columns: quoted twice it still fits into 80

# Inert tokens as inert.py writes them: a value or an address, and the boundary of a condition.
VALUE_TOKEN = re.compile(r"q[a-z2-7]{6}[vu][0-9]{4}z")
ANY_TOKEN = re.compile(r"q[a-z2-7]{6}[a-z][0-9]{4}z")
BOUNDARY_TOKENS = re.compile(r"(?:q[a-z2-7]{6}[iex][0-9]{4}z\s*)+")

_PIECES = re.compile(r"[^ \t\n\r\f\v]+")  # a no-break space holds its words together


def columns(text: str) -> int:
    """Return how many columns `text` takes."""
    if text.isascii():
        return len(text)
    wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return wide - sum(1 for letter in text if unicodedata.combining(letter))


def wrap(text: str, width: int = WIDTH) -> list[str]:
    """Return `text` in lines of at most `width` columns; newlines in it stay, a longer word stands alone.

    Words in scripts that set no spaces between them are broken anywhere.
    """
    lines: list[str] = []
    for line in text.split("\n"):
        lines += _wrap_line(line, width)
    return lines


def _wrap_line(text: str, width: int) -> list[str]:
    lines: list[str] = []
    current, taken = "", 0
    for word in _PIECES.findall(text):
        for index, part in enumerate(_break(word, width)):
            size = columns(part)
            space = " " if current and index == 0 else ""
            if current and taken + len(space) + size > width:
                lines.append(current)
                current, taken = part, size
            else:
                current, taken = current + space + part, taken + len(space) + size
    return [*lines, current]


def _break(word: str, width: int) -> list[str]:
    """Return `word` whole, or in parts where it holds wide letters and is too long."""
    if columns(word) <= width or not any(unicodedata.east_asian_width(letter) in "WF" for letter in word):
        return [word]
    parts, current, taken = [], "", 0
    for letter in word:
        size = columns(letter)
        if current and taken + size > width:
            parts.append(current)
            current, taken = "", 0
        current, taken = current + letter, taken + size
    return [*parts, current]


def underlined(text: str, mark: str = "=", width: int = WIDTH) -> str:
    """Return `text`, wrapped, over a line of `mark` as long as its longest line.

    Over one of the whole width where a value stands in the text, for nobody knows yet how long that is.
    """
    lines = wrap(text, width)
    if ANY_TOKEN.search(text):
        return "\n".join([*lines, mark * width])
    return "\n".join([*lines, mark * max(3, min(width, max(map(columns, lines))))])


def hang(lines: list[str], first: str, rest: str) -> list[str]:
    """Return `lines` with `first` before the first and `rest` before the others; empty lines stay bare."""
    return [((rest if index else first) + line).rstrip() for index, line in enumerate(lines)] or [first.rstrip()]


def pad(text: str, width: int, align: str = "left") -> str:
    """Return `text` filled up with blanks to `width` columns; `align` is left, right or center."""
    missing = max(0, width - columns(text))
    before = {"right": missing, "center": missing // 2}.get(align, 0)
    return " " * before + text + " " * (missing - before)
