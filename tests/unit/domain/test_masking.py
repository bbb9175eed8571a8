"""A masked address shows enough to know one's own and too little to learn another's."""

import pytest

from balintmail.domain.masking import masked


@pytest.mark.parametrize(("address", "shown"), [
    ("maria@example.org", "m•••••@example.org"),
    ("ma@example.org", "m•••••@example.org"),
    ("m@example.org", "•••••@example.org"),
    ("maria.balint+news@example.org", "m•••••@example.org"),
    ("öttó@példa.example.org", "ö•••••@példa.example.org"),
    ('"a@b"@example.org', '"•••••@example.org'),
    ("", "•••••"),
    ("no address", "•••••"),
])  # fmt: skip
def test_masked_hides_the_name_and_its_length(address: str, shown: str) -> None:
    assert masked(address) == shown
