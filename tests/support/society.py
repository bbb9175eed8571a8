"""A small register for tests of use-cases: a Secretary, the default list and whoever a test needs."""

import sqlalchemy as sa

from balintmail.db import addresses, lists, officers, people
from balintmail.db.models import ConsentEvent, Subscription
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain import names
from balintmail.domain.states import ConsentAction, Role, SubscriptionState
from balintmail.services.context import Context

SECRETARY = "secretary@example.org"


def found(ctx: Context) -> int:
    """Make the Secretary and the list `newsletter`; return the list's number."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        person = enter(ctx, tx, "Enid Example", SECRETARY)
        officers.appoint(tx, person, Role.SECRETARY, now=now)
        row = {"slug": "newsletter", "name": "Newsletter", "list_id": "newsletter.balint.example.org"}
        return lists.insert(tx, {**row, "is_default": True, "created_at": now})


def enter(ctx: Context, tx: Tx, name: str, *texts: str) -> int:
    """Add a person with these addresses, on no list."""
    now = ctx.clock.now()
    person = people.insert(tx, {"name": name, "first_name": names.first_name(name)}, now=now)
    for text in texts:
        addresses.link(tx, person, addresses.ensure(tx, parsing.parse(text), now=now))
    return person


def groundless(tx: Tx) -> list[int]:
    """Return the people who are subscribed although their last word on that list is no agreement (D6)."""
    living = sa.select(Subscription).where(Subscription.state != SubscriptionState.UNSUBSCRIBED)
    wrong = []
    for row in tx.execute(living.with_only_columns(Subscription.person_id, Subscription.list_id)):
        last = tx.scalar(
            sa.select(ConsentEvent.action)
            .where(ConsentEvent.person_id == row[0], ConsentEvent.list_id == row[1])
            .order_by(
                ConsentEvent.at.desc(),
                sa.func.coalesce(ConsentEvent.restates, ConsentEvent.id).desc(),
                ConsentEvent.id.desc(),
            )
            .limit(1)
        )
        if last is not ConsentAction.AGREED:
            wrong.append(row[0])
    return wrong
