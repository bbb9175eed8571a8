"""What the page behind a draft's link does: show it checked, send a test, release it, take it back, drop it.

A link is bound to the draft and to the Secretary it was mailed to. Releasing takes the path of `balintmail send`
(services/release.py) with the same checks and the same refusals, and asks for the number of people it reaches, so that
nobody releases what they have not looked at. The dispatcher sends; there is the time to change one's mind before.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from balintmail.composing.lint import Finding, Level
from balintmail.db import audit, drafts, mailings, officers, people, throttles
from balintmail.db.drafts import DraftRow
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.states import MailingState, Role, SkipReason
from balintmail.domain.tokens import Purpose, TokenClaims, read
from balintmail.errors import BalintmailError, Conflict
from balintmail.services import checking, draft_files, letters, one_off, sandbox
from balintmail.services import release as releasing
from balintmail.services.context import Context
from balintmail.services.drafts import stamp
from balintmail.services.release import Intent, Plan, Step

TESTS_A_DAY = 20  # of one draft
_LARGEST_ID = 2**63 - 1
_DAY = timedelta(days=1)


class Way(StrEnum):
    """What a link leads to."""

    OPEN = "open"  # for the release
    RELEASED = "released"
    OLD = "old"  # dropped, or too old
    OTHER = "other"  # the Secretary has handed the office on
    UNKNOWN = "unknown"  # no link of ours


class WrongNumber(BalintmailError):
    """The number that was typed is not the number of people whom the letter reaches."""

    code = "wrong_number"


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftView:
    """What the page shows. `refused` says why the letter cannot be sent as it is; `findings` are the check's."""

    way: Way
    row: DraftRow | None = None
    by: str = ""  # who mailed it in
    title: str = ""
    label: str = ""
    list: str = ""
    audience: int = 0
    reaches: int = 0
    skipped: tuple[tuple[SkipReason, int], ...] = ()
    findings: tuple[Finding, ...] = ()
    text: str = ""
    refused: str = ""
    hold: timedelta = timedelta()
    mailing: MailingRow | None = None

    @property
    def stops(self) -> bool:
        """Whether anything keeps it from being sent."""
        return bool(self.refused) or any(one.level is Level.STOP for one in self.findings)

    @property
    def is_held(self) -> bool:
        """Whether it was released and may still be taken back."""
        return self.mailing is not None and self.mailing.state is MailingState.SCHEDULED


def view(ctx: Context, token: str) -> DraftView:
    """Return what the page behind a link shows; it changes nothing."""
    with ctx.db.read() as tx:
        found = _of_token(ctx, tx, token)
    return _shown(ctx, found) if found.way is Way.OPEN and found.row is not None else found


def release(ctx: Context, token: str, typed: str) -> DraftView:
    """Release a draft to the whole of its list, in the name of the officer whose link it is; return what to show.

    Raises WrongNumber, or what releasing a letter raises: Stopped, NumberTaken, NobodyReached, SendingBlocked.
    """
    with _open(ctx, token) as (acting, row):
        with draft_files.opened(ctx, row) as path:
            made = _plan(acting, Intent(path))
            if re.sub(r"[\s.,'\u2019\u00a0\u202f]", "", typed) != str(made.counts.reached):
                raise WrongNumber("That is not the number of people whom it reaches.")
            write = sandbox.release_redirected if ctx.settings.send.redirect_all_to else releasing.release
            mailing = write(acting, made, start_at=ctx.clock.now() + ctx.settings.send.hold)
        with ctx.db.write() as tx:
            drafts.close(tx, row.id, now=ctx.clock.now(), mailing_id=mailing.id)
    return view(ctx, token)


def take_back(ctx: Context, token: str) -> DraftView:
    """Make a released mailing a draft again, as long as nothing of it has begun; return what to show."""
    found = view(ctx, token)
    if found.is_held and found.row is not None and found.mailing is not None:
        with ctx.db.read() as tx:
            acting = _acting(ctx, tx, token)
        if releasing.take_back(acting, found.mailing.id):
            with ctx.db.write() as tx:
                drafts.reopen(tx, found.row.id)
    return view(ctx, token)


def send_test(ctx: Context, token: str) -> str:
    """Send the letter to the officer alone, marked as a test; return the address it goes to.

    Raises Conflict when that was done often enough, and what a test raises.
    """
    with _open(ctx, token) as (acting, row):
        with ctx.db.write() as tx:
            key, now = ctx.keyring.address_hash(f"\ntest of draft {row.id}"), ctx.clock.now()
            if throttles.taken(tx, key, _DAY, now=now) >= TESTS_A_DAY:
                raise Conflict("It was sent as a test often enough for today.")
            throttles.add(tx, key, now=now)
            secretary = officers.secretary(tx)
        if secretary is None:
            raise Conflict("There is no Secretary with an address.")
        with draft_files.opened(ctx, row) as path:
            one_off.release_test(acting, path, [secretary.address])
        return secretary.address


def drop(ctx: Context, token: str) -> DraftView:
    """End a draft without sending it; return what to show."""
    with _open(ctx, token) as (acting, row), ctx.db.write() as tx:
        if drafts.close(tx, row.id, now=ctx.clock.now()):
            audit.note(tx, "draft dropped", actor=acting.actor, now=ctx.clock.now(), detail={"draft": row.id})
    return view(ctx, token)


@contextmanager
def _open(ctx: Context, token: str) -> Iterator[tuple[Context, DraftRow]]:
    """Yield who acts and the draft; raise Conflict unless it is open."""
    with ctx.db.read() as tx:
        found, acting = _of_token(ctx, tx, token), _acting(ctx, tx, token)
    if found.way is not Way.OPEN or found.row is None:
        raise Conflict("This draft is not open any more.")
    yield acting, found.row


def _acting(ctx: Context, tx: Tx, token: str) -> Context:
    claims = _claims(ctx, token)
    officer = people.get(tx, claims.person) if claims is not None else None
    return replace(ctx, actor=(officer.name if officer else "") or "the Secretary")


def _claims(ctx: Context, token: str) -> TokenClaims | None:
    return read(token, Purpose.RELEASE, ctx.keyring.verifying)


def _of_token(ctx: Context, tx: Tx, token: str) -> DraftView:
    """Return what a link leads to, as far as the register knows it without opening the letter."""
    claims = _claims(ctx, token)
    if claims is None:
        return DraftView(way=Way.UNKNOWN)
    row = drafts.get(tx, claims.delivery) if claims.delivery <= _LARGEST_ID else None
    if row is None or stamp(row) != claims.list:
        return DraftView(way=Way.OLD)
    if Role.SECRETARY not in officers.roles(tx, claims.person):
        return DraftView(way=Way.OTHER)
    writer = people.get(tx, row.officer_id)
    by = writer.name if writer is not None and writer.id != claims.person else ""
    if row.closed_at is not None and row.mailing_id is not None:
        mailing = mailings.by_id(tx, row.mailing_id)
        if mailing is not None:
            return DraftView(
                way=Way.RELEASED, row=row, by=by, title=mailing.title, label=mailing.label, mailing=mailing
            )
    if not row.is_open or row.expires_at <= ctx.clock.now():
        return DraftView(way=Way.OLD)
    return DraftView(way=Way.OPEN, row=row, by=by)


def _shown(ctx: Context, found: DraftView) -> DraftView:
    """Return an open draft with what the check finds now."""
    if found.row is None:
        return found
    with draft_files.opened(ctx, found.row) as path:
        report = checking.check(ctx, path)
        text, refused = "", ""
        try:
            text = letters.preview(ctx, path).text
            if report.ok:
                _plan(ctx, Intent(path))
        except BalintmailError as exc:
            refused = "" if not report.ok else " ".join(filter(None, (exc.message, exc.hint)))
    counts, letter = report.counts, report.letter
    return replace(
        found,
        title=letter.title if letter else "",
        label=f"{report.mailing_list.slug}/{letter.number}" if letter and report.mailing_list else "",
        list=report.mailing_list.name if report.mailing_list else "",
        audience=counts.audience if counts else 0,
        reaches=counts.reached if counts else 0,
        skipped=tuple(counts.skipped.items()) if counts else (),
        findings=tuple(one for one in report.findings if one.level is not Level.NOTE),
        text=text,
        refused=refused,
        hold=ctx.settings.send.hold,
    )


def _plan(ctx: Context, intent: Intent) -> Plan:
    """Return the plan; raise Conflict where the number was sent already."""
    made = releasing.plan(ctx, intent)
    if made.step is not Step.BEGIN:
        raise Conflict(f"{made.label} is being sent, or was sent already.")
    return made
