"""The words of DKIM: algorithms, selectors, and what a mailing remembers of the keys it is signed with.

It holds no key and signs nothing; that is `sending/dkim.py`. Selectors: RFC 6376 section 3.1; algorithms: RFC 8301 and
RFC 8463.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from balintmail.domain.address import domain_of

# After our last 250 a relay may go on trying for five days (RFC 5321 section 4.5.4.1), and only whoever takes the
# letter from it then looks the key up.
RELAYS_KEEP_TRYING = timedelta(days=5)

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SELECTOR = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+{_LABEL}")
_LONGEST_NAME = 253  # characters of a domain name in the DNS (RFC 1035 section 2.3.4)
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Algorithm(StrEnum):
    """How a key signs, as the tag `a=` writes it."""

    RSA = "rsa-sha256"
    ED25519 = "ed25519-sha256"

    @property
    def key_type(self) -> str:
        """What the tag `k=` of the DNS record calls it."""
        return self.value.partition("-")[0]


@dataclass(frozen=True, slots=True)
class SignedWith:
    """The domain and the selectors that a mailing froze; every retry signs with these and no others (P6, S48)."""

    domain: str
    selectors: tuple[str, ...]

    def dump(self) -> str:
        """Return it as one line of text, for the database."""
        return " ".join((self.domain, *self.selectors))

    @classmethod
    def parse(cls, text: str) -> "SignedWith | None":
        """Return what `dump` wrote; None for a mailing that is not signed."""
        domain, *selectors = text.split(" ")
        return cls(domain, tuple(selectors)) if selectors else None


def record_name(selector: str, domain: str) -> str:
    """Return the name of the DNS record that holds the public key (RFC 6376 section 3.6.2.1)."""
    return f"{selector}._domainkey.{domain}"


def is_selector(text: str) -> bool:
    """Say whether `text` can be a selector: small letters, digits and hyphens, in labels of at most 63."""
    return bool(_SELECTOR.fullmatch(text)) and len(text) <= 128


def read_selector(text: str) -> str:
    """Return the selector that `text` is, or "" for none; raise ValueError otherwise."""
    if text and not is_selector(text):
        raise ValueError('a selector is small letters, digits and hyphens, like "s2026a"')
    return text


def read_domain(text: str) -> str:
    """Return a domain in A-labels and small letters, or "" for none; raise ValueError for what is no domain.

    It leaves room before it for a selector.
    """
    found = domain_of(text.strip().rstrip("."))
    if found and (not _DOMAIN.fullmatch(found) or len(found) > _LONGEST_NAME - len("._domainkey.") - 63):
        raise ValueError('a domain is written like "example.org"')
    return found


def next_selector(algorithm: Algorithm, year: int, taken: Collection[str]) -> str:
    """Return a free selector such as `s2026a` (RSA) or `e2026a` (Ed25519).

    A selector is never used twice: resolvers remember the old record, and an old letter would be held to a new key.
    """
    first = "e" if algorithm is Algorithm.ED25519 else "s"
    endings = (*_LETTERS, *(one + two for one in _LETTERS for two in _LETTERS))
    return next(name for ending in endings if (name := f"{first}{year}{ending}") not in taken)


def is_aligned(from_domain: str, signing_domain: str) -> bool:
    """Say whether a signature of `signing_domain` speaks for a From at `from_domain`.

    Both in A-labels and small letters. Equal, or one below the other: that is DMARC's relaxed alignment (RFC 9989) but
    for two neighbours under one organisational domain, which only a tree walk in the DNS could tell; they count as
    not aligned.
    """
    return (
        from_domain == signing_domain
        or from_domain.endswith(f".{signing_domain}")
        or signing_domain.endswith(f".{from_domain}")
    )


@dataclass(frozen=True, slots=True)
class Need:
    """Why and until when a key must stay, and its record in the DNS.

    `open_mailings` is how many unfinished mailings sign with it; `until` is None while there is no telling: it is in
    force, or such a mailing is not finished. `was_used` says that some mailing has ever been signed with it.
    """

    in_force: bool
    open_mailings: int
    was_used: bool
    until: datetime | None

    def is_over(self, now: datetime) -> bool:
        """Say whether the key and its record may go."""
        return self.was_used and not self.in_force and not self.open_mailings and (not self.until or self.until <= now)


def need(*, in_force: bool, open_mailings: int, was_used: bool, last_end: datetime | None) -> Need:
    """Return how long a key is needed; `last_end` is when the last mailing that is signed with it finished (S48)."""
    free = in_force or open_mailings > 0 or last_end is None
    return Need(in_force, open_mailings, was_used, None if free or last_end is None else last_end + RELAYS_KEEP_TRYING)
