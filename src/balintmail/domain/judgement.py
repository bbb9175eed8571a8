"""Judge a mailing by the answers to it: go on, or pause it because something is wrong with us and not with people.

Pure: it hears outcomes one after the other and says when it has heard enough. Sources: standards 2.5 (the same error
five times, 5.7.x on all), S20 and S36 (a policy refusal is not a person's fault). Called by services/hearing.py, which
keeps a record over all runs of a mailing; the pause and the notice to the Secretary are services/pausing.py's.
"""

import json
from dataclasses import asdict, dataclass
from typing import Self

from balintmail.domain.blame import Blame, blame, without_addresses
from balintmail.domain.outcome import Outcome, Stage, Verdict

IN_A_ROW = 5  # standards 2.5
FEWEST_FOR_A_SHARE = 50  # answers; a share of fewer says nothing
_LONGEST_WORDS = 200


@dataclass(slots=True)
class Record:
    """What was heard of one mailing since somebody last let it go on. `most_refused` is in per cent."""

    most_refused: int = 25
    accepted: int = 0
    refused: int = 0
    policy: int = 0  # refusals for a rule, whoever made it
    ours: int = 0
    same: int = 0  # of the same error, running
    policy_running: int = 0
    last: tuple[object, ...] = ()
    words: str = ""  # the last policy refusal's
    our_words: str = ""

    @classmethod
    def read(cls, text: str, most_refused: int) -> Self:
        """Return the record that `dump` wrote, a new one for ""."""
        kept = json.loads(text) if text else {}
        return cls(most_refused, **{**kept, "last": tuple(kept.get("last", ()))})

    def dump(self) -> str:
        """Return all but the setting as a text."""
        kept = {name: value for name, value in asdict(self).items() if name != "most_refused"}
        return json.dumps(kept, ensure_ascii=False)

    @property
    def is_stirred(self) -> bool:
        """Whether an acceptance would end something that runs."""
        return bool(self.last or self.policy_running)

    def hear(self, outcome: Outcome) -> str:
        """Take one answer in; return why the mailing should pause now, or ""."""
        if outcome.verdict is Verdict.ACCEPTED:
            self.accepted += 1
            self.same = self.policy_running = 0
            self.last = ()
            return ""
        if outcome.verdict is Verdict.NOT_SENT:
            return ""
        return self._hear_no(outcome, blame(outcome))

    def _hear_no(self, outcome: Outcome, whose: Blame) -> str:
        said = words_of(outcome)
        refused = outcome.verdict is Verdict.REFUSED
        self.refused += refused
        if whose is Blame.OURS:
            self.ours += 1
            self.our_words = said
        if whose in {Blame.OURS, Blame.POLICY}:
            self.policy += 1
            self.policy_running += 1
            self.words = said
        elif refused:
            self.policy_running = 0
        # A temporary no is the schedule's matter and the pace's (greylisting is one for everybody). That an address
        # does not exist is said in the same words of each that does not: five old addresses in a row are no alarm,
        # nor are five that this relay cannot be told; the share of refusals below minds the many.
        dead = whose is Blame.PERSON and (outcome.enhanced.startswith("5.1.") or outcome.stage is Stage.LOCAL)
        counts = (refused and not dead) or whose in {Blame.OURS, Blame.DOUBT}
        key = (outcome.verdict.value, outcome.stage.value, outcome.code, outcome.enhanced)
        self.same = (self.same + 1 if key == self.last else 1) if counts else 0
        self.last = key if counts else ()
        return self._reason(said)

    def _reason(self, said: str) -> str:
        if self.same >= IN_A_ROW:
            return f"the same answer {IN_A_ROW} times running: {said}"
        if self.ours >= IN_A_ROW or self.policy_running >= IN_A_ROW:
            return f"our letters are refused for a rule: {self.our_words or self.words}"
        answers = self.accepted + self.refused
        if answers >= FEWEST_FOR_A_SHARE and self.refused * 100 > self.most_refused * answers:
            return f"{self.refused} of {answers} answers were refusals, the last one: {said}"
        return ""

    def at_the_end(self) -> str:
        """Return why the mailing should pause now that everybody has been tried, or ""."""
        if self.ours:
            return f"our letters are refused for a rule: {self.our_words}"
        if self.policy > 1 and self.policy == self.refused and not self.accepted:
            return f"everybody's letter was refused for a rule: {self.words}"
        return ""


def words_of(outcome: Outcome) -> str:
    """Return code and words of an answer in one short line, without anybody's address."""
    code = f"{outcome.code} " if outcome.code else ""
    enhanced = "" if not outcome.enhanced or outcome.reply.startswith(outcome.enhanced) else f"{outcome.enhanced} "
    said = without_addresses(outcome.reply) or f"no answer ({outcome.stage.value})"
    return f"{code}{enhanced}{said}"[:_LONGEST_WORDS].rstrip()
