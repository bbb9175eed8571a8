"""Read a day as people in several countries write it; refuse one that may be read in two ways.

It never guesses which number is the month.
"""

import re
from datetime import date

_ISO = re.compile(r"(\d{4})[-./] ?(\d{1,2})[-./] ?(\d{1,2})\.?(?:[ T].*)?")
_DOTTED = re.compile(r"(\d{1,2})\. ?(\d{1,2})\. ?(\d{4})(?: .*)?")
_SLASHED = re.compile(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})(?: .*)?")


def day(text: str) -> date:
    """Return the day that `text` names; raise ValueError when it names none, or one that may be read in two ways."""
    text = text.strip()
    if found := _ISO.fullmatch(text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := _DOTTED.fullmatch(text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    if found := _SLASHED.fullmatch(text):
        first, second = int(found[1]), int(found[2])
        if first <= 12 and second <= 12 and first != second:
            raise ValueError("day and month cannot be told apart")
        return date(int(found[3]), min(first, second) if max(first, second) > 12 else first, max(first, second))
    raise ValueError("not a day")
