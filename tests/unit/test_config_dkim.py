"""The settings of DKIM: selectors need a domain, and each key its own selector (S13, S14)."""

import pytest
from pydantic import ValidationError

from balintmail.config import Dkim


def test_dkim_without_settings_signs_nothing() -> None:
    assert Dkim().selectors == ()
    assert Dkim(domain="example.org").selectors == ()


def test_dkim_selectors_stand_rsa_first() -> None:
    assert Dkim(domain="example.org", rsa="s2026a", ed25519="e2026a").selectors == ("s2026a", "e2026a")
    assert Dkim(domain="example.org", ed25519="e2026a").selectors == ("e2026a",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Example.ORG.", "example.org"),
        ("példa.example.org", "xn--plda-bpa.example.org"),
        (" example.org", "example.org"),
    ],
)
def test_dkim_domain_is_kept_in_a_labels(written: str, read: str) -> None:
    assert Dkim(domain=written, rsa="s").domain == read


@pytest.mark.parametrize(
    "given",
    [
        {"rsa": "s2026a"},
        {"domain": "example.org", "rsa": "s", "ed25519": "s"},
        {"domain": "example.org", "rsa": "../s"},
        {"domain": "example.org", "rsa": "S2026"},
        {"domain": "example.org", "rsa": "s;t"},
        {"domain": "example", "rsa": "s"},
        {"domain": "example.org; x", "rsa": "s"},
        {"domain": "exa_mple.org", "rsa": "s"},
        {"domain": f"{'a' * 60}.{'b' * 60}.{'c' * 60}.org", "rsa": "s"},
    ],
)
def test_dkim_settings_that_do_not_hold_together_are_refused(given: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        Dkim(**given)
