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

    @property
    def token_id(self) -> str:
        """The fingerprint of the key that signs now: 16 hexadecimal digits, safe to store beside a mailing."""
        return _fingerprint(self.tokens)

    def signing(self, token_id: str) -> bytes | None:
        """Return the key whose fingerprint is `token_id`, or None when it is not here any more (P6)."""
        return next((key for key in self.verifying if _fingerprint(key) == token_id), None)

    def address_hash(self, key: str) -> bytes:
        """Return the keyed hash of an address key (`domain/address.py`); 32 bytes."""
        return hmac.digest(self.erasure, key.encode("utf-8"), "sha256")

    def person_hash(self, key: str, name_key: str) -> bytes:
        """Return the keyed hash of one person at an address that others share; an address key holds no line break."""
        return self.address_hash(f"{key}\n{name_key}")


def _fingerprint(key: bytes) -> str:
    return hmac.digest(key, b"balintmail key fingerprint", "sha256")[:8].hex()
