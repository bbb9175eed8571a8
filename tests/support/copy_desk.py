"""Requests for copies and links to read by, for tests of pages."""

from urllib.parse import urlsplit

import sqlalchemy as sa

from balintmail.db.models import Notice
from balintmail.domain.address import parse
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.money import Money
from balintmail.services import copies, copy_answers, copy_finding, copy_letters, copy_requests, reading_links
from balintmail.services.context import Context
from balintmail.services.copies import Wish

POST = "Eve Example\n1 High Street\nLONDON EC1A 1BB"


def asks(ctx: Context, address: str, wanted: str, **more: object) -> int:
    """Ask for a copy as a form does; return the request's number."""
    with ctx.db.write() as tx:
        wish = Wish(wanted=wanted, address=parse(address), at=ctx.clock.now(), **{"door": "form", **more})  # type: ignore[arg-type]
        return copies.ask(ctx, tx, copies.clean(wish))[1]


def reading(ctx: Context, wanted: str, person: int) -> str:
    """Make a link with which a member reads something; return its path."""
    with ctx.db.write() as tx:
        found = copy_finding.find(ctx, tx, wanted)
        assert found is not None
        url, _ = reading_links.make(ctx, tx, found.target, person=person)
    return urlsplit(url).path


def newsletter(ctx: Context, number: str) -> Target:
    with ctx.db.read() as tx:
        found = copy_finding.find(ctx, tx, number)
    assert found is not None
    assert found.target.kind is ReadingKind.NEWSLETTER
    return found.target


def quoted(ctx: Context, number: int, amount: int = 500) -> str:
    """Name a price for a copy; return the path with which whoever asked agrees."""
    with ctx.db.write() as tx:
        asked = copy_answers.quote(ctx, tx, number, Money(amount), by="the Secretary", words="It is the last one.")
        return f"/copies/quote/{copy_letters.quote_token(ctx, asked.row)}"


def decision(ctx: Context, number: int, officer: int = 1) -> str:
    """Return the path of an officer's link to a request."""
    with ctx.db.read() as tx:
        return f"/copies/decide/{copy_letters.decide_token(ctx, copy_requests.shown(tx, number), officer)}"


def letters(ctx: Context, template: str) -> list[tuple[str, dict[str, object]]]:
    """Return the mails of a template that wait, each with its address and its facts."""
    with ctx.db.read() as tx:
        query = sa.select(Notice.address, Notice.facts).where(Notice.template == template).order_by(Notice.id)
        return [(row[0], row[1]) for row in tx.execute(query)]


def furnish(ctx: Context, person: int) -> dict[str, str]:
    """Enter requests for copies; return a path for every page about them."""
    first = asks(ctx, "eve@example.net", "newsletter/84", name="Eve Example")
    with ctx.db.read() as tx:
        confirm = copy_letters.wish_token(ctx, copy_requests.shown(tx, first))
    second = asks(ctx, "eve@example.net", "the one about spring", paper=True, post=POST, door="command")
    quote = quoted(ctx, asks(ctx, "eve@example.net", "journal/1999", paper=True, post=POST, door="command"))
    decide = decision(ctx, second)
    return {
        "/copies": "/copies",
        "/copies/{token}": reading(ctx, "85", person),
        "/copies/confirm/{token}": f"/copies/confirm/{confirm}",
        "/copies/quote/{token}": quote,
        "/copies/decide/{token}": decide,
        **{f"/copies/decide/{{token}}/{act}": f"{decide}/{act}" for act in ("approve", "quote", "decline")},
    }
