"""What a list of past papers says of each, and what of it is new beside what is there: pure, for `journal import`.

Nothing that is there is ever replaced: a list fills in what is missing, and where it says something else, ours stays.
"""

from dataclasses import dataclass
from datetime import date

from balintmail.domain.search import folded, tokens

SEPTEMBER = 9  # the month in which the Journal comes out; of old volumes nobody knows the day


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One paper as a list of papers has it, each value still as it was written; `origin` is its file and line.

    `authors` are pairs of the printed and the sorted name, `file` is the name of its PDF.
    """

    origin: str
    title: str
    year: str = ""
    volume: str = ""
    number: str = ""
    pages: str = ""
    authors: tuple[tuple[str, str], ...] = ()
    abstract: str = ""
    doi: str = ""
    issn: str = ""
    language: str = ""
    kind: str = ""
    published: str = ""
    embargo: str = ""
    theme: str = ""
    file: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class Identity:
    """By what a paper is known again within its journal issue."""

    title: str
    first_page: str
    doi: str
    authors: str

    def is_same(self, other: "Identity") -> bool:
        """Say whether both are one paper: by the DOI, else by the title and what else both say.

        Two editorials of one journal issue have one title; their pages, or their authors, tell them apart.
        """
        if self.doi and other.doi:
            return self.doi == other.doi
        if self.title != other.title:
            return False
        if self.first_page and other.first_page:
            return self.first_page == other.first_page
        return not self.authors or not other.authors or self.authors == other.authors


def identity(title: str, first_page: str, doi: str, authors: list[str]) -> Identity:
    """Return by what a paper is known again."""
    people = sorted(" ".join(sorted(tokens(name))) for name in authors)
    return Identity(" ".join(tokens(title)) or folded(title), first_page, doi, "|".join(people))


def day_of(text: str, year: int, today: date) -> date:
    """Return the day on which a volume came out: as said, the first of the month that is said, else 1 September.

    A day that is still to come is today instead where it is only the usual one. Raises ValueError for what is no day.
    """
    text = text.strip()
    if not text or text == str(year):
        return min(date(year, SEPTEMBER, 1), today)
    parts = text.split("-")
    if len(parts) == 1 and text.isdigit() and len(text) <= 2:  # BibTeX's month
        return min(date(year, int(text), 1), today)
    if len(parts) == 2 and all(part.isdigit() for part in parts):
        return min(date(int(parts[0]), int(parts[1]), 1), today)
    return date.fromisoformat(text)
