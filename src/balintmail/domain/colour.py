"""Colours as values: contrast, and the nearest colour that can be read.

Pure arithmetic on sRGB; it never decides what a colour is used for. Contrast and relative luminance: WCAG 2.2,
definitions "contrast ratio" and "relative luminance"; the bar of 4.5:1 is success criterion 1.4.3.
"""

import re
from dataclasses import dataclass

READABLE = 4.5  # contrast of body text: WCAG 2.2, 1.4.3
LARGE_READABLE = 3.0  # text of 24 px, or 18.66 px bold: the same criterion

_HEX = re.compile(r"#([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_RGB = re.compile(r"rgba?\(\s*(\d{1,3})\s*,\s*(\d{1,3})\s*,\s*(\d{1,3})\s*(?:,\s*[\d.]+\s*)?\)", re.IGNORECASE)
# The names a person types into a style; the rest of CSS's list is rare in letters (CSS Color 4, section 6.1).
_NAMES = {
    "black": "#000000",
    "white": "#ffffff",
    "grey": "#808080",
    "gray": "#808080",
    "silver": "#c0c0c0",
    "lightgrey": "#d3d3d3",
    "lightgray": "#d3d3d3",
    "darkgrey": "#a9a9a9",
    "darkgray": "#a9a9a9",
    "red": "#ff0000",
    "maroon": "#800000",
    "darkred": "#8b0000",
    "orange": "#ffa500",
    "yellow": "#ffff00",
    "gold": "#ffd700",
    "olive": "#808000",
    "green": "#008000",
    "lime": "#00ff00",
    "lightgreen": "#90ee90",
    "darkgreen": "#006400",
    "teal": "#008080",
    "aqua": "#00ffff",
    "cyan": "#00ffff",
    "blue": "#0000ff",
    "lightblue": "#add8e6",
    "navy": "#000080",
    "darkblue": "#00008b",
    "purple": "#800080",
    "fuchsia": "#ff00ff",
    "magenta": "#ff00ff",
    "pink": "#ffc0cb",
    "brown": "#a52a2a",
    "beige": "#f5f5dc",
    "ivory": "#fffff0",
}


@dataclass(frozen=True, slots=True)
class Colour:
    """An opaque sRGB colour, 0 to 255 each."""

    red: int
    green: int
    blue: int

    def __str__(self) -> str:
        return f"#{self.red:02x}{self.green:02x}{self.blue:02x}"

    @property
    def luminance(self) -> float:
        """Relative luminance, 0 (black) to 1 (white)."""
        return 0.2126 * _linear(self.red) + 0.7152 * _linear(self.green) + 0.0722 * _linear(self.blue)


WHITE = Colour(255, 255, 255)
BLACK = Colour(0, 0, 0)


def parse(text: str) -> Colour | None:
    """Return the colour that `text` names (`#abc`, `#aabbcc`, `rgb(…)` or a common name), or None."""
    word = text.strip().lower()
    word = _NAMES.get(word, word)
    if found := _HEX.fullmatch(word):
        digits = found[1] if len(found[1]) == 6 else "".join(digit * 2 for digit in found[1])
        return Colour(int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16))
    if found := _RGB.fullmatch(word):
        return Colour(*(min(255, int(part)) for part in found.groups()))
    return None


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of two colours, 1 to 21."""
    lighter, darker = sorted((one.luminance, other.luminance), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def nearest_readable(colour: Colour, on: Colour, *, wanted: float = READABLE) -> Colour:
    """Return `colour`, or the nearest shade of it that reaches `wanted` on the background `on`.

    It goes towards black on a light background and towards white on a dark one, in steps of one part in 256.
    """
    towards = BLACK if contrast(BLACK, on) >= contrast(WHITE, on) else WHITE
    for step in range(257):
        shade = mix(colour, towards, step / 256)
        if contrast(shade, on) >= wanted:
            return shade
    return towards


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """Return `one` with `share` (0 to 1) of `other` mixed in."""
    return Colour(
        round(one.red + (other.red - one.red) * share),
        round(one.green + (other.green - one.green) * share),
        round(one.blue + (other.blue - one.blue) * share),
    )


def _linear(part: int) -> float:
    value = part / 255
    return float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4)
