"""The way of a paper through the Journal's hands: which state may follow which, and how its number is written.

    received → in_review → accepted → in_journal       received | in_review → declined       any before → withdrawn

Pure: knows no database and no clock. The rows are db/papers.py's; whoever sends one in is told by services/papers.py.
"""

from collections.abc import Mapping
from enum import StrEnum


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
