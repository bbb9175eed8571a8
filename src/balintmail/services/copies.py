"""Take wishes for copies of newsletters and of the Journal, by form, by mail or by command.

    may have it ──► answered        known address, by command ──► waiting ──► answered | declined | quoted
    unknown address ──► pending ──(says that it asked)──► as above          quoted ──(agrees)──► waiting | ──► expired

Whoever may have a thing gets it at once (services/reading_rights.py), all else the Secretary decides
(services/copy_answers.py). It goes to an address that is on the register or has said that it asked: a From proves
nothing, and neither does a form. The rows: db/copies.py.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from balintmail.db import copies, people
from balintmail.db.copies import CopyRow, TermsRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, names
from balintmail.domain.address import Address, parse
from balintmail.domain.archive import ReadingKind
from balintmail.domain.copies import LONGEST, LONGEST_POST, MOST_LINES
from balintmail.domain.states import CopyState
from balintmail.domain.tokens import Purpose
from balintmail.errors import BalintmailError
from balintmail.services import caps, copy_answers, copy_letters, notices, reading_links
from balintmail.services.context import Context
from balintmail.services.copy_finding import Found, find
from balintmail.services.copy_requests import COMMAND, Asked, asked_of, of_token
from balintmail.services.one_off import MayNotBeMailed
from balintmail.services.reading_rights import is_there, may_read

BY_RULE = "the rule for copies"  # who decided, where no person had to
FORM, MAIL = "form", "mail"  # the doors beside COMMAND


class Standing(StrEnum):
    """What became of a wish for a copy."""

    SENT = "sent"
    ASKED = "asked"  # the Secretary decides
    CONFIRMS = "confirms"  # the address is asked whether it was them
    KNOWN = "known"  # the same wish is open already
    REFUSED = "refused"  # the address must not be mailed


class WishRefused(BalintmailError):
    """A wish cannot be taken as it was typed; `field` is what is to be mended."""

    code = "wish_refused"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who asks for what. `at` is when the address may be mailed; `inbound` the message, where it came by mail.

    `paper` asks for a printed copy, which goes to `post`: the lines of an envelope, "" for the address on the register.
    """

    wanted: str
    address: Address
    at: datetime
    name: str = ""
    language: str = ""
    door: str = MAIL
    inbound: int | None = None
    paper: bool = False
    post: str = ""


def clean(wish: Wish) -> Wish:
    """Return a wish whose texts can be kept and printed; raise WishRefused for one that cannot be (A1 to A26)."""
    texts, wrong = read_texts({"wanted": wish.wanted, "name": wish.name, "post": wish.post})
    if wrong:
        raise wrong[0]
    return replace(wish, wanted=texts["wanted"], name=texts["name"], post=texts["post"])


def read_texts(given: Mapping[str, str]) -> tuple[dict[str, str], list[WishRefused]]:
    """Return the texts `wanted`, `name` and `post` of a wish as they can be kept, and what is wrong with the others."""
    readers: dict[str, Callable[[str], str]] = {"wanted": _wanted, "name": names.clean, "post": _envelope}
    texts, wrong = {}, []
    for field, read in readers.items():
        try:
            texts[field] = read(given.get(field, ""))
        except hygiene.TextRefused as exc:
            wrong.append(WishRefused(field, exc.message))
    return texts, wrong


def ask(ctx: Context, tx: Tx, wish: Wish) -> tuple[Standing, int]:
    """Take a wish: answer it, ask the address, or put it to the Secretary; return that and the request's number."""
    same = copies.same_open(tx, wish.address.key, wish.wanted)
    if same is not None:
        return Standing.KNOWN, same.id
    found = find(ctx, tx, wish.wanted)
    known = people.at_address(tx, wish.address.key)
    person = next((one for one in known if _may_have(ctx, tx, one, found)), None) or next(iter(known), None)
    asked = _entered(ctx, tx, wish, found, person)
    if asked.row.state is CopyState.PENDING:
        copy_letters.ask_address(ctx, tx, asked, wish.at)
        return Standing.CONFIRMS, asked.row.id
    if not wish.paper and _may_have(ctx, tx, person, found) and wish.at <= ctx.clock.now():
        return _answer(ctx, tx, asked), asked.row.id
    _to_secretary(ctx, tx, asked, told_at=wish.at)
    return Standing.ASKED, asked.row.id


def ask_by_form(ctx: Context, wish: Wish, network: str = "") -> None:
    """Take a clean wish from a page, and say nothing of what became of it.

    The page has answered already, in the same words for all. Nobody's mailbox is filled: an address gets one answer in
    a day, the same wish counts once in a day, and a network or a flood that asks too often is passed over.
    """
    with ctx.db.write() as tx:
        if caps.crowded(ctx, tx, "copy", network):
            return
        if caps.asked_before(ctx, tx, wish.address.key, f"copy {wish.wanted}"):
            return
        at = caps.next_answer(ctx, tx, wish.address.key)
        if at is None:
            return
        standing, _ = ask(ctx, tx, replace(wish, at=at))
        if standing in {Standing.SENT, Standing.ASKED, Standing.CONFIRMS}:
            caps.count_answer(ctx, tx, wish.address.key, at)


def renew(ctx: Context, token: str, network: str = "") -> None:
    """Ask anew for what a link led to that is over, for the address that it went to; say nothing of what became of it.

    Raises LinkBroken for a link that never was.
    """
    seen = reading_links.look(ctx, token)
    with ctx.db.read() as tx:
        row = copies.get(tx, seen.row.request_id) if seen.row.request_id else None
        to = notices.to_person(tx, seen.row.person_id) if row is None and seen.row.person_id else None
    if row is not None and row.email:
        wish = Wish(
            wanted=row.wanted,
            address=parse(row.email),
            at=ctx.clock.now(),
            name=row.name,
            language=row.language or "",
            door=FORM,
        )
        ask_by_form(ctx, wish, network)
    elif to is not None:
        reading_links.ask(ctx, to.address, seen.target, network)


def wish_of(ctx: Context, token: str) -> Asked | None:
    """Return the wish that a link asks about; None for no link of ours. One that is too old is no longer pending."""
    with ctx.db.read() as tx:
        row = of_token(ctx, tx, token, Purpose.COPY_WISH)
        if row is None:
            return None
        if row.expires_at is not None and row.expires_at <= ctx.clock.now():
            row = replace(row, state=CopyState.EXPIRED)
        return asked_of(ctx, tx, row)


def confirm(ctx: Context, tx: Tx, token: str) -> Standing | None:
    """Go on with the wish whose address says that it asked; None when the token is not of that kind, or too old."""
    row = of_token(ctx, tx, token, Purpose.COPY_WISH)
    if row is None:
        return None
    if row.state is not CopyState.PENDING or (row.expires_at is not None and row.expires_at <= ctx.clock.now()):
        return Standing.KNOWN
    asked = asked_of(ctx, tx, row)
    if asked.found is None:
        asked = replace(asked, found=find(ctx, tx, row.wanted))
    person = next(iter(people.at_address(tx, row.address_key)), None)
    if not asked.terms.paper and _may_have(ctx, tx, person, asked.found):
        return _answer(ctx, tx, asked)
    copies.confirm(tx, row.id)
    _to_secretary(ctx, tx, asked, told_at=ctx.clock.now())
    return Standing.ASKED


def tidy(ctx: Context) -> None:
    """Forget what nobody confirmed, or agreed to the price of, in time, and who asked long ago."""
    now, keep = ctx.clock.now(), ctx.settings.joining.keep_decided
    with ctx.db.read() as tx:
        if not copies.any_expired(tx, now) and not copies.any_old(tx, now - keep):
            return
    with ctx.db.write() as tx:
        copies.expire(tx, now)
        copies.empty_decided(tx, before=now - keep)


def _entered(ctx: Context, tx: Tx, wish: Wish, found: Found | None, person: PersonRow | None) -> Asked:
    """Enter a request; one that came by command needs no word of its address, since somebody vouches for it."""
    now, vouched = ctx.clock.now(), person is not None or wish.door == COMMAND
    row = CopyRow(
        id=0,
        wanted=wish.wanted,
        mailing_id=found.target.id if found and found.target.kind is ReadingKind.NEWSLETTER else None,
        person_id=person.id if person else None,
        email=wish.address.text,
        envelope=wish.address.envelope,
        address_key=wish.address.key,
        name=person.name if person and person.name else wish.name,
        language=(person.language if person else None) or wish.language or None,
        door=wish.door,
        inbound_id=wish.inbound,
        state=CopyState.WAITING if vouched else CopyState.PENDING,
        created_at=now,
        expires_at=None if vouched else max(wish.at, now) + ctx.settings.joining.confirm_within,
    )
    row = replace(row, id=copies.add(tx, row))
    kind, number = (found.target.kind, found.target.id) if found else (None, None)
    terms = TermsRow(
        row.id,
        journal_issue_id=number if kind is ReadingKind.JOURNAL_ISSUE else None,
        article_id=number if kind is ReadingKind.ARTICLE else None,
        paper=wish.paper,
        post=wish.post if wish.paper else "",
    )
    if terms != TermsRow(row.id):
        copies.put_terms(tx, terms)
    return Asked(row, terms, found)


def _may_have(ctx: Context, tx: Tx, person: PersonRow | None, found: Found | None) -> bool:
    """Say whether somebody may have a thing that can be sent, without asking the Secretary."""
    if found is None or not is_there(ctx, tx, found.target) or not may_read(ctx, tx, person, found.target):
        return False
    return found.target.kind is ReadingKind.NEWSLETTER or bool(ctx.settings.society.url)


def _answer(ctx: Context, tx: Tx, asked: Asked) -> Standing:
    """Send the copy at once; what must not be mailed is declined without a word."""
    try:
        copy_answers.deliver(ctx, tx, asked, by=BY_RULE)
    except MayNotBeMailed as exc:
        values = {"decided_at": ctx.clock.now(), "decided_by": BY_RULE, "note": exc.message}
        copies.decide(tx, asked.row.id, CopyState.DECLINED, values)
        return Standing.REFUSED
    return Standing.SENT


def _to_secretary(ctx: Context, tx: Tx, asked: Asked, *, told_at: datetime) -> None:
    copy_letters.received(ctx, tx, asked, told_at)
    copy_letters.tell_secretary(ctx, tx, asked)


def _wanted(text: str) -> str:
    kept = hygiene.one_line(text, what="what is asked for", longest=LONGEST)
    if not kept:
        raise hygiene.TextRefused("what is asked for", "it is missing")
    return kept


def _envelope(text: str) -> str:
    """Return the lines of an envelope without what is empty; raise TextRefused for more than one takes."""
    kept = hygiene.paragraphs(text, what="the address", longest=LONGEST_POST)
    lines = [line.strip() for line in kept.split("\n") if line.strip()]
    if len(lines) > MOST_LINES:
        raise hygiene.TextRefused("the address", f"it has more than {MOST_LINES} lines")
    return "\n".join(lines)
