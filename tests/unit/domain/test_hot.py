"""Hot values are what frozen dataclasses are to everybody who reads them."""

from dataclasses import replace

from balintmail.domain.outcome import Composed, Envelope, Outcome, Stage, Verdict
from balintmail.domain.recipient import PersonData


def test_hot_values_are_compared_hashed_and_replaced_like_frozen_ones() -> None:
    one = Outcome(Verdict.ACCEPTED, Stage.DOT, 250, "2.0.0", "2.0.0 Ok", "main")
    assert one == replace(one)
    assert hash(one) == hash(replace(one))
    assert replace(one, code=251) != one
    assert {Envelope("a@example.org", "b@example.org"): 1}[Envelope("a@example.org", "b@example.org")] == 1


def test_hot_values_have_slots_and_defaults_of_their_own() -> None:
    assert not hasattr(Composed(1, Envelope("", ""), "", b""), "__dict__")
    assert PersonData().fields is not PersonData().fields
