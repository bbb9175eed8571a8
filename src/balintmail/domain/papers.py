"""The way of a paper through the Journal's hands: which state may follow which, and how its number is written.

    received → in_review → accepted → in_journal       received | in_review → declined       any before → withdrawn

Pure: knows no database and no clock. The rows are db/papers.py's; whoever sends one in is told by services/papers.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from balintmail.errors import BalintmailError

LONGEST_TITLE, LONGEST_NAME = 300, 200  # characters
LONGEST_AUTHORS, LONGEST_ABSTRACT, LONGEST_MESSAGE = 4000, 8000, 4000
MOST_FILES = 12
LARGEST_FILE, LARGEST_ALL = 20_000_000, 24_000_000  # octets


class PaperState(StrEnum):
    """Where a paper stands."""

    RECEIVED = "received"
    IN_REVIEW = "in_review"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    IN_JOURNAL = "in_journal"
    WITHDRAWN = "withdrawn"


NEXT: Mapping[PaperState, frozenset[PaperState]] = {
    PaperState.RECEIVED: frozenset(
        {PaperState.IN_REVIEW, PaperState.ACCEPTED, PaperState.DECLINED, PaperState.WITHDRAWN}
    ),
    PaperState.IN_REVIEW: frozenset({PaperState.ACCEPTED, PaperState.DECLINED, PaperState.WITHDRAWN}),
    PaperState.ACCEPTED: frozenset({PaperState.IN_JOURNAL, PaperState.WITHDRAWN}),
    PaperState.DECLINED: frozenset(),
    PaperState.IN_JOURNAL: frozenset({PaperState.ACCEPTED}),  # taken out again, for a later one
    PaperState.WITHDRAWN: frozenset(),
}
OPEN = (PaperState.RECEIVED, PaperState.IN_REVIEW)  # what somebody has to decide on


def may_become(now: PaperState, then: PaperState) -> bool:
    """Say whether a paper that stands so may come to stand so."""
    return then in NEXT[now]


def number_of(year: int, place: int) -> str:
    """Return the number of the receipt: the year and the paper's place in it, from 1."""
    return f"{year}-{place:03d}"


def after(number: str) -> int:
    """Return the place of the number that follows `number`; "" is none."""
    place = number.rpartition("-")[2]
    return int(place) + 1 if place.isascii() and place.isdigit() else 1


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a field: a code that pages have words for, and the words for a terminal."""

    code: str
    words: str
    values: Mapping[str, str | int] | None = None


class PaperRefused(BalintmailError):
    """A paper cannot be taken as it was sent in; `problems` says by field why. Nothing was written."""

    code = "paper_refused"

    def __init__(self, problems: Mapping[str, Problem]) -> None:
        super().__init__(" ".join(problem.words for problem in problems.values()))
        self.problems = dict(problems)
