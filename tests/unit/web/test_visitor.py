"""Who asks: the address behind the named proxies and nobody else's word for it (D16)."""

import pytest

from balintmail.domain.networks import network_of, networks, read_networks
from balintmail.web.visitor import address_of

PROXIES = networks(["127.0.0.1", "::1", "10.0.0.0/8"])


def asked(peer: str, told: str = "") -> str:
    return address_of(peer, told, proxies=PROXIES)


@pytest.mark.parametrize(
    ("peer", "told", "found"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "203.0.113.9", "192.0.2.7"),  # no proxy of ours: not believed
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),  # the first is the visitor's own word
        ("127.0.0.1", "198.51.100.1, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, nonsense", "127.0.0.1"),
        ("127.0.0.1", "nonsense, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "[2001:db8::5]:4711", "2001:db8::5"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", '"203.0.113.9"', "203.0.113.9"),
        ("127.0.0.1", "10.0.0.1, 10.0.0.2", "10.0.0.1"),
        ("127.0.0.1", "fe80::1%eth0", "fe80::1"),
        ("testclient", "", ""),
        ("", "203.0.113.9", ""),
    ],
)
def test_visitor_is_the_last_hop_that_is_no_proxy_of_ours_D16(peer: str, told: str, found: str) -> None:
    assert asked(peer, told) == found


def test_long_forged_header_costs_nothing_D16() -> None:
    assert asked("127.0.0.1", "10.0.0.1," * 100_000 + "10.0.0.1") == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "network"),
    [("192.0.2.77", "192.0.2.0/24"), ("2001:db8:1:2ff:3::4", "2001:db8:1:200::/56"), ("", ""), ("x", "")],
)
def test_network_is_what_one_household_has(address: str, network: str) -> None:
    assert network_of(address) == network


def test_settings_refuse_what_is_no_network() -> None:
    assert read_networks(["127.0.0.1", "10.0.0.0/8"]) == ("127.0.0.1/32", "10.0.0.0/8")
    with pytest.raises(ValueError, match="written like"):
        read_networks(["10.0.0.1/8"])
