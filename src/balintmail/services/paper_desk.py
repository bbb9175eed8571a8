"""The Secretary decides on a paper by a mailed link that is bound to the paper and to the officer, and works once.

What a decision does, and whom it tells: paper_decisions.py. Until it is made the link shows the paper, what its readers
advise, and its files; afterwards what was decided. It sends nothing.
"""

from dataclasses import dataclass, replace

from balintmail.db import officers, papers, people
from balintmail.db.papers import PaperRow, ReaderRow
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.papers import OPEN, PaperState
from balintmail.domain.states import Role
from balintmail.domain.tokens import Purpose
from balintmail.errors import Conflict
from balintmail.services import paper_decisions
from balintmail.services.context import Context
from balintmail.services.decisions import Way
from balintmail.services.paper_decisions import Verdict
from balintmail.services.paper_links import stamp
from balintmail.services.papers import Whole, gathered


@dataclass(frozen=True, slots=True)
class DeskView:
    """What an officer's link shows: the paper while there is one, with the names of those who read it."""

    way: Way
    whole: Whole | None = None
    readers: tuple[tuple[str, ReaderRow], ...] = ()


def view(ctx: Context, text: str) -> DeskView:
    """Return what an officer's link leads to now; it changes nothing."""
    with ctx.db.read() as tx:
        way, paper = _of_token(ctx, tx, text)
        if paper is None:
            return DeskView(way)
        whole = gathered(tx, paper)
        found = [(people.get(tx, one.person_id), one) for one in whole.readers]
        return DeskView(way, whole, tuple((who.name if who else "", one) for who, one in found))


def decide(ctx: Context, text: str, verdict: Verdict) -> DeskView:
    """Decide what an officer's link names, in that officer's name, if it is still to be decided; return what is so now.

    Raises TextRefused for a reason or note that cannot be kept, and what accepting refuses (paper_decisions.decide).
    """
    with ctx.db.read() as tx:
        way, paper = _of_token(ctx, tx, text)
        claims = tokens.read(text, Purpose.PAPER_DECISION, ctx.keyring.verifying)
        officer = people.get(tx, claims.person) if claims is not None else None
    if way is Way.OPEN and paper is not None:
        acting = replace(ctx, actor=(officer.name if officer else "") or "the Secretary")
        try:
            paper_decisions.decide(acting, paper.number, verdict)
        except Conflict:
            if (after := view(ctx, text)).way is Way.OPEN:  # not that somebody else was quicker
                raise
            return after
    return view(ctx, text)


def _of_token(ctx: Context, tx: Tx, text: str) -> tuple[Way, PaperRow | None]:
    claims = tokens.read(text, Purpose.PAPER_DECISION, ctx.keyring.verifying)
    if claims is None or claims.delivery >= 2**63:
        return Way.UNKNOWN, None
    paper = papers.by_id(tx, claims.delivery)
    if paper is None or stamp(paper) != claims.list or not paper.email:
        return Way.OLD, None
    if Role.SECRETARY not in officers.roles(tx, claims.person):
        return Way.OTHER, None
    if paper.state in OPEN:
        return Way.OPEN, paper
    return (Way.OLD, None) if paper.state is PaperState.WITHDRAWN else (Way.DECIDED, paper)
