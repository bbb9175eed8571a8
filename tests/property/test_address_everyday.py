"""The quick way of reading an everyday address gives what the long way gives, for whatever text."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from balintmail.domain import address
from balintmail.domain.address import Address, AddressRefused

_letters = st.text(alphabet="abcXYZ019-_+'=.%!", min_size=1, max_size=12)
_labels = st.text(alphabet="abcXZ019-", min_size=1, max_size=25)
_ends = st.sampled_from(["org", "ORG", "museum", "test", "local", "Invalid", "arpa", "onion", "localhost", "c1", "x"])
_likely = st.builds(
    lambda local, labels, end: f"{local}@{'.'.join([*labels, end])}",
    _letters,
    st.lists(_labels, min_size=1, max_size=4),
    _ends,
)


def _long_way(text: str) -> Address | str:
    try:
        return address._parse_unusual(text)
    except AddressRefused:
        return "refused"


def _quick_way(text: str) -> Address | str:
    try:
        return address.parse(text)
    except AddressRefused:
        return "refused"


@settings(max_examples=1500, deadline=None)
@given(st.one_of(_likely, st.from_regex(address._EVERYDAY, fullmatch=True)))
@example("-oQ@example.org")
@example("a@xn--p1ai.example.org")
@example("a@" + "b" * 20 + "-" + "c" * 20 + "-" + "d" * 20 + ".org")
@example("a" * 64 + "@example.org")
@example("a" * 65 + "@example.org")
@example("a" * 64 + "@" + ("-".join(["b" * 20] * 3) + ".") * 4 + "org")
@example(".".join(["a" * 60] * 6) + "@example.org")
def test_everyday_addresses_are_read_alike_both_ways(text: str) -> None:
    assert _quick_way(text) == _long_way(text)
