"""The mails round a request for a copy, put into the queue: to whoever asked, and to the Secretary.

Nothing that somebody typed stands in a mail to an address that nobody has confirmed (S46). It decides nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime

from balintmail.db.copies import CopyRow
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.address import parse
from balintmail.domain.archive import Target
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import answers, notices, reading_links
from balintmail.services.context import Context
from balintmail.services.copy_requests import Asked, envelope, known, stamp
from balintmail.services.notices import To, Waiting


@dataclass(frozen=True, slots=True)
class _Told:
    """A mail to whoever asked; `answer` is the token that a reply to it stands for."""

    template: str
    facts: dict[str, Fact] = field(default_factory=dict)
    due_at: datetime | None = None
    answer: str = ""


def decide_token(ctx: Context, row: CopyRow, officer: int) -> str:
    """Return the token with which one officer decides one request."""
    return tokens.make(TokenClaims(Purpose.COPY, person=officer, list=stamp(row), delivery=row.id), ctx.keyring.tokens)


def wish_token(ctx: Context, row: CopyRow) -> str:
    """Return the token with which whoever asked says that it was them."""
    return tokens.make(TokenClaims(Purpose.COPY_WISH, list=stamp(row), delivery=row.id), ctx.keyring.tokens)


def quote_token(ctx: Context, row: CopyRow) -> str:
    """Return the token with which whoever asked agrees to a price."""
    return tokens.make(TokenClaims(Purpose.COPY_QUOTE, list=stamp(row), delivery=row.id), ctx.keyring.tokens)


def ask_address(ctx: Context, tx: Tx, asked: Asked, at: datetime) -> None:
    """Ask an address that nobody knows whether it was them."""
    row, token = asked.row, wish_token(ctx, asked.row)
    facts: dict[str, Fact] = {
        "confirm_url": _url(ctx, f"/copies/confirm/{token}"),
        "expires_at": row.expires_at or at,
        "reply": answers.possible(ctx),
    }
    _tell(ctx, tx, asked, _Told("copy_confirm", facts, at, token))


def received(ctx: Context, tx: Tx, asked: Asked, at: datetime) -> None:
    """Tell whoever asked that the Secretary decides."""
    _tell(ctx, tx, asked, _Told("copy_received", due_at=at))


def declined(ctx: Context, tx: Tx, asked: Asked, reason: str) -> None:
    """Tell whoever asked that they cannot have it."""
    _tell(ctx, tx, asked, _Told("copy_declined", {"reason": reason}))


def posted(ctx: Context, tx: Tx, asked: Asked) -> None:
    """Tell whoever asked that a printed copy is on its way."""
    _tell(ctx, tx, asked, _Told("copy_posted"))


def link(ctx: Context, tx: Tx, asked: Asked, target: Target) -> None:
    """Mail whoever asked a link that opens the copy."""
    url, row = reading_links.make(ctx, tx, target, person=asked.row.person_id, request=asked.row.id)
    facts: dict[str, Fact] = {"link_url": url, "expires_at": row.expires_at, "uses": row.most_uses}
    _tell(ctx, tx, asked, _Told("copy_link", facts))


def quote(ctx: Context, tx: Tx, asked: Asked) -> None:
    """Tell whoever asked what the copy costs, how to pay, and how to say yes."""
    token = quote_token(ctx, asked.row)
    facts: dict[str, Fact] = {
        "price": asked.price,
        "reference": f"COPY {asked.row.id}",
        "words": asked.terms.words,
        "payment": ctx.settings.copies.payment,
        "paper": asked.terms.paper,
        "agree_url": _url(ctx, f"/copies/quote/{token}"),
        "expires_at": asked.row.expires_at or ctx.clock.now(),
        "reply": answers.possible(ctx),
    }
    _tell(ctx, tx, asked, _Told("copy_quote", facts, answer=token))


def tell_secretary(ctx: Context, tx: Tx, asked: Asked) -> None:
    """Put a request to the Secretary, with the buttons that decide it; nothing where there is none who reads."""
    to = notices.to_secretary(tx)
    if to is None or to.person is None:
        return
    row, found, token = asked.row, asked.found, decide_token(ctx, asked.row, to.person)
    facts: dict[str, Fact] = {
        "number": str(row.id),
        "applicant": row.name or row.email,
        "address": row.email,
        "wanted": row.wanted,
        "title": found.title if found else "",
        "label": found.label if found else "",
        "known": known(tx, row),
        "paper": asked.terms.paper,
        "free": found.free if found else 0,
        "post": ", ".join(envelope(ctx, tx, asked)) if asked.terms.paper else "",
        "agreed": asked.price if asked.terms.agreed_at is not None else "",
        "asked_at": row.created_at,
        "approve_url": _url(ctx, f"/copies/decide/{token}/approve"),
        "quote_url": _url(ctx, f"/copies/decide/{token}/quote"),
        "decline_url": _url(ctx, f"/copies/decide/{token}/decline"),
        "reply": answers.possible(ctx),
    }
    key = f"copy request {row.id}"
    notices.put(
        ctx, tx, Waiting(template="copy_request", to=to, ground=Ground.OFFICER, facts=facts, key=key, answer=token)
    )


def _tell(ctx: Context, tx: Tx, asked: Asked, told: _Told) -> None:
    row = asked.row
    to = To(address=parse(row.email), person=row.person_id, name=row.name, language=row.language or "")
    facts: dict[str, Fact] = {"title": asked.found.title if asked.found else "", "asked_at": row.created_at}
    waiting = Waiting(
        template=told.template,
        to=to,
        ground=Ground.REQUESTED,
        facts={**facts, **told.facts},
        key=f"{told.template} {row.id}",
        due_at=told.due_at or ctx.clock.now(),
        answer=told.answer,
    )
    notices.put(ctx, tx, waiting)


def _url(ctx: Context, path: str) -> str:
    """Return a page's whole address, "" where the society has no site."""
    base = ctx.settings.society.url.rstrip("/")
    return f"{base}{path}" if base else ""
