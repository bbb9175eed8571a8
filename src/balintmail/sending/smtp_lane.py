"""One SMTP connection as a state machine on callbacks: MAIL, RCPT, DATA, body, the dot held back, the answer.

It never connects, encrypts or authenticates (connect.py does), never retries, and never sends a dot that it was not
told to send. One recipient a transaction (S37). Sources: RFC 5321 sections 3.3, 4.1.4, 4.5.3.2; RFC 2920 (pipelining).
The bytes and the time are line.py's, what a connection may carry capacity.py's; what a reply means stands in
outcomes.py, the rules towards dispatch in transport.py.

    IDLE → [RESET] → MAIL → RCPT → DATA → BODY → HELD → DOT → IDLE        QUIT and ENDED from anywhere
"""

from enum import Enum, auto

from balintmail.domain.outcome import Composed, Outcome, Stage, Verdict
from balintmail.domain.replies import Reply
from balintmail.sending import commands, outcomes
from balintmail.sending.capacity import Capacity, LaneTerms
from balintmail.sending.commands import Offer
from balintmail.sending.line import Line
from balintmail.sending.patience import TimeLimits
from balintmail.sending.transport import LaneEvents
from balintmail.sending.wire import DOT, body_of


class _Step(Enum):
    # There is one of each, so identity serves; Enum's own hash costs a call for each of the dozen look-ups a message.
    __hash__ = object.__hash__

    IDLE = auto()
    LOCAL = auto()  # refused by ourselves; the event is on its way
    RESET = auto()
    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    BODY = auto()  # the kernel has not taken all of the body yet
    HELD = auto()
    DOT = auto()
    QUIT = auto()
    ENDED = auto()


_STAGES = {
    _Step.LOCAL: Stage.LOCAL,
    _Step.RESET: Stage.MAIL,
    _Step.MAIL: Stage.MAIL,
    _Step.RCPT: Stage.RCPT,
    _Step.DATA: Stage.DATA,
    _Step.BODY: Stage.BODY,
    _Step.HELD: Stage.BODY,
    _Step.DOT: Stage.DOT,
}
_GO_ON = {_Step.MAIL: 2, _Step.RCPT: 2, _Step.DATA: 3}  # the first digit that lets a transaction go on
_NEXT = {_Step.RESET: _Step.MAIL, _Step.MAIL: _Step.RCPT, _Step.RCPT: _Step.DATA}
_SAY = {_Step.RESET: commands.reset, _Step.MAIL: commands.mail, _Step.RCPT: commands.rcpt, _Step.DATA: commands.data}


class SmtpLane(Line):
    """A lane (transport.py) over a connection that `connect` has made ready."""

    def __init__(self, terms: LaneTerms, offer: Offer, events: LaneEvents) -> None:
        super().__init__()
        self.relay = terms.relay
        self.capacity = Capacity(terms, offer)
        self._limits = terms.limits
        self._seconds = _seconds_for(terms.limits)
        self._events = events
        self._step = _Step.IDLE
        self._current: Composed | None = None
        self._following: Composed | None = None
        self._failure: Outcome | None = None  # what answered MAIL or RCPT with a no, while pipelined replies come in
        self._pipelined = False  # RCPT and DATA of the current message have left already
        self._needs_reset = False
        self.closed = False

    # What dispatch calls

    @property
    def can_follow(self) -> bool:
        return not self.closed and not self.capacity.used_up

    def begin(self, message: Composed) -> None:
        if self.closed or self._step is not _Step.IDLE:
            raise RuntimeError(f"this lane is not ready for a message: {self._step.name.lower()}")
        self._start(message)

    def release(self, following: Composed | None = None) -> None:
        if self._step is not _Step.HELD:
            if following is not None:
                withdrawn = outcomes.withdrawn(Stage.MAIL, self.relay)
                self._loop.call_soon(self._events.finished, self, following.delivery, withdrawn)
            return
        transport = self._wire
        if self._reader.midway or transport.is_closing():
            # Something came, or went, before the dot: it stays here, and the message was surely not taken.
            self._following = following
            self._drop_soon(outcomes.lost(Stage.BODY, "the connection ended before the dot", self.relay))
            return
        self._following = following
        self._step = _Step.DOT
        self._deadline.within(self._limits.dot)
        if following is not None and self.capacity.takes_behind(following):
            self._pipelined = True
            self.capacity.served += 1
            transport.write(DOT + commands.whole(following, self.capacity.offer))
        else:
            self._pipelined = False
            transport.write(DOT)

    def abort(self) -> None:
        if self._step is _Step.ENDED:
            return
        self._drop_soon(self._failure or outcomes.withdrawn(self._stage, self.relay))

    async def close(self) -> None:
        if self._step is _Step.IDLE:
            self._quit()
        elif self._step not in {_Step.QUIT, _Step.ENDED}:
            self.abort()
        await self.ended()

    # The dialogue

    def _start(self, message: Composed) -> None:
        self._current = message
        self._failure = None
        if (misfit := self.capacity.misfit(message)) is not None:
            self._step = _Step.LOCAL
            self._loop.call_soon(self._refuse_locally, misfit)
            return
        offer = self.capacity.offer
        self.capacity.served += 1
        self._pipelined = offer.pipelining
        if self._pipelined:
            afresh = commands.reset(message, offer) if self._needs_reset else b""
            self._wire.write(afresh + commands.whole(message, offer))
        self._ask(_Step.RESET if self._needs_reset else _Step.MAIL)

    def _ask(self, step: _Step) -> None:
        """Await the answer to a command, and say it unless it has left in a group."""
        self._step = step
        self._deadline.within(self._seconds[step])
        if not self._pipelined:
            self._wire.write(_SAY[step](self._message, self.capacity.offer))

    def _take(self, reply: Reply) -> None:
        step = self._step
        if self._more_behind and not self._pipelined and step in _SAY and not self._is_last_word(reply):
            self._break("the relay answered before it was asked")  # I10
        elif step is _Step.DOT:
            self._answer_to_dot(reply)
        elif step in _GO_ON:
            self._answer_to_command(step, reply)
        elif step is _Step.RESET:
            self._answer_to_reset(reply)
        elif step is _Step.QUIT:
            self._end()
        elif step in {_Step.BODY, _Step.HELD}:
            # An answer before the question: whatever it says, the dot has not left and will not (I10).
            self._drop(outcomes.answered(Stage.BODY, reply, self.relay))
        else:
            self._break(f"the relay spoke unasked: {reply.code} {reply.text}")

    def _is_last_word(self, reply: Reply) -> bool:
        return reply.kind in {4, 5} and self._ends_with(outcomes.SERVICE_ENDS)  # as Postfix at its hard error limit

    def _answer_to_reset(self, reply: Reply) -> None:
        if reply.code == outcomes.SERVICE_ENDS:  # said before the relay heard of the next person
            self._drop(self.capacity.refusal(Stage.MAIL, reply, is_first=False))
            return
        if reply.kind != 2:
            self._break(f"the relay would not start afresh: {reply.code} {reply.text}")
            return
        self._needs_reset = False
        self._ask(_Step.MAIL)

    def _answer_to_command(self, step: _Step, reply: Reply) -> None:
        outcome = None
        if reply.kind != _GO_ON[step]:
            outcome = self.capacity.refusal(self._stage, reply, is_first=self._failure is None)
        if outcome is not None:
            first = self._failure is None
            self._failure = self._failure or outcome
            self._needs_reset = self._needs_reset or step is not _Step.MAIL
            # Out of step, or told to go. A 503 behind an earlier no is that no's echo and says nothing new (I9).
            ends = reply.code == outcomes.SERVICE_ENDS or (first and self.capacity.ended_by(self._stage, reply))
            if ends or reply.kind in {2, 3}:
                self._drop(self._failure)
                return
        if step is not _Step.DATA and (self._failure is None or self._pipelined):
            self._ask(_NEXT[step])
        elif self._failure is None:
            self._write_body()
        elif outcome is None:
            # RCPT was refused and DATA got its 354. A lone dot could reach somebody if the replies are out of step,
            # so the connection ends here instead (RFC 2920 section 3.1 leaves the choice).
            self._drop(self._failure)
        else:
            self._finish(self._failure)

    def _write_body(self) -> None:
        if self._more_behind:
            self._break("the relay spoke before the dot")
            return
        self._step = _Step.BODY
        if self._write_slowly(body_of(self._message), self._limits.block):
            self._drained()

    def _drained(self) -> None:
        self._step = _Step.HELD
        self._deadline.lift()  # the relay's own patience is the limit now
        self._events.held(self, self._message.delivery)

    def _answer_to_dot(self, reply: Reply) -> None:
        outcome = outcomes.answered(Stage.DOT, reply, self.relay)
        if outcomes.ends_connection(reply.code) or outcome.verdict is Verdict.UNKNOWN:
            self._drop(outcome)
            return
        following, self._following = self._following, None
        if following is not None and self._pipelined:
            finished = self._message
            self._current = following
            self._failure = None
            self._ask(_Step.MAIL)
            self._events.finished(self, finished.delivery, outcome)
            return
        # RFC 5321 section 4.1.1.4 ends the transaction here, taken or not; Postfix's end-of-data restrictions do not.
        self._needs_reset = outcome.verdict is not Verdict.ACCEPTED
        self._finish(outcome, following)

    # Endings

    def _finish(self, outcome: Outcome, following: Composed | None = None) -> None:
        """End the current transaction; the connection lives on if its relay allows."""
        message = self._message
        self._current = None
        self._failure = None
        self._step = _Step.IDLE
        self._deadline.lift()
        if self._more_behind:
            self._following = following
            self._current = message
            self._drop(outcome)  # an extra reply: nothing after it could be trusted (I11)
            return
        if self.capacity.used_up:
            self._quit()
        elif following is not None:
            self._step = _Step.LOCAL  # busy: the handler must not begin another
        self._events.finished(self, message.delivery, outcome)
        if following is None:
            return
        if self.closed:
            self._events.finished(self, following.delivery, outcomes.withdrawn(Stage.MAIL, self.relay))
        else:
            self._start(following)

    def _refuse_locally(self, outcome: Outcome) -> None:
        if self._step is _Step.LOCAL:
            self._finish(outcome)

    def _break(self, why: str) -> None:
        self._drop(self._failure or outcomes.disturbed(self._stage, why, self.relay))

    def _lose(self, why: str) -> None:
        self._drop(self._failure or outcomes.lost(self._stage, why, self.relay))

    def _drop(self, outcome: Outcome) -> None:
        """End the connection now and tell what became of the messages on it."""
        quitting = self._step is _Step.QUIT
        told = self._ending(outcome)
        for message, ended in told:
            self._events.finished(self, message.delivery, ended)
        if not told and not quitting:
            self._events.lost(self)

    def _drop_soon(self, outcome: Outcome) -> None:
        """The same for callers who must not be called back from inside."""
        for message, ended in self._ending(outcome):
            self._loop.call_soon(self._events.finished, self, message.delivery, ended)

    def _ending(self, outcome: Outcome) -> list[tuple[Composed, Outcome]]:
        """End the connection and return what became of the message in hand and of the one behind it."""
        ends = ((self._current, outcome), (self._following, outcomes.withdrawn(Stage.MAIL, self.relay)))
        self._end()
        return [(message, ended) for message, ended in ends if message is not None]

    def _end(self) -> None:
        self.closed = True
        self._step = _Step.ENDED
        self._current = self._following = None
        self._hang_up()

    def _quit(self) -> None:
        self.closed = True
        self._step = _Step.QUIT
        self._deadline.within(self._limits.quit)
        self._wire.write(commands.QUIT)

    @property
    def _stage(self) -> Stage:
        return _STAGES.get(self._step, Stage.MAIL)

    @property
    def _message(self) -> Composed:
        if self._current is None:
            raise RuntimeError("the lane carries no message")
        return self._current


def _seconds_for(limits: TimeLimits) -> dict[_Step, float]:
    return {
        _Step.RESET: limits.reset,
        _Step.MAIL: limits.mail,
        _Step.RCPT: limits.rcpt,
        _Step.DATA: limits.data,
    }
