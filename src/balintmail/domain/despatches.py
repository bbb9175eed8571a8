"""The states and kinds of the Journal's yearly run: who is owed a copy, by which way, and what became of it.

Pure values. Where one copy may go from where it stands is in `NEXT`; db/despatches.py lets nothing else happen.
"""

from enum import StrEnum


class DespatchState(StrEnum):
    """Where the run of one journal issue stands."""

    PLANNED = "planned"  # looked at, and planned anew as often as one likes
    FROZEN = "frozen"  # who is owed what is settled, with the addresses of that day
    DONE = "done"  # every copy has gone, or it is settled that it goes to nobody


class Way(StrEnum):
    """How one copy reaches somebody."""

    PAPER = "paper"
    PDF = "pdf"


class OwedFor(StrEnum):
    """Why somebody is owed a copy; where several hold, the first of these."""

    MEMBER = "member"
    LIBRARY = "library"
    EXCHANGE = "exchange"
    AUTHOR = "author"
    ORDER = "order"
    GIFT = "gift"  # added by the Secretary


class CopyStanding(StrEnum):
    """What became of one copy of the Journal that is owed."""

    OWED = "owed"
    LABELLED = "labelled"  # its address is on a sheet, or with the mail house
    POSTED = "posted"
    RETURNED = "returned"  # the envelope came back
    EMAILED = "emailed"  # its link is in the ledger, which knows the rest
    NOBODY = "nobody"  # it goes to nobody; `doubt` says why


NEXT: dict[CopyStanding, frozenset[CopyStanding]] = {
    CopyStanding.OWED: frozenset(
        {CopyStanding.LABELLED, CopyStanding.POSTED, CopyStanding.EMAILED, CopyStanding.NOBODY}
    ),
    CopyStanding.LABELLED: frozenset({CopyStanding.OWED, CopyStanding.POSTED, CopyStanding.NOBODY}),
    CopyStanding.POSTED: frozenset({CopyStanding.RETURNED, CopyStanding.OWED}),
    CopyStanding.RETURNED: frozenset({CopyStanding.OWED, CopyStanding.NOBODY}),
    CopyStanding.EMAILED: frozenset({CopyStanding.OWED}),
    CopyStanding.NOBODY: frozenset({CopyStanding.OWED}),
}


class StockReason(StrEnum):
    """Why the number of printed copies on the shelf changed, or of those that are set aside."""

    PRINTED = "printed"  # came from the printer
    DESPATCHED = "despatched"
    RETURNED = "returned"  # an envelope that came back
    SOLD = "sold"
    GIVEN = "given"
    LOST = "lost"  # damaged, or not there when the shelf was counted
    FOUND = "found"
    RESERVED = "reserved"
    RELEASED = "released"
