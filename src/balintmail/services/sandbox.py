"""Try a mailing without its readers: everything to one address, or the whole work without a relay.

A redirected mailing is a mailing of its own, of kind test and without a number, so it never stands in the way of the
real one; its rows keep the readers' names and only the envelope goes elsewhere, which is frozen with the mailing.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from balintmail.composing.compile import compile_letter
from balintmail.db import audit, mailings
from balintmail.db.ledger import Claimed
from balintmail.db.mailings import MailingRow, NewMailing
from balintmail.domain.outcome import Composed
from balintmail.domain.states import MailingKind, MailingState, Visibility
from balintmail.services import surroundings
from balintmail.services.context import Context
from balintmail.services.release import Plan

Compose = Callable[[Claimed], Composed]


def release_redirected(ctx: Context, made: Plan, *, start_at: datetime) -> MailingRow:
    """Schedule the letter for its whole audience, all of it to `[send] redirect_all_to`; return the mailing.

    It takes no number and is marked as a test, so the real mailing can be released afterwards as if this had not been.
    """
    now, to = ctx.clock.now(), ctx.settings.send.redirect_all_to
    with ctx.db.write() as tx:
        around = surroundings.gather(ctx, tx, made.mailing_list, kind=MailingKind.TEST)
        compiled = compile_letter(made.letter, around)
        new = NewMailing(
            list_id=made.mailing_list.id,
            kind=MailingKind.TEST,
            title=made.letter.title,
            content_hash=compiled.content_hash,
            state=MailingState.SCHEDULED,
            visibility=Visibility.NONE,
            where=made.intent.where,
            exclude=made.intent.exclude,
            released_by=ctx.actor,
            start_at=start_at,
            redirected_to=to,
        )
        mailing = mailings.add(tx, new, now=now)
        mailings.keep_content(tx, mailing, source=made.letter.source, compiled=compiled.dump())
        audit.note_mailing(tx, mailing, "released", actor=ctx.actor, now=now, detail={"redirected": True})
        row = mailings.by_id(tx, mailing)
    if row is None:
        raise LookupError("a mailing that was just written is not there")
    return row


def redirecting(compose: Compose, known: Mapping[int, MailingRow]) -> Compose:
    """Return `compose` with the envelopes of redirected mailings turned to their one address."""

    def composed(row: Claimed) -> Composed:
        message = compose(row)
        mailing = known.get(row.mailing)
        if mailing is None or not mailing.redirected_to:
            return message
        envelope = replace(message.envelope, recipient=mailing.redirected_to, smtputf8=False)
        return replace(message, envelope=envelope)

    return composed
