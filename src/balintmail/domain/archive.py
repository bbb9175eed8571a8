"""The states and kinds of the archive, and what the name of an old file says of its day and number.

Pure. Past newsletters: services/archive.py, services/past_newsletters.py.
"""

import re
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from balintmail.domain.search import folded


class ReadingKind(StrEnum):
    """What a link to read by leads to."""

    NEWSLETTER = "newsletter"
    ARTICLE = "article"
    JOURNAL_ISSUE = "journal_issue"


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to read: a newsletter (its mailing), a paper or a whole journal issue, by its row's number."""

    kind: ReadingKind
    id: int


class TextState(StrEnum):
    """What came of reading a PDF's words."""

    READ = "read"
    RECOGNISED = "recognised"  # a scan whose words ocrmypdf has read
    SCAN = "scan"  # pictures of pages without words
    LOCKED = "locked"  # encrypted
    BROKEN = "broken"


_DAY = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_. ]?(0[1-9]|1[0-2])(?:[-_. ]?(0[1-9]|[12]\d|3[01]))?(?!\d)")
_CALLED = r"(?:no|nr|number|nummer|num[eé]ro|sz[aá]m|issue|newsletter|rundbrief|lettre|h[ií]rlev[eé]l|nl|#)"
_NUMBERED = re.compile(rf"(?<![^\W_]){_CALLED}[-_. ]{{0,3}}0*([1-9]\d{{0,4}})(?!\d)", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(?<![^\W_])0*([1-9]\d{0,4})\W*\Z")
_YEAR = re.compile(r"(?:19|20)\d\d")
_ANY_NUMBER = re.compile(r"(?<![^\W_])[^\W\d_]{0,2}0*([1-9]\d{0,4})(?![^\W_])")  # n77, but not the 16 of utf16
LONGEST_SLUG = 64  # as a newsletter's own (composing/letter.py)


def day_in_name(stem: str) -> date | None:
    """Return the day that a file's name gives, such as 2019-03-01, 20190301, or the first of 2019-03."""
    for found in _DAY.finditer(stem):
        try:
            return date(int(found[1]), int(found[2]), int(found[3] or 1))
        except ValueError:
            continue
    return None


def number_in_name(stem: str, title: str = "") -> str:
    """Return the number that a file's name or a title gives, such as `newsletter-84`; "" for none."""
    bare = _DAY.sub(" ", stem)
    numbered = _NUMBERED.search(bare) or _NUMBERED.search(_DAY.sub(" ", title))
    if numbered:
        return numbered[1]
    alone = _ANY_NUMBER.findall(bare)
    if len(alone) == 1 and not _YEAR.fullmatch(alone[0]):
        return str(alone[0])
    last = _LAST_NUMBER.search(title)
    number = str(last[1]) if last else ""
    return "" if _YEAR.fullmatch(number) else number


def slug_of(text: str) -> str:
    """Return `text` as the end of a web address: small letters, digits and hyphens; "" where nothing is left."""
    slug = re.sub(r"[^a-z0-9]+", "-", folded(text)).strip("-")[:LONGEST_SLUG].rstrip("-")
    return slug if re.search(r"[a-z]", slug) else f"n-{slug}" if slug else ""
