"""Hear the answers to each mailing over all its runs, in every process, and say when it should pause.

What domain/judgement.py has heard is kept as a fact in the database, so that five errors running are five, though each
came in a run of its own. Where all is well nothing is written until the run ends. It pauses nothing; the governor does.
"""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from balintmail.db import meta
from balintmail.db.session import Tx
from balintmail.domain.judgement import Record
from balintmail.domain.outcome import Outcome, Verdict
from balintmail.services.context import Context

_FACT = "heard:"  # and the mailing's id


@dataclass
class _Case:
    """One mailing: its record, and what of it is not written down yet."""

    record: Record
    taken: int = 0  # acceptances while nothing else was heard: their order says nothing
    heard: list[Outcome] = field(default_factory=list)


class Hearing:
    """The records of all mailings as one run hears them.

    Answers are heard on the event loop and written down in the thread of the books; the lock keeps both apart.
    """

    def __init__(self, ctx: Context) -> None:
        self.stirred = False  # whether something was heard that should not be lost
        self._ctx = ctx
        self._most_refused = ctx.settings.send.most_refused
        self._cases: dict[int, _Case] = {}
        self._lock = threading.Lock()
        with ctx.db.read() as tx:
            kept = meta.every(tx, _FACT)
        for key, text in kept.items():
            self._cases[int(key.removeprefix(_FACT))] = _Case(Record.read(text, self._most_refused))

    def hear(self, mailing: int, outcome: Outcome) -> str:
        """Take one answer in; return why the mailing should pause now, or ""."""
        with self._lock:
            case = self._cases.get(mailing)
            if case is None:
                case = self._cases[mailing] = _Case(Record(self._most_refused))
            if outcome.verdict is Verdict.ACCEPTED and not case.heard and not case.record.is_stirred:
                case.taken += 1
                case.record.accepted += 1
                return ""
            case.heard.append(outcome)
            self.stirred = True
            return case.record.hear(outcome)

    def at_the_end(self, mailing: int) -> str:
        """Return why a mailing should pause now that everybody has been tried, or ""."""
        case = self._cases.get(mailing)
        return case.record.at_the_end() if case is not None else ""

    def begin_anew(self, mailing: int) -> None:
        """Forget what this run has heard of a mailing, because somebody lets it go on."""
        with self._lock:
            self._cases.pop(mailing, None)

    @property
    def mailings(self) -> list[int]:
        """The mailings of which anything was ever heard."""
        return list(self._cases)

    def keep(self, sentence: Callable[[int, str], None]) -> None:
        """Write down what was heard; call `sentence` for each mailing that should pause after what all have heard."""
        self.stirred = False
        news = [(mailing, case) for mailing, case in self._cases.items() if case.taken or case.heard]
        if not news:
            return
        written: list[tuple[_Case, Record, int, int]] = []
        with self._ctx.db.write() as tx:
            for mailing, case in news:
                taken, heard = case.taken, list(case.heard)
                record = Record.read(meta.hold(tx, f"{_FACT}{mailing}"), self._most_refused)
                record.accepted += taken
                reasons = [record.hear(outcome) for outcome in heard]
                meta.put(tx, f"{_FACT}{mailing}", record.dump())
                written.append((case, record, taken, len(heard)))
                for reason in filter(None, reasons):
                    sentence(mailing, reason)
        with self._lock:
            for case, record, taken, heard_before in written:
                case.taken -= taken
                del case.heard[:heard_before]
                record.accepted += case.taken
                for outcome in case.heard:  # told while the transaction went on
                    record.hear(outcome)
                case.record = record


def forget(tx: Tx, mailings: Iterable[int]) -> None:
    """Forget what was heard of mailings: they have ended, or somebody lets them go on."""
    for mailing in mailings:
        meta.drop(tx, f"{_FACT}{mailing}")
