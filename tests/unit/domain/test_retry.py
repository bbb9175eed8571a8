"""What becomes of a delivery after one attempt (S38)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balintmail.domain.outcome import Outcome, Stage, Verdict
from balintmail.domain.retry import (
    GIVE_UP_AFTER,
    LONGEST_FIRST_WAIT,
    LONGEST_WAIT,
    SHORTEST_FIRST_WAIT,
    Attempts,
    Patience,
    decide,
    wait_after,
)
from balintmail.domain.states import DeliveryState

START = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)
LATER = Outcome(Verdict.DEFERRED, Stage.RCPT, 451)
ids = st.integers(0, 2**40)


@pytest.mark.parametrize(
    ("verdict", "state"),
    [
        (Verdict.ACCEPTED, DeliveryState.ACCEPTED),
        (Verdict.REFUSED, DeliveryState.REFUSED),
        (Verdict.UNKNOWN, DeliveryState.UNKNOWN),
    ],
)
def test_decide_after_anything_but_a_deferral_settles_at_once(verdict: Verdict, state: DeliveryState) -> None:
    decision = decide(Outcome(verdict, Stage.DOT), Attempts(1, 1, START), Patience(), now=START)
    assert (decision.state, decision.due_at, decision.expired) == (state, None, False)


@given(ids)
def test_decide_after_first_451_S38_waits_15_to_30_minutes(delivery: int) -> None:
    decision = decide(LATER, Attempts(delivery, 1, START), Patience(), now=START)
    assert decision.due_at is not None
    assert SHORTEST_FIRST_WAIT <= decision.due_at - START <= LONGEST_FIRST_WAIT


@given(ids, st.floats(0.01, 10))
def test_decide_after_452_S38_waits_then_gives_up_at_four_days(delivery: int, days: float) -> None:
    patience = Patience(timedelta(days=days))
    end, now, count, waits = START + patience.give_up_after, START, 0, []
    while True:
        count += 1
        decision = decide(LATER, Attempts(delivery, count, START), patience, now=now)
        if decision.due_at is None:
            break
        assert now + timedelta(minutes=14) < decision.due_at <= end
        waits.append(decision.due_at - now)
        now = decision.due_at
        assert count < 200
    assert decision.state is DeliveryState.REFUSED
    assert decision.expired
    assert end - now < SHORTEST_FIRST_WAIT
    growing = [wait for wait in waits[:-1] if wait < LONGEST_WAIT * 2 / 3]
    assert growing == sorted(growing)


def test_decide_after_not_sent_given_back_often_enough_counts_as_a_deferral() -> None:
    decision = decide(Outcome(Verdict.NOT_SENT, Stage.BODY), Attempts(1, 1, START), Patience(), now=START)
    assert decision.state is DeliveryState.DEFERRED
    assert decision.due_at is not None


def test_decide_in_four_days_S38_tries_a_reasonable_number_of_times() -> None:
    now, count = START, 1
    while (due := decide(LATER, Attempts(7, count, START), Patience(), now=now).due_at) is not None:
        now, count = due, count + 1
    assert 12 <= count <= 40
    assert now <= START + GIVE_UP_AFTER


def test_decide_with_the_mailings_own_deadline_S38_ends_there() -> None:
    patience = Patience(deadline=START + timedelta(hours=2))
    assert patience.ends_at(START) == START + timedelta(hours=2)
    decision = decide(LATER, Attempts(1, 5, START), patience, now=START + timedelta(hours=1, minutes=50))
    assert (decision.state, decision.expired) == (DeliveryState.REFUSED, True)
    last = decide(LATER, Attempts(1, 5, START), patience, now=START + timedelta(hours=1))
    assert last.due_at == START + timedelta(hours=2)


def test_decide_long_after_the_end_is_expired_and_never_in_the_past() -> None:
    decision = decide(LATER, Attempts(1, 3, START), Patience(), now=START + timedelta(days=30))
    assert decision.expired


def test_wait_after_an_outage_S38_spreads_people_out() -> None:
    waits = sorted(wait_after(1, delivery).total_seconds() for delivery in range(1, 1001))
    tenth = (LONGEST_FIRST_WAIT - SHORTEST_FIRST_WAIT).total_seconds() / 10
    for part in range(10):
        low = SHORTEST_FIRST_WAIT.total_seconds() + part * tenth
        assert 60 <= sum(low <= wait < low + tenth for wait in waits) <= 145


@given(ids, st.integers(-5, 10**9))
def test_wait_after_any_count_is_bounded_and_repeatable(seed: int, count: int) -> None:
    assert wait_after(count, seed) == wait_after(count, seed)
    assert SHORTEST_FIRST_WAIT <= wait_after(count, seed) <= LONGEST_WAIT * 4 / 3
