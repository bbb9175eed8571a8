"""What the page behind a draft's link does: show it checked, send a test, release it, take it back, drop it.

A link is bound to the draft and to the Secretary it was mailed to. Releasing takes the path of `balintmail send`
(services/release.py) with the same checks and the same refusals, and asks for the number of people it reaches, so that
nobody releases what they have not looked at. The dispatcher sends; there is the time to change one's mind before.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from balintmail.composing import article
from balintmail.composing.compile import compile_letter
from balintmail.composing.letter import read_letter
from balintmail.composing.lint import Finding, Level
from balintmail.db import drafts, mailings, officers, people, throttles
from balintmail.db.drafts import DraftRow
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.states import MailingState, Role, SkipReason
from balintmail.domain.tokens import Purpose, TokenClaims, read
from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.services import checking, draft_desk, draft_files, letters, lists, one_off, sandbox, surroundings
from balintmail.services import release as releasing
from balintmail.services.context import Context
from balintmail.services.drafts import stamp
from balintmail.services.release import Intent, Plan, Step

TESTS_A_DAY = 20  # of one draft
MOST_FINDINGS = 50
_SEPARATORS = re.compile(r"[\s.,'\u2019\u00a0\u202f]")  # of thousands, in any language
_LARGEST_ID = 2**63 - 1
_DAY = timedelta(days=1)


PictureAddress = Callable[[str], str]  # the address of a picture on the page, from its Content-ID


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
    words: str = ""  # the letter as HTML, for somebody who is a member
    text: str = ""  # as plain text
    conditional: bool = False  # whether not everybody gets all of it
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


def view(ctx: Context, token: str, picture: PictureAddress) -> DraftView:
    """Return what the page behind a link shows, its pictures at the addresses that are given; it changes nothing."""
    with ctx.db.read() as tx:
        found = _of_token(ctx, tx, token)
    return _shown(ctx, found, picture) if found.way is Way.OPEN and found.row is not None else found


def picture(ctx: Context, token: str, identity: str) -> tuple[str, bytes]:
    """Return the type and the octets of a picture in a draft; raise Conflict or NotFound."""
    with _open(ctx, token) as (_, row), draft_files.opened(ctx, row) as path:
        letter = read_letter(path)
        with ctx.db.read() as tx:
            around = surroundings.gather(ctx, tx, lists.named(tx, letter.list))
        pictures = article.pictures_of(compile_letter(letter, around))
    if identity not in pictures:
        raise NotFound("There is no such picture here.")
    return pictures[identity]


def release(ctx: Context, token: str, typed: str) -> None:
    """Release a draft to the whole of its list, in the name of the officer whose link it is.

    Raises WrongNumber, Conflict, and what releasing a letter raises (services/release.py).
    """
    with _open(ctx, token) as (acting, row):
        with draft_files.opened(ctx, row) as path:
            made = _plan(acting, Intent(path), checking.check(acting, path))
            if typed_number(typed) != str(made.counts.reached):
                raise WrongNumber("That is not the number of people whom it reaches.")
            write = sandbox.release_redirected if ctx.settings.send.redirect_all_to else releasing.release
            mailing = write(acting, made, start_at=ctx.clock.now() + ctx.settings.send.hold)
        with ctx.db.write() as tx:
            drafts.close(tx, row.id, now=ctx.clock.now(), mailing_id=mailing.id)


def typed_number(text: str) -> str:
    """Return a number as it was typed, without the separators of its thousands."""
    return _SEPARATORS.sub("", text)


def take_back(ctx: Context, token: str) -> bool:
    """Make a released mailing a draft again; False when it has begun, or was not released at all."""
    with ctx.db.read() as tx:
        found = _of_token(ctx, tx, token)
        acting = _acting(ctx, tx, token)
    if not found.is_held or found.row is None or found.mailing is None:
        return False
    taken = releasing.take_back(acting, found.mailing.id)
    if taken:
        with ctx.db.write() as tx:
            drafts.reopen(tx, found.row.id)
    return taken


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


def drop(ctx: Context, token: str) -> None:
    """End a draft without sending it; raise Conflict when it has ended."""
    with _open(ctx, token) as (acting, row), ctx.db.write() as tx:
        draft_desk.end(acting, tx, row)


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


def _shown(ctx: Context, found: DraftView, picture: PictureAddress) -> DraftView:
    """Return an open draft with what the check finds now."""
    if found.row is None:
        return found
    refused = ""
    with draft_files.opened(ctx, found.row) as path:
        report = checking.check(ctx, path)
        try:
            if report.ok:
                _plan(ctx, Intent(path), report)
        except BalintmailError as exc:
            refused = " ".join(filter(None, (exc.message, exc.hint)))
    counts, letter = report.counts, report.letter
    words, text = _read(ctx, report, picture)
    return replace(
        found,
        title=letter.title if letter else "",
        label=f"{report.mailing_list.slug}/{letter.number}" if letter and report.mailing_list else "",
        list=report.mailing_list.name if report.mailing_list else "",
        audience=counts.audience if counts else 0,
        reaches=counts.reached if counts else 0,
        skipped=tuple(counts.skipped.items()) if counts else (),
        findings=tuple(one for one in report.findings if one.level is not Level.NOTE)[:MOST_FINDINGS],
        words=words,
        text=text,
        conditional=bool(report.compiled and report.compiled.conditions),
        refused=refused,
        hold=ctx.settings.send.hold,
    )


def _read(ctx: Context, report: checking.Report, picture: PictureAddress) -> tuple[str, str]:
    """Return the letter's words as HTML and as text, as the Secretary would get them if they were a member."""
    if report.compiled is None or report.mailing_list is None:
        return "", ""
    try:
        with ctx.db.read() as tx:
            reader = letters.reader(tx, report.mailing_list)
        data = replace(reader.data, member=True)
        return article.words_of(report.compiled, picture, data), article.message_text_of(report.compiled, data)
    except BalintmailError:
        return "", ""


def _plan(ctx: Context, intent: Intent, report: checking.Report) -> Plan:
    """Return the plan; raise Conflict where the number was sent already, or another draft under it waits to leave."""
    made = releasing.planned(ctx, intent, report)
    if made.step is not Step.BEGIN or (made.existing and made.existing.state is MailingState.SCHEDULED):
        raise Conflict(f"{made.label} was released already.", hint="Mail it in once more with a number of its own.")
    return made
