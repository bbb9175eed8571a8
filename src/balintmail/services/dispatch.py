"""The story of a newsletter after its release, from the first claim to the last answer.

lock → may we send at all → put right what a crash left → start what is due → send → call finished what is finished.
The loop itself is services/engine.py, its transactions services/turns.py. What to send, and whether, was decided
before (services/release.py); this file never changes a letter and never adds a person. The promise it keeps: D1–D4,
standards 2.4 and 2.5.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy.exc import SQLAlchemyError

from balintmail.config import UnknownPolicy
from balintmail.db import ledger, mailings, meta, parking, receipts, verdicts, workers
from balintmail.db.workers import Recovered
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.domain.times import long_form
from balintmail.errors import BalintmailError
from balintmail.sending.transport import Transport
from balintmail.services import notice_mailings, pausing
from balintmail.services.context import Context
from balintmail.services.ends import after_a_run, enforce_deadlines, open_notices, release_notices, write_reports
from balintmail.services.engine import CLOCK_JUMP, PATIENCE, Compose, Engine
from balintmail.services.freeze import start_due
from balintmail.services.governor import Governor
from balintmail.services.journal import FOLDER, Journal, open_journal
from balintmail.services.letterpress import Letterpress
from balintmail.services.lock import dispatch_lock
from balintmail.services.reconcile import instance_id, require_permission, settle_by_journal
from balintmail.services.relay_in_run import SentBy
from balintmail.services.sandbox import redirecting
from balintmail.services.tally import Ending, Tally
from balintmail.services.turns import Books, Probe, no_probe

RESUME_PATIENCE = 10.0  # seconds that the sender of a paused mailing waits for somebody to resume it
LOOK_AGAIN = 0.4  # seconds
NOTICES_AFTER = 5.0  # seconds that a `send` mails its own readers alone; one that lasts keeps no confirmation waiting
LAST_RUN = "last_run_at"  # the fact that a clock set back is noticed by
RESENT_AT_MOST = 3  # attempts after which even the policy "resend" leaves an unknown row to the Secretary


class ClockBehind(BalintmailError):
    """The machine's clock stands before the time of the last run."""

    code = "clock"


@dataclass(frozen=True, slots=True)
class Orders:
    """What a run is asked: one mailing or all that are due, and who watches. The rest is for tests."""

    only: int | None = None
    retry: bool = False  # the deferred ones now, whatever their time
    patience: timedelta = PATIENCE  # how long it waits in place for a limit, a relay's rest or the hours
    watch: Callable[[Tally], None] = lambda _: None
    compose: Compose | None = None
    probe: Probe = no_probe


@dataclass(frozen=True, slots=True)
class Report:
    """What a run did, and why it stopped."""

    ending: Ending
    reason: str = ""
    started: tuple[int, ...] = ()
    finished: tuple[int, ...] = ()
    recovered: Recovered = field(default_factory=lambda: Recovered(0, 0))
    tally: Tally = field(default_factory=Tally)


def dispatch(ctx: Context, open_transport: Callable[[], Transport], orders: Orders) -> Report:
    """Send what is due until nothing is left that could be tried now.

    Raises SendingBlocked and JournalError when nothing may be sent at all; anything that happens later is in the
    report's ending. Returns at once, BUSY, when another process dispatches here.
    """
    with dispatch_lock(ctx) as lock:
        if orders.only is None:
            lock.beat(ctx.clock.now())
        alone = ctx.db.is_sqlite or orders.only is None  # on PostgreSQL a send works beside a dispatcher
        if alone and not lock.take():
            return Report(Ending.BUSY)
        require_permission(ctx)
        _mind_the_clock(ctx)
        if ctx.settings.send.dry:
            return Report(Ending.DONE, "[send] dry is set: nothing is sent.")
        if orders.only is None:
            from balintmail.services import errands  # noqa: PLC0415  (loads half the program; `send` needs none of it)

            errands.run(ctx)
            if not anything_due(ctx):
                return Report(Ending.DONE)
        journal = open_journal(ctx.folder / FOLDER, instance_id(ctx), now=ctx.clock.now())
        try:
            with asyncio.Runner(loop_factory=_loop_factory()) as runner, _swift_threads():
                report = runner.run(_dispatch(ctx, open_transport, orders, journal))
        finally:
            journal.close()
    if report.started:
        from balintmail.services import search_index  # noqa: PLC0415  (once a newsletter has gone)

        with contextlib.suppress(SQLAlchemyError):  # the errands of the next look bring it into step
            search_index.keep_in_step(ctx)
    return report


@contextlib.contextmanager
def _swift_threads() -> Iterator[None]:
    """Let the thread of the books have Python's lock within half a millisecond: every connection waits for it.

    Python's own five milliseconds are longer than a whole turn at the books.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is installed: it spends a third less of the processor on each message."""
    try:
        import uvloop  # noqa: PLC0415  (it may be missing, and only a run of the loop needs it)
    except ImportError:
        return None
    return uvloop.new_event_loop


def anything_due(ctx: Context) -> bool:
    """Say whether a run would find something to do; cron asks every minute, so it only reads."""
    with ctx.db.read() as tx:
        now = ctx.clock.now()
        sending = [row.id for row in mailings.in_state(tx, MailingState.SENDING)]
        resends = ctx.settings.send.unknown is UnknownPolicy.RESEND
        return bool(
            mailings.due(tx, now)
            or notice_mailings.anything_due(ctx, tx)
            or workers.anything_held(tx)
            or any(receipts.anything_to_do(tx, mailing, now=now) for mailing in sending)
            or any(
                verdicts.waits(tx, row.id)
                for row in mailings.in_state(tx, MailingState.CANCELLED)
                if not row.finished_at
            )
            or (resends and receipts.unknown(tx, sending, attempts_below=RESENT_AT_MOST))
        )


def _mind_the_clock(ctx: Context) -> None:
    """Refuse to work at a time before the last run: what is due cannot be told then (J1)."""
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        last = meta.fact(tx, LAST_RUN)
    if last is not None and datetime.fromisoformat(last) - now > CLOCK_JUMP:
        seen = long_form(datetime.fromisoformat(last), ctx.settings.zone)
        raise ClockBehind(
            f"This machine's clock says {long_form(now, ctx.settings.zone)}, but mail was last sent on {seen}.",
            hint="Set the clock right, then run: balintmail dispatch. Nobody has been mailed.",
        )


async def _dispatch(ctx: Context, open_transport: Callable[[], Transport], orders: Orders, journal: Journal) -> Report:
    worker = uuid4().hex
    recovered = _put_right(ctx, worker)
    if orders.only is None:
        notice_mailings.release_due(ctx)
    started = start_due(ctx, only=orders.only, probe=orders.probe)
    if orders.retry and orders.only is not None:
        with ctx.db.write() as tx:
            ledger.wake_deferred(tx, [orders.only], now=None)
            parking.release(tx, [orders.only])
    sending = _Sending(ctx, open_transport, orders, Books(ctx, worker, journal, probe=orders.probe))
    engine = await sending.until_done()
    finished = tuple(sending.finished)
    idle = not (started or finished or recovered.unknown or recovered.resent or sending.tally.by_mailing)
    ending = Ending.BUSY if idle and engine.ending is Ending.DONE and _others_send(ctx) else engine.ending
    return Report(ending, engine.reason, tuple(started), finished, recovered, sending.tally)


def _others_send(ctx: Context) -> bool:
    """Say whether another process has everything in hand that could be sent (PostgreSQL)."""
    with ctx.db.read() as tx:
        return workers.anything_held(tx)


class _Sending:
    """The runs of the engine that one dispatch needs."""

    def __init__(self, ctx: Context, open_transport: Callable[[], Transport], orders: Orders, books: Books) -> None:
        self.tally = Tally()
        self.finished: list[int] = []
        self._ctx = ctx
        self._open_transport = open_transport
        self._orders = orders
        self._books = books
        self._letters = Letterpress(ctx)
        self._compose = redirecting(orders.compose or self._letters.compose, books.mailings)

    def _takes_long(self, mailing: int) -> bool:
        return self._orders.compose is None and self._letters.takes_long(mailing)

    async def until_done(self) -> Engine:
        """Send what is due; return the last run of the engine, which says how it ended."""
        only = self._orders.only
        while True:
            enforce_deadlines(self._ctx)
            engine = await self._over_every_relay()
            if engine.ending is not Ending.FAILED:
                enforce_deadlines(self._ctx)
                ended = _call_finished(self._books)
                self.finished += ended
                if only is None and engine.ending in {Ending.DONE, Ending.PAUSED, Ending.WAITING}:
                    release_notices(self._ctx)
                    await self._send_notices(dict.fromkeys(open_notices(self._ctx)))
                # The reports leave with the next look, so that a run that ends a mailing mails its readers alone.
                write_reports(self._ctx, ended)
                release_notices(self._ctx)
            if engine.ending is not Ending.DONE or not _is_paused(self._ctx, only):
                return engine
            engine.ending, engine.reason = Ending.PAUSED, _why_paused(self._ctx, only)
            if not await _resumed(self._ctx, only):
                return engine

    async def _over_every_relay(self) -> Engine:
        """Run once for each relay that a list has named as its own."""
        last = None
        for relay in _own_relays(self._ctx, self._orders.only):
            engine = await self._run(self._orders.only, relay, self.tally)
            if last is None or engine.ending is not Ending.DONE:
                last = engine
            if engine.ending not in {Ending.DONE, Ending.WAITING, Ending.PAUSED}:
                break
        if last is None:
            raise RuntimeError("there is always a run")
        return last

    async def _send_notices(self, notices: Iterable[int]) -> None:
        """Send what was written for the Secretary; a `send` tells them itself and leaves it to the next dispatch."""
        for notice in notices:
            engine = await self._run(notice, "", Tally())
            if engine.ending is not Ending.DONE:
                return
            _call_finished(self._books)

    async def _run(self, only: int | None, relay: str, tally: Tally) -> Engine:
        ctx, books = self._ctx, self._books
        with ctx.db.write() as tx:
            workers.arrive(tx, books.worker, host=socket.gethostname(), pid=os.getpid(), now=ctx.clock.now())
        transport = self._open_transport()
        if relay:
            transport.prefer(relay)
        sent_by = SentBy.CRON if self._orders.only is None else SentBy.HAND
        governor = Governor(ctx, books.mailings, transport, sent_by=sent_by)
        books.fetch = (lambda: release_notices(ctx)) if only is None else None
        lasting = self._take_notices_along() if only is not None and tally is self.tally else None
        books.admits = lambda row: row.relay == relay and governor.admits(row) if only is None else governor.admits(row)
        engine = Engine(ctx, transport, books, compose=self._compose, governor=governor, takes_long=self._takes_long)
        engine.tally, engine.patience = tally, self._orders.patience
        watch = self._orders.watch if tally is self.tally else lambda _: None
        with _signals(engine):
            await engine.run(only=only, watch=watch)
        if lasting is not None:
            lasting.cancel()
        with contextlib.suppress(SQLAlchemyError):
            pausing.rest_after_login(ctx, transport.refusals)
        after_a_run(ctx, engine, governor, only)
        return engine

    def _take_notices_along(self) -> asyncio.TimerHandle | None:
        """Let a `send` that lasts send what others wait for, where it holds the only lock there is (SQLite)."""
        if not self._ctx.db.is_sqlite:
            return None

        def from_now_on() -> None:
            self._books.fetch = lambda: release_notices(self._ctx)

        return asyncio.get_running_loop().call_later(NOTICES_AFTER, from_now_on)


def _own_relays(ctx: Context, only: int | None) -> list[str]:
    """Return the relays that the lists of what is being sent have named, the order of the settings ("") first."""
    with ctx.db.read() as tx:
        rows = [row for row in mailings.in_state(tx, MailingState.SENDING) if only in (None, row.id)]
    return sorted({row.relay for row in rows}) or [""]


def _put_right(ctx: Context, worker: str) -> Recovered:
    """Settle what dead ones left: by the journal where it knows, else unknown, and by the policy."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        recovered = workers.recover(tx, worker, now=now)
        meta.put(tx, LAST_RUN, now.isoformat())
    if recovered.unknown:
        recovered = replace(recovered, unknown=max(0, recovered.unknown - settle_by_journal(ctx)))
    if ctx.settings.send.unknown is UnknownPolicy.RESEND:
        with ctx.db.write() as tx:
            sending = [row.id for row in mailings.in_state(tx, MailingState.SENDING)]
            doubtful = receipts.unknown(tx, sending, attempts_below=RESENT_AT_MOST)
            resent = ledger.settle(tx, doubtful, DeliveryState.QUEUED, now=now)
        recovered = replace(recovered, unknown=max(0, recovered.unknown - resent), resent=resent)
    return recovered


def _call_finished(books: Books) -> list[int]:
    with contextlib.suppress(SQLAlchemyError):  # the next run finds the same and says so
        return books.finish()
    return []


@contextlib.contextmanager
def _signals(engine: Engine) -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the open transactions and stop; a second one drops connections."""
    loop = asyncio.get_running_loop()
    before = {}
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        handler = signal.getsignal(number)
        if number == signal.SIGHUP and handler is signal.SIG_IGN:  # under nohup
            continue
        with contextlib.suppress(ValueError, RuntimeError):  # in a thread of a test there are no signals
            loop.add_signal_handler(number, engine.stop)
            before[number] = handler
    try:
        yield
    finally:
        for number, handler in before.items():
            loop.remove_signal_handler(number)
            signal.signal(number, handler)  # asyncio leaves the default behind, not what was there


def _is_paused(ctx: Context, only: int | None) -> bool:
    if only is None:
        return False
    with ctx.db.read() as tx:
        return mailings.states(tx, [only]).get(only) is MailingState.PAUSED


def _why_paused(ctx: Context, only: int | None) -> str:
    with ctx.db.read() as tx:
        row = mailings.by_id(tx, only or 0)
    return row.state_reason if row is not None else ""


async def _resumed(ctx: Context, only: int | None) -> bool:
    """Wait a little for somebody to resume a paused mailing; say whether they did."""
    ends_at = asyncio.get_running_loop().time() + RESUME_PATIENCE
    while asyncio.get_running_loop().time() < ends_at:
        await asyncio.sleep(LOOK_AGAIN)
        if not _is_paused(ctx, only):
            return True
    return False
