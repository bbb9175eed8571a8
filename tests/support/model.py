"""What the ledger must say, worked out anew from what the relay saw and what the Secretary and the readers did.

Written apart from the engine and as plainly as can be: one object for each person, a few rules. It knows no SQL and
imports nothing that decides in balintmail. Where a kill or a no in the midst leaves more than one right answer, it says
which ones are right, and takes over the one that came.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.support.scripted import Act, Attempt, End, ScriptedRelay

GIVES_UP = timedelta(days=4)
LONGEST_WAIT = timedelta(hours=8)  # six hours, and a third more
SHORTEST_WAIT = timedelta(minutes=15)
OPEN = {"queued", "claimed", "at_risk", "deferred", "unknown"}
AFTER_THE_JOURNAL = {"accepted": "accepted", "refused": "refused", "deferred": "queued", "queued": "queued"}


@dataclass(slots=True)
class Reader:
    """One person and their row."""

    address: str
    state: str = ""  # "": no row
    why: str = ""  # they were skipped
    due: datetime | None = None  # of a deferred row; None: now
    first_tried: datetime | None = None
    again_at_once: bool = False  # after a resume: the last answer was a rule's, not theirs
    rule: bool = False  # the last answer was somebody's rule: final once everybody has been tried
    standing: str = "subscribed"
    suppressed: bool = False
    erased: bool = False
    no_in_run: bool = False  # they said no during the present run

    @property
    def refusal(self) -> str:
        """Why they may not be mailed now, or ""."""
        if self.erased:
            return "erased"
        if self.standing != "subscribed":
            return {"paused": "paused", "left": "not_subscribed"}[self.standing]
        return "suppressed" if self.suppressed else ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One row as the ledger shows it."""

    state: str
    why: str
    due: datetime | None
    first_tried: datetime | None


@dataclass
class Model:
    """The mailing: who stands where."""

    readers: dict[int, Reader]  # by person
    rows: dict[int, int] = field(default_factory=dict)  # delivery → person
    state: str = "scheduled"
    frozen_at: datetime | None = None
    settled: Counter[str] = field(default_factory=Counter)  # addresses whose doubt was settled: how often by a resend

    def reader(self, delivery: int) -> Reader:
        return self.readers[self.rows[delivery]]

    def in_state(self, *states: str) -> list[tuple[int, Reader]]:
        """Return deliveries and readers that stand so."""
        return [(delivery, self.reader(delivery)) for delivery in self.rows if self.reader(delivery).state in states]

    # What people do

    def freeze(self, rows: Iterable[tuple[int, int]], now: datetime) -> None:
        """The audience became rows: everybody subscribed or paused, those who may not be mailed as skipped."""
        self.rows = dict(rows)
        expected = {person for person, one in self.readers.items() if one.standing != "left" and not one.erased}
        assert set(self.rows.values()) == expected, "the audience is everybody on the list"
        self.state, self.frozen_at = "sending", now
        for person in expected:
            one = self.readers[person]
            one.why = one.refusal
            one.state = "skipped" if one.why else "queued"

    def no(self, person: int, *, why: str, gone: bool = False) -> None:
        """Somebody said no, or it was said for them; `gone`: their dot has left already."""
        one = self.readers[person]
        one.no_in_run = True
        if one.state in {"queued", "claimed", "deferred"} and not gone:
            one.state, one.why, one.due = "skipped", why, None

    def cancel(self, gone: Iterable[int] = ()) -> None:
        self.state = "cancelled"
        spared = set(gone)
        for delivery, one in self.in_state("queued", "claimed", "deferred"):
            if delivery not in spared:
                one.state, one.why, one.due = "skipped", "cancelled", None

    def resume(self) -> None:
        self.state = "sending"
        for _, one in self.in_state("deferred"):
            if one.again_at_once:
                one.due, one.first_tried = None, None

    def settle(self, deliveries: Iterable[int], decision: str) -> None:
        for delivery in deliveries:
            one = self.reader(delivery)
            assert one.state == "unknown"
            one.state = decision
            self.settled[one.address] += decision == "queued"

    # What a run makes of it

    def begin_run(self, now: datetime, answers: dict[int, str], *, retry: bool = False) -> None:
        """A dispatcher starts: what a dead one held is put right, what is due is woken."""
        for delivery, one in self.in_state("claimed", "at_risk"):
            told = answers.get(delivery, "")
            if one.state == "at_risk":
                one.state = AFTER_THE_JOURNAL.get(told, "unknown")
            else:
                one.state = "queued"
        for _, one in self.in_state("deferred"):
            if retry or (self.state == "sending" and (one.due is None or one.due <= now)):
                one.state, one.due = "queued", None
        for one in self.readers.values():
            one.no_in_run = False

    def end_run(self, relay: ScriptedRelay, now: datetime) -> dict[int, set[str]]:
        """Return which states are right for each delivery after a run that ended by itself."""
        right = {delivery: {"deferred", "refused"} for delivery, one in self.in_state("deferred") if one.rule}
        for delivery, tries in relay.attempts.items():
            one = self.reader(delivery)
            if one.state == "skipped":
                continue
            found = self._after(one, tries, now)
            if one.no_in_run or self.state == "cancelled":  # said after the dot, which then was not taken
                found |= {"skipped"} if found & {"deferred", "queued"} else set()
            right[delivery] = found
        return right

    def end_by_death(self, relay: ScriptedRelay, now: datetime, point: str) -> dict[int, set[str]]:
        """Return which states are right for each delivery after a run that was killed at `point`."""
        right: dict[int, set[str]] = {}
        for delivery in self.rows:
            one = self.reader(delivery)
            tries = relay.attempts.get(delivery)
            if one.state == "skipped" or one.state not in OPEN:
                continue
            if not tries:
                right[delivery] = {one.state, "claimed"} if one.state == "queued" else {one.state}
                continue
            last = tries[-1]
            found = {
                End.BEGUN: {"claimed"},
                End.HELD: {"claimed", "at_risk"} if point == "after (2)" else {"claimed"},
                End.DOT: {"at_risk"},
                End.WITHDRAWN: {"claimed", "queued"},
                End.TOLD: set(),
            }[last.end]
            if last.end is End.TOLD:
                held = {"at_risk"} if last.act.stage.value == "dot" else {"claimed"}
                held |= {"claimed", "at_risk"} if last.act.late else set()
                found = held | self._after(one, tries, now)
            right[delivery] = found
        return right

    def _after(self, one: Reader, tries: list[Attempt], now: datetime) -> set[str]:
        """Return what the last attempt of a person makes of their row."""
        last = tries[-1]
        assert last.end in {End.TOLD, End.WITHDRAWN}, f"an attempt was left {last.end}"
        act = last.act
        if last.end is End.WITHDRAWN:
            return {"queued", "deferred"} if self._lost_often(tries) else {"queued"}
        if act.is_a_loss:
            return {"queued"} | (self._again_later(one, now) if self._lost_often(tries) else set())
        if act.code == 0 and act.stage.value == "dot":
            return {"unknown"}
        if act.code // 100 == 2:
            return {"accepted"}
        if is_ours(act):
            return {"deferred"}
        if is_a_rule(act):
            return {"deferred", "refused"}
        if act.code // 100 == 5 and (act.code, act.stage.value) != (552, "rcpt"):  # RFC 5321 section 4.5.3.1.10
            return {"refused"}
        return self._again_later(one, now)

    @staticmethod
    def _lost_often(tries: list[Attempt]) -> bool:
        return sum(one.act.is_a_loss or one.end is End.WITHDRAWN for one in tries) >= 3

    @staticmethod
    def _again_later(one: Reader, now: datetime) -> set[str]:
        """Deferred; refused once the next attempt would come after four days."""
        first = one.first_tried or now
        found = set()
        if now <= first + GIVES_UP:
            found.add("deferred")
        if now + LONGEST_WAIT > first + GIVES_UP:
            found.add("refused")
        return found

    # Holding it against the ledger

    def take_over(self, right: dict[int, set[str]], seen: dict[int, Seen], relay: ScriptedRelay, now: datetime) -> None:
        """Assert that the ledger says one of the right things of each row, and go on from what it says."""
        for delivery, row in seen.items():
            one = self.reader(delivery)
            allowed = right.get(delivery, {one.state})
            tries = relay.attempts.get(delivery, [])
            assert row.state in allowed, f"{delivery} is {row.state}, right would be {sorted(allowed)}: {tries}"
            if row.state == "deferred" and one.state != "deferred":
                self._check_the_schedule(row, now, for_a_rule=bool(tries) and is_a_rule(tries[-1].act))
            if row.state == "skipped" and one.state != "skipped":
                one.why = row.why
                reasons = {one.refusal, "cancelled" * (self.state == "cancelled")} - {""}
                assert row.why in reasons, f"{delivery} is skipped as {row.why}, right would be {reasons}"
            one.state, one.due = row.state, row.due
            one.first_tried = row.first_tried
            if tries:
                act = tries[-1].act
                one.again_at_once, one.rule = is_again_at_once(act), is_a_rule(act) and not is_ours(act)

    @staticmethod
    def _check_the_schedule(row: Seen, now: datetime, *, for_a_rule: bool) -> None:
        """S38: not before fifteen minutes and not after the longest wait; nor after the end, which may come sooner."""
        assert row.due is not None
        end = now + LONGEST_WAIT if for_a_rule else (row.first_tried or now) + GIVES_UP
        assert now < row.due <= min(now + LONGEST_WAIT, end), f"S38: due {row.due} at {now}"
        assert row.due >= min(now + SHORTEST_WAIT, end), f"S38: due {row.due} at {now}"

    def hold_against(self, seen: dict[int, Seen], state: str) -> None:
        """Assert that the ledger equals the model."""
        assert state == self.state, f"the mailing is {state}, the model says {self.state}"
        assert seen.keys() == self.rows.keys()
        for delivery, row in seen.items():
            one = self.reader(delivery)
            assert (row.state, row.why) == (one.state, one.why), f"{delivery}: {row} is not {one}"
            if row.state == "deferred":
                assert row.due == one.due, f"{delivery}: due {row.due}, the model says {one.due}"


def is_ours(act: Act) -> bool:
    """Whether a refusal speaks of how we send: 5.7.26 here."""
    return act.text.startswith("5.7.26")


def is_a_rule(act: Act) -> bool:
    """Whether a refusal is for a rule, ours or somebody else's: 5.7.x, or of the letter and of no mailbox."""
    of_a_mailbox = act.stage.value == "rcpt" or act.text.startswith(("5.1.", "5.2."))
    return act.code >= 500 and (act.text.startswith("5.7.") or not of_a_mailbox)


def is_again_at_once(act: Act) -> bool:
    """Whether a deferred row with this answer is tried at once after a resume."""
    return act.code >= 500 or act.text.startswith("4.7.")
