"""The one file that searches: newsletters and papers by their words, alike on both databases.

SQLite looks in an FTS5 table, PostgreSQL in `tsvector` columns. Both are given the words as domain/search.py parts
them, so neither database's own idea of a word, of a language or of a question counts: what is asked is put together
here from letters and figures alone. It knows nobody who asks; what is not open yet is found by its head only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import bindparam, func, or_, select

from balintmail.db.mentions import Mentions
from balintmail.db.models import UtcTime
from balintmail.db.models_archive import Searchable, SearchEntry
from balintmail.db.session import Tx
from balintmail.domain.search import Query, Term, tokens

_E = SearchEntry
_ROOM = 900_000  # octets of one `tsvector`; PostgreSQL ends at 1,048,575
_MOST_PLACES, _LAST_PLACE = 255, 16_383  # of one word in a `tsvector` (PostgreSQL, Limitations of text search)
_TITLE_COUNTS = 8  # times as much as the text


# No word that was typed stands in any of these. On SQLite what is not open is looked up first: it is little.
_CLOSED = "(SELECT id FROM search_entries WHERE open_from IS NULL OR open_from > :now)"
_WHOLE = f"search_words MATCH :asked AND search_words.rowid NOT IN {_CLOSED}"
_BY_HEAD = f"search_words MATCH :asked_head AND search_words.rowid IN {_CLOSED}"
_RANKED = (
    f"SELECT e.id AS id, e.at AS at, bm25(search_words, {_TITLE_COUNTS}.0, 1.0) AS rank FROM search_words"  # noqa: S608
    " JOIN search_entries e ON e.id = search_words.rowid WHERE "
)
# Ranked by the head alone: to weigh all words of all that match, each would have to be fetched and unpacked.
_VECTORS = (
    "(open_from <= :now AND words @@ CAST(:asked AS tsquery))"
    " OR ((open_from IS NULL OR open_from > :now) AND head @@ CAST(:asked_head AS tsquery))"
)
_PAGE = "ORDER BY rank, at DESC, id LIMIT :most OFFSET :skip"
_COUNTING = {
    "sqlite": f"SELECT (SELECT count(*) FROM search_words WHERE {_WHOLE})"  # noqa: S608
    f" + (SELECT count(*) FROM search_words WHERE {_BY_HEAD})",
    "postgresql": f"SELECT count(*) FROM search_entries WHERE {_VECTORS}",  # noqa: S608
}
_FINDING = {
    "sqlite": f"SELECT id FROM ({_RANKED}{_WHOLE} UNION ALL {_RANKED}{_BY_HEAD}) AS found {_PAGE}",  # noqa: S608
    "postgresql": "SELECT id FROM (SELECT id, at, -ts_rank(head, CAST(:asked AS tsquery)) AS rank"  # noqa: S608
    f" FROM search_entries WHERE {_VECTORS}) AS found {_PAGE}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A newsletter or a paper as it is kept for the search."""

    at: datetime
    fingerprint: str
    title: str
    authors: str = ""
    summary: str = ""
    body: str = ""
    language: str = ""
    open_from: datetime | None = None
    mailing_id: int | None = None
    article_id: int | None = None

    def without_signs(self) -> "Entry":
        """Return it without the octet that PostgreSQL keeps in no text."""
        told = {name: getattr(self, name).replace("\0", " ") for name in ("title", "authors", "summary", "body")}
        return replace(self, **told)


@dataclass(frozen=True, slots=True)
class Match:
    """Something that was found; `body` is "" where it is not open."""

    mailing_id: int | None
    article_id: int | None
    title: str
    authors: str
    summary: str
    body: str
    language: str
    at: datetime
    is_open: bool


def _shown() -> "sa.Select[*tuple[Any, ...]]":
    """Return the question for what is shown of some entries: what is not open keeps its body to itself."""
    is_open = func.coalesce(_E.open_from <= bindparam("now", type_=UtcTime()), sa.false())
    columns = (_E.id, _E.mailing_id, _E.article_id, _E.title, _E.authors, _E.summary)
    shown = select(*columns, sa.case((is_open, _E.body), else_=""), _E.language, _E.at, is_open)
    return shown.where(_E.id.in_(bindparam("numbers", expanding=True)))


_SHOWN = _shown()  # made once: making it takes as long as asking it


def put(tx: Tx, entry: Entry) -> None:
    """Keep an entry, in place of an earlier one of the same newsletter or paper."""
    entry = entry.without_signs()
    drop(tx, mailings=[entry.mailing_id or 0], articles=[entry.article_id or 0])
    head = tokens(f"{entry.title}\n{entry.authors}\n{entry.summary}")
    body = tokens(entry.body)
    values: dict[str, Any] = {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
    if tx.dialect.name == "sqlite":
        values |= {"head": " ".join(head), "words": " ".join([*head, *body])}
    else:
        kept = {"head": _vector(head, []), "words": _vector(head, body)}
        values |= {name: sa.cast(sa.literal(text, sa.Text()), Searchable) for name, text in kept.items()}
    tx.execute(sa.insert(_E).values(**values))


def drop(tx: Tx, *, mailings: Sequence[int] = (), articles: Sequence[int] = ()) -> int:
    """Forget these newsletters and papers; return how many were known."""
    of = or_(_E.mailing_id.in_(list(mailings)), _E.article_id.in_(list(articles)))
    return tx.execute(sa.delete(_E).where(of)).rowcount


def forget(tx: Tx, sought: Mentions) -> None:
    """Forget the entries in which somebody is mentioned: they are made anew from what their sources say then."""
    told = (_E.title, _E.authors, _E.summary, _E.body)
    found = tx.execute(select(_E.id, *told).where(or_(*(sought.possible(column) for column in told)))).all()
    gone = [row[0] for row in found if sought.stand_in("\n".join(row[1:]))]
    if gone:
        tx.execute(sa.delete(_E).where(_E.id.in_(gone)))
        if tx.dialect.name == "sqlite":  # its index keeps what was deleted until it is put in order
            tx.exec_driver_sql("INSERT INTO search_words (search_words) VALUES ('optimize')")


def drop_all(tx: Tx) -> None:
    """Forget everything, to make it anew."""
    tx.execute(sa.delete(_E))


def fingerprints(tx: Tx) -> dict[tuple[int | None, int | None], str]:
    """Return what each entry was made from, by its newsletter or its paper."""
    query = select(_E.mailing_id, _E.article_id, _E.fingerprint)
    return {(row.mailing_id, row.article_id): row.fingerprint for row in tx.execute(query)}


def count(tx: Tx, query: Query, *, now: datetime) -> int:
    """Return how many entries match."""
    if not query:
        return 0
    return int(tx.execute(_bound(_COUNTING[tx.dialect.name], tx, query, now)).scalar_one())


def find(tx: Tx, query: Query, *, now: datetime, most: int, skip: int = 0) -> list[Match]:
    """Return up to `most` matches after the first `skip`: the best first, of equals the newest."""
    if not query:
        return []
    ranked = _bound(_FINDING[tx.dialect.name], tx, query, now).bindparams(most=most, skip=skip)
    numbers = [int(number) for number in tx.execute(ranked).scalars()]
    rows = tx.execute(_SHOWN, {"now": now, "numbers": numbers})
    found = {row[0]: Match(*row[1:]) for row in rows}
    return [found[number] for number in numbers]


def _bound(sql: str, tx: Tx, query: Query, now: datetime) -> sa.TextClause:
    asked = _fts5(query) if tx.dialect.name == "sqlite" else _tsquery(query)
    asked_head = f"{{head}} : ({asked})" if tx.dialect.name == "sqlite" else asked
    return sa.text(sql).bindparams(bindparam("now", now, UtcTime()), asked=asked, asked_head=asked_head)


def _fts5(query: Query) -> str:
    """Return the question as FTS5 reads it; every word of it consists of letters and figures."""

    def phrase(term: Term) -> str:
        return f'"{" ".join(term.tokens)}"' + (" *" if term.begins else "")

    asked = " AND ".join(map(phrase, query.wanted))
    return f"({asked}) NOT ({' OR '.join(map(phrase, query.unwanted))})" if query.unwanted else asked


def _tsquery(query: Query) -> str:
    """Return the question as PostgreSQL's type `tsquery` reads it."""

    def phrase(term: Term) -> str:
        words = [f"'{token}'" for token in term.tokens]
        return f"({' <-> '.join(words)}{':*' if term.begins else ''})"

    return " & ".join([*map(phrase, query.wanted), *(f"!{phrase(term)}" for term in query.unwanted)])


def _vector(head: Iterable[str], body: Iterable[str]) -> str:
    """Return words with their places as PostgreSQL's type `tsvector` reads them."""
    places: dict[str, list[str]] = {}
    room, at = _ROOM, 0
    for words, weight in ((head, "A"), (body, "")):
        for word in words:
            at += 1
            kept = places.get(word)
            room -= 2 if kept else len(word.encode()) + 10
            if room < 0:
                break
            if kept is None:
                kept = places[word] = []
            if len(kept) < _MOST_PLACES and at <= _LAST_PLACE:
                kept.append(f"{at}{weight}")
            elif not kept:
                kept.append(f"{_LAST_PLACE}{weight}")
    return " ".join(f"'{word}':{','.join(kept)}" for word, kept in places.items())
