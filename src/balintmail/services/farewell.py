"""Let a goodbye wait for whoever asked the Secretary to leave, or answered our mail. Nobody who leaves by a link
gets one: they saw the page.

It takes nobody off a list; services/subscriptions.py does.
"""

from collections.abc import Sequence

from balintmail.db.session import Tx
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.services import leaving, notices
from balintmail.services.context import Context
from balintmail.services.lists import known
from balintmail.services.notices import Waiting
from balintmail.services.preferences import address_of

GOODBYE = "goodbye"


def say_goodbye(ctx: Context, list_slug: str, persons: Sequence[int]) -> int:
    """Put one goodbye into the queue for each of these people who have left the list; return how many."""
    with ctx.db.write() as tx:
        return sum(_one(ctx, tx, list_slug, person) for person in dict.fromkeys(persons))


def after_mail(ctx: Context, tx: Tx, person: int, before: Sequence[str]) -> None:
    """Put one goodbye into the queue for somebody who answered our mail and so left; `before` they were on these."""
    now = {one.slug for one in leaving.standings(tx, person) if one.is_on}
    left = [slug for slug in before if slug not in now]
    if left:
        _one(ctx, tx, left, person)


def _one(ctx: Context, tx: Tx, list_slug: str | Sequence[str], person: int) -> bool:
    slugs = [list_slug] if isinstance(list_slug, str) else list(list_slug)
    left, to = [known(tx, slug) for slug in slugs], notices.to_person(tx, person)
    if to is None:
        return False
    kept = [each.name for each in leaving.standings(tx, person) if each.is_on]
    site = bool(ctx.settings.society.url)
    facts: dict[str, Fact] = {
        "lists": [one.name for one in left],
        "kept": kept,
        "left_at": ctx.clock.now(),
        "join_url": address_of(ctx, f"/join/{left[0].slug}" if len(left) == 1 else "/join") if site else "",
    }
    key = f"goodbye {' '.join(slugs)} {person}"
    waiting = Waiting(template=GOODBYE, to=to, ground=Ground.REQUESTED, language=to.language, facts=facts, key=key)
    notices.put(ctx, tx, waiting)
    return True
