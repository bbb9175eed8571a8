"""What has to be done round a run of the engine: deadlines before it, the judgement and the reports after it.

Called by services/dispatch.py. The judgement about each answer is services/governor.py's; here are the matters of a
whole run: every relay refuses us, nobody could be reached for days, what is left waits for a limit.
"""

import contextlib
from collections.abc import Sequence

from sqlalchemy.exc import SQLAlchemyError

from balintmail.db import mailings, parking, verdicts
from balintmail.db.mailings import MailingRow
from balintmail.domain.judgement import words_of
from balintmail.domain.outcome import Verdict
from balintmail.domain.states import MailingState
from balintmail.services import hearing, notice_mailings, officers_mail, pausing
from balintmail.services.context import Context
from balintmail.services.engine import Engine
from balintmail.services.governor import Governor, is_bound
from balintmail.services.tally import Ending

SANDBOX = "[send] redirect_all_to is set, so mailings to their own readers wait (docs/limits.md)."


def enforce_deadlines(ctx: Context) -> None:
    """Refuse what still waits in mailings whose deadline has passed."""
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        late = [row.id for row in _sending(ctx, None) if row.deadline_at is not None and row.deadline_at <= now]
    if late:
        with ctx.db.write() as tx:
            for mailing in late:
                verdicts.expire(tx, mailing, now=now)


def after_a_run(ctx: Context, engine: Engine, governor: Governor, only: int | None) -> None:
    """Judge the run: pause what must not go on, and say what the rest waits for."""
    with contextlib.suppress(SQLAlchemyError):  # the next run meets the same
        governor.settle_up()
        if engine.ending is Ending.DOWN:
            _judge_the_relays(ctx, engine, governor, only)
        elif engine.ending is Ending.DONE:
            _say_what_waits(ctx, engine, governor, only)
        if engine.ending is Ending.WAITING and (refused := governor.login_refused()):
            for row in _sending(ctx, only):
                if is_bound(row) and _waits(ctx, row):
                    pausing.pause_for(ctx, row.id, f"every relay refuses us: {refused}")
    if only in governor.paused and engine.ending in {Ending.DONE, Ending.WAITING}:
        engine.ending, engine.reason = Ending.PAUSED, governor.paused[only]


def _judge_the_relays(ctx: Context, engine: Engine, governor: Governor, only: int | None) -> None:
    """Pause the mailings when waiting is no use: every relay refuses us, or none was reached for days."""
    if engine.down is None:
        return
    outcome, now = engine.down.outcome, ctx.clock.now()
    for_good = outcome.verdict is Verdict.REFUSED
    if for_good and governor.anybody_willing:  # the others wait for their limits
        if (until := governor.first_opening()) is not None:
            engine.ending, engine.reason = Ending.WAITING, governor.why(until)
        return
    for row in _sending(ctx, only):
        began = row.frozen_at or row.created_at
        given_up = now - began > ctx.settings.send.give_up_after
        if not is_bound(row) or not (for_good or given_up) or not _waits(ctx, row):
            continue
        what = "every relay refuses us" if for_good else "no relay could be reached for days"
        reason = f"{what}: {words_of(outcome)} ({outcome.relay}, {outcome.stage.value})"
        if pausing.pause_for(ctx, row.id, reason) and row.id == only:
            engine.ending, engine.reason = Ending.PAUSED, f"{engine.reason} ({reason})"


def _say_what_waits(ctx: Context, engine: Engine, governor: Governor, only: int | None) -> None:
    """Call the ending WAITING when rows are queued that could not be claimed now."""
    with ctx.db.read() as tx:
        left = [row for row in _sending(ctx, only) if verdicts.queued(tx, row.id)]
    if not left:
        return
    until = governor.first_opening()
    with ctx.db.read() as tx:
        parked = [parking.until(tx, row.id, now=ctx.clock.now()) for row in left]
    if ctx.settings.send.redirect_all_to and not any(row.redirected_to for row in left):
        engine.ending, engine.reason = Ending.WAITING, SANDBOX
    elif until is not None:
        engine.ending, engine.reason = Ending.WAITING, governor.why(until)
    elif moments := [moment for moment in parked if moment is not None]:
        engine.ending, engine.reason = Ending.WAITING, governor.why_parked(min(moments))


def write_reports(ctx: Context, finished: Sequence[int]) -> list[int]:
    """Let the reports of mailings that have just ended wait for the Secretary; return which mailings have one."""
    reported = []
    if finished:
        with contextlib.suppress(SQLAlchemyError), ctx.db.write() as tx:
            hearing.forget(tx, finished)
    for mailing in finished:
        with contextlib.suppress(SQLAlchemyError):
            with ctx.db.read() as tx:
                row = mailings.by_id(tx, mailing)
            if row is not None and officers_mail.report(ctx, row):
                reported.append(mailing)
    return reported


def release_notices(ctx: Context) -> None:
    """Make mailings of the system mails that wait; what the database does not take now waits on."""
    with contextlib.suppress(SQLAlchemyError):
        notice_mailings.release_due(ctx)


def open_notices(ctx: Context) -> list[int]:
    """Return the notices that wait to be sent."""
    return [row.id for row in _sending(ctx, None) if not is_bound(row)]


def _sending(ctx: Context, only: int | None) -> list[MailingRow]:
    with ctx.db.read() as tx:
        return [row for row in mailings.in_state(tx, MailingState.SENDING) if only in (None, row.id)]


def _waits(ctx: Context, row: MailingRow) -> bool:
    with ctx.db.read() as tx:
        return verdicts.waits(tx, row.id)
