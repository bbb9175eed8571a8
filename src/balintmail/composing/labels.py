"""Set addresses on sheets of labels or on envelopes, as PDF, to the tenth of a millimetre.

The sheets are those of the makers: Avery L7160 and L7163 (A4), 5160 (US Letter); envelopes C5 and DL (ISO 269) are one
page each. A name or line that does not fit is set smaller, down to a size that sorting machines still read; what fits
at no size, or is written in a script without a typeface, is left out and named. It knows no people and no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import Any

from balintmail.composing.typefaces import Typefaces

MM = 72 / 25.4  # points in a millimetre
SIZES = (10.0, 9.5, 9.0, 8.5, 8.0, 7.5, 7.0)  # points; Royal Mail's machines read from 7 points on
_ENVELOPE_SIZES = (12.0, 11.0, *SIZES)
_LEADING = 1.2  # of the size, from line to line
_MARK_SIZE = 5.0  # of the number in the corner
_MARK_GREY = 0.45


class Sheet(StrEnum):
    """What the addresses are printed on."""

    L7160 = "L7160"
    L7163 = "L7163"
    AVERY_5160 = "5160"
    C5 = "C5"
    DL = "DL"


@dataclass(frozen=True, slots=True)
class Layout:
    """The measures of a sheet in millimetres: the page, the first label's corner, each label, and from one to the next.

    `inner` is the space that stays free inside a label: no printer feeds paper to the tenth of a millimetre.
    """

    page: tuple[float, float]
    left: float
    top: float
    label: tuple[float, float]
    step: tuple[float, float]
    columns: int
    rows: int
    inner: float

    @property
    def on_a_page(self) -> int:
        return self.columns * self.rows


_A4, _LETTER = (210.0, 297.0), (215.9, 279.4)
# Of the makers' data sheets. On envelopes the address begins right of the middle and below the franking zone of 40 mm.
LAYOUTS = {
    Sheet.L7160: Layout(_A4, 7.25, 15.15, (63.5, 38.1), (66.0, 38.1), 3, 7, 3.5),
    Sheet.L7163: Layout(_A4, 4.65, 15.15, (99.1, 38.1), (101.6, 38.1), 2, 7, 4.0),
    Sheet.AVERY_5160: Layout(_LETTER, 4.7625, 12.7, (66.675, 25.4), (69.85, 25.4), 3, 10, 2.5),
    Sheet.C5: Layout((229.0, 162.0), 100.0, 68.0, (115.0, 70.0), (0.0, 0.0), 1, 1, 2.0),
    Sheet.DL: Layout((220.0, 110.0), 95.0, 45.0, (112.0, 50.0), (0.0, 0.0), 1, 1, 2.0),
}
ENVELOPES = frozenset({Sheet.C5, Sheet.DL})


@dataclass(frozen=True, slots=True)
class Label:
    """One address, line by line; `mark` stands small in the corner, so that an envelope that comes back is found."""

    lines: tuple[str, ...]
    mark: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A label that could not be set, by its place in what was given, and why."""

    index: int
    why: str


@dataclass(frozen=True, slots=True)
class Printed:
    """A PDF (none when nothing could be set), how many labels and pages it has, and what was left out."""

    pdf: bytes
    labels: int
    pages: int
    left_out: tuple[LeftOut, ...]


def set_labels(labels: Sequence[Label], sheet: Sheet, *, start: int = 1, sender: Sequence[str] = ()) -> Printed:
    """Return these labels as PDF in their order.

    `start` is the place of the first label on the first sheet (1: the upper left), for sheets begun before. `sender`
    stands small above the address on envelopes.
    """
    layout = LAYOUTS[sheet]
    if not 1 <= start <= layout.on_a_page:
        raise ValueError(f"a sheet {sheet} has no place {start}")
    faces = Typefaces([line for label in labels for line in label.lines] + list(sender))
    sizes = _ENVELOPE_SIZES if sheet in ENVELOPES else SIZES
    chosen: list[tuple[Label, float]] = []
    left_out: list[LeftOut] = []
    for index, label in enumerate(labels):
        missing = sorted({script for line in label.lines for script in faces.missing(line)})
        size = next((size for size in sizes if _fits(label, layout, size, faces)), None)
        if missing or size is None:
            why = f"no typeface for {', '.join(missing)}" if missing else "it does not fit"
            left_out.append(LeftOut(index, why))
        else:
            chosen.append((label, size))
    if not chosen:
        return Printed(b"", 0, 0, tuple(left_out))
    raw = BytesIO()
    pages = _drawn(raw, chosen, layout, faces, start, sender if sheet in ENVELOPES else ())
    return Printed(raw.getvalue(), len(chosen), pages, tuple(left_out))


def _fits(label: Label, layout: Layout, size: float, faces: Typefaces) -> bool:
    width, height = (side * MM - 2 * layout.inner * MM for side in layout.label)
    tall = size * (1 + _LEADING * (len(label.lines) - 1))
    return tall <= height and all(faces.width(line, size) <= width for line in label.lines)


def _drawn(
    raw: BytesIO, chosen: Sequence[tuple[Label, float]], layout: Layout, faces: Typefaces, start: int,
    sender: Sequence[str],
) -> int:  # fmt: skip
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415  (100 ms; only what is printed needs it)

    canvas = Canvas(raw, pagesize=tuple(side * MM for side in layout.page), invariant=1)
    canvas.setTitle("Labels")
    pages = 0
    for number, (label, size) in enumerate(chosen, start=start - 1):
        place = number % layout.on_a_page
        if place == 0 or number == start - 1:
            if pages:
                canvas.showPage()
            pages += 1
        _draw(canvas, label, layout, place, (size, faces))
        if sender:
            _draw_sender(canvas, sender, layout, faces)
    canvas.save()
    return pages


def _draw(canvas: Any, label: Label, layout: Layout, place: int, how: tuple[float, Typefaces]) -> None:
    size, faces = how
    row, column = divmod(place, layout.columns)
    left = (layout.left + column * layout.step[0]) * MM
    top = (layout.page[1] - layout.top - row * layout.step[1]) * MM
    height = layout.label[1] * MM
    tall = size * (1 + _LEADING * (len(label.lines) - 1))
    baseline = top - (height - tall) / 2 - size * 0.8  # the lines stand in the middle; 0.8 of a size is above the line
    for line in label.lines:
        faces.draw(canvas, (left + layout.inner * MM, baseline), line, size)
        baseline -= size * _LEADING
    if label.mark:
        canvas.setFillGray(_MARK_GREY)
        right = left + (layout.label[0] - layout.inner) * MM - faces.width(label.mark, _MARK_SIZE)
        faces.draw(canvas, (right, top - height + 1.2 * MM), label.mark, _MARK_SIZE)
        canvas.setFillGray(0)


def _draw_sender(canvas: Any, sender: Sequence[str], layout: Layout, faces: Typefaces) -> None:
    baseline = (layout.page[1] - 12) * MM
    for line in sender:
        faces.draw(canvas, (12 * MM, baseline), line, 8.0)
        baseline -= 8.0 * _LEADING
