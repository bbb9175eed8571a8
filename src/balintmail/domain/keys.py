"""The instance's secret keys as bytes, and the keyed hash that outlives an erasure (D7).

It never reads a file; `wiring.py` hands the keys in.
"""

import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Keyring:
    """`tokens` signs links now, `previous` still verifies old ones, `erasure` never changes. 32 bytes each."""

    tokens: bytes = field(repr=False)
    erasure: bytes = field(repr=False)
    previous: tuple[bytes, ...] = field(default=(), repr=False)

    @property
    def verifying(self) -> tuple[bytes, ...]:
        """Every key under which a token may have been signed, newest first."""
        return (self.tokens, *self.previous)

    def address_hash(self, key: str) -> bytes:
        """Return the keyed hash of an address key (`domain/address.py`); 32 bytes."""
        return hmac.digest(self.erasure, key.encode("utf-8"), "sha256")
