"""Correct a newsletter that has gone out: on its page with the date, in the feed and the search; the letter stays.

It mails nobody: who must hear of it gets a newsletter.
"""

from dataclasses import dataclass
from datetime import datetime

from balintmail.db import archive, audit, past
from balintmail.db.archive import Issued
from balintmail.db.past import ErratumRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.errors import NotFound
from balintmail.services import search_index
from balintmail.services.context import Context

LONGEST = 4000  # characters of one correction


@dataclass(frozen=True, slots=True)
class Shown:
    """A newsletter in the archive with its corrections."""

    newsletter: Issued
    errata: tuple[ErratumRow, ...]


def listed(ctx: Context, list_slug: str = "") -> list[Shown]:
    """Return the newsletters of the archive, of one list or all, the newest first, with their corrections."""
    with ctx.db.read() as tx:
        slugs = [list_slug] if list_slug else [shelf.slug for shelf in archive.shelves(tx)]
        found = [one for slug in slugs for one in archive.of_list(tx, slug, most=100_000)]
        errata = past.errata(tx, [one.mailing for one in found]) if len(found) < 10_000 else []
    ordered = sorted(found, key=lambda one: (one.at, one.mailing), reverse=True)
    return [Shown(one, tuple(each for each in errata if each.mailing_id == one.mailing)) for one in ordered]


def add(ctx: Context, label: str, words: str, *, at: datetime | None = None) -> Shown:
    """Add a correction to the newsletter that LIST/NUMBER names; raise NotFound, TextRefused."""
    clean = hygiene.paragraphs(words, what="the correction", longest=LONGEST)
    if not clean:
        raise hygiene.TextRefused("the correction", "it says nothing")
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        of = _named(tx, label)
        number = past.add_erratum(tx, ErratumRow(0, of.mailing, clean, at or now, ctx.actor))
        detail = {"erratum": number}
        audit.note_mailing(tx, of.mailing, "erratum added", actor=ctx.actor, now=now, detail=detail)
        shown = Shown(of, tuple(past.errata(tx, [of.mailing])))
    search_index.keep_in_step(ctx)
    return shown


def withdraw(ctx: Context, label: str, number: int) -> Shown:
    """Take a correction back; raise NotFound when the newsletter has none of that number."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        of = _named(tx, label)
        if not past.withdraw(tx, number, of.mailing, now=now):
            raise NotFound(f"{label} has no erratum {number}.", hint="See: balintmail newsletters list")
        detail = {"erratum": number}
        audit.note_mailing(tx, of.mailing, "erratum withdrawn", actor=ctx.actor, now=now, detail=detail)
        shown = Shown(of, tuple(past.errata(tx, [of.mailing])))
    search_index.keep_in_step(ctx)
    return shown


def _named(tx: Tx, label: str) -> Issued:
    slug, _, number = label.strip().lower().rpartition("/")
    found = archive.one(tx, slug, number) if slug and label.isprintable() else None
    if found is None:
        hint = "Name it LIST/NUMBER; see: balintmail newsletters list"
        raise NotFound(f"There is no newsletter {label[:80]} in the archive.", hint=hint)
    return found
