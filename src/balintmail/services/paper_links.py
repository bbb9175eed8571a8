"""The links of letters about papers: with which an officer decides on one paper, and nobody else on any other.

Where they lead: paper_desk.py. It decides nothing and sends nothing.
"""

from datetime import UTC, datetime, timedelta

from balintmail.db.papers import PaperRow
from balintmail.domain import tokens
from balintmail.domain.facts import Fact
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services.context import Context

PATH = "/papers/decide/"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decide(ctx: Context, paper: PaperRow, officer: int | None) -> dict[str, Fact]:
    """Return the facts of the two buttons in a letter to an officer; empty where there is no site."""
    site = ctx.settings.society.url
    if not site or officer is None:
        return {"accept_url": "", "decline_url": ""}
    base = f"{site}{PATH}{token(ctx, paper, officer)}"
    return {"accept_url": f"{base}/accept", "decline_url": f"{base}/decline"}


def token(ctx: Context, paper: PaperRow, officer: int) -> str:
    """Return the token with which one officer decides on one paper."""
    claims = TokenClaims(Purpose.PAPER_DECISION, person=officer, list=stamp(paper), delivery=paper.id)
    return tokens.make(claims, ctx.keyring.tokens)


def stamp(paper: PaperRow) -> int:
    """Return what tells a paper from a later one with the same row number."""
    return (paper.received_at - _EPOCH) // timedelta(microseconds=1)
