"""Past newsletters as everybody may read them: the shelves, one number with its words and pictures, what came last.

The words are the frozen letter's own, for a reader of whom nothing is known (composing/article.py, S49). A newsletter
for members stands on its shelf by title alone. It changes nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from balintmail.composing import article
from balintmail.composing.compiled import Compiled
from balintmail.db import archive, lists, mailings, past
from balintmail.db.archive import Issued, Shelf
from balintmail.db.lists import MailingListRow
from balintmail.db.past import ErratumRow
from balintmail.db.session import Tx
from balintmail.domain.states import Visibility
from balintmail.errors import NotFound
from balintmail.services.context import Context

ON_A_PAGE = 50  # newsletters of one list
IN_A_FEED = 20


@dataclass(frozen=True, slots=True)
class ShelfPage:
    """A part of one list's newsletters, the newest first."""

    of: MailingListRow
    newsletters: tuple[Issued, ...]
    page: int  # from 1
    more: bool


@dataclass(frozen=True, slots=True)
class Newsletter:
    """One number. `words` are HTML, "" for one that is for members alone."""

    issued: Issued
    words: str
    language: str
    before: Issued | None
    after: Issued | None
    errata: tuple[ErratumRow, ...] = ()  # the newest first
    file: str = ""  # the name of the PDF that it was

    @property
    def updated(self) -> datetime:
        """When it came out, or was last corrected."""
        return max([self.issued.at, *(each.at for each in self.errata)])

    @property
    def for_members(self) -> bool:
        return self.issued.visibility is Visibility.MEMBERS


def shelves(ctx: Context) -> list[Shelf]:
    """Return the lists that have newsletters to show."""
    with ctx.db.read() as tx:
        return archive.shelves(tx)


def shelf(ctx: Context, slug: str, page: int = 1) -> ShelfPage:
    """Return a page of a list's newsletters; raise NotFound for a list without any, or a page that is not there."""
    with ctx.db.read() as tx:
        of = lists.by_slug(tx, slug)
        found = archive.of_list(tx, slug, most=ON_A_PAGE + 1, skip=(page - 1) * ON_A_PAGE) if of else []
        if of is None or not found:
            raise NotFound("There are no newsletters of that name here.")
        return ShelfPage(of, tuple(found[:ON_A_PAGE]), page, len(found) > ON_A_PAGE)


def newsletter(ctx: Context, slug: str, number: str, picture: Callable[[str], str]) -> Newsletter:
    """Return one number, its pictures at the addresses that `picture` gives; raise NotFound."""
    with ctx.db.read() as tx:
        found = archive.one(tx, slug, number)
        if found is None:
            raise NotFound("There is no such newsletter here.")
        return _opened(tx, found, picture, shown=found.visibility is Visibility.PUBLIC)


def read(ctx: Context, mailing: int, picture: Callable[[str], str]) -> Newsletter:
    """Return a newsletter with its words, whoever may read it: somebody has a link that opens it. Raises NotFound."""
    with ctx.db.read() as tx:
        found = archive.of_mailings(tx, [mailing]).get(mailing)
        if found is None:
            raise NotFound("There is no such newsletter here.")
        return _opened(tx, found, picture, shown=True)


def _opened(tx: Tx, found: Issued, picture: Callable[[str], str], *, shown: bool) -> Newsletter:
    before, after = archive.neighbours(tx, found)
    compiled = Compiled.load(mailings.compiled(tx, found.mailing))
    errata = tuple(past.errata(tx, [found.mailing]))
    kept = past.file(tx, found.mailing)
    words = article.words_of(compiled, picture) if shown else ""
    found = replace(found, title=article.title_of(compiled))
    file = kept[1] if kept and shown else ""
    return Newsletter(found, words, compiled.language, before, after, errata if shown else (), file)


def file(ctx: Context, slug: str, number: str) -> tuple[str, str]:
    """Return the hash and the name of the PDF that a newsletter was, where all may read it; raise NotFound."""
    with ctx.db.read() as tx:
        found = archive.one(tx, slug, number)
        kept = past.file(tx, found.mailing) if found and found.visibility is Visibility.PUBLIC else None
    if kept is None:
        raise NotFound("There is no such file here.")
    return kept


def picture(ctx: Context, slug: str, number: str, identity: str) -> tuple[str, bytes]:
    """Return the type and the octets of a picture in a newsletter that all may read; raise NotFound."""
    with ctx.db.read() as tx:
        found = archive.one(tx, slug, number)
        if found is None or found.visibility is not Visibility.PUBLIC:
            raise NotFound("There is no such newsletter here.")
    return picture_of(ctx, found.mailing, identity)


def picture_of(ctx: Context, mailing: int, identity: str) -> tuple[str, bytes]:
    """Return the type and the octets of a picture in a newsletter that somebody may read; raise NotFound."""
    with ctx.db.read() as tx:
        if mailing not in archive.of_mailings(tx, [mailing]):
            raise NotFound("There is no such newsletter here.")
        compiled = Compiled.load(mailings.compiled(tx, mailing))
    pictures = article.pictures_of(compiled)
    if identity not in pictures:
        raise NotFound("There is no such picture here.")
    return pictures[identity]


def latest(ctx: Context, slug: str, address: Callable[[Issued], str]) -> tuple[MailingListRow, list[Newsletter]]:
    """Return the newest numbers of a list for its feed; raise NotFound. `address` gives a number's own address."""
    with ctx.db.read() as tx:
        of = lists.by_slug(tx, slug)
        found = archive.of_list(tx, slug, most=IN_A_FEED) if of else []
        if of is None or not found:
            raise NotFound("There are no newsletters of that name here.")
        letters = [Compiled.load(mailings.compiled(tx, one.mailing)) for one in found]
        errata = past.errata(tx, [one.mailing for one in found])
    fed = [_fed(one, compiled, address(one)) for one, compiled in zip(found, letters, strict=True)]
    return of, [
        replace(one, errata=tuple(each for each in errata if one.words and each.mailing_id == one.issued.mailing))
        for one in fed
    ]


def _fed(one: Issued, compiled: Compiled, address: str) -> Newsletter:
    readable = one.visibility is Visibility.PUBLIC
    words = article.words_of(compiled, lambda identity: f"{address}/pictures/{identity}") if readable else ""
    return Newsletter(replace(one, title=article.title_of(compiled)), words, compiled.language, None, None)
