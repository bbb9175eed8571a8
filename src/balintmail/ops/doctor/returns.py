"""Say whether bounces can come back: the envelope's domain must take mail (S18; RFC 5321 section 5.1, RFC 7505)."""

from balintmail.ops.doctor.finding import Finding, good, stop, unasked
from balintmail.ops.lookup import Lookup, LookupFailed


def findings(lookup: Lookup, domain: str) -> list[Finding]:
    """Return whether `domain` has a mail exchanger, or at least an address."""
    try:
        exchangers = lookup.exchangers(domain)
        reachable = any(host for _, host in exchangers) or (not exchangers and bool(lookup.addresses(domain)))
    except LookupFailed as exc:
        return [unasked("bounces_unknown", f"whether {domain} takes mail. {exc.message}")]
    if reachable:
        hosts = ", ".join(host for _, host in exchangers) or "its own address"
        return [good("bounces", f"Bounces can come back to {domain}: its mail goes to {hosts}.")]
    message = f"Mail to {domain} cannot arrive: bounces and answers are lost, and some relays refuse such a sender."
    return [stop("bounces", message, "Publish an MX record there, or set [bounces] address to a domain that has one.")]
