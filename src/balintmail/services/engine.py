"""The loop that brings claimed rows to their dots: compose, begin, wait for the commit, release, record.

One event loop drives all connections by callbacks; the books (services/turns.py) are kept in a thread beside it, one
turn for everybody who waits at that moment. No dot leaves before the turn that marks its row at risk has been
committed and its line forced to disk; when that fails, the connection is dropped before its dot. It decides nothing
about people and reads no address. Called by services/dispatch.py; the seam to the relays is sending/transport.py.
"""

import asyncio
import contextlib
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import TypeVar

from sqlalchemy.exc import SQLAlchemyError

from balintmail.composing.refusals import ComposingError, ContentRefused
from balintmail.db.ledger import Claimed, Result
from balintmail.domain.outcome import Composed, Outcome, Stage, Verdict
from balintmail.domain.states import DeliveryState, MailingState, SkipReason
from balintmail.sending.dkim_canonical import Unsignable
from balintmail.sending.dkim_keys import KeyRefused
from balintmail.sending.transport import Lane, Transport, TransportDown
from balintmail.services.ahead import Ahead
from balintmail.services.claims import AWAY, Claims, said_by
from balintmail.services.connections import CROWDED_OUT, Connections
from balintmail.services.context import Context
from balintmail.services.governor import Governor
from balintmail.services.journal import JournalError
from balintmail.services.seats import Seats
from balintmail.services.tally import Ending, Tally
from balintmail.services.turns import Books, Exchanged, TakenForDead, Turn

T = TypeVar("T")
Compose = Callable[[Claimed], Composed]

PATIENCE = timedelta(seconds=50)  # how long a run waits in place for a limit; cron comes again every minute
QUICK = 0.005  # seconds of a turn after which the next takes half of those under way: the others work meanwhile
MANY = 8  # messages at their dots that are worth a turn of their own while others are still on their way
GLANCE = 0.4  # seconds between looks at the mailings' states when nothing else happens: a pause acts within a second
STOP_PATIENCE = 20.0  # seconds that open transactions get after a stop, before their connections are dropped
COMMIT_AGAIN_AFTER = (0.5, 1, 2, 4, 8, 16, 30)  # seconds; together about the patience of db/session.py's BUSY_SECONDS
GIVEN_BACK_AT_MOST = 3  # times that a connection may be lost under one person's message before it counts as theirs
BUGS_IN_A_ROW = 5  # letters that could not be made for a reason nobody foresaw; then it is our fault, not the data's
CLOCK_JUMP = timedelta(minutes=10)  # between the wall clock and the one that never goes back


class Engine:
    """One run of the loop. It is told of its connections' events as sending/transport.py's LaneEvents."""

    def __init__(
        self,
        ctx: Context,
        transport: Transport,
        books: Books,
        *,
        compose: Compose,
        governor: Governor,
        takes_long: Callable[[int], bool] = lambda mailing: False,
    ) -> None:
        self.tally = Tally()
        self.ending = Ending.DONE
        self.reason = ""  # why it stopped, in words for people
        self.down: TransportDown | None = None
        self.patience = PATIENCE
        self._ctx = ctx
        self._books = books
        self._governor = governor
        self._seats = Seats(ctx, books.worker)
        self._connections = Connections(transport, self, self._seats, down=self._transport_down)
        self._wake = self._connections.changed
        self._todo: deque[Claimed] = deque()  # claimed and ready to begin
        self._ahead = Ahead(compose, takes_long, self._todo, self._wake.set)
        self._claims = Claims(books, self._ahead, self._in_thread, ended=self._claimed)
        self._flying: dict[int, Claimed] = {}  # begun and not finished
        self._held: dict[int, Lane] = {}  # waiting for their dot
        self._following: dict[Lane, int] = {}  # begun behind the dot of another
        self._events = 0  # that the connections have told
        self._turn_took = 0.0
        self._answered: list[tuple[Claimed, Result]] = []  # to be recorded
        self._withdrawn: set[int] = set()  # their rows are settled; the connection's last word does not count
        self._lost: Counter[int] = Counter()
        self._bugs = 0
        self._stopping_since: float | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="ledger")
        self._drift = ctx.clock.now() - timedelta(seconds=ctx.clock.monotonic())

    # The story

    async def run(self, *, only: int | None = None, watch: Callable[[Tally], None] = lambda _: None) -> None:
        """Send what is queued, of one mailing or of all, until nothing is left that could be tried now."""
        try:
            while True:
                self._mind_the_clock()
                if not self._stopping:
                    in_hand = len(self._todo) + self._ahead.pending
                    self._claims.when_low(only, in_hand, self._connections.most)
                    await self._claims.notices()
                with contextlib.suppress(*AWAY):
                    await self._connections.settle(len(self._todo) + len(self._flying), self._in_thread)
                self._begin()
                if self._governor.hungry:
                    await self._get_permits()
                if self._governor.put_aside:
                    await self._put_aside()
                elif self._nothing_left() or self._waits_too_long():
                    break
                await self._something_happens()
                await self._commit_and_release()
                watch(self.tally)
        finally:
            self._ahead.close()
            await self._connections.close()
            with contextlib.suppress(SQLAlchemyError):
                await self._in_thread(self._seats.give_up)
                await self._in_thread(self._governor.close)
            with contextlib.suppress(SQLAlchemyError, JournalError):  # the next run puts right what stays claimed
                await self._in_thread(self._books.close)
            self._thread.shutdown()

    def stop(self, ending: Ending = Ending.STOPPED, reason: str = "") -> None:
        """Begin no further message; those begun are brought to their end. A second call drops the connections."""
        if self._stopping_since is not None:
            if ending is Ending.STOPPED:
                self._connections.abort()
            return
        self._stopping_since = asyncio.get_running_loop().time()
        self.ending, self.reason = ending, reason
        self._wake.set()

    @property
    def _stopping(self) -> bool:
        return self._stopping_since is not None

    def _nothing_left(self) -> bool:
        waiting = self._todo or self._ahead.pending
        under_way = self._flying or self._answered or self._claims.under_way
        return not (under_way or (waiting and not self._stopping))

    # Claiming and composing

    def _claimed(self, failed: Exception | None) -> None:
        if failed is not None:
            self.stop(Ending.FAILED, failed.words if isinstance(failed, Exchanged) else said_by(failed))
        self._wake.set()

    def _mind_the_clock(self) -> None:
        """Stop when the clock has jumped: what is due, and what is late, can no longer be told (standards 2.5)."""
        drift = self._ctx.clock.now() - timedelta(seconds=self._ctx.clock.monotonic()) - self._drift
        if abs(drift) > CLOCK_JUMP:
            self.stop(Ending.FAILED, "This machine's clock has jumped. Set it right, then run: balintmail dispatch")

    def _begin(self) -> None:
        """Give every idle connection a message, and open more connections while there is work for them."""
        self._connections.pass_over(self._governor.passed_over())
        for lane in list(self._connections.idle):
            if (message := self._next_message(lane)) is not None:
                self._connections.idle.remove(lane)
                lane.begin(message)
        if self._todo and not self._stopping and self._governor.anybody_open:
            self._connections.open_for(len(self._todo) + len(self._flying))

    async def _get_permits(self) -> None:
        """Take permits for the rows that wait for one, and begin those that got it."""
        for relay, rows in self._governor.wanted(self._todo):
            try:
                taken = await self._in_thread(partial(self._governor.take, relay, rows))
            except AWAY as exc:
                self.stop(Ending.FAILED, said_by(exc))
                return
            self._governor.receive(rows, taken)
        self._begin()

    async def _put_aside(self) -> None:
        """Give back rows that may not leave for a while, or not at all, so that others are claimed in their place."""
        aside, self._governor.put_aside = self._governor.put_aside, {}
        for row in (back := [row for row in self._todo if row.delivery in aside]):
            self._todo.remove(row)
        self._claims.ask_again()
        self._wake.set()
        with contextlib.suppress(*AWAY):  # the next turn meets the same, and the run's end gives back what is left
            await self._in_thread(partial(self._books.put_aside, {row.delivery: aside[row.delivery] for row in back}))

    def _waits_too_long(self) -> bool:
        """Stop when nothing is under way and what is left may not leave before our patience ends."""
        if self._stopping or self._flying or self._answered or self._claims.under_way:
            return False
        if self._connections.crowded_out_for(self.patience):
            self.stop(Ending.WAITING, CROWDED_OUT)
            return True
        until = self._governor.waits_until(self._todo)
        if until is None or until - self._ctx.clock.now() <= self.patience:
            return False
        self.stop(Ending.WAITING, self._governor.why(until))
        return True

    def _next_message(self, lane: Lane) -> Composed | None:
        """Return the next message for a lane; a row whose letter cannot be made fails alone."""
        if self._connections.done_with(lane):
            return None
        while not self._stopping and (row := self._governor.pick(lane.relay, self._todo)) is not None:
            if not row.envelope or not row.data:
                self._skip(row, SkipReason.ERASED, "")
                continue
            try:
                message = self._ahead.take(row)
            except ContentRefused as exc:
                self._skip(row, SkipReason.CONTENT, exc.reason)
            except Unsignable as exc:
                self._skip(row, SkipReason.CONTENT, exc.message)
            except (ComposingError, KeyRefused) as exc:  # about the whole letter, such as a key that is missing
                self._todo.appendleft(row)
                self.stop(Ending.FAILED, f"{exc.message} {exc.hint}".strip())
            except Exception as exc:  # the one broad catch: one person's odd data must not stop everybody's letter
                self._bugs += 1
                if self._bugs >= BUGS_IN_A_ROW:
                    self._todo.appendleft(row)
                    words = f"{BUGS_IN_A_ROW} letters in a row could not be composed ({type(exc).__name__})"
                    self.stop(Ending.FAILED, f"{words}; this is a fault of balintmail itself.")
                    return None
                self._skip(row, SkipReason.CONTENT, f"the letter could not be composed ({type(exc).__name__})")
            else:
                self._bugs = 0
                self._flying[row.delivery] = row
                return message
        return None

    def _skip(self, row: Claimed, reason: SkipReason, words: str) -> None:
        outcome = Outcome(Verdict.REFUSED, Stage.LOCAL, reply=words[:1000])
        self._note(row, Result(row.delivery, DeliveryState.SKIPPED, outcome, skip_reason=reason))

    # What the connections tell

    def held(self, lane: Lane, delivery: int) -> None:
        self._held[delivery] = lane
        self._events += 1
        self._wake.set()

    def finished(self, lane: Lane, delivery: int, outcome: Outcome) -> None:
        row = self._flying.pop(delivery)
        self._held.pop(delivery, None)
        self._events += 1
        behind = self._following.get(lane)
        if behind == delivery:
            del self._following[lane]
        self._governor.heard(lane.relay, row, outcome)
        if delivery in self._withdrawn:
            self._withdrawn.discard(delivery)
        elif _was_never_begun(outcome, behind=behind == delivery):
            self._todo.appendleft(row)  # the connection was of no use for it: nobody's fault
        else:
            self._note(row, self._result(row, outcome))
        if lane.closed:
            self._connections.forget(lane)
        elif behind is not None and behind != delivery:
            pass  # the lane goes on with it by itself
        elif (message := self._next_message(lane)) is not None:
            lane.begin(message)
        else:
            self._connections.idle.append(lane)
        self._wake.set()

    def lost(self, lane: Lane) -> None:
        self._connections.forget(lane)
        self._wake.set()

    def _transport_down(self, exc: TransportDown) -> None:
        self.down = exc
        self.stop(Ending.DOWN, f"{exc.message} {exc.hint}".strip())

    def _result(self, row: Claimed, outcome: Outcome) -> Result:
        """Return what an outcome makes of a row; a connection lost too often under one message is that message's."""
        if outcome.verdict is Verdict.NOT_SENT:
            self._lost[row.delivery] += 1
            if self._lost[row.delivery] < GIVEN_BACK_AT_MOST:
                return Result(row.delivery, DeliveryState.QUEUED, outcome)
        if outcome.verdict is Verdict.ACCEPTED:
            return Result(row.delivery, DeliveryState.ACCEPTED, outcome)
        return self._governor.judge(row, outcome, self._ctx.clock.now())

    def _note(self, row: Claimed, result: Result) -> None:
        self._answered.append((row, result))
        if result.state is not DeliveryState.QUEUED:
            self.tally.add(row.mailing, result.state)

    # The turns

    async def _something_happens(self) -> None:
        """Return when an event has come in, or after a glance's time."""
        if not self._answered and not self._held:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._governor.nap(GLANCE))
        self._wake.clear()
        events = -1
        while events != self._events and len(self._held) < max(MANY, len(self._flying) // 2):
            # Whoever else is ready shares this turn: until half of all wait, or nobody else has anything to tell.
            events = self._events
            await asyncio.sleep(0)
        if self._stopping_since is not None and self._flying:
            await self._mind_the_stop(self._stopping_since)

    async def _mind_the_stop(self, since: float) -> None:
        if asyncio.get_running_loop().time() - since > STOP_PATIENCE:
            self._connections.abort()
            await asyncio.sleep(0)

    async def _commit_and_release(self) -> None:
        """Take one turn for those who wait, then let the dots of those go who passed."""
        if self._governor.errands:
            with contextlib.suppress(SQLAlchemyError):  # what a turn then meets is told there
                await self._in_thread(self._governor.run_errands)
        answered, self._answered = self._answered, []
        most = (len(self._flying) + 1) // 2 if self._turn_took < QUICK else len(self._held)
        waiting = [self._flying[delivery] for delivery in islice(self._held, max(MANY, most))]
        began = self._ctx.clock.monotonic()
        try:
            turn = await self._in_thread(partial(self._books.turn, answered, waiting))
        except TakenForDead:
            self._withdraw(waiting)
            self._todo.clear()
            self.stop(Ending.FAILED, "This process gave no sign of life for a minute, and another has taken over.")
            await self._until_recorded(answered, waiting)  # a late 250 is proof for a row that became unknown
        except Exchanged as exc:
            self._withdraw(waiting)
            self.stop(Ending.FAILED, exc.words)
            await self._in_thread(self._books.keep_in_journal)  # `reconcile` finds the answers there
        except JournalError as exc:
            self._withdraw(waiting)
            self.stop(Ending.FAILED, f"{exc.message} {exc.hint}")
            await self._until_recorded(answered, waiting)
        except AWAY as exc:
            # Whether that commit succeeded is not known: no dot.
            self._withdraw(waiting)
            if not await self._until_recorded(answered, waiting):
                self.stop(Ending.FAILED, said_by(exc))
        else:
            self._turn_took = self._ctx.clock.monotonic() - began
            await self._let_go(turn, waiting)
            if len(turn.marked.passed) < len(waiting) or any(one.state is DeliveryState.QUEUED for _, one in answered):
                self._claims.ask_again()  # a claim that came before this turn did not find what it gave back

    async def _let_go(self, turn: Turn, waiting: Sequence[Claimed]) -> None:
        marked = turn.marked
        stopped = {mailing for mailing, state in turn.states.items() if state is not MailingState.SENDING}
        back = [row for row in self._todo if row.mailing in stopped] if stopped else []
        for row in back:  # before the dots: nothing of a mailing that was stopped begins behind them
            self._todo.remove(row)
        for delivery in marked.passed:
            # Missing when the connection went away meanwhile: then its message was never taken.
            if (lane := self._held.pop(delivery, None)) is not None:
                self._release(lane)
        turned_away = [row for row in waiting if row.delivery not in marked.passed]
        self._withdraw(turned_away)
        for row in turned_away:
            if row.delivery in marked.refused:
                self.tally.add(row.mailing, DeliveryState.SKIPPED)
        if back:
            await self._in_thread(partial(self._books.give_back, [row.delivery for row in back]))

    def _release(self, lane: Lane) -> None:
        """Let a dot go, and behind it in the same write what begins the next message (RFC 2920)."""
        following = self._next_message(lane) if lane.can_follow else None
        if following is not None:
            self._following[lane] = following.delivery
        lane.release(following)

    def _withdraw(self, rows: Sequence[Claimed]) -> None:
        """Drop the connections of messages that may not leave; their rows are settled by the books."""
        for row in rows:
            if (lane := self._held.pop(row.delivery, None)) is not None:
                self._withdrawn.add(row.delivery)
                lane.abort()

    async def _until_recorded(self, answered: Sequence[tuple[Claimed, Result]], undone: Sequence[Claimed]) -> bool:
        """Hold the answers in the journal and offer them to the database again and again; say whether it took them."""
        with contextlib.suppress(JournalError):
            await self._in_thread(self._books.keep_in_journal)
        for pause in COMMIT_AGAIN_AFTER:
            try:
                await self._in_thread(partial(self._books.put_right, answered, [row.delivery for row in undone]))
            except AWAY:
                await asyncio.sleep(pause)
            else:
                self._claims.ask_again()
                return True
        return False

    async def _in_thread(self, job: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, job)


def _was_never_begun(one: Outcome, *, behind: bool) -> bool:
    return one.verdict is Verdict.NOT_SENT and (one.stage is Stage.LOCAL or (behind and one.stage is Stage.MAIL))
