"""The words of DKIM: selectors that are never used twice, alignment, and how long a key is needed (S17, S48)."""

from datetime import UTC, datetime, timedelta
from string import ascii_lowercase

import pytest

from balintmail.domain.dkim import Algorithm, SignedWith, is_aligned, need, next_selector, record_name

NOW = datetime(2026, 11, 21, 18, 4, tzinfo=UTC)


def test_next_selector_is_the_first_free_one() -> None:
    assert next_selector(Algorithm.RSA, 2026, ()) == "s2026a"
    assert next_selector(Algorithm.ED25519, 2026, {"s2026a"}) == "e2026a"
    assert next_selector(Algorithm.RSA, 2026, {"s2026a", "s2026c"}) == "s2026b"
    assert next_selector(Algorithm.RSA, 2026, {f"s2026{one}" for one in ascii_lowercase}) == "s2026aa"


def test_what_a_mailing_signed_with_comes_back() -> None:
    for found in (SignedWith("example.org", ("s2026a", "e2026a")), SignedWith("example.org", ("s",))):
        assert SignedWith.parse(found.dump()) == found
    assert SignedWith.parse("") is None


def test_record_name_is_that_of_RFC_6376() -> None:
    assert record_name("s2026a", "example.org") == "s2026a._domainkey.example.org"


@pytest.mark.parametrize(
    ("sender", "signing", "aligned"),
    [
        ("example.org", "example.org", True),
        ("news.example.org", "example.org", True),
        ("example.org", "news.example.org", True),
        ("a.example.org", "b.example.org", False),
        ("badexample.org", "example.org", False),
        ("example.org", "ample.org", False),
    ],
)
def test_alignment_is_equal_or_one_below_the_other_S17(sender: str, signing: str, aligned: bool) -> None:
    assert is_aligned(sender, signing) is aligned


def test_key_is_needed_for_five_days_after_the_last_mailing_ended_S48() -> None:
    found = need(in_force=False, open_mailings=0, was_used=True, last_end=NOW)
    assert found.until == NOW + timedelta(days=5)
    assert not found.is_over(NOW + timedelta(days=4, hours=23))
    assert found.is_over(NOW + timedelta(days=5))


def test_key_in_force_or_with_an_open_mailing_has_no_end_S48() -> None:
    later = NOW + timedelta(days=999)
    for found in (
        need(in_force=True, open_mailings=0, was_used=True, last_end=NOW),
        need(in_force=False, open_mailings=1, was_used=True, last_end=NOW),
        need(in_force=False, open_mailings=0, was_used=False, last_end=None),
    ):
        assert found.until is None
        assert not found.is_over(later)
