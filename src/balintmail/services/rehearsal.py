"""Go through a whole mailing without a relay and without a trace: the same letters, ledger and engine, all on the side.

The audience is copied into a scratch database in a temporary folder and sent to the null transport from there. The
register, the ledger and the journal of the instance are only read. It says how long our own part took, and with the
relays' limits how long the real mailing would.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from balintmail.config import DatabaseSettings, Send
from balintmail.db import audience, mailings, rehearsal
from balintmail.db.audience import Selection
from balintmail.db.mailings import NewMailing
from balintmail.db.migrations import upgrade
from balintmail.db.session import Database
from balintmail.domain.states import DeliveryState, MailingKind, MailingState
from balintmail.sending.null import NullTransport
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.forecast import forecast, load_of_audience
from balintmail.services.letterpress import Letterpress
from balintmail.services.release import Plan

_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What a rehearsal gave: so many letters in so many seconds, and when the real mailing would be through."""

    letters: int
    skipped: int  # whose own data made their letter impossible
    seconds: float
    finish: datetime | None


def rehearse(ctx: Context, made: Plan, relays: Sequence[str], *, lanes: int) -> Rehearsal:
    """Send the letter of `made` to nobody; return how it went."""
    with TemporaryDirectory(prefix="balintmail-rehearsal-") as folder:
        scratch = _scratch(ctx, Path(folder))
        try:
            mailing = _copy(ctx, scratch, made)
            began = time.perf_counter()
            compose = Letterpress(replace(scratch, folder=ctx.folder)).compose
            report = dispatch(scratch, lambda: NullTransport(lanes), Orders(only=mailing, compose=compose))
            seconds = time.perf_counter() - began
        finally:
            scratch.db.close()
    done = report.tally.of(mailing)
    letters = done[DeliveryState.ACCEPTED]
    rate = letters / seconds if letters else None
    selection = Selection(made.mailing_list.id, made.intent.where, made.intent.exclude, ctx.settings.zone)
    finish = forecast(ctx, relays, load_of_audience(ctx, selection, letters), ctx.clock.now(), rate=rate).finish
    return Rehearsal(letters, done[DeliveryState.SKIPPED], seconds, finish)


def _scratch(ctx: Context, folder: Path) -> Context:
    database = Database(Database.parse(f"sqlite:///{folder / 'rehearsal.db'}"))
    upgrade(database)
    plain = {"relays": {}, "send": Send(), "database": DatabaseSettings()}
    return replace(ctx, db=database, folder=folder, settings=ctx.settings.model_copy(update=plain))


def _copy(ctx: Context, scratch: Context, made: Plan) -> int:
    """Copy the letter and its audience; return the mailing's id in the scratch database."""
    now = ctx.clock.now()
    new = NewMailing(None, MailingKind.TEST, made.letter.title, made.compiled.content_hash, MailingState.SENDING)
    selection = Selection(made.mailing_list.id, made.intent.where, made.intent.exclude, ctx.settings.zone)
    with ctx.db.read() as source, scratch.db.write() as tx:
        mailing = mailings.add(tx, new, now=now)
        mailings.keep_content(tx, mailing, source="", compiled=made.compiled.dump())
        readers = audience.stream(source, selection)
        enrolled = 0
        while some := list(islice(readers, _BATCH)):
            enrolled += rehearsal.enrol(tx, mailing, some, now=now)
        mailings.set_audience(tx, mailing, enrolled)
    return mailing
