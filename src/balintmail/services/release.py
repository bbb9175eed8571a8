"""What `send` does before anybody is mailed: look, refuse what must be refused, write down the release.

The content is frozen here; the audience when the mailing starts (services/freeze.py). A number is sent once with one
content (D1): the same content again goes on or says that it is sent, other content is refused with the way out. It
asks nobody anything, that is the command's; it sends nothing, that is services/dispatch.py's.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy.exc import IntegrityError

from balintmail.composing.compiled import Compiled
from balintmail.composing.letter import Letter
from balintmail.composing.lint import Finding, Level
from balintmail.db import audience, audit, mailings, receipts
from balintmail.db.audience import AudienceCounts, LeftOut, Selection
from balintmail.db.lists import MailingListRow
from balintmail.db.mailings import MailingRow, NewMailing
from balintmail.db.session import Tx
from balintmail.domain.states import DeliveryState, MailingKind, MailingState, Visibility
from balintmail.errors import BalintmailError, Conflict
from balintmail.services import checking
from balintmail.services.context import Context
from balintmail.services.reconcile import require_permission


class Stopped(BalintmailError):
    """The letter has faults that stop a send; `findings` are all that were found."""

    code = "stopped"

    def __init__(self, message: str, findings: list[Finding], *, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.findings = findings


class NumberTaken(Conflict):
    """This number went out, or is going out, with other content."""

    code = "number_taken"


class NobodyReached(BalintmailError):
    """The audience is empty, or nobody of it may be mailed."""

    code = "nobody"


class Step(StrEnum):
    """What sending this letter means at this moment."""

    BEGIN = "begin"
    GO_ON = "go_on"
    PAUSED = "paused"
    ALREADY_SENT = "already_sent"


@dataclass(frozen=True, slots=True)
class Intent:
    """What the Secretary asked for; an empty `list` is the letter's own or the default one."""

    path: Path
    list: str = ""
    where: str = ""
    exclude: tuple[str, ...] = ()
    deadline: datetime | None = None  # nobody is tried after it


@dataclass(frozen=True, slots=True)
class Plan:
    """What would happen, to be shown before anybody is asked."""

    step: Step
    intent: Intent
    letter: Letter
    compiled: Compiled
    mailing_list: MailingListRow
    counts: AudienceCounts
    findings: tuple[Finding, ...]
    existing: MailingRow | None
    reached_already: int = 0

    @property
    def label(self) -> str:
        return f"{self.mailing_list.slug}/{self.letter.number}"


def plan(ctx: Context, intent: Intent) -> Plan:
    """Return what sending the letter would do; write nothing.

    Raises Stopped, NumberTaken, NobodyReached, FilterError, or SendingBlocked when sending is off altogether.
    """
    return planned(
        ctx, intent, checking.check(ctx, intent.path, checking.Wanted(intent.list, intent.where, intent.exclude))
    )


def planned(ctx: Context, intent: Intent, report: checking.Report) -> Plan:
    """Return the plan for a letter that was checked just now; raise what `plan` raises."""
    found = existing_mailing(ctx, report)
    same = found is not None and report.compiled is not None and found.content_hash == report.compiled.content_hash
    if found is not None and not same and not found.may_be_rewritten:
        raise _taken(intent.path, found)
    step = _step(found) if found is not None and same else Step.BEGIN
    if step is not Step.ALREADY_SENT:
        require_permission(ctx)
    if step is Step.BEGIN:
        refuse_stops(intent.path, report)
    if report.letter is None or report.compiled is None or report.mailing_list is None or report.counts is None:
        raise stopped(intent.path, report.findings)
    made = Plan(
        step,
        intent,
        report.letter,
        report.compiled,
        report.mailing_list,
        report.counts,
        tuple(report.findings),
        found,
    )
    if step is Step.BEGIN and not report.counts.reached:
        raise _nobody(made)
    return made if found is None or step is Step.BEGIN else replace(made, reached_already=accepted(ctx, found.id))


def existing_mailing(ctx: Context, report: checking.Report) -> MailingRow | None:
    """Return the mailing that has this letter's number on its list already."""
    if report.letter is None or report.mailing_list is None:
        return None
    with ctx.db.read() as tx:
        return mailings.by_number(tx, report.mailing_list.slug, report.letter.number)


def accepted(ctx: Context, mailing_id: int) -> int:
    """Return to how many a mailing has been sent."""
    with ctx.db.read() as tx:
        return receipts.counts(tx, mailing_id)[DeliveryState.ACCEPTED]


def _step(row: MailingRow) -> Step:
    if row.may_be_rewritten:
        return Step.BEGIN
    if row.state is MailingState.CANCELLED:
        raise NumberTaken(
            f"{row.label} was cancelled after it had begun.",
            hint='Give the letter a new "number" in its front matter; "mailings show" says whom it had reached.',
        )
    return {MailingState.SENDING: Step.GO_ON, MailingState.PAUSED: Step.PAUSED}.get(row.state, Step.ALREADY_SENT)


def _taken(path: Path, row: MailingRow) -> NumberTaken:
    state = {MailingState.SENT: "was sent", MailingState.CANCELLED: "was cancelled after it had begun"}
    return NumberTaken(
        f"{path.name} differs from {row.label}, which {state.get(row.state, 'is being sent')} with other content.",
        hint='Give the changed letter a new "number" in its front matter. Nobody has been mailed.',
    )


def refuse_stops(path: Path, report: checking.Report, *, but: frozenset[str] = frozenset()) -> None:
    """Raise Stopped when the check found a stop, codes in `but` aside."""
    if any(finding.level is Level.STOP and finding.code not in but for finding in report.findings):
        raise stopped(path, [finding for finding in report.findings if finding.code not in but])


def stopped(path: Path, findings: list[Finding]) -> Stopped:
    """Return the refusal that names the first stop and says how many more there are."""
    stops = [finding for finding in findings if finding.level is Level.STOP]
    first = stops[0]
    where = f"{path.name}, line {first.line}" if first.line else path.name
    more = f" {len(stops) - 1} more: balintmail check {path.name}." if len(stops) > 1 else ""
    return Stopped(f"Cannot send: {where}: {first.message}", stops, hint=f"Nobody has been mailed.{more}")


def _nobody(made: Plan) -> NobodyReached:
    slug = made.mailing_list.slug
    if made.counts.audience:
        return NobodyReached(
            f"Of the {made.counts.audience} people chosen from {slug} nobody may be mailed.",
            hint="Who, and why: balintmail send --dry-run. Nothing was written.",
        )
    chosen = " after the filters" if made.intent.where or made.intent.exclude else ""
    return NobodyReached(
        f"Nobody is on the list {slug}{chosen}.", hint="Put somebody on it: balintmail subscribe ADDRESS"
    )


def release(ctx: Context, made: Plan, *, start_at: datetime) -> MailingRow:
    """Freeze the content and schedule the mailing for `start_at`; return it.

    Raises Conflict when somebody else has begun to send this number meanwhile.
    """
    now = ctx.clock.now()
    new = NewMailing(
        list_id=made.mailing_list.id,
        kind=MailingKind.NEWSLETTER,
        title=made.letter.title,
        content_hash=made.compiled.content_hash,
        state=MailingState.SCHEDULED,
        number=made.letter.number,
        visibility=Visibility(made.compiled.visibility),
        where=made.intent.where,
        exclude=made.intent.exclude,
        released_by=ctx.actor,
        start_at=start_at,
        deadline_at=made.intent.deadline,
    )
    with ctx.db.write() as tx:
        mailing = _written(tx, made, new, now)
        mailings.keep_content(tx, mailing, source=made.letter.source, compiled=made.compiled.dump())
        detail = {"content_hash": made.compiled.content_hash, "start_at": start_at.isoformat()}
        audit.note_mailing(tx, mailing, "released", actor=ctx.actor, now=now, detail=detail)
        row = mailings.by_id(tx, mailing)
    if row is None:
        raise LookupError("a mailing that was just written is not there")
    return row


def _written(tx: Tx, made: Plan, new: NewMailing, now: datetime) -> int:
    """Return the id of the mailing, new or rewritten; refuse when somebody else was quicker."""
    found = mailings.by_number(tx, made.mailing_list.slug, made.letter.number)
    try:
        if found is None:
            return mailings.add(tx, new, now=now)
        if mailings.rewrite(tx, found.id, new):
            return found.id
    except IntegrityError:
        pass  # on PostgreSQL two may have found no mailing of that number at the same moment
    raise Conflict(f"{made.label} is being sent by somebody else already.", hint="Look: balintmail mailings list")


def take_back(ctx: Context, mailing_id: int) -> bool:
    """Make a scheduled mailing a draft again; False when it has begun meanwhile."""
    with ctx.db.write() as tx:
        taken = mailings.change(tx, mailing_id, MailingState.DRAFT)
        if taken:
            audit.note_mailing(tx, mailing_id, "taken back", actor=ctx.actor, now=ctx.clock.now())
    return taken


def left_out(ctx: Context, made: Plan) -> Iterator[LeftOut]:
    """Yield everybody of the audience who will not be mailed, with the reason."""
    selection = Selection(made.mailing_list.id, made.intent.where, made.intent.exclude, ctx.settings.zone)
    with ctx.db.read() as tx:
        yield from audience.left_out(tx, selection)
