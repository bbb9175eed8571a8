"""Slower at a push, faster with each message taken, never outside the bounds."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.pace import (
    LONGEST_GAP,
    LONGEST_GAP_OF_GREYLISTS,
    PUSHES_BEFORE_A_REST,
    SLOW_SECONDS,
    Pace,
    Push,
    after,
    push_of,
    rest_after,
)

L = Verdict.DEFERRED


@pytest.mark.parametrize(
    ("outcome", "seconds", "push"),
    [
        (Outcome(L, Stage.MAIL, 421, "4.7.0"), 0, Push.BUSY),
        (Outcome(L, Stage.MAIL, 450, "4.7.1", "too much mail"), 0, Push.BUSY),
        (Outcome(L, Stage.DOT, 451, "4.3.0"), 0, Push.BUSY),
        (Outcome(L, Stage.RCPT, 452, "4.5.3"), 0, Push.BUSY),
        (Outcome(L, Stage.RCPT, 452, "4.2.2", "mailbox full"), 0, Push.NONE),
        (Outcome(L, Stage.RCPT, 451, "4.7.1", "4.7.1 Greylisted"), 0, Push.NONE),
        (Outcome(L, Stage.RCPT, 450, "4.7.1", "try again later"), 0, Push.PERHAPS),
        (Outcome(L, Stage.RCPT, 450, "4.3.2"), 0, Push.BUSY),
        (Outcome(Verdict.NOT_SENT, Stage.MAIL, 421), 0, Push.NONE),
        (Outcome(Verdict.ACCEPTED, Stage.DOT, 250), SLOW_SECONDS + 1, Push.SLOW),
        (Outcome(Verdict.ACCEPTED, Stage.DOT, 250), 1, Push.NONE),
        (Outcome(Verdict.REFUSED, Stage.RCPT, 550), 1, Push.NONE),
    ],
)
def test_push_of_an_answer(outcome: Outcome, seconds: float, push: Push) -> None:
    assert push_of(outcome, seconds) is push


def test_a_push_halves_and_acceptances_come_back_one_lane_a_round() -> None:
    pace = after(Pace(20), Push.BUSY, 20, taken=False)
    assert pace.lanes == 10
    for _ in range(10):
        pace = after(pace, Push.NONE, 20, taken=True)
    assert 10.9 < pace.lanes < 11.1
    assert pace.pushes == 0


def test_answers_to_what_was_begun_before_the_brake_do_not_brake_again() -> None:
    pace = after(Pace(20), Push.BUSY, 20, taken=False)
    for _ in range(9):
        pace = after(pace, Push.BUSY, 20, taken=False, fresh=False)
    assert pace == Pace(10, 0.0, PUSHES_BEFORE_A_REST)
    assert pace.wants_rest


pushes = st.lists(st.tuples(st.sampled_from(Push), st.booleans(), st.booleans()), max_size=80)


@settings(deadline=None)
@given(pushes, st.integers(1, 40))
def test_pace_stays_within_its_bounds_and_one_answer_never_makes_a_leap(
    answers: list[tuple[Push, bool, bool]], most: int
) -> None:
    pace = Pace(float(most))
    for push, taken, fresh in answers:
        new = after(pace, push, most, taken=taken, fresh=fresh)
        assert 1 <= new.lanes <= most
        assert 0 <= new.gap <= LONGEST_GAP
        assert new.lanes <= pace.lanes + 1
        if push in {Push.BUSY, Push.PERHAPS} and fresh:
            assert (new.lanes, -new.gap) <= (pace.lanes, -pace.gap)
        if taken:
            assert new.pushes == 0
        pace = new
    for _ in range(most * most + 20):
        if pace == Pace(float(most)):
            break
        pace = after(pace, Push.NONE, most, taken=True)
    assert pace == Pace(float(most))


def test_what_may_be_a_greylist_is_tried_person_by_person() -> None:
    pace = Pace(4)
    for _ in range(200):
        pace = after(pace, Push.PERHAPS, 4, taken=False)
    assert pace == Pace(1, LONGEST_GAP_OF_GREYLISTS)
    assert not pace.wants_rest


def test_rests_grow_to_an_hour() -> None:
    assert [rest_after(rests) for rests in (0, 1, 9)] == [
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(hours=1),
    ]
