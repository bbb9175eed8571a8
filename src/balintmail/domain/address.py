"""The one address type of the house: parse it once, at the door, and pass the value on.

It never mangles an address: what it cannot write on the wire it refuses with a reason. Sources: RFC 5321 section
4.1.2 and 4.5.3.1, RFC 5891 (A-labels), RFC 6531 (local parts beyond ASCII); the syntax is email-validator's.
"""

import unicodedata
from dataclasses import dataclass

from balintmail.errors import BalintmailError

LONGEST = 254  # octets of a forward path without its brackets: RFC 5321 section 4.5.3.1.3


class AddressRefused(BalintmailError):
    """The text is not an address that mail can be sent to; `reason` says why in plain words."""

    code = "address_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Address:
    """A valid address.

    `text` is what people see (domain in Unicode), `envelope` what the wire gets (domain in A-labels), `key` what two
    spellings of one address share (case folded, NFC, A-labels), `domain` the A-label domain in lower case.
    """

    text: str
    envelope: str
    key: str
    domain: str

    @property
    def needs_smtputf8(self) -> bool:
        """Whether the relay must offer SMTPUTF8 (RFC 6531) for this address."""
        return not self.envelope.isascii()


def parse(text: str) -> Address:
    """Return the address that `text` holds, spaces round it removed; raise AddressRefused otherwise."""
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  (30 ms; help needs none of it)

    trimmed = text.strip(" \t")
    if any(unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for letter in trimmed):
        raise AddressRefused("it contains invisible or control characters")
    try:
        found = validate_email(trimmed, check_deliverability=False)
    except EmailNotValidError as exc:
        raise AddressRefused(str(exc).rstrip(".")) from exc
    envelope = f"{found.ascii_local_part or found.local_part}@{found.ascii_domain}"
    if len(envelope.encode()) > LONGEST:
        raise AddressRefused(f"it is longer than {LONGEST} octets")
    key = f"{unicodedata.normalize('NFC', found.local_part.casefold())}@{found.ascii_domain.lower()}"
    return Address(found.normalized, envelope, key, found.ascii_domain.lower())
