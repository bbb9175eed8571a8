"""Ask the DNS, politely and not for long: texts, addresses, mail exchangers, pointers.

It judges nothing and never guesses: no answer is LookupFailed, and never an empty one. Used by ops/dkim.py and
ops/doctor/; the server can be named, so that a test, or somebody who has just published a record, asks their own.
"""

import threading
import time
from collections.abc import Callable
from typing import Any, Protocol

import dns.exception
import dns.name
import dns.resolver
import dns.reversename

from balintmail.errors import BalintmailError

SECONDS = 10.0  # for one question, all servers and repeats together
SILENT_AT_MOST = 2  # questions in a row from the start without any answer: then this machine has no DNS to ask


class LookupFailed(BalintmailError):
    """The DNS gave no answer, neither yes nor no."""

    code = "dns"


class Lookup(Protocol):
    """Whoever answers questions to the DNS. An empty list says that there is none; LookupFailed that nobody knows."""

    def texts(self, name: str) -> list[str]:
        """Return the TXT records at `name`, each with its strings joined."""

    def addresses(self, name: str, *, version: int | None = None) -> list[str]:
        """Return the IP addresses of `name`: all, or those of IP version 4 or 6."""

    def exchangers(self, name: str) -> list[tuple[int, str]]:
        """Return preference and host of the mail exchangers of `name`; the null one (RFC 7505) has the host ""."""

    def pointers(self, address: str) -> list[str]:
        """Return the names that an IP address is said to have."""

    def exists(self, name: str) -> bool:
        """Say whether there is anything at or below `name` (RFC 8020)."""


class DnsLookup:
    """Asks the machine's own name servers, or the one given (an IP address), each question once.

    `seconds` bounds one question, `left` says how many remain for all of them together.
    """

    def __init__(
        self, server: str = "", port: int = 53, *, seconds: float | None = None, left: Callable[[], float] | None = None
    ) -> None:
        try:
            self._resolver = dns.resolver.Resolver(configure=not server)
        except dns.resolver.NoResolverConfiguration as exc:
            raise LookupFailed(
                "This machine has no name server to ask.", hint="Name one: --nameserver ADDRESS"
            ) from exc
        if server:
            self._resolver.nameservers, self._resolver.port = [server], port
        self._resolver.cache = None
        self._seconds = seconds
        self._left = left or (lambda: float("inf"))
        self._known: dict[tuple[str, str], Any] = {}
        self._silent = 0  # questions without any answer before the first answer; negative once there was one
        self._lock = threading.Lock()

    def texts(self, name: str) -> list[str]:
        # A TXT record may hold any bytes (RFC 1035); what is not ASCII is shown as what it is.
        return [b"".join(record.strings).decode("ascii", "backslashreplace") for record in self._ask(name, "TXT") or ()]

    def addresses(self, name: str, *, version: int | None = None) -> list[str]:
        kinds = [kind for kind, number in (("A", 4), ("AAAA", 6)) if version in (None, number)]
        return [str(record.address) for kind in kinds for record in self._ask(name, kind) or ()]

    def exchangers(self, name: str) -> list[tuple[int, str]]:
        found = self._ask(name, "MX") or ()
        return sorted((record.preference, _plain(record.exchange)) for record in found)

    def pointers(self, address: str) -> list[str]:
        name = dns.reversename.from_address(address).to_text(omit_final_dot=True)
        return sorted(_plain(record.target) for record in self._ask(name, "PTR") or ())

    def exists(self, name: str) -> bool:
        return self._ask(name, "A") is not None

    def _ask(self, name: str, kind: str) -> Any:
        """Return the answer, an empty one, or None where the name itself does not exist; raise LookupFailed."""
        key = (name.lower().rstrip("."), kind)
        if key not in self._known:
            try:
                self._known[key] = self._resolve(name, kind)
            except LookupFailed as exc:
                self._known[key] = exc
        if isinstance(found := self._known[key], LookupFailed):
            raise LookupFailed(found.message, hint=found.hint)
        return found

    def _resolve(self, name: str, kind: str) -> Any:
        seconds = min(SECONDS if self._seconds is None else self._seconds, self._left())
        if seconds <= 0 or self._silent >= SILENT_AT_MOST:
            raise LookupFailed(f"The DNS gave no answer for {name} in time.")
        begun = time.monotonic()
        try:
            answer: Any = self._resolver.resolve(dns.name.from_text(name), kind, lifetime=seconds, search=False)
        except dns.resolver.NXDOMAIN:
            answer = None
        except dns.resolver.NoAnswer:
            answer = ()
        except dns.resolver.LifetimeTimeout as exc:
            with self._lock:
                self._silent += self._silent >= 0
            spent = max(1, round(time.monotonic() - begun))
            raise LookupFailed(f"The DNS gave no answer for {name} within {spent} seconds.") from exc
        except (dns.exception.DNSException, OSError, UnicodeError) as exc:
            raise LookupFailed(f"The DNS failed to answer for {name}.") from exc
        with self._lock:
            self._silent = -1
        return answer


class NoLookup:
    """Stands in where there is no name server to ask: nobody answers anything, and why is said each time."""

    def __init__(self, why: LookupFailed) -> None:
        self._why = why

    def texts(self, name: str) -> list[str]:
        raise self._failure()

    def addresses(self, name: str, *, version: int | None = None) -> list[str]:
        raise self._failure()

    def exchangers(self, name: str) -> list[tuple[int, str]]:
        raise self._failure()

    def pointers(self, address: str) -> list[str]:
        raise self._failure()

    def exists(self, name: str) -> bool:
        raise self._failure()

    def _failure(self) -> LookupFailed:
        return LookupFailed(self._why.message, hint=self._why.hint)


def _plain(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if len(name.labels) > 1 else ""
