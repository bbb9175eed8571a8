"""Pause a mailing by judgement, leave a relay in peace, and mend both when the Secretary lets it go on.

The pause and its notice to the Secretary are written in one transaction. It decides nothing: the reasons come from
services/governor.py. Rows refused for our own sake stay deferred and are tried again after `mailings resume`.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from balintmail.db import audit, limits, mailings, parking, verdicts
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.blame import Blame, blame
from balintmail.domain.judgement import words_of
from balintmail.domain.outcome import Outcome, Stage
from balintmail.domain.pace import rest_after
from balintmail.domain.states import MailingState
from balintmail.services import hearing, officers_mail
from balintmail.services.context import Context

ACTOR = "dispatch"
LOGIN = "it refused our login: "  # how the reason of a rest begins that a person may end by mending the password
LOGIN_AGAIN_AFTER = timedelta(minutes=15)  # at the least: asking every minute with a wrong password locks accounts


def pause_for(ctx: Context, mailing_id: int, reason: str) -> bool:
    """Pause a mailing for `reason` and tell the Secretary; False when it was not being sent any more."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        if not mailings.change(tx, mailing_id, MailingState.PAUSED, reason=reason):
            return False
        audit.note_mailing(tx, mailing_id, "paused", actor=ACTOR, now=now, detail={"reason": reason})
        if (row := mailings.by_id(tx, mailing_id)) is not None:
            officers_mail.tell_of_pause(ctx, tx, row, reason)
    return True


def rest(ctx: Context, relay: str, until: datetime, reason: str) -> None:
    """Leave a relay in peace until then, in every process."""
    with ctx.db.write() as tx:
        limits.rest(tx, relay, until=until, reason=reason)


def rest_after_login(ctx: Context, refusals: Mapping[str, Outcome]) -> None:
    """Leave relays that refused our login in peace, longer each time; whoever sends by hand asks them all the same."""
    refused = {relay: outcome for relay, outcome in refusals.items() if outcome.stage is Stage.AUTH}
    if not refused:
        return
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        known = limits.relays(tx)
        for relay, outcome in refused.items():
            rests = known[relay].rests if relay in known else 0
            until = now + max(LOGIN_AGAIN_AFTER, rest_after(rests))
            limits.rest(tx, relay, until=until, reason=LOGIN + words_of(outcome))


def wake(ctx: Context, relay: str) -> None:
    """Note that a relay takes messages again."""
    with ctx.db.write() as tx:
        limits.wake(tx, relay)


def waits_for_a_first_answer(ctx: Context, mailing: int) -> bool:
    """Say whether a mailing has people who were not tried yet, or is not being sent."""
    with ctx.db.read() as tx:
        row = mailings.by_id(tx, mailing)
        return row is None or row.state is not MailingState.SENDING or verdicts.queued(tx, mailing)


def refuse_for_a_rule(ctx: Context, tried: Sequence[int]) -> None:
    """Make refusals for a rule final, of mailings whose others have it: they were meant for these people."""
    for mailing in tried:
        with ctx.db.write() as tx:
            meant = [one.delivery for one in verdicts.undecided(tx, mailing) if blame(one.outcome) is Blame.POLICY]
            if meant:
                verdicts.refuse(tx, meant, now=ctx.clock.now())


def mend(tx: Tx, mailing: MailingRow) -> None:
    """Give the relays and the rows of a mailing another chance, because somebody says that it may go on."""
    limits.wake(tx)
    verdicts.try_again(tx, mailing.id)
    parking.release(tx, [mailing.id])
    hearing.forget(tx, [mailing.id])
