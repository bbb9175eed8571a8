"""Mail a link to whoever may read what is not open to all, and say what such a link opens.

    ask(address, target) ──► a letter with a link, to that address alone ──► /copies/TOKEN ──► opened, used, counted

Whoever asks learns nothing: `ask` returns nothing, takes the same time for every address, and mails only to those who
may read (services/reading_rights.py). A link ends on its day, after so many uses, with an erasure, and, where it rests
on membership, with that. Looking at one uses nothing up (D8). It is no proof of who reads: a letter can be forwarded.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from balintmail.db import addresses, officers, people
from balintmail.db import reading_links as rows
from balintmail.db.people import PersonRow
from balintmail.db.reading_links import LinkRow
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.address import Address, parse
from balintmail.domain.archive import Target
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import caps, notices
from balintmail.services.context import Context
from balintmail.services.copy_finding import Found, found
from balintmail.services.leaving import LinkBroken
from balintmail.services.notices import To, Waiting
from balintmail.services.reading_rights import is_open, is_there, may_read

PATH = "/copies/"  # of the page that a link leads to
MOST_LINKS = 5  # mailed to one person within a day: nobody's mailbox is filled by somebody else
KEPT = timedelta(days=30)  # after a link's end, so that an old one gets a kind page
_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LARGEST = 2**63 - 1  # of a row in either database (F9)


class Standing(StrEnum):
    """What a link does now."""

    OPEN = "open"
    RUN_OUT = "run_out"  # its day has come
    USED_UP = "used_up"
    TAKEN_BACK = "taken_back"  # what it rests on has gone: a membership, or the thing itself


@dataclass(frozen=True, slots=True)
class Reading:
    """What a link leads to and how it stands; `of` is none where that is gone, `left` how often it may be used."""

    row: LinkRow
    standing: Standing
    of: Found | None

    @property
    def target(self) -> Target:
        return self.row.target

    @property
    def shows_pictures(self) -> bool:
        """Whether the pictures of a newsletter are given: while the link works, and to whoever used it last."""
        return self.standing in {Standing.OPEN, Standing.USED_UP}

    @property
    def name(self) -> str:
        return self.of.title if self.of else ""

    @property
    def left(self) -> int:
        return self.row.most_uses - self.row.uses


def ask(ctx: Context, address: Address, target: Target, network: str = "") -> None:
    """Mail a link to that address if one of those who hold it may read `target`; say nothing of whether.

    A page calls this in the background, after it has answered in the same words for all. `network` is whence it was
    asked for ("" unknown); one that asks too often is passed over, and so is a person who got MOST_LINKS today. A
    target that is not there, or is open to all, mails nobody. The letter's link leads to PATH, where it is opened.
    """
    with ctx.db.write() as tx:
        crowded = caps.crowded(ctx, tx, "reading link", network)
        if crowded or not ctx.settings.society.url or not is_there(ctx, tx, target):
            return
        held = people.at_address(tx, address.key)
        may = [one for one in held if not is_open(ctx, tx, target) and may_read(ctx, tx, one, target)]
        if may:
            _mail(ctx, tx, may[0], address, target)
        else:
            _as_if_known(ctx, tx, target)


def opens(ctx: Context, token: str, target: Target) -> bool:
    """Say whether a link opens `target` now; it counts nothing and raises nothing, whatever `token` is."""
    try:
        seen = look(ctx, token)
    except LinkBroken:
        return False
    return seen.standing is Standing.OPEN and seen.target == target


def look(ctx: Context, token: str) -> Reading:
    """Return what a link leads to and whether it still does; raise LinkBroken for one that never was, or is erased."""
    with ctx.db.read() as tx:
        return _read(ctx, tx, token)


def use(ctx: Context, token: str) -> Reading:
    """Count one use of a link and return what it leads to as it stood before; raise LinkBroken.

    Only where `standing` is OPEN may the thing be shown: nothing is counted otherwise. A page calls this for a POST.
    """
    with ctx.db.write() as tx:
        seen = _read(ctx, tx, token)
        if seen.standing is Standing.OPEN and not rows.use(tx, seen.row.id, now=ctx.clock.now()):
            return _read(ctx, tx, token)  # somebody else was the last one
        return seen


def make(
    ctx: Context, tx: Tx, target: Target, *, person: int | None, request: int | None = None
) -> tuple[str, LinkRow]:
    """Enter a link and return its address and its row.

    One that answers a `request` for a copy rests on nothing else; any other works only while its person may read.
    """
    now, limits = ctx.clock.now(), ctx.settings.copies
    until = now + limits.link_lasts
    row = LinkRow(0, target, person, request, request is None, now, until, 0, limits.link_uses, None)
    row = rows.get(tx, rows.add(tx, row)) or row
    return f"{ctx.settings.society.url.rstrip('/')}{PATH}{token_of(ctx, row)}", row


def token_of(ctx: Context, row: LinkRow) -> str:
    """Return the token of a link."""
    claims = TokenClaims(Purpose.READING, row.person_id or 0, _stamp(row), row.id)
    return tokens.make(claims, ctx.keyring.tokens)


def tidy(ctx: Context) -> int:
    """Forget links that ran out long ago; return how many."""
    before = ctx.clock.now() - KEPT
    with ctx.db.read() as tx:
        if not rows.any_old(tx, before):
            return 0
    with ctx.db.write() as tx:
        return rows.tidy(tx, before)


def _mail(ctx: Context, tx: Tx, person: PersonRow, address: Address, target: Target) -> None:
    """Let a letter with a link wait for somebody, at the address as the register has it."""
    now = ctx.clock.now()
    if rows.made_since(tx, person.id, now - _DAY) >= MOST_LINKS:
        return
    spelled = next((one.email for one in addresses.of_person(tx, person.id) if one.key == address.key), address.text)
    url, row = make(ctx, tx, target, person=person.id)
    facts: dict[str, Fact] = {
        "title": of.title if (of := found(ctx, tx, target)) else "",
        "link_url": url,
        "asked_at": now,
        "expires_at": row.expires_at,
        "uses": row.most_uses,
    }
    to = To(address=parse(spelled), person=person.id, language=person.language or "")
    key = f"reading_link {person.id} {target.kind.value} {target.id}"
    notices.put(ctx, tx, Waiting(template="reading_link", to=to, ground=Ground.REQUESTED, facts=facts, key=key))


def _as_if_known(ctx: Context, tx: Tx, target: Target) -> None:
    """Do for nobody what is done for somebody and take it back, so that both take the same time (D22)."""
    secretary = officers.secretary(tx)
    row = people.get(tx, secretary.person_id) if secretary is not None else None
    held = addresses.of_person(tx, row.id) if row is not None else []
    if row is not None and held:
        nothing = tx.begin_nested()
        _mail(ctx, tx, row, parse(held[0].email), target)
        nothing.rollback()


def _read(ctx: Context, tx: Tx, token: str) -> Reading:
    claims = tokens.read(token, Purpose.READING, ctx.keyring.verifying)
    row = rows.get(tx, claims.delivery) if claims is not None and 0 < claims.delivery <= _LARGEST else None
    if row is None or claims is None or _stamp(row) != claims.list:
        raise LinkBroken
    return Reading(row, _standing(ctx, tx, row), found(ctx, tx, row.target))


def _standing(ctx: Context, tx: Tx, row: LinkRow) -> Standing:
    if row.expires_at <= ctx.clock.now():
        return Standing.RUN_OUT
    person = people.get(tx, row.person_id) if row.person_id else None
    if not is_there(ctx, tx, row.target) or (row.for_members and not may_read(ctx, tx, person, row.target)):
        return Standing.TAKEN_BACK
    return Standing.OPEN if row.uses < row.most_uses else Standing.USED_UP


def _stamp(row: LinkRow) -> int:
    return (row.created_at - _EPOCH) // timedelta(microseconds=1)
