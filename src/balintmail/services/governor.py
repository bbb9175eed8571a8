"""Decide for the engine who may leave now, over which relay, and what an answer means for the pace and the mailing.

The engine asks it before each message and tells it each answer; it says nothing about people and touches no connection.
Where there is no limit, no hour to keep and no push from a relay, asking costs a look at one attribute. What it knows
beyond this run (usage, rests) is kept by services/permits.py and db/limits.py; the rules are sending/limits.py,
domain/pace.py, domain/judgement.py and domain/hours.py.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from balintmail.db import limits as counts
from balintmail.db.ledger import Claimed, Result
from balintmail.db.limits import Taken
from balintmail.db.mailings import MailingRow
from balintmail.domain.blame import Blame, blame
from balintmail.domain.hours import hours_of
from balintmail.domain.judgement import Record, words_of
from balintmail.domain.outcome import Outcome, Verdict
from balintmail.domain.pace import Pace, Push, after, push_of, rest_after
from balintmail.domain.retry import Attempts, Patience, decide
from balintmail.domain.states import MailingKind
from balintmail.domain.times import clock_time, long_form
from balintmail.sending.limits import Terms
from balintmail.services import pausing, permits
from balintmail.services.context import Context
from balintmail.services.forecast import remember_rate
from balintmail.services.permits import Permits

LONG_WAIT = timedelta(seconds=5)  # a relay that is closed for longer is passed over for the next one
MOST_AT_ONCE = 200  # permits asked for in one transaction
FULL_PACE = 4  # connections of a relay that the settings do not know
_BOUND = frozenset({MailingKind.NEWSLETTER, MailingKind.JOURNAL})


@dataclass
class _Relay:
    """One relay as this run sees it."""

    name: str
    terms: Terms
    most: int
    permits: dict[int, tuple[tuple[Taken, ...], datetime]] = field(default_factory=dict)
    stale: list[tuple[Taken, ...]] = field(default_factory=list)
    blocked_until: datetime | None = None
    resting_until: datetime | None = None
    rests: int = 0
    reason: str = ""
    pace: Pace | None = None  # None: as fast as it takes
    braked_at: float = 0.0
    next_at: float = 0.0

    def closed_until(self, now: datetime) -> datetime | None:
        """Return until when nothing may go to it, or None."""
        moments = [moment for moment in (self.blocked_until, self.resting_until) if moment is not None]
        latest = max(moments, default=now)
        return latest if latest > now else None


def is_bound(mailing: MailingRow) -> bool:
    """Say whether hours, judgement and the report concern a mailing: newsletters, not what somebody waits for."""
    return mailing.kind in _BOUND and mailing.again_of is None


class Governor:
    """The rules of one run."""

    def __init__(self, ctx: Context, mailings: Mapping[int, MailingRow], relays: Sequence[str]) -> None:
        self.hungry: set[str] = set()  # relays whose next message waits for a permit
        self.errands: list[Callable[[], object]] = []  # to be run in the thread of the books
        self.paused: dict[int, str] = {}  # the mailings that were paused by judgement, with the reason
        self._ctx = ctx
        self._mailings = mailings
        self._order = tuple(relays)
        self._relays: dict[str, _Relay] = {}
        self._flying: dict[int, tuple[str, float]] = {}
        self._records: dict[int, Record] = {}
        self._provisional: dict[int, list[int]] = {}
        self._hours = hours_of(ctx.settings.send.hours, ctx.settings.send.weekdays, ctx.settings.zone)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers = 0
        self._first_at = 0.0
        self._last_at = 0.0
        self._free = self._hours.always
        self._load()

    def _load(self) -> None:
        """Read the relays' rests, and where their windows are full."""
        terms, now = permits.terms_of(self._ctx.settings), self._ctx.clock.now()
        with self._ctx.db.read() as tx:
            known = counts.relays(tx)
        for name in self._order:
            setting = self._ctx.settings.relays.get(name)
            relay = _Relay(name, terms.get(name, Terms()), setting.max_connections if setting else FULL_PACE)
            if (row := known.get(name)) is not None:
                relay.resting_until, relay.rests, relay.reason = row.resting_until, row.rests, row.reason
            if relay.terms.limited:
                self._restrict()
                relay.blocked_until = permits.closed_until(self._ctx, name, relay.terms)
            if relay.closed_until(now) or relay.rests:
                self._restrict()
            self._relays[name] = relay

    def _restrict(self) -> None:
        self._free = False

    # What the engine asks

    def pick(self, relay: str, todo: deque[Claimed]) -> Claimed | None:
        """Take the next row that may go to `relay` now out of `todo`, or return None."""
        if not todo:
            return None
        if self._free:
            row = todo.popleft()
            self._flying[row.delivery] = (relay, self._time())
            return row
        return self._pick(self._of(relay), todo)

    def _pick(self, relay: _Relay, todo: deque[Claimed]) -> Claimed | None:
        now, time = self._ctx.clock.now(), self._time()
        if relay.closed_until(now) or not self._keeps_pace(relay, time):
            return None
        open_now = self._is_open(now)
        for place, row in enumerate(todo):
            if row.mailing in self.paused:
                continue  # the next turn gives it back
            if not open_now and self._waits_for_hours(row):
                continue
            if relay.terms.limited:
                permit = relay.permits.get(row.delivery)
                if permit is None:
                    continue
                del relay.permits[row.delivery]
                if permit[1] < now:
                    relay.stale.append(permit[0])
                    continue
            del todo[place]
            self._flying[row.delivery] = (relay.name, time)
            if relay.pace is not None:
                relay.next_at = time + relay.pace.gap
            return row
        if relay.terms.limited:
            self.hungry.add(relay.name)
        return None

    def _keeps_pace(self, relay: _Relay, time: float) -> bool:
        if relay.pace is None:
            return True
        busy = sum(name == relay.name for name, _ in self._flying.values())
        return busy < int(relay.pace.lanes) and time >= relay.next_at

    def _waits_for_hours(self, row: Claimed) -> bool:
        mailing = self._mailings.get(row.mailing)
        return mailing is not None and is_bound(mailing)

    def _is_open(self, now: datetime) -> bool:
        return self._hours.always or self._hours.opens_at(now) <= now

    def _of(self, relay: str) -> _Relay:
        if relay not in self._relays:
            self._relays[relay] = _Relay(relay, Terms(), FULL_PACE)
        return self._relays[relay]

    def _time(self) -> float:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        return self._loop.time()

    # Permits, in the thread of the books

    def wanted(self, todo: Sequence[Claimed]) -> list[tuple[str, list[Claimed]]]:
        """Return for each hungry relay the rows that want a permit for it."""
        now = self._ctx.clock.now()
        open_now = self._is_open(now)
        held = {delivery for relay in self._relays.values() for delivery in relay.permits}
        rows = [
            row
            for row in todo
            if row.delivery not in held
            and row.mailing not in self.paused
            and (open_now or not self._waits_for_hours(row))
        ]
        asked = [(name, rows) for name in self.hungry if rows and not self._relays[name].closed_until(now)]
        self.hungry.clear()
        return asked

    def take(self, relay: str, rows: Sequence[Claimed]) -> Permits:
        """Give back what has gone stale and take permits for `rows`; runs in the thread."""
        held = self._relays[relay]
        stale, held.stale = held.stale, []
        permits.give_back(self._ctx, relay, stale)
        most = min(MOST_AT_ONCE, 2 * held.most)
        return permits.take(self._ctx, relay, held.terms, [domain_of(row) for row in rows], most=most)

    def receive(self, rows: Sequence[Claimed], taken: Permits) -> None:
        """Keep the permits for those rows that got one."""
        relay = self._relays[taken.relay]
        for place, what in zip(taken.places, taken.taken, strict=True):
            relay.permits[rows[place].delivery] = (what, taken.until)
        if not taken.places:
            relay.blocked_until = taken.again_at

    # Waiting

    def passed_over(self) -> frozenset[str]:
        """Return the relays to which nothing may go for a while."""
        if self._free:
            return frozenset()
        now = self._ctx.clock.now()
        closed = ((name, relay.closed_until(now)) for name, relay in self._relays.items())
        return frozenset(name for name, until in closed if until is not None and until - now > LONG_WAIT)

    @property
    def anybody_open(self) -> bool:
        """Whether there is a relay worth a connection."""
        return self._free or not self.passed_over().issuperset(self._order)

    def nap(self, longest: float) -> float:
        """Return how many seconds the engine may sleep when nothing else happens."""
        if self._free:
            return longest
        now, time = self._ctx.clock.now(), self._time()
        naps = [longest]
        for relay in self._relays.values():
            if (until := relay.closed_until(now)) is not None:
                naps.append((until - now).total_seconds())
            if relay.next_at > time:
                naps.append(relay.next_at - time)
        return max(0.005, min(naps))

    def waits_until(self, todo: Sequence[Claimed]) -> datetime | None:
        """Return when any row of `todo` may leave; None when one may now."""
        if self._free or any(row.mailing in self.paused for row in todo) or not todo:
            return None
        now = self._ctx.clock.now()
        moments = [self._relays[name].closed_until(now) for name in self._order]
        relays = None if None in moments else min(moment for moment in moments if moment is not None)
        if self._is_open(now) or not all(self._waits_for_hours(row) for row in todo):
            return relays
        return max(self._hours.opens_at(now), relays or now)

    def admits(self, mailing: MailingRow) -> bool:
        """Say whether rows of a mailing are worth claiming now; in a sandbox only what was released in it."""
        if self._ctx.settings.send.redirect_all_to and not mailing.redirected_to:
            return False
        if self._free:
            return True
        now = self._ctx.clock.now()
        return self.anybody_open and (self._is_open(now) or not is_bound(mailing))

    def why(self, until: datetime) -> str:
        """Return in words what is waited for."""
        now, zone = self._ctx.clock.now(), self._ctx.settings.zone
        today = until.astimezone(zone).date() == now.astimezone(zone).date()
        when = clock_time(until, zone) if today else long_form(until, zone)
        closed = [relay for relay in self._relays.values() if relay.closed_until(now)]
        if not self._is_open(now) and self._hours.opens_at(now) >= until:
            return f"Newsletters leave only in their hours (docs/limits.md); it goes on at {when}."
        resting = next((relay for relay in closed if relay.resting_until == relay.closed_until(now)), None)
        if resting is not None:
            return f"{resting.name} asked us to wait ({resting.reason}); it goes on at {when}."
        names = " and ".join(relay.name for relay in closed)
        return f"The limit of {names} is used up; it goes on at {when}."

    def first_opening(self) -> datetime | None:
        """Return when a relay opens again and newsletters may leave, or None when both is so now."""
        now = self._ctx.clock.now()
        moments = [self._relays[name].closed_until(now) for name in self._order]
        relays = None if not moments or None in moments else min(moment for moment in moments if moment is not None)
        opening = self._hours.opens_at(now)
        latest = max(opening, relays or now)
        return latest if latest > now else None

    # Answers

    def heard(self, relay: str, row: Claimed, outcome: Outcome) -> None:
        """Learn from one answer: the pace of its relay, and whether its mailing should go on."""
        _, began = self._flying.pop(row.delivery, (relay, 0.0))
        if outcome.verdict is Verdict.NOT_SENT:
            return
        time = self._last_at = self._time()
        self._answers += 1
        self._first_at = self._first_at or began
        push = push_of(outcome, time - began if began else 0.0)
        held = self._relays.get(relay)
        if push is not Push.NONE or (held is not None and (held.pace is not None or held.rests)):
            self._mind_the_pace(self._of(relay), push, outcome, (began, time))
        mailing = self._mailings.get(row.mailing)
        if mailing is None or not is_bound(mailing):
            return
        record = self._records.get(row.mailing)
        if record is None:
            record = self._records[row.mailing] = Record(self._ctx.settings.send.most_refused)
        reason = record.hear(outcome)
        if reason and row.mailing not in self.paused:
            self._sentence(row.mailing, reason)

    def _mind_the_pace(self, relay: _Relay, push: Push, outcome: Outcome, times: tuple[float, float]) -> None:
        began, time = times
        taken = outcome.verdict is Verdict.ACCEPTED
        if taken and relay.rests:
            relay.rests = 0
            self.errands.append(lambda: pausing.wake(self._ctx, relay.name))
        pace = relay.pace or Pace(float(relay.most))
        new = after(pace, push, relay.most, taken=taken, fresh=began >= relay.braked_at)
        if (new.lanes, new.gap) < (pace.lanes, -pace.gap) or new.gap > pace.gap:
            relay.braked_at = time
            self._restrict()
        full = new.lanes >= relay.most and not new.gap and not new.pushes
        relay.pace = None if full else new
        relay.next_at = min(relay.next_at, time + new.gap) if relay.next_at else 0.0
        if new.wants_rest:
            self._send_to_rest(relay, outcome)

    def _send_to_rest(self, relay: _Relay, outcome: Outcome) -> None:
        until = self._ctx.clock.now() + rest_after(relay.rests)
        relay.rests += 1
        relay.resting_until, relay.reason = until, words_of(outcome)
        relay.pace = Pace(1.0)
        self._restrict()
        self.errands.append(lambda: pausing.rest(self._ctx, relay.name, until, relay.reason))

    def judge(self, row: Claimed, outcome: Outcome, now: datetime) -> Result:
        """Return what the ledger writes for an outcome: final, doubtful, or again and when.

        A refusal for a rule is kept as deferred until the run's end, when it is known whether it was meant for this
        person or for us (`settle_up`).
        """
        mailing = self._mailings.get(row.mailing)
        deadline = mailing.deadline_at if mailing is not None else None
        patience = Patience(self._ctx.settings.send.give_up_after, deadline)
        attempts = Attempts(row.delivery, row.attempts, row.first_tried_at or now)
        judged = outcome
        if outcome.verdict is Verdict.REFUSED and mailing is not None and is_bound(mailing):
            whose = blame(outcome)
            if whose in {Blame.POLICY, Blame.OURS}:
                judged = Outcome(Verdict.DEFERRED, outcome.stage)
                if whose is Blame.POLICY:
                    self._provisional.setdefault(row.mailing, []).append(row.delivery)
        decision = decide(judged, attempts, patience, now=now)
        return Result(row.delivery, decision.state, outcome, next_try_at=decision.due_at)

    def _sentence(self, mailing: int, reason: str) -> None:
        self.paused[mailing] = reason
        self._restrict()
        self.errands.append(lambda: pausing.pause_for(self._ctx, mailing, reason))

    # The end of a run

    def run_errands(self) -> None:
        """Do what was decided and has to be written down; runs in the thread."""
        errands, self.errands = self.errands, []
        for errand in errands:
            errand()

    def settle_up(self) -> None:
        """Judge each mailing by its whole run: pause it, or let refusals for a rule be final. Keep the rate."""
        if self._free:
            remember_rate(self._ctx, self._answers, self._last_at - self._first_at)
        for mailing, record in self._records.items():
            if mailing not in self.paused and (reason := record.at_the_end()):
                self._sentence(mailing, reason)
        self.run_errands()
        for mailing, deliveries in self._provisional.items():
            if mailing not in self.paused:
                pausing.refuse(self._ctx, deliveries)

    def close(self) -> None:
        """Give back the permits that were not used."""
        for relay in self._relays.values():
            unused = [what for what, _ in relay.permits.values()] + relay.stale
            relay.permits, relay.stale = {}, []
            permits.give_back(self._ctx, relay.name, unused)


def domain_of(row: Claimed) -> str:
    """Return the domain of a row's recipient."""
    return row.envelope.rpartition("@")[2].lower()
