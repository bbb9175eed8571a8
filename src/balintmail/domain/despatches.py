"""The states and kinds of the Journal's yearly run: who is owed a copy, by which way, and what became of it.

Pure values and decisions. Where one copy may go from where it stands is in `NEXT`; db/despatches.py lets nothing else
happen.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from balintmail.domain.states import JournalFormat


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


class Doubt(StrEnum):
    """Why a copy goes to nobody, or what to look at before it goes."""

    NO_POST = "no_post"
    NO_EMAIL = "no_email"
    NOT_REACHED = "not_reached"  # every address of theirs bounced or may not be mailed
    ADDRESS = "address"  # a part of the postal address is missing, or cannot be right in its country
    ERASED = "erased"
    DIED = "died"
    WITHDRAWN = "withdrawn"  # by the Secretary


DOUBT_WORDS: Mapping[Doubt, str] = {
    Doubt.NO_POST: "no postal address",
    Doubt.NO_EMAIL: "no email address",
    Doubt.NOT_REACHED: "mail does not reach them",
    Doubt.ADDRESS: "look at the postal address",
    Doubt.ERASED: "erased",
    Doubt.DIED: "died",
    Doubt.WITHDRAWN: "withdrawn",
}


@dataclass(frozen=True, slots=True)
class Included:
    """Which ways of getting the Journal somebody's class, or other claim, includes."""

    paper: bool = True
    pdf: bool = True


def ways(included: Included, wanted: JournalFormat | None, *, has_post: bool) -> tuple[Way, ...]:
    """Return the ways in which somebody gets their copy: as they chose, within what is included.

    Whoever chose what is not included gets what is. Whoever never chose gets paper where the post reaches them, else
    the PDF.
    """
    if not (included.paper and included.pdf):
        return (Way.PAPER,) if included.paper else (Way.PDF,) if included.pdf else ()
    if wanted is JournalFormat.BOTH:
        return (Way.PAPER, Way.PDF)
    if wanted is None:
        return (Way.PAPER,) if has_post else (Way.PDF,)
    return (Way.PAPER,) if wanted is JournalFormat.PAPER else (Way.PDF,)


@dataclass(frozen=True, slots=True)
class Tally:
    """How a run stands, in copies and in people. `paper + email + nobody` are all that are owed.

    A copy that came back, and was not sent anew, counts where it went; `people` has whoever gets both once.
    """

    owed: int
    paper: int
    email: int
    nobody: int
    people: int
    people_paper: int  # on paper alone
    people_email: int  # by email alone
    people_both: int
    people_nobody: int
    standing: Mapping[CopyStanding, int]
    owed_for: Mapping[OwedFor, int]
    doubts: Mapping[Doubt, int]


def tally(
    alike: Iterable[tuple[int, Way, OwedFor, CopyStanding, Doubt | None]], reached: Mapping[frozenset[Way], int]
) -> Tally:
    """Add up a run: how many copies are alike in way, claim, standing and doubt, and people by the ways they have."""
    standing = dict.fromkeys(CopyStanding, 0)
    owed_for = dict.fromkeys(OwedFor, 0)
    doubts = dict.fromkeys(Doubt, 0)
    by_way = {Way.PAPER: 0, Way.PDF: 0}
    for number, way, claim, stands, doubt in alike:
        standing[stands] += number
        owed_for[claim] += number
        if doubt is not None:
            doubts[doubt] += number
        if stands is not CopyStanding.NOBODY:
            by_way[way] += number
    return Tally(
        owed=sum(standing.values()),
        paper=by_way[Way.PAPER],
        email=by_way[Way.PDF],
        nobody=standing[CopyStanding.NOBODY],
        people=sum(reached.values()),
        people_paper=reached.get(frozenset({Way.PAPER}), 0),
        people_email=reached.get(frozenset({Way.PDF}), 0),
        people_both=reached.get(frozenset(Way), 0),
        people_nobody=reached.get(frozenset(), 0),
        standing=standing,
        owed_for=owed_for,
        doubts=doubts,
    )
