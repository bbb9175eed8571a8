"""What time brings about for join requests: turns, expiry, reminders, the daily digest, and forgetting (S46).

Dispatch runs it with every look, so it only reads unless something is due. It decides nothing in the Secretary's place
and sends nothing.
"""

from datetime import datetime, time, timedelta

from balintmail.config import Telling
from balintmail.db import meta, requests, throttles
from balintmail.db.requests import RequestRow
from balintmail.db.session import Tx
from balintmail.services import request_mail
from balintmail.services.context import Context
from balintmail.services.requests import take_turns

DIGEST_AT = time(7)  # in the society's zone: it lies there at breakfast
DIGEST, TIDIED = "joining_digest_on", "joining_tidied_at"  # facts of db/meta.py
COUNTED_FOR = timedelta(days=3)  # as long as any cap looks back, and a day more
TIDY_EVERY = timedelta(hours=6)


def tidy(ctx: Context) -> None:
    """Do whatever is due."""
    take_turns(ctx)
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        due = anything_due(ctx, tx)
    if not due:
        return
    with ctx.db.write() as tx:
        requests.expire(tx, now=now)
        _remind(ctx, tx)
        _digest(ctx, tx)
        if _tidying(tx, now):
            requests.empty_decided(tx, before=now - ctx.settings.joining.keep_decided)
            throttles.forget(tx, before=now - COUNTED_FOR)
            meta.put(tx, TIDIED, now.isoformat())


def anything_due(ctx: Context, tx: Tx) -> bool:
    """Say whether `tidy` would find something to do; it only reads."""
    now = ctx.clock.now()
    ends = requests.first_expiry(tx)
    return bool(
        requests.any_turn(tx)
        or (ends is not None and ends <= now)
        or _tidying(tx, now)
        or requests.stale(tx, told_before=now - ctx.settings.joining.remind_after)
        or (_digest_due(ctx, tx) and _untold(ctx, tx))
    )


def _remind(ctx: Context, tx: Tx) -> None:
    """Remind the Secretary, in one mail, of all that waits, when one of them has waited long."""
    now = ctx.clock.now()
    late = requests.stale(tx, told_before=now - ctx.settings.joining.remind_after)
    if late and request_mail.list_waiting(ctx, tx, "reminder", late):
        requests.told(tx, [row.id for row in late], now=now)


def _digest(ctx: Context, tx: Tx) -> None:
    """Tell of what the Secretary has not heard: held requests, and all of them where a daily mail is wanted."""
    rows = _untold(ctx, tx) if _digest_due(ctx, tx) else []
    if rows and request_mail.list_waiting(ctx, tx, "digest", rows):
        requests.told(tx, [row.id for row in rows], now=ctx.clock.now())
        meta.put(tx, DIGEST, _today(ctx))


def _untold(ctx: Context, tx: Tx) -> list[RequestRow]:
    """Return what the next digest tells of.

    Where each request has a mail of its own, one that could not be written (there was no Secretary) is told here.
    """
    daily = ctx.settings.joining.tell is Telling.DAILY
    confirmed = requests.untold(tx, held=False)
    if not daily:
        confirmed = [row for row in confirmed if row.confirmed_at and ctx.clock.now() - row.confirmed_at > COUNTED_FOR]
    return [*confirmed, *requests.untold(tx, held=True)]


def _digest_due(ctx: Context, tx: Tx) -> bool:
    """Say whether today's digest is still to be written."""
    local = ctx.clock.now().astimezone(ctx.settings.zone)
    return local.time() >= DIGEST_AT and (meta.fact(tx, DIGEST) or "") < _today(ctx)


def _today(ctx: Context) -> str:
    return ctx.clock.now().astimezone(ctx.settings.zone).date().isoformat()


def _tidying(tx: Tx, now: datetime) -> bool:
    last = meta.fact(tx, TIDIED)
    return last is None or now - datetime.fromisoformat(last) > TIDY_EVERY
