"""The Secretary answers a request for a copy: sends it, posts it out of stock, names a price, or declines.

By number, by a reply, or by a mailed link that is bound to the request and the officer. Whoever asked agrees to a price
by another such link; then it waits for the Secretary again, who answers it when it is paid. A copy of a newsletter is a
mailing of its own to one person that names the first (D1); anything else goes as a link that ends. Of two who decide at
once one wins.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from balintmail.db import audit, copies, lists, mailings, officers, people
from balintmail.db.copies import CopyRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, tokens
from balintmail.domain.address import parse
from balintmail.domain.archive import ReadingKind
from balintmail.domain.copies import LONGEST
from balintmail.domain.despatches import StockReason
from balintmail.domain.money import Money
from balintmail.domain.states import CopyState, Ground, Role
from balintmail.domain.tokens import Purpose
from balintmail.errors import Conflict, UsageRefused
from balintmail.services import copy_letters
from balintmail.services.context import Context
from balintmail.services.copy_finding import Found, find
from balintmail.services.copy_requests import Asked, asked_of, envelope, holder, known, of_token, shown
from balintmail.services.decisions import Way
from balintmail.services.journal_issues import take
from balintmail.services.one_off import Frozen, addressee, release_to, require_mailable
from balintmail.services.reading_rights import is_there

LONGEST_REASON = 1000  # characters


class Act(StrEnum):
    """What an officer may do with a request."""

    APPROVE = "approve"
    DECLINE = "decline"
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a request is answered: `label` names another thing than was asked for, `paper` None is as they asked."""

    label: str = ""
    paper: bool | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What the page behind an officer's link shows: how it stands, the request, what is known of whoever asked."""

    way: Way
    asked: Asked | None = None
    known: str = ""
    post: tuple[str, ...] = ()
    by: str = ""  # the officer whose link it is


def send(ctx: Context, tx: Tx, number: int, *, by: str, answer: Answer | None = None) -> Asked:
    """Answer a request with what it asks for, or with what `answer` names; return it as it stands then.

    Raises NotFound, Conflict when it is decided already, its address has not confirmed yet, or what is asked for is not
    there (in stock, as a PDF), MayNotBeMailed when the address must not be mailed. Then nothing has changed.
    """
    how = answer or Answer()
    row = _still_open(tx, number)
    if row.state is CopyState.PENDING:
        raise Conflict(f"Request {number} waits for its address to say that it asked.", hint="Nobody has been mailed.")
    asked = asked_of(ctx, tx, row)
    label = hygiene.one_line(how.label, what="what is sent", longest=LONGEST)
    found = find(ctx, tx, label) if label else asked.found or find(ctx, tx, row.wanted)
    if found is None:
        hint = f"Name one: balintmail copies answer {number} --with newsletter/12, or journal/2026"
        raise Conflict(f"There is no {label or row.wanted} to send.", hint=hint)
    paper = asked.terms.paper if how.paper is None else how.paper
    asked = replace(asked, found=found, terms=replace(asked.terms, paper=paper))
    if paper:
        _post(ctx, tx, asked, by=by)
    else:
        deliver(ctx, tx, asked, by=by)
    return asked_of(ctx, tx, shown(tx, number))


def deliver(ctx: Context, tx: Tx, asked: Asked, *, by: str) -> None:
    """Send the copy that a request is about: the newsletter itself, or a link to a PDF; raise what `send` raises."""
    found, row = asked.found, asked.row
    if found is None:
        raise Conflict(f"There is no {row.wanted} to send.")
    if not is_there(ctx, tx, found.target):
        label = found.label.partition("/")[2].partition("/")[0]
        post = f"balintmail copies answer {row.id} --paper"
        hint = f"Add it: balintmail journal edit {label} --pdf FILE; or post it: {post}"
        raise Conflict(f"{found.title} has no PDF to send.", hint=hint)
    newsletter = found.target.kind is ReadingKind.NEWSLETTER
    if newsletter and (found.pdf is None or not ctx.settings.society.url):
        _release(ctx, tx, asked, found)
    else:
        if not ctx.settings.society.url:
            raise Conflict("Without [society] url there are no links.", hint="Set it in balintmail.toml.")
        require_mailable(ctx, tx, parse(row.email), holder(tx, row), Ground.REQUESTED)
        copy_letters.link(ctx, tx, asked, found.target)
    _answered(ctx, tx, asked, found, by=by, action="copy sent")


def quote(ctx: Context, tx: Tx, number: int, price: Money, *, by: str, words: str = "") -> Asked:
    """Name a price for a copy in a letter that says what to do; return the request.

    Raises NotFound, Conflict when it is decided already or its address has not confirmed, UsageRefused for a price of
    nothing, TextRefused.
    """
    row = _still_open(tx, number)
    if row.state is CopyState.PENDING:
        raise Conflict(f"Request {number} waits for its address to say that it asked.", hint="Nobody has been mailed.")
    if price.amount < 1:
        raise UsageRefused("A price of nothing is none.", hint=f"Send it: balintmail copies answer {number}")
    kept = hygiene.paragraphs(words, what="the words", longest=LONGEST_REASON)
    now = ctx.clock.now()
    until = now + ctx.settings.joining.decide_within
    terms = replace(
        copies.terms(tx, number),
        price_pence=price.amount,
        currency=price.currency,
        words=kept,
        quoted_at=now,
        agreed_at=None,
    )
    copies.put_terms(tx, terms)
    if not copies.quote(tx, number, until=until):
        raise Conflict(f"Request {number} was decided at the same moment.")
    asked = asked_of(ctx, tx, shown(tx, number))
    if asked.found is None:
        asked = replace(asked, found=find(ctx, tx, row.wanted))
    copy_letters.quote(ctx, tx, asked)
    _note(ctx, tx, row, "copy quoted", by)
    return asked


def decline(ctx: Context, tx: Tx, number: int, *, by: str, reason: str = "", note: str = "") -> None:
    """Decline a request and tell whoever asked; raise NotFound, Conflict when it is decided, TextRefused."""
    row = _still_open(tx, number)
    asked = asked_of(ctx, tx, row)
    why = hygiene.paragraphs(reason, what="the reason", longest=LONGEST_REASON)
    kept = hygiene.paragraphs(note, what="the note", longest=LONGEST_REASON)
    values = {"decided_at": ctx.clock.now(), "decided_by": by, "reason": why, "note": kept}
    copies.decide(tx, row.id, CopyState.DECLINED, values)
    _note(ctx, tx, row, "copy declined", by)
    if row.state is not CopyState.PENDING:  # an address that never confirmed is told nothing
        copy_letters.declined(ctx, tx, asked, why)


def agree(ctx: Context, tx: Tx, token: str) -> Asked | None:
    """Let whoever asked agree to the price, once, and tell the Secretary; None for a link that is none of ours."""
    row = of_token(ctx, tx, token, Purpose.COPY_QUOTE)
    if row is None or not row.email:
        return None
    if copies.agree(tx, row.id, now=ctx.clock.now()):
        _note(ctx, tx, row, "price of a copy agreed to", "whoever asked")
        copy_letters.tell_secretary(ctx, tx, asked_of(ctx, tx, shown(tx, row.id)))
    return asked_of(ctx, tx, shown(tx, row.id))


def quoted(ctx: Context, token: str) -> Asked | None:
    """Return the request whose price a link is about; None for a link that is none of ours. It changes nothing."""
    with ctx.db.read() as tx:
        row = of_token(ctx, tx, token, Purpose.COPY_QUOTE)
        return asked_of(ctx, tx, row) if row is not None and row.email else None


def view(ctx: Context, token: str) -> View:
    """Return what the page behind an officer's link shows; it changes nothing."""
    with ctx.db.read() as tx:
        return view_in(ctx, tx, token)


def view_in(ctx: Context, tx: Tx, token: str) -> View:
    """Do what `view` does, in a transaction that goes on."""
    claims = tokens.read(token, Purpose.COPY, ctx.keyring.verifying)
    if claims is None:
        return View(Way.UNKNOWN)
    row = of_token(ctx, tx, token, Purpose.COPY)
    if row is None or not row.email:
        return View(Way.OLD)
    if Role.SECRETARY not in officers.roles(tx, claims.person):
        return View(Way.OTHER)
    officer = people.get(tx, claims.person)
    by = (officer.name if officer else "") or "the Secretary"
    asked = asked_of(ctx, tx, row)
    if asked.found is None and row.is_open:
        asked = replace(asked, found=find(ctx, tx, row.wanted))
    post = tuple(envelope(ctx, tx, asked)) if asked.terms.paper else ()
    return View(Way.OPEN if row.is_open else Way.DECIDED, asked, known(tx, row), post, by)


def _post(ctx: Context, tx: Tx, asked: Asked, *, by: str) -> None:
    """Take a printed copy from the shelf and tell whoever asked; raise Conflict when there is none, or no address."""
    found, row = asked.found, asked.row
    if found is None or found.issue is None or found.target.kind is not ReadingKind.JOURNAL_ISSUE:
        raise Conflict(
            "Only whole journal issues are there on paper.", hint=f"Send it: balintmail copies answer {row.id} --pdf"
        )
    if not envelope(ctx, tx, asked):
        hint = f"Ask for it, or send the PDF: balintmail copies answer {row.id} --pdf"
        raise Conflict(f"There is no postal address for request {row.id}.", hint=hint)
    reason = StockReason.SOLD if asked.terms.price_pence else StockReason.GIVEN
    take(ctx, tx, found.issue, reason, 1, note=f"copy request {row.id}")
    copies.put_terms(tx, asked.terms)
    copy_letters.posted(ctx, tx, asked)
    _answered(ctx, tx, asked, found, by=by, action="copy posted")


def _answered(ctx: Context, tx: Tx, asked: Asked, found: Found, *, by: str, action: str) -> None:
    """Record that a request is answered, and with what."""
    target, terms = found.target, asked.terms
    newsletter = target.id if target.kind is ReadingKind.NEWSLETTER else None
    values = {"decided_at": ctx.clock.now(), "decided_by": by, "mailing_id": newsletter}
    if not copies.decide(tx, asked.row.id, CopyState.ANSWERED, values):
        raise Conflict(f"Request {asked.row.id} was decided at the same moment.")
    terms = replace(
        terms,
        journal_issue_id=target.id if target.kind is ReadingKind.JOURNAL_ISSUE else None,
        article_id=target.id if target.kind is ReadingKind.ARTICLE else None,
    )
    if terms != copies.terms(tx, asked.row.id):
        copies.put_terms(tx, terms)
    _note(ctx, tx, asked.row, action, by)


def _release(ctx: Context, tx: Tx, asked: Asked, found: Found) -> None:
    """Send a newsletter to one person: a mailing that names the first."""
    first = mailings.by_id(tx, found.target.id)
    of = lists.by_id(tx, first.list_id) if first is not None and first.list_id is not None else None
    if of is None or first is None:
        raise Conflict(f"{found.label} is not there any more.")
    whom = (parse(asked.row.email), holder(tx, asked.row))
    one = addressee(ctx, tx, of, whom, Ground.REQUESTED)
    frozen = Frozen(
        first.list_id,
        first.kind,
        first.title,
        mailings.source(tx, first.id),
        mailings.compiled(tx, first.id),
        first.content_hash,
        again_of=first.again_of or first.id,
    )
    release_to(ctx, tx, frozen, [one])


def _still_open(tx: Tx, number: int) -> CopyRow:
    row = shown(tx, number)
    if not row.is_open:
        raise Conflict(f"Request {number} is {row.state.value} already.")
    return row


def _note(ctx: Context, tx: Tx, row: CopyRow, action: str, by: str) -> None:
    audit.note(tx, action, actor=by, now=ctx.clock.now(), detail={"copy": row.id})
