"""Look for words in all newsletters and papers that the society has published; what is not open is found by its head.

It returns texts in pieces, each marked as found or not, and no markup. It changes nothing and knows nobody who asks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from balintmail.db import archive, search, searched
from balintmail.db.archive import Issued
from balintmail.db.search import Match
from balintmail.db.searched import Place
from balintmail.domain.search import Part, Query, beginning, marked, passage, read_query
from balintmail.services.context import Context

ON_A_PAGE = 10
_LONGEST_TITLE = 300  # characters that are looked through for the words


@dataclass(frozen=True, slots=True)
class Hit:
    """One newsletter or paper that was found; `passage` is [] where nothing may be shown of it."""

    newsletter: Issued | None
    paper: Place | None
    title: Sequence[Part]
    authors: Sequence[Part]
    passage: Sequence[Part]
    language: str
    at: datetime
    is_open: bool


@dataclass(frozen=True, slots=True)
class Found:
    """A page of what was found; `asked` is False where nothing was looked for."""

    hits: tuple[Hit, ...] = ()
    total: int = 0
    page: int = 1
    asked: bool = False

    @property
    def more(self) -> bool:
        return self.page * ON_A_PAGE < self.total


def find(ctx: Context, typed: str, page: int = 1) -> Found:
    """Return a page (from 1) of what holds the words that somebody typed."""
    query = read_query(typed)
    if not query:
        return Found(asked=bool(typed.strip()))
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        total = search.count(tx, query, now=now)
        found = search.find(tx, query, now=now, most=ON_A_PAGE, skip=(page - 1) * ON_A_PAGE) if total else []
        newsletters = archive.of_mailings(tx, [one.mailing_id for one in found if one.mailing_id is not None])
        papers = searched.places(tx, [one.article_id for one in found if one.article_id is not None])
    hits = [_hit(one, query, newsletters.get(one.mailing_id or 0), papers.get(one.article_id or 0)) for one in found]
    return Found(tuple(hit for hit in hits if hit.newsletter or hit.paper), total, page, asked=True)


def _hit(one: Match, query: Query, newsletter: Issued | None, paper: Place | None) -> Hit:
    shown = passage(one.body, query) or passage(one.summary, query) or beginning(one.summary or one.body)
    return Hit(
        newsletter,
        paper,
        marked(one.title[:_LONGEST_TITLE], query),
        marked(one.authors[:_LONGEST_TITLE], query),
        shown,
        one.language,
        one.at,
        one.is_open,
    )
