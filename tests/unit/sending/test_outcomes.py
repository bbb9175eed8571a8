"""What each reply means at each stage: the whole table (S35), and the words kept with it (S36)."""

import pytest

from balintmail.domain.outcome import Stage, Verdict
from balintmail.domain.replies import Reply
from balintmail.sending import outcomes
from balintmail.sending.outcomes import answered, disturbed, lost, turned_away, verdict_of

IN_THE_DIALOGUE = [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY, Stage.DOT]


@pytest.mark.parametrize("text", ["", "{}.1.1 words"])
@pytest.mark.parametrize("stage", IN_THE_DIALOGUE)
def test_answered_200_to_599_S35_first_digit_decides(stage: Stage, text: str) -> None:
    for code in range(200, 600):
        outcome = answered(stage, Reply(code, text.format(code // 100).encode()), "main")
        expected = {
            2: Verdict.ACCEPTED if stage is Stage.DOT else Verdict.DEFERRED,
            3: Verdict.UNKNOWN if stage is Stage.DOT else Verdict.DEFERRED,
            4: Verdict.DEFERRED,
            5: Verdict.REFUSED,
        }[code // 100]
        if (stage, code) == (Stage.RCPT, 552) or (stage is Stage.MAIL and code in {530, 534, 535, 538}):
            expected = Verdict.DEFERRED
        assert outcome.verdict is expected, code
        assert (outcome.stage, outcome.code, outcome.relay) == (stage, code, "main")
        assert outcome.enhanced == (f"{code // 100}.1.1" if text and code // 100 != 3 else "")


@pytest.mark.parametrize("code", [521, 556])
@pytest.mark.parametrize("stage", IN_THE_DIALOGUE)
def test_verdict_of_521_and_556_S35_is_final(stage: Stage, code: int) -> None:
    assert verdict_of(stage, code) is Verdict.REFUSED


def test_verdict_of_552_S35_means_too_many_at_rcpt_and_too_big_elsewhere() -> None:
    assert verdict_of(Stage.RCPT, 552) is Verdict.DEFERRED
    assert verdict_of(Stage.DOT, 552) is Verdict.REFUSED


@pytest.mark.parametrize("stage", IN_THE_DIALOGUE)
def test_verdict_of_421_S35_is_temporary_at_every_stage_and_ends_the_connection(stage: Stage) -> None:
    assert verdict_of(stage, 421) is Verdict.DEFERRED
    assert outcomes.ends_connection(421)


def test_verdict_of_421_to_the_next_mail_says_nothing_about_the_next_person() -> None:
    assert verdict_of(Stage.MAIL, 421, served=1) is Verdict.NOT_SENT
    assert verdict_of(Stage.RCPT, 421, served=1) is Verdict.DEFERRED


def test_verdict_of_503_I9_to_the_next_mail_says_nothing_about_the_next_person() -> None:
    assert verdict_of(Stage.MAIL, 503, served=1) is Verdict.NOT_SENT
    assert verdict_of(Stage.MAIL, 503) is Verdict.REFUSED
    assert outcomes.ends_connection(503)


def test_verdict_of_452_to_the_next_mail_is_asked_again_on_a_fresh_connection() -> None:
    assert verdict_of(Stage.MAIL, 452, served=100) is Verdict.NOT_SENT
    assert verdict_of(Stage.MAIL, 452) is Verdict.DEFERRED
    assert verdict_of(Stage.RCPT, 452, served=100) is Verdict.DEFERRED


@pytest.mark.parametrize("stage", [Stage.MAIL, Stage.RCPT, Stage.DATA, Stage.BODY])
def test_lost_and_disturbed_before_the_dot_are_safe(stage: Stage) -> None:
    assert lost(stage, "gone", "main").verdict is Verdict.NOT_SENT
    assert disturbed(stage, "silence", "main").verdict is Verdict.DEFERRED


def test_lost_and_disturbed_after_the_dot_are_unknown() -> None:
    assert lost(Stage.DOT, "gone", "main").verdict is Verdict.UNKNOWN
    assert disturbed(Stage.DOT, "silence", "main").verdict is Verdict.UNKNOWN
    assert outcomes.withdrawn(Stage.DOT, "main").verdict is Verdict.UNKNOWN


def test_turned_away_with_text_that_is_no_reply_keeps_no_code() -> None:
    assert turned_away(Stage.GREETING, -1, "garbage", "main").code == 0
    assert turned_away(Stage.GREETING, 554, "5.7.1 go\naway", "main").reply == "5.7.1 go away"
