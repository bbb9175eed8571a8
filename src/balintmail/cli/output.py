"""Write to the terminal: aligned columns, no boxes, colour only to repeat what a word says (look.md).

Colours and progress appear only on a terminal, and NO_COLOR is obeyed. Control characters in data are shown, not
obeyed (J13). It never decides an exit status.
"""

import contextlib
import json
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, TextIO

import click

from balintmail.errors import BalintmailError

WIDEST = 120  # columns of a page for people


class Tone(StrEnum):
    """What a colour repeats."""

    PLAIN = ""
    STOP = "red"
    WARN = "yellow"
    GOOD = "green"
    MUTED = "bright_black"


class NotConfirmed(BalintmailError):
    """Somebody said no, or nobody could be asked."""

    code = "not_confirmed"


class Output:
    """Standard output and error of one command."""

    def __init__(self, *, json: bool, stdout: TextIO | None = None, stderr: TextIO | None = None) -> None:
        self.wants_json = json
        self._out = stdout or sys.stdout
        self._err = stderr or sys.stderr

    @property
    def interactive(self) -> bool:
        """Whether a person sits there: questions and progress make sense."""
        return sys.stdin.isatty() and self._out.isatty() and not self.wants_json

    @property
    def colour(self) -> bool:
        return self._out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"

    @property
    def columns(self) -> int:
        """How wide a page may be: the terminal's own width, and WIDEST where the page goes into a file or a pipe."""
        if not self._out.isatty():
            return WIDEST
        with contextlib.suppress(OSError, ValueError):  # a terminal that has no number or does not know its width
            return min(os.get_terminal_size(self._out.fileno()).columns or WIDEST, WIDEST)
        return WIDEST

    def line(self, text: str = "", tone: Tone = Tone.PLAIN) -> None:
        """Print one line for people; silent under --json."""
        if self.wants_json:
            return
        safe = printable(text)
        print(click.style(safe, fg=tone.value) if tone is not Tone.PLAIN and self.colour else safe, file=self._out)

    def note(self, text: str) -> None:
        """Print one line to standard error, also under --json."""
        print(printable(text), file=self._err)

    def json(self, document: Any) -> None:
        """Print the one JSON document of this command, if it was asked for."""
        if self.wants_json:
            print(json.dumps(document, ensure_ascii=False, indent=2), file=self._out)

    def json_array(self, documents: Iterable[Any]) -> None:
        """Print one JSON array as its items come, so that a long one needs no memory; silent unless asked for."""
        if not self.wants_json:
            return
        opened = False
        for document in documents:
            text = json.dumps(document, ensure_ascii=False, indent=2).replace("\n", "\n  ")
            print(",\n  " if opened else "[\n  ", text, sep="", end="", file=self._out)
            opened = True
        print("\n]" if opened else "[]", file=self._out)

    def octets(self, data: bytes) -> None:
        """Print data as it is; on a terminal as text that cannot drive it (J13)."""
        buffer = getattr(self._out, "buffer", None)
        if self._out.isatty() or buffer is None:
            print(printable(data.decode("utf-8", "backslashreplace")), file=self._out)
            return
        self._out.flush()
        buffer.write(data)
        buffer.flush()

    def table(self, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print aligned columns; a column of numbers stands to the right."""
        if self.wants_json:
            return
        cells = [[_one_line("" if value is None else str(value)) for value in row] for row in rows]
        numeric = [bool(rows) and all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
        widths = [max(map(display_width, column)) for column in zip(header, *cells, strict=True)]
        for row in [list(header), *cells]:
            parts = [_pad(cell, width, right=right) for cell, width, right in zip(row, widths, numeric, strict=True)]
            print("  ".join(parts).rstrip(), file=self._out)

    def confirm(self, question: str) -> bool:
        """Ask yes or no; off a terminal the answer is no."""
        while self.interactive:
            answer = click.prompt(f"{question} [y/N]", prompt_suffix=": ", default="", show_default=False)
            if answer.strip().casefold() in {"y", "yes"}:
                return True
            if answer.strip().casefold() in {"", "n", "no"}:
                return False
            self.line("Type y for yes, n for no.")
        return False


def printable(text: str) -> str:
    """Return `text` with control characters made visible, so that data cannot drive the terminal (J13)."""
    if text.isprintable():
        return text
    return "".join(
        letter
        if letter in "\n\t" or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
        else _escape(letter)
        for letter in text
    )


def cut(text: str, columns: int) -> str:
    """Return `text` in at most so many columns; an ellipsis tells that there is more."""
    if display_width(text) <= columns:
        return text
    while display_width(text) >= columns:
        text = text[: columns - 1] if len(text) > columns else text[:-1]
    return f"{text.rstrip()}\N{HORIZONTAL ELLIPSIS}"


def _one_line(text: str) -> str:
    """Return `text` fit for a cell, where a line's end or a tab would break the row."""
    return printable(text).replace("\n", "\\n").replace("\t", "\\t")


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def display_width(text: str) -> int:
    """Return the columns `text` takes on a terminal: wide letters count two, combining marks none."""
    if text.isascii():
        return len(text)
    wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
    return wide - sum(1 for letter in text if unicodedata.combining(letter))


def _pad(text: str, width: int, *, right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if right else text + space
