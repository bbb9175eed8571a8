"""One turn of the dispatch loop at the books: what came of the last messages, who may have the next dots.

A turn is one transaction and one forced line in the journal, for as many connections as wait. It runs in a thread
beside the event loop and touches no connection; services/engine.py calls it and lets the dots go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from balintmail.db import ledger, mailings, meta, parking, receipts, verdicts, workers
from balintmail.db.ledger import Claimed, Marked, Result
from balintmail.db.mailings import MailingRow
from balintmail.db.session import Tx
from balintmail.domain.states import MailingKind, MailingState
from balintmail.services.context import Context
from balintmail.services.journal import Entry, Journal

BATCH = 250  # rows claimed at once: a few milliseconds in which no turn is taken, and not much to give back
SIGN_OF_LIFE = 10.0  # seconds; a sixth of the lease in db/workers.py

Probe = Callable[[str], None]  # told the name of the point reached; tests stop the process there


def no_probe(point: str) -> None:
    """Do nothing; the default."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn said: who may be released, and how the mailings stand now."""

    marked: Marked
    states: dict[int, MailingState]


NOBODY = Marked(frozenset(), {}, frozenset(), frozenset())


class TakenForDead(Exception):
    """Another worker has taken this one's rows, because it gave no sign of life for a whole lease."""


class Exchanged(Exception):
    """Another file stands in the database's place; what would be written now is lost."""

    words = "The database file was exchanged while sending. To go on with the one there now: balintmail reconcile"


class Older(Exchanged):
    """The database has lost turns that it had confirmed, as a standby may that took over without the last of them."""

    words = "The database has lost what it had confirmed while sending. To go on with it: balintmail reconcile"


class Books:
    """The ledger and the journal as one worker uses them."""

    def __init__(self, ctx: Context, worker: str, journal: Journal, *, probe: Probe = no_probe) -> None:
        self.worker = worker
        self.mailings: dict[int, MailingRow] = {}
        self.fetch: Callable[[], None] | None = None  # makes mailings of the system mails that wait
        self.admits: Callable[[MailingRow], bool] = lambda _: True  # whether a mailing's rows are worth claiming now
        self._ctx = ctx
        self._journal = journal
        self._probe = probe
        self._seen_at = ctx.clock.monotonic()
        ctx.db.exchanged()  # from here on it is this file
        with ctx.db.read() as tx:
            journal.turn = int(meta.fact(tx, journal.key) or 0)

    def claim(self, only: int | None, limit: int = BATCH) -> list[Claimed]:
        """Take the next rows to try; deferred ones whose time has come are among them."""
        self._mind_the_file()
        now = self._ctx.clock.now()
        with self._ctx.db.write() as tx:
            asked = [row for row in mailings.in_state(tx, MailingState.SENDING) if only in (None, row.id)]
            sending = [row for row in asked if self.admits(row)]
            self.mailings |= {row.id: row for row in sending}
            ledger.wake_deferred(tx, [row.id for row in sending], now=now)
            taken: list[Claimed] = []
            for row in sending:
                if len(taken) < limit:
                    taken += ledger.claim(tx, row.id, self.worker, limit=limit - len(taken), now=now)
        if taken:
            self._probe("after claim")
        return taken

    def claim_notices(self) -> list[Claimed]:
        """Take what somebody waits for, such as a confirmation, that has come in since the run began."""
        if self.fetch is None:
            return []
        self._mind_the_file()
        self.fetch()
        now = self._ctx.clock.now()
        with self._ctx.db.read() as tx:
            sending = [row for row in mailings.in_state(tx, MailingState.SENDING) if row.is_aside and self.admits(row)]
            waiting = [row for row in sending if verdicts.queued(tx, row.id)]
        if not waiting:
            return []
        taken: list[Claimed] = []
        with self._ctx.db.write() as tx:
            self.mailings |= {row.id: row for row in waiting}
            for row in waiting:
                taken += ledger.claim(tx, row.id, self.worker, limit=BATCH, now=now)
        return taken

    def turn(self, answered: Sequence[tuple[Claimed, Result]], waiting: Sequence[Claimed]) -> Turn:
        """Record what was answered and mark at risk whoever waits at the dot; both or neither.

        Raises JournalError when the journal cannot be written (nobody who waits may be released then), Exchanged when
        the database is another or older than it was, and its own error when the commit failed or its result is unknown.
        """
        now = self._ctx.clock.now()
        if not answered and not waiting:
            return Turn(NOBODY, self._glance())
        if answered:
            self._probe("before (3)")
            self._journal.write([self._entry(row, result) for row, result in answered], now=now)
        self._mind_the_file()
        with self._ctx.db.write() as tx:
            ledger.record(tx, [result for _, result in answered], self.worker, now=now)
            if answered:
                self._probe("in (3)")
            if waiting:
                self._probe("before (2)")
            marked = self._mark(tx, waiting, now)
            states = mailings.states(tx, list(self.mailings))
            self._sign_of_life(tx)
        if not marked.passed:
            self._probe("after (3)")
        else:
            self._journal.turn += 1
            self._note_risk([row for row in waiting if row.delivery in marked.passed], now)
            self._probe("after (2)")
        return Turn(marked, states)

    def _mind_the_file(self) -> None:
        if self._ctx.db.exchanged():
            raise Exchanged

    def _glance(self) -> dict[int, MailingState]:
        """Look how the mailings stand, and give a sign of life when one is due."""
        if self._ctx.clock.monotonic() - self._seen_at >= SIGN_OF_LIFE:
            with self._ctx.db.write() as tx:
                self._sign_of_life(tx)
        with self._ctx.db.read() as tx:
            return mailings.states(tx, list(self.mailings))

    def _mark(self, tx: Tx, waiting: Sequence[Claimed], now: datetime) -> Marked:
        if not waiting:
            return NOBODY
        marked = ledger.mark_at_risk(tx, [row.delivery for row in waiting], self.worker, now=now)
        if marked.passed and not meta.count_on(tx, self._journal.key, self._journal.turn):
            raise Older
        return marked

    def _note_risk(self, rows: Sequence[Claimed], now: datetime) -> None:
        """Force the lines to disk; when that cannot be done, the rows go back, for no dot will leave."""
        try:
            self._journal.write([self._entry(row) for row in rows], now=now)
            self._journal.sync()
        except Exception:
            self.take_back([row.delivery for row in rows])
            raise

    def _sign_of_life(self, tx: Tx) -> None:
        if self._ctx.clock.monotonic() - self._seen_at < SIGN_OF_LIFE:
            return
        self._seen_at = self._ctx.clock.monotonic()
        if not workers.seen(tx, self.worker):
            raise TakenForDead

    def _entry(self, row: Claimed, result: Result | None = None) -> Entry:
        mailing = self.mailings[row.mailing]
        about = (row.mailing, mailing.list, mailing.number or "", row.person or 0, row.delivery)
        if result is None:
            return Entry(*about)
        return Entry(*about, result.state, result.outcome.code, result.outcome.stage.value)

    def keep_in_journal(self) -> None:
        """Force the answers that the database did not take to disk, so that they outlive this process."""
        self._journal.sync()

    def put_right(self, answered: Sequence[tuple[Claimed, Result]], undone: Sequence[int]) -> None:
        """Record answers that are in the journal already, and queue rows whose dot surely never left."""
        now = self._ctx.clock.now()
        with self._ctx.db.write() as tx:
            ledger.record(tx, [result for _, result in answered], self.worker, now=now)
            ledger.take_back(tx, self.worker, undone, now=now)

    def take_back(self, deliveries: Sequence[int]) -> None:
        """Queue rows whose dot surely never left, whether or not the commit before it succeeded."""
        with self._ctx.db.write() as tx:
            ledger.take_back(tx, self.worker, deliveries, now=self._ctx.clock.now())

    def give_back(self, deliveries: Sequence[int]) -> None:
        """Queue claimed rows that were not tried."""
        with self._ctx.db.write() as tx:
            ledger.give_back(tx, self.worker, deliveries, now=self._ctx.clock.now())

    def put_aside(self, until: Mapping[int, datetime | None]) -> None:
        """Queue claimed rows that were not tried; those with a moment are not claimed before it."""
        now = self._ctx.clock.now()
        with self._ctx.db.write() as tx:
            ledger.give_back(tx, self.worker, [row for row, then in until.items() if then is None], now=now)
            parked = {row: then for row, then in until.items() if then is not None}
            parking.park(tx, self.worker, parked, now=now)

    def finish(self) -> list[int]:
        """Call every mailing sent whose rows are all final (D2); return which."""
        now = self._ctx.clock.now()
        finished = []
        self._probe("before finishing")
        with self._ctx.db.write() as tx:
            for row in mailings.in_state(tx, MailingState.SENDING):
                if not receipts.anything_open(tx, row.id) and mailings.finish(tx, row.id, now=now):
                    finished.append(row.id)
                    _forget(tx, row)
            for row in mailings.in_state(tx, MailingState.CANCELLED):
                if row.finished_at is None:
                    ledger.cancel_open(tx, row.id, now=now)  # at risk when it was cancelled, and then not taken
                    if not receipts.anything_open(tx, row.id):
                        mailings.close_cancelled(tx, row.id, now=now)
                        _forget(tx, row)
            self._probe("at finishing")
        return finished

    def close(self) -> None:
        """Give back what is still claimed and strike this worker out."""
        if self._ctx.db.exchanged():
            self._journal.sync()
            return
        with self._ctx.db.write() as tx:
            ledger.give_all_back(tx, self.worker, now=self._ctx.clock.now())
            workers.leave(tx, self.worker)
        self._journal.sync()


def _forget(tx: Tx, row: MailingRow) -> None:
    """Forget what letters by name said to each: links that open doors, answers of an applicant (S45)."""
    if row.kind in {MailingKind.NOTICE, MailingKind.JOURNAL}:
        ledger.forget_data(tx, row.id)
