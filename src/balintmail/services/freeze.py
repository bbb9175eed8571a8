"""Start a mailing: its audience becomes rows of the ledger, in the transaction that calls it sending.

The content was frozen before, when it was released. It asks nobody and sends nothing; services/dispatch.py goes on.
"""

from balintmail.db import audit, ledger, mailings
from balintmail.db.audience import Selection
from balintmail.db.mailings import MailingRow
from balintmail.services import dkim, leaving
from balintmail.services.context import Context
from balintmail.services.turns import Probe, no_probe


def start(ctx: Context, mailing: MailingRow, *, probe: Probe = no_probe) -> bool:
    """Freeze the audience of a scheduled mailing and begin; False when it was changed or begun meanwhile."""
    now = ctx.clock.now()
    probe("before freeze")
    with ctx.db.write_much() as tx:
        content, start_at = mailing.content_hash, mailing.start_at
        if not mailings.begin(tx, mailing.id, content_hash=content, start_at=start_at, now=now):
            return False
        dkim.freeze(ctx, tx, mailing.id)
        enrolled = ledger.enrol(tx, mailing.id, selection_of(ctx, mailing), now=now)
        probe("mid freeze")
        mailings.set_audience(tx, mailing.id, enrolled)
        detail = {"audience": enrolled, "content_hash": mailing.content_hash}
        audit.note_mailing(tx, mailing.id, "begun", actor=mailing.released_by or ctx.actor, now=now, detail=detail)
    probe("after freeze")
    return True


def selection_of(ctx: Context, mailing: MailingRow) -> Selection:
    """Return the choice of people that a mailing was released with."""
    if mailing.list_id is None:
        raise ValueError("a mailing without a list has no audience to choose")
    return Selection(mailing.list_id, mailing.where, mailing.exclude, ctx.settings.zone)


def start_due(ctx: Context, *, only: int | None, probe: Probe = no_probe) -> list[int]:
    """Start every mailing whose time has come, or only that one; return which."""
    with ctx.db.read() as tx:
        due = [mailing for mailing in mailings.due(tx, ctx.clock.now()) if only in (None, mailing.id)]
    if due:
        leaving.end_pauses(ctx)  # whose pause is over by now is in the audience
    return [mailing.id for mailing in due if start(ctx, mailing, probe=probe)]
