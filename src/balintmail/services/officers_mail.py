"""Write to the Secretary about a mailing: that it was paused and why, and how it ended.

Both wait as notices (services/notices.py), on the ground of the office. No address of a reader stands in them; who was
not reached is in the receipt. A society without a Secretary gets none.
"""

from collections import Counter

from balintmail.config import TransportKind
from balintmail.db import receipts
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.blame import without_addresses
from balintmail.domain.notices import Fact, Row, Word
from balintmail.domain.states import DeliveryState, Ground, MailingKind
from balintmail.services.context import Context
from balintmail.services.notices import Waiting, put, to_secretary

PAUSED, REPORT = "paused", "report"  # the folders of the templates
_S = DeliveryState
_MOST_REASONS = 5


def tell_of_pause(ctx: Context, tx: Tx, row: MailingRow, reason: str) -> bool:
    """Put a notice to the Secretary that a mailing is paused; False when there is no Secretary to tell."""
    counts = receipts.counts(tx, row.id)
    facts: dict[str, Fact] = {
        "label": row.label,
        "name": row.title,
        "reason": reason,
        "accepted": counts[_S.ACCEPTED],
        "waiting": counts[_S.QUEUED] + counts[_S.CLAIMED] + counts[_S.DEFERRED],
        "paused_at": ctx.clock.now(),
    }
    return _put(ctx, tx, PAUSED, facts)


def report(ctx: Context, row: MailingRow) -> bool:
    """Put the report of a mailing that has ended to the Secretary; False where none is wanted.

    Wanted: `[send] report`, over smtp, for newsletters and journals to more than one person.
    """
    send = ctx.settings.send
    if not send.report or ctx.settings.transport is not TransportKind.SMTP or row.audience < 2:
        return False
    if row.kind not in {MailingKind.NEWSLETTER, MailingKind.JOURNAL} or row.finished_at is None:
        return False
    with ctx.db.write() as tx:
        return _put(ctx, tx, REPORT, _end_of(tx, row))


def _end_of(tx: Tx, row: MailingRow) -> dict[str, Fact]:
    """Return what the report says."""
    counts = receipts.counts(tx, row.id)
    skipped = receipts.skipped_by_reason(tx, row.id)
    missed = Counter(_words(one) for one in receipts.not_reached(tx, row.id))
    began = row.frozen_at or row.created_at
    ended = row.finished_at or began
    not_mailed: list[Row] = [{"number": n, "reason": Word(f"skip_{why.value}")} for why, n in skipped.items()]
    answers: list[Row] = [{"number": n, "words": words} for words, n in missed.most_common(_MOST_REASONS)]
    return {
        "label": row.label,
        "name": row.title,
        "audience": row.audience,
        "accepted": counts[_S.ACCEPTED],
        "refused": counts[_S.REFUSED],
        "written_off": counts[_S.WRITTEN_OFF],
        "not_mailed": not_mailed,
        "answers": answers,
        "began_at": began,
        "ended_at": ended,
        "took": ended - began,
    }


def _put(ctx: Context, tx: Tx, template: str, facts: dict[str, Fact]) -> bool:
    to = to_secretary(tx)
    if to is None:
        return False
    put(ctx, tx, Waiting(template=template, to=to, ground=Ground.OFFICER, facts=facts))
    return True


def _words(one: receipts.NotReached) -> str:
    code = f"{one.code} " if one.code else ""
    return f"{code}{without_addresses(one.reply) or one.state.value}"[:120]
