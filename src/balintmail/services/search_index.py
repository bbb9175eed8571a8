"""Keep what is searched in step with what was sent and published: after each send, and with every look of dispatch.

Only what changed is made anew; each look reads two short lists. A newsletter's words are those that everybody may read
(composing/article.py); what is for members, or still under embargo, is found by its title, authors and abstract alone.
It never decides who reads: the search does, by the moment from which an entry is open.
"""

from collections.abc import Sequence
from datetime import datetime, time

from sqlalchemy.exc import NoResultFound

from balintmail.composing import article
from balintmail.composing.compiled import Compiled
from balintmail.db import archive, lists, mailings, past, search, searched
from balintmail.db.archive import Issued
from balintmail.db.search import Entry
from balintmail.db.session import Tx
from balintmail.domain.states import Visibility
from balintmail.errors import BalintmailError
from balintmail.services.context import Context

AT_ONCE = 50  # entries in one transaction: nobody who sends waits long for it


def keep_in_step(ctx: Context) -> int:
    """Make the entries that are missing or out of date, drop those of what is not shown any more; return how many."""
    done = 0
    while True:
        with ctx.db.read() as tx:
            due, gone = _due(ctx, tx)
        if not due and not gone:
            return done
        with ctx.db.write() as tx:
            done += search.drop(tx, mailings=[key[0] or 0 for key in gone], articles=[key[1] or 0 for key in gone])
            made = _made(ctx, tx, due)
            for entry in made:
                search.put(tx, entry)
        done += len(made)
        if len(made) < len(due):  # something went between the two looks; the next one tells
            return done


def make_anew(ctx: Context) -> int:
    """Forget every entry and make it again; return how many there are."""
    with ctx.db.write() as tx:
        search.drop_all(tx)
    return keep_in_step(ctx)


_Key = tuple[int | None, int | None]


def _due(ctx: Context, tx: Tx) -> tuple[dict[_Key, str], list[_Key]]:
    """Return some of what must be made, each with its fingerprint, and all that must go."""
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    wanted: dict[_Key, str] = {(number, None): told for number, told in archive.contents(tx).items()}
    wanted |= {(None, number): told for number, told in searched.contents(tx, today).items()}
    known = search.fingerprints(tx)
    due = [key for key, told in wanted.items() if known.get(key) != told][:AT_ONCE]
    return {key: wanted[key] for key in due}, [key for key in known if key not in wanted]


def _made(ctx: Context, tx: Tx, due: dict[_Key, str]) -> list[Entry]:
    newsletters = archive.of_mailings(tx, [key[0] for key in due if key[0] is not None])
    made = [_newsletter(tx, one, due[one.mailing, None]) for one in newsletters.values()]
    return made + _papers(ctx, tx, due, [key[1] for key in due if key[1] is not None])


def _newsletter(tx: Tx, one: Issued, told: str) -> Entry:
    try:
        compiled = Compiled.load(mailings.compiled(tx, one.mailing))
        title, body, language = article.title_of(compiled), article.text_of(compiled), compiled.language
    except (BalintmailError, NoResultFound):  # a letter that is damaged, or gone, is still found by its title
        title, body, language = one.title, "", ""
    body = "\n\n".join([body, *(each.words for each in past.errata(tx, [one.mailing]))]).strip()
    of = lists.by_slug(tx, one.slug)
    open_from = one.at if one.visibility is Visibility.PUBLIC else None
    return Entry(
        at=one.at,
        fingerprint=told,
        title=title,
        body=body,
        language=language or (of.language if of else ""),
        open_from=open_from,
        mailing_id=one.mailing,
    )


def _papers(ctx: Context, tx: Tx, due: dict[_Key, str], numbers: Sequence[int]) -> list[Entry]:
    made = []
    for paper in searched.papers(tx, numbers):
        words = searched.text(tx, paper.pdf)
        out = datetime.combine(paper.published_on, time(), ctx.settings.zone)
        open_on = max(paper.open_on or paper.published_on, paper.published_on)
        made.append(
            Entry(
                at=out,
                fingerprint=due[None, paper.id],
                title=paper.title,
                authors=paper.authors,
                summary=paper.abstract,
                body=words.words if words else "",
                language=paper.language,
                open_from=datetime.combine(open_on, time(), ctx.settings.zone),
                article_id=paper.id,
            )
        )
    return made
