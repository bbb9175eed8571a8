"""Tell who asks: the visitor's network address behind the proxies that the settings name, and their language.

A header counts only when the connection comes from a named proxy (D16), and the host is never taken from a request
(D15). It keeps nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from balintmail.domain.networks import Network, among, network_of, plain


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever sent a request; `address` is "" where the connection has none."""

    address: str
    language: str
    chose_language: bool

    @property
    def network(self) -> str:
        """The network that `address` belongs to, such as `192.0.2.0/24`; "" where there is none."""
        return network_of(self.address)


def visitor(request: Request) -> Visitor:
    """Return who sent `request`, as the gate found out."""
    found = request.state.visitor
    if not isinstance(found, Visitor):
        raise TypeError("the gate has not seen this request")
    return found


def address_of(peer: str, told: str, *, proxies: Sequence[Network]) -> str:
    """Return the visitor's address: the last one of those that `told` names which no trusted proxy has.

    `peer` is whoever holds the connection; unless it is one of `proxies`, the header `told` is not even read. What is
    no address ends the walk, so that a forged beginning of the header counts for nothing.
    """
    found = plain(peer)
    if not among(found, proxies):
        return found
    for part in reversed(told[-2000:].split(",")):
        hop = plain(part)
        if not hop:
            break
        found = hop
        if not among(hop, proxies):
            break
    return found
