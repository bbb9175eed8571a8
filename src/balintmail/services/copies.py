"""Give past newsletters to whoever asks: at once to those who may have them, else when the Secretary says so.

    known address, and may have it ──► answered        known address ──► waiting ──► answered | declined
    unknown address ──► pending ──(answers our mail)──► as above

A copy is a mailing of its own to one person that names the first (D1), on the ground `requested`. It goes to an address
that is on the register or has said that it asked: a From proves nothing. The rows: db/copies.py.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from balintmail.db import addresses, audit, copies, lists, mailings, people
from balintmail.db.copies import CopyRow, Issue
from balintmail.db.mailings import MailingRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, tokens
from balintmail.domain.address import Address, parse
from balintmail.domain.notices import Fact
from balintmail.domain.states import CopyState, Ground, Visibility
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import Conflict, NotFound
from balintmail.services import answers, notices
from balintmail.services.context import Context
from balintmail.services.notices import To, Waiting
from balintmail.services.one_off import Frozen, MayNotBeMailed, addressee, release_to

LONGEST_REASON = 1000  # characters
LATEST = "latest"
BY_RULE = "the rule for copies"  # who decided, where no person had to
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1  # of a row in either database (F9)


class Standing(StrEnum):
    """What became of a wish for a copy."""

    SENT = "sent"
    ASKED = "asked"  # the Secretary decides
    CONFIRMS = "confirms"  # the address is asked whether it was them
    KNOWN = "known"  # the same wish is open already
    REFUSED = "refused"  # the address must not be mailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Who asks for what. `at` is when the address may be mailed; `inbound` the message, where it came by mail."""

    wanted: str
    address: Address
    at: datetime
    name: str = ""
    language: str = ""
    door: str = "mail"
    inbound: int | None = None


@dataclass(frozen=True, slots=True)
class _Told:
    """A mail to whoever asked; `answer` is the token that a reply to it stands for."""

    template: str
    facts: dict[str, Fact]
    due_at: datetime
    answer: str = ""


def ask(ctx: Context, tx: Tx, wish: Wish) -> Standing:
    """Take a wish: answer it, ask the address, or put it to the Secretary."""
    if copies.same_open(tx, wish.address.key, wish.wanted) is not None:
        return Standing.KNOWN
    found = find(tx, wish.wanted)
    known = people.at_address(tx, wish.address.key)
    person = next((one for one in known if found is not None and may_have(tx, one, found)), None)
    person = person or (known[0] if known else None)
    row = _entered(ctx, tx, wish, found, person)
    if person is None:
        _ask_address(ctx, tx, row, found, wish.at)
        return Standing.CONFIRMS
    if found is not None and may_have(tx, person, found) and wish.at <= ctx.clock.now():
        return _answer(ctx, tx, row, found, person)
    _ask_secretary(ctx, tx, row, found, told_at=wish.at)
    return Standing.ASKED


def confirm(ctx: Context, tx: Tx, token: str) -> Standing | None:
    """Go on with the wish whose address says that it asked; None when the token is not of that kind, or too old."""
    row = _of_token(ctx, tx, token, Purpose.COPY_WISH)
    if row is None:
        return None
    if row.state is not CopyState.PENDING or (row.expires_at is not None and row.expires_at <= ctx.clock.now()):
        return Standing.KNOWN
    found = copies.issue(tx, row.mailing_id) if row.mailing_id else find(tx, row.wanted)
    person = next(iter(people.at_address(tx, row.address_key)), None)
    if found is not None and (found.visibility is Visibility.PUBLIC or (person and may_have(tx, person, found))):
        return _answer(ctx, tx, row, found, person)
    copies.confirm(tx, row.id)
    _ask_secretary(ctx, tx, row, found, told_at=ctx.clock.now())
    return Standing.ASKED


def may_have(tx: Tx, person: PersonRow, found: Issue) -> bool:
    """Say whether somebody may have a past newsletter without asking the Secretary."""
    if found.visibility is Visibility.PUBLIC or copies.had(tx, found.id, person.id):
        return True
    return found.visibility is Visibility.MEMBERS and person.member


def find(tx: Tx, wanted: str) -> Issue | None:
    """Return the newsletter that `84`, `newsletter/84`, `latest` or `weekends/latest` names, or None."""
    named, _, number = wanted.rpartition("/")
    every = lists.every(tx)
    chosen = [one for one in every if named.casefold() in {one.slug.casefold(), one.name.casefold()}]
    if named and not chosen:
        return None
    if number == LATEST:
        of = chosen[0] if chosen else lists.default_list(tx)
        return copies.latest(tx, of.id) if of is not None else None
    sent = copies.issues(tx, number)
    if named:
        sent = [one for one in sent if one.list_id == chosen[0].id]
    default = lists.default_list(tx)
    usual = [one for one in sent if default is not None and one.list_id == default.id]
    return next(iter(usual or (sent if len(sent) == 1 else [])), None)


def shown(tx: Tx, number: int) -> CopyRow:
    """Return a request by its number; raise NotFound."""
    row = copies.get(tx, number) if 0 < number <= _LARGEST else None
    if row is None:
        raise NotFound(f"There is no request {number} for a copy.", hint="See: balintmail copies list --all")
    return row


def decide_token(ctx: Context, row: CopyRow, officer: int) -> str:
    """Return the token with which one officer decides one request."""
    return tokens.make(TokenClaims(Purpose.COPY, person=officer, list=_stamp(row), delivery=row.id), ctx.keyring.tokens)


def of_decision(ctx: Context, tx: Tx, token: str) -> CopyRow | None:
    """Return the request that an officer's token is about, decided or not; None when there is none."""
    return _of_token(ctx, tx, token, Purpose.COPY)


def send(ctx: Context, tx: Tx, number: int, *, by: str, label: str = "") -> MailingRow:
    """Answer a request with its newsletter, or with the one that `label` names; return the mailing.

    Raises NotFound, Conflict when it is decided already or its address has not confirmed yet, MayNotBeMailed when the
    address must not be mailed.
    """
    row = _still_open(tx, number)
    if row.state is CopyState.PENDING:
        raise Conflict(f"Request {number} waits for its address to say that it asked.", hint="Nobody has been mailed.")
    found = find(tx, label) if label else copies.issue(tx, row.mailing_id) if row.mailing_id else find(tx, row.wanted)
    if found is None:
        hint = f"Name one that was sent: balintmail copies send {number} --number LIST/NUMBER"
        raise Conflict(f"There is no newsletter {label or row.wanted}.", hint=hint)
    person = _person(tx, row)
    mailing = _release(ctx, tx, row, found, person)
    values = {"decided_at": ctx.clock.now(), "decided_by": by, "mailing_id": found.id}
    copies.decide(tx, row.id, CopyState.ANSWERED, values)
    _note(ctx, tx, row, "copy sent", by)
    return mailing


def decline(ctx: Context, tx: Tx, number: int, *, by: str, reason: str = "", note: str = "") -> None:
    """Decline a request and tell whoever asked; raise NotFound, Conflict when it is decided, TextRefused."""
    row = _still_open(tx, number)
    why = hygiene.paragraphs(reason, what="the reason", longest=LONGEST_REASON)
    kept = hygiene.paragraphs(note, what="the note", longest=LONGEST_REASON)
    values = {"decided_at": ctx.clock.now(), "decided_by": by, "reason": why, "note": kept}
    copies.decide(tx, row.id, CopyState.DECLINED, values)
    _note(ctx, tx, row, "copy declined", by)
    if row.state is not CopyState.PENDING:  # an address that never confirmed is told nothing
        found = copies.issue(tx, row.mailing_id) if row.mailing_id else None
        facts: dict[str, Fact] = {"title": _title(found), "asked_at": row.created_at, "reason": why}
        _to_applicant(ctx, tx, row, _Told("copy_declined", facts, ctx.clock.now()))


def tidy(ctx: Context) -> None:
    """Forget what nobody confirmed in time, and who asked long ago."""
    now, keep = ctx.clock.now(), ctx.settings.joining.keep_decided
    with ctx.db.read() as tx:
        if not copies.any_expired(tx, now) and not copies.any_old(tx, now - keep):
            return
    with ctx.db.write() as tx:
        copies.expire(tx, now)
        copies.empty_decided(tx, before=now - keep)


def _entered(ctx: Context, tx: Tx, wish: Wish, found: Issue | None, person: PersonRow | None) -> CopyRow:
    now = ctx.clock.now()
    row = CopyRow(
        id=0,
        wanted=wish.wanted,
        mailing_id=found.id if found else None,
        person_id=person.id if person else None,
        email=wish.address.text,
        envelope=wish.address.envelope,
        address_key=wish.address.key,
        name=person.name if person else wish.name,
        language=(person.language if person else None) or wish.language or None,
        door=wish.door,
        inbound_id=wish.inbound,
        state=CopyState.WAITING if person else CopyState.PENDING,
        created_at=now,
        expires_at=None if person else max(wish.at, now) + ctx.settings.joining.confirm_within,
    )
    return replace(row, id=copies.add(tx, row))


def _answer(ctx: Context, tx: Tx, row: CopyRow, found: Issue, person: PersonRow | None) -> Standing:
    """Send the copy at once; what must not be mailed is declined without a word."""
    now = ctx.clock.now()
    try:
        _release(ctx, tx, row, found, person)
    except MayNotBeMailed as exc:
        copies.decide(tx, row.id, CopyState.DECLINED, {"decided_at": now, "decided_by": BY_RULE, "note": exc.message})
        return Standing.REFUSED
    values = {"decided_at": now, "decided_by": BY_RULE, "mailing_id": found.id}
    copies.decide(tx, row.id, CopyState.ANSWERED, values)
    _note(ctx, tx, row, "copy sent", BY_RULE)
    return Standing.SENT


def _release(ctx: Context, tx: Tx, row: CopyRow, found: Issue, person: PersonRow | None) -> MailingRow:
    of, first = lists.by_id(tx, found.list_id), mailings.by_id(tx, found.id)
    if of is None or first is None:
        raise Conflict(f"{found.label} is not there any more.")
    one = addressee(ctx, tx, of, (parse(row.email), person), Ground.REQUESTED)
    source, compiled = mailings.source(tx, found.id), mailings.compiled(tx, found.id)
    frozen = Frozen(
        first.list_id,
        first.kind,
        first.title,
        source,
        compiled,
        first.content_hash,
        again_of=first.again_of or first.id,
    )
    return release_to(ctx, tx, frozen, [one])


def _ask_address(ctx: Context, tx: Tx, row: CopyRow, found: Issue | None, at: datetime) -> None:
    """Ask an address that nobody knows whether it was them; nothing of what they wrote stands in the mail (S46)."""
    token = tokens.make(TokenClaims(Purpose.COPY_WISH, list=_stamp(row), delivery=row.id), ctx.keyring.tokens)
    until = row.expires_at or at
    facts: dict[str, Fact] = {"title": _title(found), "asked_at": row.created_at, "expires_at": until}
    _to_applicant(ctx, tx, row, _Told("copy_confirm", facts, at, token))


def _ask_secretary(ctx: Context, tx: Tx, row: CopyRow, found: Issue | None, *, told_at: datetime) -> None:
    """Put the wish to the Secretary, and tell whoever asked that it is there."""
    facts: dict[str, Fact] = {"title": _title(found), "asked_at": row.created_at}
    _to_applicant(ctx, tx, row, _Told("copy_received", facts, told_at))
    to = notices.to_secretary(tx)
    if to is None or to.person is None:
        return
    person = _person(tx, row)
    asked: dict[str, Fact] = {
        "number": str(row.id),
        "applicant": row.name or row.email,
        "address": row.email,
        "wanted": row.wanted,
        "title": _title(found),
        "label": found.label if found else "",
        "known": ("member" if person.member else "reader") if person else "",
        "asked_at": row.created_at,
        "reply": answers.possible(ctx),
    }
    token = decide_token(ctx, row, to.person)
    key = f"copy request {row.id}"
    waiting = Waiting(template="copy_request", to=to, ground=Ground.OFFICER, facts=asked, key=key, answer=token)
    notices.put(ctx, tx, waiting)


def _to_applicant(ctx: Context, tx: Tx, row: CopyRow, told: _Told) -> None:
    to = To(address=parse(row.email), person=row.person_id, name=row.name, language=row.language or "")
    waiting = Waiting(
        template=told.template,
        to=to,
        ground=Ground.REQUESTED,
        facts=told.facts,
        key=f"{told.template} {row.id}",
        due_at=told.due_at,
        answer=told.answer,
    )
    notices.put(ctx, tx, waiting)


def _still_open(tx: Tx, number: int) -> CopyRow:
    row = shown(tx, number)
    if not row.is_open:
        raise Conflict(f"Request {number} is {row.state.value} already.")
    return row


def _person(tx: Tx, row: CopyRow) -> PersonRow | None:
    found = people.get(tx, row.person_id) if row.person_id else None
    if found is None or found.erased_at is not None:
        return None
    held = {one.key for one in addresses.of_person(tx, found.id)}
    return found if row.address_key in held else None


def _of_token(ctx: Context, tx: Tx, token: str, purpose: Purpose) -> CopyRow | None:
    claims = tokens.read(token, purpose, ctx.keyring.verifying)
    row = copies.get(tx, claims.delivery) if claims is not None and claims.delivery <= _LARGEST else None
    return row if row is not None and claims is not None and _stamp(row) == claims.list and row.email else None


def _stamp(row: CopyRow) -> int:
    return (row.created_at - _EPOCH) // timedelta(microseconds=1)


def _title(found: Issue | None) -> str:
    return found.title if found else ""


def _note(ctx: Context, tx: Tx, row: CopyRow, action: str, by: str) -> None:
    audit.note(tx, action, actor=by, now=ctx.clock.now(), detail={"copy": row.id})
