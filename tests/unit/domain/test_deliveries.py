"""The table of legal changes is the contract's, line by line."""

import pytest

from balintmail.domain.deliveries import DELIVERY_CHANGES, MAILING_CHANGES, may_change, sources
from balintmail.domain.states import FINAL, DeliveryState, MailingState

CONTRACT = """
queued → claimed   claimed → at_risk   at_risk → accepted   at_risk → deferred   at_risk → refused   at_risk → unknown
queued → skipped   claimed → skipped   deferred → skipped
claimed → queued   claimed → deferred   claimed → refused   at_risk → queued
deferred → queued   deferred → refused   unknown → accepted   unknown → queued   unknown → written_off
"""


def test_delivery_changes_are_those_of_the_contract_and_no_others() -> None:
    words = CONTRACT.replace("→", " ").split()
    wanted = {(DeliveryState(a), DeliveryState(b)) for a, b in zip(words[::2], words[1::2], strict=True)}
    assert {(a, b) for a in DeliveryState for b in DeliveryState if may_change(a, b)} == wanted


@pytest.mark.parametrize("state", sorted(FINAL))
def test_final_state_is_never_left(state: DeliveryState) -> None:
    assert DELIVERY_CHANGES[state] == frozenset()


def test_at_risk_is_reached_from_claimed_alone_so_that_the_fence_holds() -> None:
    assert sources(DeliveryState.AT_RISK) == (DeliveryState.CLAIMED,)


def test_every_state_has_its_line() -> None:
    assert set(DELIVERY_CHANGES) == set(DeliveryState)
    assert set(MAILING_CHANGES) == set(MailingState)
    assert MAILING_CHANGES[MailingState.SENT] == frozenset()


def test_cancelled_mailing_is_brought_back_by_a_new_release_alone_D4() -> None:
    assert MAILING_CHANGES[MailingState.CANCELLED] == frozenset({MailingState.SCHEDULED})
