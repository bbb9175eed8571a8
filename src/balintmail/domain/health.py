"""Decide from what came back whether an address is mailed on, paused, tried again or given up.

Pure: it knows no database and asks no clock, and the answer is the same in whatever order the reports came. Only nobody
being there ends an address at once; fullness and silence pause it, and a rule or a spam filter says nothing about it
(standards S36). Each letter counts once, however often it is reported, and each day once, however many letters came
back on it. Acted on by services/returned.py and services/probing.py; docs/returns.md tells it for readers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from balintmail.domain.returns import Judged, Reason, Sentence
from balintmail.domain.states import AddressHealth

PROBE = "probe"  # the system mail that tries a paused address
GONE = 100  # what a report adds that nobody is there: more than any threshold
SOFT = 1
OUT_OF_USE = 2  # a mailbox that its system has closed, and a forwarding that leads nowhere
# Relays give up after four or five days (RFC 5321 section 4.5.4.1), a few after weeks. A report about an older letter
# is somebody's repeat of an old token (H22), and counts for nothing.
LATEST_REPORT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Rules:
    """The settings of [bounces]. Scores are without a unit; `probes` is how many letters try a paused address."""

    threshold: int = 3
    window: timedelta = timedelta(days=120)
    probe_after: timedelta = timedelta(days=7)
    probe_quiet: timedelta = timedelta(days=5)
    probes: int = 3


class Naming(StrEnum):
    """Whom a report names that carries the token of a letter."""

    THE_READER = "the reader"  # the address that the letter went to, or nobody at all
    ANOTHER = "another"  # H20: a forwarding, or a trick


@dataclass(frozen=True, slots=True)
class Failure:
    """One report that counts: when it came, about which delivery, when that letter left, and what it adds."""

    at: datetime
    delivery: int
    left_at: datetime
    weight: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Known:
    """What stands of an address: `trusted_at` is the moment before which letters that left count no more.

    `trial_until` says, of a paused address, that a probe is on its way; of another, that one more failure pauses it.
    """

    health: AddressHealth = AddressHealth.OK
    trusted_at: datetime | None = None
    trial_until: datetime | None = None


class Change(StrEnum):
    """What has to be done to an address."""

    NOTHING = "nothing"
    END = "end"  # nobody is there
    PAUSE = "pause"
    PROBE_FAILED = "probe failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What has to be done, with the score that says so and the reason of the newest failure."""

    change: Change
    score: int = 0
    reason: Reason = Reason.OTHER


def weight(judged: Judged, naming: Naming, *, after: timedelta) -> int:
    """Return what a report adds to the score of the address whose letter it is about; `after` is how old that was."""
    if after > LATEST_REPORT or judged.sentence not in {Sentence.HARD, Sentence.SOFT}:
        return 0
    if judged.sentence is Sentence.HARD:
        return GONE if naming is Naming.THE_READER else OUT_OF_USE
    return OUT_OF_USE if judged.reason is Reason.INACTIVE else SOFT


def find(failures: Iterable[Failure], known: Known, rules: Rules, *, now: datetime) -> Finding:
    """Return what has to be done to an address of which these failures are known."""
    counted = [one for one in failures if one.weight > 0 and not _forgiven(one, known)]
    if not counted:
        return Finding(Change.NOTHING)
    newest = max(counted, key=lambda one: (one.weight >= GONE, one.at, one.weight, one.reason))
    if newest.weight >= GONE:
        return Finding(Change.END, GONE, newest.reason)
    recent = [one for one in counted if one.at > now - rules.window]
    total = score(recent)
    if not recent:
        return Finding(Change.NOTHING)
    if known.health is AddressHealth.BOUNCED:
        probed = known.trial_until is not None
        return Finding(Change.PROBE_FAILED if probed else Change.NOTHING, total, newest.reason)
    on_trial = known.trial_until is not None and any(one.at <= known.trial_until for one in recent)
    return Finding(Change.PAUSE if on_trial or total >= rules.threshold else Change.NOTHING, total, newest.reason)


def score(failures: Sequence[Failure]) -> int:
    """Return the sum over days: of each letter the heaviest report counts, of each day the heaviest letter."""
    letters: dict[int, tuple[datetime, int]] = {}
    for one in failures:
        first, heaviest = letters.get(one.delivery, (one.at, 0))
        letters[one.delivery] = (min(first, one.at), max(heaviest, one.weight))
    days: dict[date, int] = {}
    for at, heaviest in letters.values():
        days[at.date()] = max(days.get(at.date(), 0), heaviest)
    return sum(days.values())


def next_probe(probes: int, rules: Rules, *, now: datetime) -> datetime | None:
    """Return when a paused address is tried next, after `probes` tries in vain; None when it was tried often enough."""
    if probes >= rules.probes:
        return None
    wait: timedelta = rules.probe_after * 2**probes
    return now + wait


def _forgiven(failure: Failure, known: Known) -> bool:
    return known.trusted_at is not None and failure.left_at < known.trusted_at
