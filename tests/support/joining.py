"""What tests of joining share: forms filled in without a browser, and the links that wait in the queue of mails."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from balintmail.db import mailings
from balintmail.db.mailings import NewMailing
from balintmail.db.models import JoinRequest, Notice
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind, MailingState, Policy
from balintmail.services import lists, requests
from balintmail.services.applications import Application
from balintmail.services.context import Context
from balintmail.services.offers import Wording, offers
from tests.support.composing import compiled

USUAL = Wording("I agree to these mails.", language="en")


def application(
    ctx: Context, address: str = "maria@example.org", name: str = "Mária Bálint", **more: Any
) -> Application:
    """Return a form for the default list, or for the slugs in `chosen`, as the page makes it."""
    chosen = more.pop("chosen", ("newsletter",))
    return Application(offers(ctx, USUAL), chosen, address, name, **{"page": "https://balint.example.org/join", **more})


def ask(ctx: Context, address: str = "maria@example.org", name: str = "Mária Bálint", **more: Any) -> list[int]:
    return requests.ask(ctx, application(ctx, address, name, **more))


def policy(ctx: Context, wanted: Policy, slug: str = "newsletter") -> None:
    lists.edit(ctx, slug, lists.Manners(policy=wanted))


def waiting(ctx: Context, template: str = "confirm") -> list[Mapping[str, Any]]:
    """Return the mails of one kind that wait, with facts, address, due_at and person_id."""
    columns = (Notice.facts, Notice.address, Notice.due_at, Notice.person_id, Notice.list_id, Notice.ground)
    with ctx.db.read() as tx:
        rows = tx.execute(sa.select(*columns).where(Notice.template == template).order_by(Notice.id))
        return [dict(row._mapping) for row in rows]


def flush(ctx: Context) -> None:
    """Let all mails that wait have left."""
    with ctx.db.write() as tx:
        tx.execute(sa.delete(Notice))


def token(ctx: Context, place: int = -1) -> str:
    """Return the token of a confirmation's link."""
    return _token(waiting(ctx)[place]["facts"]["confirm_url"])


def decision(ctx: Context, place: int = -1) -> str:
    """Return the token of the links in a mail to the Secretary."""
    return _token(waiting(ctx, "request")[place]["facts"]["approve_url"])


def rows(ctx: Context) -> list[Any]:
    with ctx.db.read() as tx:
        return list(tx.execute(sa.select(JoinRequest.__table__).order_by(JoinRequest.id)))


def a_sent_newsletter(ctx: Context, number: str = "84", title: str = "Groups this winter") -> int:
    """Enter a newsletter that went to the whole default list, and to nobody as it happens; return its number."""
    letter = compiled("Hello.\n")
    now = ctx.clock.now()
    new = NewMailing(
        list_id=1,
        kind=MailingKind.NEWSLETTER,
        title=title,
        content_hash=letter.content_hash,
        state=MailingState.SCHEDULED,
        number=number,
        start_at=now,
    )
    with ctx.db.write() as tx:
        mailing = mailings.add(tx, new, now=now)
        mailings.keep_content(tx, mailing, source="Hello.", compiled=letter.dump())
        assert mailings.begin(tx, mailing, content_hash=letter.content_hash, start_at=now, now=now)
        assert mailings.finish(tx, mailing, now=now)
    return mailing


def scheduled(tx: Tx, *, now: datetime, number: str = "85") -> int:
    """Enter a newsletter of the default list that is due now; return its number."""
    letter = compiled("Hello.\n")
    new = NewMailing(1, MailingKind.NEWSLETTER, "N", letter.content_hash, MailingState.SCHEDULED, number, start_at=now)
    mailing = mailings.add(tx, new, now=now)
    mailings.keep_content(tx, mailing, source="Hello.", compiled=letter.dump())
    return mailing


def _token(url: str) -> str:
    found = re.search(r"/(?:confirm|decide)/([a-z2-7]+)", url)
    assert found is not None, url
    return found[1]
