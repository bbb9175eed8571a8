"""Set an invoice, a receipt or a credit note on A4, as PDF, with every typeface in it.

The words come ready from services/invoices.py; the same words give the same octets. It knows no order, counts no money
and numbers nothing. A line in a script without a typeface gives way to `instead`, so that no empty boxes are printed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from balintmail.composing.typefaces import Typefaces

_MM = 72 / 25.4  # points in a millimetre
_WIDTH, _HEIGHT = 210 * _MM, 297 * _MM
_LEFT, _RIGHT, _TOP, _BOTTOM = 25 * _MM, 190 * _MM, 272 * _MM, 22 * _MM
_WINDOW = 90 * _MM  # how wide the buyer's lines may be, as in the window of an envelope (DIN 5008)
_COLUMNS = (0.0, 108 * _MM, 138 * _MM, 165 * _MM)  # what, copies, each, together: the last three end there
_TEXT, _SMALL, _TITLE, _LEADING = 10.0, 8.5, 18.0, 1.45
_GREY = 0.35


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table, as it is printed."""

    what: str
    copies: str
    each: str
    together: str


@dataclass(frozen=True, slots=True)
class Paper:
    """Everything that stands on it, in the reader's language; `total` is the sum in words and figures.

    `instead` is what stands in place of a line that no typeface sets; `{script}` is filled in.
    """

    title: str
    seller: tuple[str, ...]
    buyer: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]  # number, date, reference …
    head: Row
    rows: tuple[Row, ...]
    total: tuple[str, str]
    paragraphs: tuple[str, ...]
    foot: tuple[str, ...]
    instead: str
    language: str = "en"


def set_paper(paper: Paper) -> bytes:
    """Return the PDF."""
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415  (100 ms; only what is printed needs it)

    raw = BytesIO()
    canvas = Canvas(raw, pagesize=(_WIDTH, _HEIGHT), invariant=1, lang=paper.language)
    canvas.setTitle(f"{paper.title} {paper.facts[0][1]}" if paper.facts else paper.title)
    canvas.setAuthor(paper.seller[0] if paper.seller else "")
    _Setting(canvas, paper).set_all()
    canvas.save()
    return raw.getvalue()


class _Setting:
    """Goes down the pages from line to line."""

    def __init__(self, canvas: Any, paper: Paper) -> None:
        self._canvas, self._paper = canvas, paper
        cells = [cell for row in (paper.head, *paper.rows) for cell in (row.what, row.copies, row.each, row.together)]
        facts = [text for fact in (*paper.facts, paper.total) for text in fact]
        said = (paper.title, paper.instead, *paper.seller, *paper.buyer, *paper.paragraphs, *paper.foot)
        self._faces = Typefaces([*said, *cells, *facts])
        self._y = _TOP

    def set_all(self) -> None:
        paper = self._paper
        self._block(paper.seller[:1], _LEFT, _RIGHT - _LEFT, _TEXT + 2)
        self._block(paper.seller[1:], _LEFT, _RIGHT - _LEFT, _SMALL, grey=True)
        self._down(_TEXT * 2.5)
        begun = self._y
        self._block(paper.buyer, _LEFT, _WINDOW, _TEXT)
        after_buyer, self._y = self._y, begun
        self._facts(paper.facts)
        self._y = min(self._y, after_buyer) - _TEXT * 2
        self._draw(_LEFT, paper.title, _TITLE)
        self._down(_TITLE * 1.6)
        self._table()
        self._down(_TEXT * 1.5)
        for text in paper.paragraphs:
            self._block(text.split("\n"), _LEFT, _RIGHT - _LEFT, _TEXT)
            self._down(_TEXT * 0.6)
        self._foot()

    def _facts(self, facts: Sequence[tuple[str, str]]) -> None:
        """Set what is said of the paper at the right, each under its name."""
        left = _RIGHT - 55 * _MM
        for name, value in facts:
            self._block((name,), left, 55 * _MM, _SMALL, grey=True)
            self._block((value,), left, 55 * _MM, _TEXT)
            self._down(3)

    def _table(self) -> None:
        self._cells(self._paper.head, _SMALL, grey=True)
        self._rule()
        for row in self._paper.rows:
            self._cells(row, _TEXT)
        self._rule()
        name, amount = self._paper.total
        self._fit(_TEXT)
        self._draw(_LEFT, name, _TEXT + 1)
        self._draw_right(_LEFT + _COLUMNS[3], amount, _TEXT + 1)
        self._down(_TEXT * _LEADING)

    def _cells(self, row: Row, size: float, *, grey: bool = False) -> None:
        self._fit(size)
        self._canvas.setFillGray(_GREY if grey else 0)
        top = self._y
        for end, text in zip(_COLUMNS[1:], (row.copies, row.each, row.together), strict=True):
            self._draw_right(_LEFT + end, text, size)
        self._block((row.what,), _LEFT, _COLUMNS[1] - 18 * _MM, size, grey=grey)
        if self._y <= top:  # on the page on which the row began
            self._y = min(self._y, top - size * _LEADING)

    def _foot(self) -> None:
        self._canvas.setFillGray(_GREY)
        y = _BOTTOM - 6 * _MM
        for line in reversed(self._paper.foot):
            for part in reversed(self._wrapped(line, _RIGHT - _LEFT, _SMALL)):
                self._faces.draw(self._canvas, (_LEFT, y), part, _SMALL)
                y += _SMALL * _LEADING
        self._canvas.setFillGray(0)

    def _block(self, lines: Sequence[str], left: float, width: float, size: float, *, grey: bool = False) -> None:
        self._canvas.setFillGray(_GREY if grey else 0)
        for line in lines:
            for part in self._wrapped(line, width, size):
                self._fit(size)
                self._draw(left, part, size)
                self._down(size * _LEADING)
        self._canvas.setFillGray(0)

    def _wrapped(self, line: str, width: float, size: float) -> list[str]:
        """Return a line as the parts that fit; a word that fits nowhere is cut."""
        missing = self._faces.missing(line)
        said = self._paper.instead.replace("{script}", ", ".join(missing)) if missing else line
        parts = [""]
        for word in said.split():
            longer = f"{parts[-1]} {word}".strip()
            if self._faces.width(longer, size) <= width:
                parts[-1] = longer
                continue
            parts.append("")
            for sign in word:
                if parts[-1] and self._faces.width(parts[-1] + sign, size) > width:
                    parts.append("")
                parts[-1] += sign
        return [part for part in parts if part]

    def _rule(self) -> None:
        self._canvas.setLineWidth(0.5)
        self._canvas.setStrokeGray(_GREY)
        y = self._y + _TEXT * 0.85
        self._canvas.line(_LEFT, y, _LEFT + _COLUMNS[3], y)
        self._down(_TEXT * 0.5)

    def _draw(self, left: float, text: str, size: float) -> None:
        self._faces.draw(self._canvas, (left, self._y), text, size)

    def _draw_right(self, right: float, text: str, size: float) -> None:
        self._faces.draw(self._canvas, (right - self._faces.width(text, size), self._y), text, size)

    def _down(self, points: float) -> None:
        self._y -= points

    def _fit(self, size: float) -> None:
        """Begin a new page where no line of that size is left on this one."""
        if self._y - size < _BOTTOM + 14 * _MM:
            self._foot()
            self._canvas.showPage()
            self._y = _TOP
