"""Whose matter an answer is (S20, S36)."""

import pytest

from balintmail.domain.blame import Blame, blame, without_addresses
from balintmail.domain.outcome import Outcome, Stage, Verdict

R, L = Verdict.REFUSED, Verdict.DEFERRED


@pytest.mark.parametrize(
    ("verdict", "stage", "code", "enhanced", "whose"),
    [
        (R, Stage.RCPT, 550, "5.1.1", Blame.PERSON),
        (R, Stage.RCPT, 550, "", Blame.PERSON),
        (R, Stage.RCPT, 550, "5.4.1", Blame.PERSON),
        (R, Stage.DOT, 552, "5.2.2", Blame.PERSON),
        (R, Stage.RCPT, 550, "5.7.1", Blame.POLICY),
        (R, Stage.DOT, 554, "5.7.1", Blame.POLICY),
        (R, Stage.DOT, 554, "", Blame.POLICY),
        (R, Stage.MAIL, 550, "", Blame.POLICY),
        (R, Stage.RCPT, 550, "5.1.8", Blame.POLICY),
        (R, Stage.DOT, 550, "5.7.26", Blame.OURS),
        (R, Stage.RCPT, 550, "5.7.515", Blame.OURS),
        (R, Stage.DOT, 550, "5.7.509", Blame.OURS),
        (L, Stage.DOT, 421, "4.7.26", Blame.OURS),
        (L, Stage.MAIL, 530, "5.7.0", Blame.OURS),
        (L, Stage.RCPT, 452, "4.2.2", Blame.PERSON),
        (L, Stage.RCPT, 451, "4.7.1", Blame.RELAY),
        (L, Stage.MAIL, 421, "", Blame.RELAY),
        (R, Stage.LOCAL, 0, "", Blame.PERSON),
        (R, Stage.LOCAL, 0, "5.6.7", Blame.PERSON),
        (R, Stage.LOCAL, 0, "5.3.4", Blame.POLICY),
        (Verdict.UNKNOWN, Stage.DOT, 0, "", Blame.DOUBT),
        (Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0", Blame.NOBODY),
        (Verdict.NOT_SENT, Stage.MAIL, 421, "4.7.0", Blame.NOBODY),
    ],
)
def test_blame_by_stage_and_code_S20_S36(
    verdict: Verdict, stage: Stage, code: int, enhanced: str, whose: Blame
) -> None:
    assert blame(Outcome(verdict, stage, code, enhanced)) is whose


def test_without_addresses_leaves_the_words() -> None:
    assert without_addresses("5.1.1 <hans@example.org> no such user") == "5.1.1 … no such user"
