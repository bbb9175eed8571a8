"""Read the networks that settings name, and say what network an address belongs to.

Pure; it looks nobody up. Addresses: RFC 4291 and RFC 4632.
"""

import re
from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_V4_BITS, _V6_BITS = 24, 56  # what one household or office has, so that a cap holds for all its addresses
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,59}")


def read_networks(texts: Sequence[str]) -> tuple[str, ...]:
    """Return addresses and networks such as `127.0.0.1` or `10.0.0.0/8` in their usual spelling; raise ValueError."""
    return tuple(str(network) for network in networks(texts))


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Return what `texts` name; an address is a network of one. Raises ValueError."""
    try:
        return tuple(ip_network(text.strip()) for text in texts)
    except ValueError as exc:
        raise ValueError('an address or a network is written like "127.0.0.1" or "10.0.0.0/8"') from exc


def read_field_name(text: str) -> str:
    """Return the name of a header; raise ValueError for what is none."""
    if not _FIELD.fullmatch(text):
        raise ValueError('the name of a header is written like "X-Forwarded-For"')
    return text


def network_of(address: str) -> str:
    """Return the /24 of an IPv4 address, the /56 of an IPv6 one, "" for anything else."""
    try:
        found = ip_address(address)
    except ValueError:
        return ""
    return str(ip_network(f"{found}/{_V6_BITS if found.version == 6 else _V4_BITS}", strict=False))


def plain(text: str) -> str:
    """Return the address in `text` in its usual spelling, without a port; "" when there is none.

    An IPv4 address inside an IPv6 one is given as IPv4, so that one visitor has one spelling.
    """
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)


def among(address: str, known: Sequence[Network]) -> bool:
    """Say whether `address`, in its usual spelling, lies in one of `known`."""
    if not address:
        return False
    found = ip_address(address)
    return any(found.version == network.version and found in network for network in known)
