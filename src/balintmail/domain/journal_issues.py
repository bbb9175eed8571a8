"""The names and numbers of the Journal: labels, ISSN, DOI, pages, and the names of authors as indexes sort them.

Pure. Each reader returns one spelling or raises JournalRefused with the reason; nothing is guessed. ISSN: ISO 3297;
DOI: ISO 26324 in the form that doi.org resolves.
"""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from balintmail.domain.times import YEARS
from balintmail.errors import BalintmailError

LONGEST_SLUG = 60  # characters of an article's web address
_LABEL = re.compile(r"(?P<year>\d{4})(?:-(?P<part>[1-9]\d?))?", re.ASCII)
_ISSN = re.compile(r"(\d{4})[-\u2010-\u2015 ]?(\d{3}[\dX])", re.ASCII)
_DOI_PREFIX = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)", re.IGNORECASE)
_DOI = re.compile(r"10\.\d{4,9}/[^\s\"<>\\^`{|}\u0000-\u001f]+", re.ASCII)
_PAGE = re.compile(r"[A-Za-z]{0,4}\d{1,5}[a-z]?|[ivxlcdm]{1,9}", re.ASCII | re.IGNORECASE)
_PARTICLES = frozenset(
    {"van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "du", "la", "le", "ten", "ter", "af", "zu"}
)
_ENDS = frozenset({"jr", "jr.", "sr", "sr.", "ii", "iii", "iv"})
_FAMILY_FIRST = frozenset({"hu", "zh", "ja", "ko", "vi"})  # languages that write the family's name first


class JournalRefused(BalintmailError):
    """Something said of a journal issue or a paper cannot be right."""

    code = "journal_refused"


@dataclass(frozen=True, slots=True)
class Label:
    """How a journal issue is named: its year, and which one of that year where there are several (0: the only one)."""

    year: int
    part: int = 0

    def __str__(self) -> str:
        return f"{self.year}-{self.part}" if self.part else str(self.year)


def read_label(text: str) -> Label:
    """Return the label that `2026` or `2026-2` is."""
    found = _LABEL.fullmatch(text.strip())
    if found is None or int(found["year"]) not in YEARS:
        hint = 'It is written as its year, "2026", or "2026-2" for the second of a year.'
        raise JournalRefused(f'"{text[:40]}" names no issue of the Journal.', hint=hint)
    return Label(int(found["year"]), int(found["part"] or 0))


def read_issn(text: str) -> str:
    """Return an ISSN as `0141-8033`, its check digit looked at; "" stays ""."""
    if not text.strip():
        return ""
    found = _ISSN.fullmatch(text.strip().upper().removeprefix("ISSN").strip(" :"))
    if found is None:
        raise JournalRefused(f'"{text[:40]}" is no ISSN.', hint='An ISSN is written like "0141-8033".')
    digits = found[1] + found[2]
    # ISO 3297: weights 8 to 2, and the check digit makes the sum a multiple of 11, X being 10.
    total = sum(weight * int(digit) for weight, digit in zip(range(8, 1, -1), digits[:7], strict=True))
    if "0123456789X"[-total % 11] != digits[7]:
        raise JournalRefused(f'"{text[:40]}" is no ISSN: its check digit does not fit.', hint="Look at it once more.")
    return f"{found[1]}-{found[2]}"


def read_doi(text: str) -> str:
    """Return a DOI without `https://doi.org/`, in small letters (a DOI knows no capitals); "" stays ""."""
    bare = _DOI_PREFIX.sub("", text.strip(), count=1)
    if not bare:
        return ""
    if not _DOI.fullmatch(bare) or len(bare) > 200:
        raise JournalRefused(f'"{text[:60]}" is no DOI.', hint='A DOI is written like "10.1234/jbs.2026.7".')
    return bare.lower()


def read_pages(text: str) -> tuple[str, str]:
    """Return the first and the last page that `12-19`, `12`, `vii` or `S4–S9` names; ("", "") for "".

    `123-9` is short for 123-129. A last page before the first is refused.
    """
    parts = [part.strip() for part in re.split(r"[-\u2010-\u2015]+", text.strip())]
    if parts == [""]:
        return "", ""
    if len(parts) > 2 or not all(_PAGE.fullmatch(part) for part in parts):
        raise JournalRefused(f'"{text[:40]}" are no pages.', hint='Pages are written like "12-19", "12" or "iv-vii".')
    first, last = parts[0], parts[-1]
    if first.isdigit() and last.isdigit():
        if len(last) < len(first):
            last = first[: len(first) - len(last)] + last
        if int(last) < int(first):
            raise JournalRefused(f'"{text[:40]}" are no pages: the last comes before the first.')
    return first, last


def pages_shown(first: str, last: str) -> str:
    """Return `12–19`, `12` or ""."""
    return f"{first}–{last}" if last and last != first else first


def sort_name(name: str, language: str = "") -> str:
    """Return how an index sorts a name: `Balint, Michael`. A name with a comma, or in Chinese signs, stays as it is.

    `language` says whose order it is in: `Bálint Mihály` in Hungarian is `Bálint, Mihály`.
    """
    words = name.split()
    if "," in name or len(words) < 2 or any(unicodedata.name(letter, "").startswith("CJK") for letter in name):
        return name
    if language.partition("-")[0].lower() in _FAMILY_FIRST:
        return f"{words[0]}, {' '.join(words[1:])}"
    end = ""
    if words[-1].casefold() in _ENDS and len(words) > 2:
        end = f" {words.pop()}"
    start = len(words) - 1
    while start > 1 and words[start - 1] in _PARTICLES:  # in small letters: Enid De Souza is no particle
        start -= 1
    return f"{' '.join(words[start:])}, {' '.join(words[:start])}{end}"


def slug(title: str, taken: Container[str]) -> str:
    """Return the end of an article's web address, made of its title and unlike those that are taken."""
    folded = unicodedata.normalize("NFKD", title.casefold()).encode("ascii", "ignore").decode("ascii")
    words = re.findall(r"[a-z0-9]+", re.sub(r"'", "", folded))
    found = ""
    for word in words:
        if len(found) + len(word) + 1 > LONGEST_SLUG:
            break
        found = f"{found}-{word}" if found else word
    found = found or (words[0][:LONGEST_SLUG] if words else "paper")
    if found.isdigit():
        found = f"paper-{found}"
    distinct, number = found, 1
    while distinct in taken:
        number += 1
        distinct = f"{found}-{number}"
    return distinct
