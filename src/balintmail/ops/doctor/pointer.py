"""Say whether a relay's address has a name that leads back to it, as Gmail and Yahoo ask (S19, S20).

It cannot know from which address the relay sends on, so what is missing is the relay's duty and never a stop.
"""

import ipaddress

from balintmail.ops.doctor.finding import Duty, Finding, good, note, unasked, warn
from balintmail.ops.doctor.spf import Door
from balintmail.ops.lookup import Lookup, LookupFailed


def findings(lookup: Lookup, door: Door) -> list[Finding]:
    """Return whether each public address of the relay has a name, and the name this address."""
    public = [one for one in door.addresses if ipaddress.ip_address(one).is_global]
    if not door.addresses:
        return [unasked("ptr_unknown", f"the name of the relay {door.name}: {door.host} has no address here.")]
    if not public:
        message = f"The relay {door.name} is on this machine or in its network; what it sends from must have a name."
        return [note("ptr", message, duty=Duty.RELAY)]
    return [_of_address(lookup, door, address) for address in public]


def _of_address(lookup: Lookup, door: Door, address: str) -> Finding:
    try:
        names = lookup.pointers(address)
        confirmed = [name for name in names if _same(address, lookup.addresses(name))]
    except LookupFailed as exc:
        return unasked("ptr_unknown", f"the name of {address}, the relay {door.name}. {exc.message}", Duty.RELAY)
    if confirmed:
        return good("ptr", f"{address}, the relay {door.name}, is called {confirmed[0]}.", Duty.RELAY)
    if names:
        message = f"{address}, the relay {door.name}, is called {names[0]}, which leads to another address."
    else:
        message = f"{address}, the relay {door.name}, has no name in the DNS (PTR)."
    return warn("ptr", message, "If it sends from this address, ask whoever runs it for a PTR record.", Duty.RELAY)


def _same(address: str, found: list[str]) -> bool:
    return ipaddress.ip_address(address) in {ipaddress.ip_address(one) for one in found}
