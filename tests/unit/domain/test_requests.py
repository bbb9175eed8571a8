"""The one state machine of join requests, whichever door they came through."""

import itertools

import pytest

from balintmail.domain.requests import (
    HELD_WORDS,
    OPEN,
    Act,
    Door,
    Held,
    after,
    after_confirming,
    looks_automatic,
    may_be_asked_for,
    needs_confirmation,
    sources,
    vouched,
)
from balintmail.domain.states import Policy, RequestState

ENDS = {RequestState.APPROVED, RequestState.DECLINED, RequestState.EXPIRED}


def test_what_has_ended_never_moves_again() -> None:
    assert all(after(state, act) is None for state, act in itertools.product(ENDS, Act))


def test_every_act_leads_to_one_state_from_wherever_it_may_happen() -> None:
    goals = {act: {after(state, act) for state in sources(act)} for act in Act}
    assert goals == {
        Act.CONFIRM: {RequestState.CONFIRMED},
        Act.APPROVE: {RequestState.APPROVED},
        Act.DECLINE: {RequestState.DECLINED},
        Act.EXPIRE: {RequestState.EXPIRED},
    }


def test_only_a_pending_request_is_confirmed() -> None:
    assert sources(Act.CONFIRM) == (RequestState.PENDING,)
    assert all(set(sources(act)) <= set(OPEN) for act in Act)


@pytest.mark.parametrize(
    ("policy", "asked", "known", "goal"),
    [
        (Policy.OPEN, True, True, RequestState.APPROVED),
        (Policy.CONFIRM, True, True, RequestState.APPROVED),
        (Policy.APPROVE, True, True, RequestState.CONFIRMED),
        (Policy.CLOSED, False, True, RequestState.CONFIRMED),
    ],
)
def test_policy_decides_what_a_confirmation_leads_to(
    policy: Policy, asked: bool, known: bool, goal: RequestState
) -> None:
    assert may_be_asked_for(policy) is asked
    assert needs_confirmation(policy, known=known)
    assert after_confirming(policy) is goal
    assert after_confirming(policy, approved_before=True) is RequestState.APPROVED


def test_only_an_open_list_takes_an_unknown_address_unconfirmed() -> None:
    assert [policy for policy in Policy if not needs_confirmation(policy, known=False)] == [Policy.OPEN]


def test_only_whoever_typed_a_request_in_answers_for_its_address() -> None:
    assert [door for door in Door if vouched(door)] == [Door.COMMAND]


@pytest.mark.parametrize("text", ["http://x.example", "see WWW.x.example", "[URL=x]", '<a href="x">', "ftp://x"])
def test_web_addresses_look_automatic(text: str) -> None:
    assert looks_automatic(["Anna", text]) is Held.LINKS


@pytest.mark.parametrize("text", ["Dr Anna O'Neill-Smith", "a < b", "李 明", "In Dr Elder's group: the nineties", ""])
def test_peoples_words_do_not(text: str) -> None:
    assert looks_automatic([text]) is Held.NOTHING


def test_every_reason_to_hold_has_words_for_the_secretary() -> None:
    assert set(HELD_WORDS) == set(Held)
    assert all(words for held, words in HELD_WORDS.items() if held)
