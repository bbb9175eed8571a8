"""Find typefaces for names and addresses in any script, and say which script there is none for.

Noto Sans comes with a dependency (pymupdf-fonts) and has Latin, Greek and Cyrillic; for other signs the typefaces of
the system are looked through. A typeface with PostScript outlines, as Chinese ones have, is cut to the signs in use and
turned into TrueType, because reportlab embeds nothing else. Every PDF holds what it needs: no printer has to guess.
Scripts that are written from right to left, or whose letters change with their neighbours, are not set: reportlab would
print them wrong. Used by composing/labels.py and whatever else is printed; it draws nothing by itself.
"""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

_FOLDERS = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/System/Library/Fonts",
    "/Library/Fonts",
    "C:/Windows/Fonts",
)
# In the order in which they are asked; all that are named here lie in packages of the usual systems.
_WANTED = (
    "DejaVuSans.ttf",
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "NotoSansSC-Regular.otf",
    "SourceHanSansSC-Regular.otf",
    "wqy-microhei.ttc",
    "wqy-zenhei.ttc",
    "DroidSansFallbackFull.ttf",
    "DroidSansFallback.ttf",
    "NotoSansArmenian-Regular.ttf",
    "NotoSansGeorgian-Regular.ttf",
    "NotoSansEthiopic-Regular.ttf",
    "FreeSans.ttf",
    "unifont.ttf",
    "Arial Unicode.ttf",
    "arialuni.ttf",
    "msyh.ttc",
    "PingFang.ttc",
)
# Letters that change or move with their neighbours; the first word of their names in the Unicode database.
_SHAPED = frozenset(
    re.findall(
        r"\w+",
        "ARABIC HEBREW SYRIAC THAANA NKO DEVANAGARI BENGALI GURMUKHI GUJARATI ORIYA TAMIL TELUGU KANNADA MALAYALAM "
        "SINHALA THAI LAO TIBETAN MYANMAR KHMER MONGOLIAN BALINESE JAVANESE",
    )
)
_IGNORED = frozenset("\u200b\u200c\u200d\u2060\ufeff\u00ad")  # they have no shape of their own
# What a TrueType font with no program of instructions says of its size (OpenType, table maxp).
_NO_PROGRAM = (
    "maxTwilightPoints",
    "maxStorage",
    "maxFunctionDefs",
    "maxInstructionDefs",
    "maxStackElements",
    "maxSizeOfInstructions",
    "maxComponentElements",
)
_EXACT = 1000.0  # parts of an em by which an outline may differ: no printer shows one


class Typefaces:
    """The typefaces that set some texts, registered with reportlab."""

    def __init__(self, texts: Iterable[str], *, system: Sequence[Path] | None = None) -> None:
        """Look for what `texts` need; `system` are the typefaces to look through (none: those of this machine)."""
        needed = {letter for text in texts for letter in text if not letter.isspace() and letter not in _IGNORED}
        shaped = {letter for letter in needed if _script(letter) in _SHAPED}
        self._of: dict[str, str] = {}
        name, signs = _own()
        self._plain = name
        self._of.update(dict.fromkeys(needed & signs, name))
        left = needed - signs - shaped
        for path in (_system() if system is None else system) if left else ():
            found = left & _signs_of(path)
            if found:
                self._of.update(dict.fromkeys(found, _register(path, frozenset(found))))
                left -= found
            if not left:
                break
        self._without = left | shaped

    def missing(self, text: str) -> list[str]:
        """Return the scripts in `text` that cannot be set, such as `Arabic`; none is the usual answer."""
        return sorted({_script(letter).title() for letter in text if letter in self._without})

    def runs(self, text: str) -> Iterator[tuple[str, str]]:
        """Yield the parts of `text`, each with the typeface that sets it."""
        part, face = "", self._plain
        for sign in text:
            letter = " " if sign.isspace() else sign  # which our own typeface sets
            if letter in _IGNORED:
                continue
            mine = self._of.get(letter, self._plain)
            if mine != face and part:
                yield face, part
                part = ""
            face, part = mine, part + letter
        if part:
            yield face, part

    def width(self, text: str, size: float) -> float:
        """Return how wide `text` is at `size` points, in points."""
        from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415  (100 ms; only what is printed needs it)

        return float(sum(pdfmetrics.stringWidth(part, face, size) for face, part in self.runs(text)))

    def draw(self, canvas: Any, at: tuple[float, float], text: str, size: float) -> None:
        """Draw `text` on a reportlab canvas from a point of its baseline on."""
        from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415

        left, bottom = at
        for face, part in self.runs(text):
            canvas.setFont(face, size)
            canvas.drawString(left, bottom, part)
            left += pdfmetrics.stringWidth(part, face, size)


def _script(letter: str) -> str:
    """Return the script of a letter by the first word of its name, such as `CJK` or `GREEK`."""
    return unicodedata.name(letter, f"U+{ord(letter):04X}").split()[0]


@cache
def _own() -> tuple[str, frozenset[str]]:
    """Return the typeface that comes with us, and its signs."""
    import pymupdf_fonts  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    face = TTFont("balintmail-plain", BytesIO(pymupdf_fonts.myfont("notos")))
    pdfmetrics.registerFont(face)
    return face.fontName, frozenset(map(chr, face.face.charToGlyph))


@cache
def _system() -> tuple[Path, ...]:
    """Return the typefaces of this machine that are worth asking, in their order."""
    found: dict[str, Path] = {}
    for folder in map(os.path.expanduser, _FOLDERS):
        for inner, _, names in os.walk(folder):
            for name in names:
                if name in _WANTED:
                    found.setdefault(name, Path(inner) / name)
    return tuple(found[name] for name in _WANTED if name in found)


@cache
def _signs_of(path: Path) -> frozenset[str]:
    from fontTools.ttLib import TTLibError  # noqa: PLC0415

    try:
        with _opened(path) as font:
            return frozenset(map(chr, font.getBestCmap() or {}))
    except (TTLibError, OSError, AssertionError):  # a damaged file of the system is as good as none
        return frozenset()


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from fontTools.ttLib import TTFont  # noqa: PLC0415

    with path.open("rb") as file, TTFont(file, fontNumber=0, lazy=True) as font:
        yield font


@cache
def _register(path: Path, signs: frozenset[str]) -> str:
    """Give reportlab the part of a typeface that has these signs; return the name it is known by."""
    from fontTools import subset  # noqa: PLC0415
    from reportlab.pdfbase import pdfmetrics  # noqa: PLC0415
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415

    name = f"{path.stem}-{hashlib.sha256(''.join(sorted(signs)).encode()).hexdigest()[:12]}"
    raw = BytesIO()
    options = subset.Options(layout_features=[], notdef_outline=True, drop_tables=["GSUB", "GPOS", "BASE", "VORG"])
    cutter = subset.Subsetter(options)
    cutter.populate(text="".join(signs))
    with _opened(path) as font:
        cutter.subset(font)
        if "glyf" not in font:
            _to_truetype(font)
        for record in font["name"].names:  # reportlab takes two typefaces of the same inner name for one
            record.string = name
        font.save(raw)
    raw.seek(0)
    pdfmetrics.registerFont(TTFont(name, raw))
    return name


def _to_truetype(font: Any) -> None:
    """Turn the cubic outlines of a typeface into the quadratic ones of TrueType, to a thousandth of an em."""
    from fontTools.pens.cu2quPen import Cu2QuPen  # noqa: PLC0415
    from fontTools.pens.ttGlyphPen import TTGlyphPen  # noqa: PLC0415
    from fontTools.ttLib import newTable  # noqa: PLC0415

    order = font.getGlyphOrder()
    drawn = font.getGlyphSet()
    glyphs = {}
    for name in order:
        pen = TTGlyphPen(drawn)
        drawn[name].draw(Cu2QuPen(pen, max_err=font["head"].unitsPerEm / _EXACT, reverse_direction=True))
        glyphs[name] = pen.glyph()
    font["loca"] = newTable("loca")
    font["glyf"] = glyf = newTable("glyf")
    glyf.glyphOrder, glyf.glyphs = order, glyphs
    del font["CFF "]
    glyf.compile(font)
    limits = font["maxp"]
    limits.tableVersion, limits.maxZones = 0x00010000, 1
    for name in _NO_PROGRAM:
        setattr(limits, name, 0)
    limits.compile(font)
    font["post"].formatType = 3.0
    font.sfntVersion = "\x00\x01\x00\x00"
