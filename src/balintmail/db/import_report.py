"""Tell what the staged rows of an import come to: how many of each verdict, who changes and in what, who is refused.

It only reads, and decides nothing: `db/import_matching.py` has given every row its verdict.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa

from balintmail.db.import_matching import (
    LIST_CHANGES,
    NEW_SUPPRESSION,
    NO_DAY,
    NO_GROUND,
    NO_WORDS,
    NOT_THEIRS,
    OTHER_PREFERRED,
)
from balintmail.db.session import Tx


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows came to which verdict; `groundless` of the refused only lack their consent."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0
    groundless: int = 0


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """One refused row; `address` is as the file has it."""

    line: int
    address: str
    reason: str


@dataclass(frozen=True, slots=True)
class ChangedRow:
    """One row that changes somebody: whom, and what of them, in words; `address` is as the file has it."""

    line: int
    address: str
    person: int
    what: tuple[str, ...]


def count(tx: Tx) -> Counts:
    """Return the verdicts of all staged rows, counted."""
    found: dict[str, int] = {verdict: number for verdict, number in tx.execute(_BY_VERDICT).all()}  # noqa: C416
    groundless: int = tx.scalar(_GROUNDLESS) or 0
    return Counts(
        found.get("new", 0), found.get("changed", 0), found.get("unchanged", 0), found.get("refused", 0), groundless
    )


_BY_VERDICT = sa.text("SELECT verdict, COUNT(*) FROM import_people GROUP BY verdict")
_GROUNDLESS = sa.text("SELECT COUNT(*) FROM import_people WHERE reason IN (:both, :words, :day)").bindparams(
    both=NO_GROUND, words=NO_WORDS, day=NO_DAY
)


def refusals(tx: Tx, *, most: int) -> Iterator[RefusedRow]:
    """Yield the refused rows in the file's order, at most `most` of them."""
    query = sa.text("SELECT line, shown, reason FROM import_people WHERE verdict = 'refused' ORDER BY n LIMIT :most")
    for line, shown, reason in tx.execute(query, {"most": most}):
        yield RefusedRow(line, shown, reason)


# What of a person changes, in words; each test is one of those that made the row "changed".
_WHAT = {
    "name": "i.name <> '' AND i.name <> p.name",
    "first name": "i.first_name <> '' AND i.first_name <> p.first_name",
    "language": "i.language <> '' AND i.language <> COALESCE(p.language, '')",
    "member": "i.member IS NOT NULL AND i.member <> p.member",
    "own fields": "i.merged IS NOT NULL",
    "Journal": "i.journal <> '' AND i.journal <> COALESCE(p.journal_format, '')",
    "postal address": "i.moved",
    "address added": f"EXISTS (SELECT 1 FROM import_addresses a WHERE a.n = i.n AND {NOT_THEIRS})",  # noqa: S608
    "preferred address": (
        f"({OTHER_PREFERRED}) OR (i.by_id AND EXISTS"  # noqa: S608
        f" (SELECT 1 FROM import_addresses a WHERE a.n = i.n AND a.rank = 0 AND {NOT_THEIRS}))"
    ),
    "address suppressed": f"EXISTS (SELECT 1 FROM import_addresses a WHERE a.n = i.n AND {NEW_SUPPRESSION})",  # noqa: S608
}
_ON_LISTS = {"subscribed": "joins", "paused": "pauses", "unsubscribed": "leaves"}


def changes(tx: Tx, *, most: int) -> Iterator[ChangedRow]:
    """Yield the rows that change somebody in the file's order, at most `most` of them; before they are written."""
    flags = ", ".join(f"CASE WHEN {test} THEN 1 ELSE 0 END" for test in _WHAT.values())
    changed = "SELECT i.n FROM import_people i WHERE i.verdict = 'changed' ORDER BY i.n LIMIT :most"
    whom = sa.text(
        f"SELECT i.n, i.line, i.shown, i.person, {flags} FROM import_people i JOIN people p ON p.id = i.person"  # noqa: S608
        f" WHERE i.n IN ({changed}) ORDER BY i.n"
    )
    joins = sa.text(
        "SELECT i.n, t.state, l.slug FROM import_people i JOIN import_states t ON t.n = i.n"  # noqa: S608
        f" JOIN lists l ON l.id = t.list WHERE i.n IN ({changed}) AND {LIST_CHANGES} ORDER BY i.n, l.id"
    )
    on_lists: dict[int, list[str]] = {}
    for n, state, slug in tx.execute(joins, {"most": most}):
        on_lists.setdefault(n, []).append(f"{_ON_LISTS[state]} {slug}")
    for n, line, shown, person, *found in tx.execute(whom, {"most": most}):
        what = [word for word, flag in zip(_WHAT, found, strict=True) if flag]
        yield ChangedRow(line, shown, person, (*what, *on_lists.get(n, [])))
