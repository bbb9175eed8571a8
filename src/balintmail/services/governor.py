"""Decide for the engine who may leave now, over which relay, and what an answer means for the pace and the mailing.

The engine asks it before each message and tells it each answer; it says nothing about people and touches no connection.
Where there is no limit, no hour to keep and no push from a relay, asking costs a look at one attribute. What it knows
beyond this run (usage, rests) is kept by services/permits.py and db/limits.py; the rules are sending/limits.py,
domain/pace.py, domain/judgement.py and domain/hours.py.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from balintmail.db import limits as counts
from balintmail.db.ledger import Claimed, Result
from balintmail.db.mailings import MailingRow
from balintmail.domain.blame import Blame, blame
from balintmail.domain.hours import hours_of
from balintmail.domain.judgement import words_of
from balintmail.domain.outcome import Outcome, Verdict
from balintmail.domain.pace import Push, push_of
from balintmail.domain.retry import LONGEST_WAIT, Attempts, Patience, decide
from balintmail.domain.states import DeliveryState, MailingKind
from balintmail.domain.times import clock_time, long_form
from balintmail.sending.limits import Terms
from balintmail.sending.transport import Transport
from balintmail.services import pausing, permits
from balintmail.services.context import Context
from balintmail.services.forecast import remember_rate
from balintmail.services.hearing import Hearing
from balintmail.services.pausing import LOGIN
from balintmail.services.permits import Permits
from balintmail.services.relay_in_run import RelayInRun, SentBy

LONG_WAIT = timedelta(seconds=5)  # a relay that is closed for longer is passed over for the next one
MOST_AT_ONCE = 200  # permits asked for in one transaction
FULL_PACE = 4  # connections of a relay that the settings do not know
KEEP_EVERY = 0.5  # seconds between two writings of what was heard; a process that dies forgets no more of it
_BOUND = frozenset({MailingKind.NEWSLETTER, MailingKind.JOURNAL})


def is_bound(mailing: MailingRow) -> bool:
    """Say whether hours, judgement and the report concern a mailing: newsletters, not what somebody waits for."""
    return mailing.kind in _BOUND and mailing.again_of is None


class Governor:
    """The rules of one run."""

    def __init__(
        self, ctx: Context, mailings: Mapping[int, MailingRow], transport: Transport, *, sent_by: SentBy = SentBy.CRON
    ) -> None:
        self.hungry: set[str] = set()  # relays whose next message waits for a permit
        self.errands: list[Callable[[], object]] = []  # to be run in the thread of the books
        self.paused: dict[int, str] = {}  # the mailings that were paused by judgement, with the reason
        self.put_aside: dict[int, datetime | None] = {}  # rows to be given back, some not to be claimed before a moment
        self._ctx = ctx
        self._mailings = mailings
        self._order = transport.relays
        self._refusals = transport.refusals
        self._relays: dict[str, RelayInRun] = {}
        self._flying: dict[int, tuple[str, float]] = {}
        self._hearing = Hearing(ctx)
        self._kept_at = -KEEP_EVERY
        self._written_down: set[int] = set()  # of the paused: those whose pause stands in the database
        self._deadlines: dict[int, datetime] = {}
        self._hours = hours_of(ctx.settings.send.hours, ctx.settings.send.weekdays, ctx.settings.zone)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers = 0
        self._first_at = 0.0
        self._last_at = 0.0
        self._free = self._hours.always
        self._load(sent_by)

    def _load(self, sent_by: SentBy) -> None:
        """Read the relays' rests, and where their windows are full."""
        terms, now = permits.terms_of(self._ctx.settings), self._ctx.clock.now()
        with self._ctx.db.read() as tx:
            known = counts.relays(tx)
        for name in self._order:
            setting = self._ctx.settings.relays.get(name)
            relay = RelayInRun(name, terms.get(name, Terms()), setting.max_connections if setting else FULL_PACE)
            if (row := known.get(name)) is not None:
                relay.recall(row, sent_by)
            if relay.terms.limited:
                self._free = False
                relay.blocked_until = permits.closed_until(self._ctx, name, relay.terms)
            if relay.closed_until(now) or relay.rests:
                self._free = False
            self._relays[name] = relay

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

    def _pick(self, relay: RelayInRun, todo: deque[Claimed]) -> Claimed | None:
        now, time = self._ctx.clock.now(), self._time()
        if relay.closed_until(now) or not relay.keeps_pace(time, self._busy):
            return None
        open_now = self._is_open(now)
        for place, row in enumerate(todo):
            if not self._may_leave(row, now, open_now=open_now) or (
                relay.terms.limited and not relay.spend(row.delivery, now)
            ):
                continue
            del todo[place]
            self._flying[row.delivery] = (relay.name, time)
            if relay.pace is not None:
                relay.next_at = time + relay.pace.gap
            return row
        if relay.terms.limited:
            self.hungry.add(relay.name)
        return None

    def _may_leave(self, row: Claimed, now: datetime, *, open_now: bool) -> bool:
        if row.mailing in self.paused:
            return False  # the next turn gives it back
        if row.mailing in self._deadlines and self._deadlines[row.mailing] <= now:
            self.put_aside[row.delivery] = None
            return False
        return open_now or not self._waits_for_hours(row)

    def _busy(self, relay: str) -> int:
        return sum(name == relay for name, _ in self._flying.values())

    def _waits_for_hours(self, row: Claimed) -> bool:
        mailing = self._mailings.get(row.mailing)
        return mailing is not None and is_bound(mailing)

    def _is_open(self, now: datetime) -> bool:
        return self._hours.always or self._hours.opens_at(now) <= now

    def _of(self, relay: str) -> RelayInRun:
        if relay not in self._relays:
            self._relays[relay] = RelayInRun(relay, Terms(), FULL_PACE)
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
        leaving = [
            row for row in todo if row.mailing not in self.paused and (open_now or not self._waits_for_hours(row))
        ]
        held = {delivery for relay in self._relays.values() for delivery in relay.permits}
        rows = [row for row in leaving if row.delivery not in held]
        able = [relay for name in self.hungry if not (relay := self._relays[name]).closed_until(now)]
        # Those in hand first: to get none would close the relay over them.
        asked = [(relay.name, rows) for relay in able if rows and not relay.can_serve(leaving, now)]
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
        for place, until in taken.full.items():
            self.put_aside[rows[place].delivery] = until
        if not taken.places and not taken.full:
            relay.blocked_until = taken.again_at

    # Waiting

    def passed_over(self) -> frozenset[str]:
        """Return the relays to which nothing may go for a while."""
        if self._free and not self._refusals:
            return frozenset()
        now = self._ctx.clock.now()
        for name, outcome in self._refusals.items():  # it is not asked again in this run; another one serves
            if self._of(name).turned_away(outcome, now):
                self._free = False
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
        now = self._ctx.clock.now()
        if mailing.id in self.paused and not self._goes_on(mailing.id):
            return False
        if mailing.deadline_at is not None:
            self._deadlines[mailing.id] = mailing.deadline_at
            self._free = False
            if mailing.deadline_at <= now:
                return False
        if self._free:
            return True
        return self.anybody_open and (self._is_open(now) or not is_bound(mailing))

    def _goes_on(self, mailing: int) -> bool:
        """Say whether somebody lets a mailing go on that was paused in this run; then it is heard anew."""
        if mailing not in self._written_down:
            return False
        self._written_down.discard(mailing)
        self._hearing.begin_anew(mailing)
        del self.paused[mailing]
        return True

    def why(self, until: datetime) -> str:
        """Return in words what is waited for."""
        now, when = self._ctx.clock.now(), self._spoken(until)
        closed = [relay for relay in self._relays.values() if relay.closed_until(now)]
        if not self._is_open(now) and self._hours.opens_at(now) >= until:
            return f"Newsletters leave only in their hours (docs/limits.md); it goes on at {when}."
        resting = next((relay for relay in closed if relay.resting_until == relay.closed_until(now)), None)
        if resting is not None:
            if resting.reason.startswith(LOGIN):
                mended = "or at once when you have mended that and send it or resume it"
                return f"{resting.name} is left in peace, for {resting.reason}. It goes on at {when}, {mended}."
            return f"{resting.name} asked us to wait ({resting.reason}); it goes on at {when}."
        names = " and ".join(relay.name for relay in closed)
        return f"The limit of {names} is used up; it goes on at {when}."

    @property
    def anybody_willing(self) -> bool:
        """Whether a relay is left that has not refused us in this run."""
        return not set(self._refusals).issuperset(self._order)

    def login_refused(self) -> str:
        """Return the words of the first relay when every one of them rests because it refused our login, else ""."""
        now = self._ctx.clock.now()
        relays = [self._relays[name] for name in self._order]
        refused = [one for one in relays if one.closed_until(now) and one.reason.startswith(LOGIN)]
        return f"{refused[0].reason} ({refused[0].name})" if refused and len(refused) == len(relays) else ""

    def why_parked(self, until: datetime) -> str:
        """Return in words that only people of domains with a limit of their own are left."""
        names = " and ".join(name for name, relay in self._relays.items() if relay.terms.per_domain)
        return f"The limit of {names} for one domain is used up; it goes on at {self._spoken(until)}."

    def _spoken(self, moment: datetime) -> str:
        now, zone = self._ctx.clock.now(), self._ctx.settings.zone
        today = moment.astimezone(zone).date() == now.astimezone(zone).date()
        return clock_time(moment, zone) if today else long_form(moment, zone)

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
        reason = self._hearing.hear(row.mailing, outcome)
        if reason:
            self._sentence(row.mailing, reason)
        if self._hearing.stirred and time - self._kept_at >= KEEP_EVERY:
            self._kept_at = time
            self.errands.append(lambda: self._hearing.keep(self._sentence))

    def _mind_the_pace(self, relay: RelayInRun, push: Push, outcome: Outcome, times: tuple[float, float]) -> None:
        if outcome.verdict is Verdict.ACCEPTED and relay.rests:
            relay.rests = 0
            self.errands.append(lambda: pausing.wake(self._ctx, relay.name))
        if relay.learn(push, outcome, times):
            self._free = False
        if relay.pace is not None and relay.pace.wants_rest:
            until = relay.rest(self._ctx.clock.now(), words_of(outcome))
            self._free = False
            self.errands.append(lambda: pausing.rest(self._ctx, relay.name, until, relay.reason))

    def judge(self, row: Claimed, outcome: Outcome, now: datetime) -> Result:
        """Return what the ledger writes for an outcome: final, doubtful, or again and when.

        A refusal for a rule is kept as deferred until everybody has been tried, when it is known whether it was meant
        for this person or for us (`settle_up`).
        """
        mailing = self._mailings.get(row.mailing)
        deadline = mailing.deadline_at if mailing is not None else None
        patience = Patience(self._ctx.settings.send.give_up_after, deadline)
        attempts = Attempts(row.delivery, row.attempts, row.first_tried_at or now)
        if outcome.verdict is Verdict.REFUSED and mailing is not None and is_bound(mailing):
            whose = blame(outcome)
            if whose in {Blame.POLICY, Blame.OURS} and (deadline is None or now < deadline):
                # Hours, so that nobody is asked again for a lasting no while the others are still to be tried.
                return Result(row.delivery, DeliveryState.DEFERRED, outcome, next_try_at=now + LONGEST_WAIT)
        decision = decide(outcome, attempts, patience, now=now)
        return Result(row.delivery, decision.state, outcome, next_try_at=decision.due_at)

    def _sentence(self, mailing: int, reason: str) -> None:
        if mailing in self.paused:
            return
        self.paused[mailing] = reason
        self._free = False
        self.errands.append(lambda: self._pause(mailing, reason))

    def _pause(self, mailing: int, reason: str) -> None:
        pausing.pause_for(self._ctx, mailing, reason)
        self._written_down.add(mailing)

    # The end of a run

    def run_errands(self) -> None:
        """Do what was decided and has to be written down; runs in the thread."""
        errands, self.errands = self.errands, []
        for errand in errands:
            errand()

    def settle_up(self) -> None:
        """Write down what was heard, and judge each mailing of which everybody was tried. Keep the rate.

        It is paused, or refusals for a rule are final.
        """
        if self._free:
            remember_rate(self._ctx, self._answers, self._last_at - self._first_at)
        self._hearing.keep(self._sentence)
        heard = self._hearing.mailings
        tried = [mailing for mailing in heard if not pausing.waits_for_a_first_answer(self._ctx, mailing)]
        for mailing in tried:
            if reason := self._hearing.at_the_end(mailing):
                self._sentence(mailing, reason)
        self.run_errands()
        pausing.refuse_for_a_rule(self._ctx, [mailing for mailing in tried if mailing not in self.paused])

    def close(self) -> None:
        """Give back the permits that were not used."""
        for relay in self._relays.values():
            unused = [what for what, _ in relay.permits.values()] + relay.stale
            relay.permits, relay.stale = {}, []
            permits.give_back(self._ctx, relay.name, unused)


def domain_of(row: Claimed) -> str:
    """Return the domain of a row's recipient."""
    return row.envelope.rpartition("@")[2].lower()
