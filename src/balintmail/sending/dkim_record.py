"""The DNS record of a DKIM key: write it, and judge the one that was found (RFC 6376 section 3.6.1, RFC 8463).

It asks no resolver; ops/dkim.py does.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from balintmail.domain.dkim import Algorithm, record_name
from balintmail.sending.dkim_keys import RSA_BITS, DkimKey

LONGEST_STRING = 255  # bytes of one string in a TXT record (RFC 1035 section 3.3); a record may hold several
_TAG = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*=\s*(.*?)\s*", re.DOTALL)
_BLANK = re.compile(r"\s+")


class Level(StrEnum):
    """How much a finding matters."""

    STOP = "stop"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about one key and its record; `code` is stable, `name` the record's."""

    level: Level
    code: str
    selector: str
    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """What the DNS has to hold: a TXT record at `name` with the text `value`, in the pieces `strings`."""

    name: str
    value: str

    @property
    def strings(self) -> tuple[str, ...]:
        return tuple(self.value[at : at + LONGEST_STRING] for at in range(0, len(self.value), LONGEST_STRING))

    @property
    def zone_line(self) -> str:
        """The record as a zone file has it (RFC 1035 section 5.1)."""
        quoted = " ".join(f'"{part}"' for part in self.strings)
        return f"{self.name}. IN TXT {quoted}" if len(self.strings) == 1 else f"{self.name}. IN TXT ( {quoted} )"


def record_of(key: DkimKey, domain: str) -> Record:
    """Return the record to publish for `key`."""
    public = base64.b64encode(key.public_bytes()).decode("ascii")
    return Record(record_name(key.selector, domain), f"v=DKIM1; k={key.algorithm.key_type}; p={public}")


def judge(key: DkimKey, domain: str, texts: Sequence[str]) -> list[Finding]:
    """Return what is wrong with the TXT records `texts` found at the key's name; nothing when all is well.

    Each text is one whole record, its strings joined without anything between them (RFC 6376 section 3.6.2.2).
    """
    name = record_name(key.selector, domain)

    def say(level: Level, code: str, message: str) -> Finding:
        return Finding(level, code, key.selector, name, message)

    if not texts:
        return [say(Level.STOP, "missing", f"There is no TXT record at {name}. Publish it: balintmail dkim show")]
    if len(texts) > 1:
        message = f"There are {len(texts)} TXT records at {name}; readers may take either. Leave one."
        return [say(Level.STOP, "several", message)]
    tags = _tags(texts[0])
    if tags is None or re.search(r'["\\]', "".join(tags[one] for one in tags if one != "n")):
        message = f"The record at {name} is no list of tags such as k=rsa; p=…."
        if re.search(r'["\\]', texts[0]):
            message += " It holds quotes or backslashes of its own: paste it without them."
        return [say(Level.STOP, "unreadable", message)]
    found = [say(Level.STOP, code, f"The record at {name} {words}") for code, words in _faults(key, texts[0], tags)]
    if "y" in tags.get("t", "").split(":"):
        message = f"The record at {name} says t=y, testing: readers may take the letters as unsigned. Remove it."
        found.append(say(Level.WARN, "testing", message))
    if key.algorithm is Algorithm.RSA and key.bits < RSA_BITS:
        message = f"The key {key.selector} has {key.bits} bits; {RSA_BITS} are usual now. Run: balintmail dkim new"
        found.append(say(Level.WARN, "short", message))
    return found


def _faults(key: DkimKey, text: str, tags: dict[str, str]) -> list[tuple[str, str]]:
    """Return what makes readers turn the record down or find the signatures wrong, as code and words."""
    faults = []
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and not re.match(r"\s*v\s*=", text)):
        faults.append(("version", "does not begin with v=DKIM1."))
    if (kind := tags.get("k", "rsa")) != key.algorithm.key_type:
        faults.append(("key_type", f"says k={kind}; the key is {key.algorithm.key_type}."))
    if "h" in tags and "sha256" not in _words(tags["h"]):
        faults.append(("hash", f"allows only h={tags['h']}; we sign with sha256."))
    if "s" in tags and not {"*", "email"} & set(_words(tags["s"])):
        faults.append(("service", f"is for s={tags['s']} and not for email."))
    if "p" not in tags:
        faults.append(("no_key", "has no p=, the key itself."))
    elif not tags["p"]:
        faults.append(("revoked", "has an empty p=: the key is withdrawn."))
    elif (published := _published(tags["p"], key.algorithm)) is None:
        faults.append(("damaged", "has a p= that is no key; it may have been cut off at 255 letters."))
    elif published != key.public_bytes():
        faults.append(("other_key", f"holds another key than dkim/{key.selector}.pem."))
    return faults


def _tags(text: str) -> dict[str, str] | None:
    """Return the tags of a tag list (RFC 6376 section 3.2); None when it is none or names a tag twice."""
    tags: dict[str, str] = {}
    for part in text.rstrip().removesuffix(";").split(";"):
        found = _TAG.fullmatch(part)
        if not found or found[1] in tags:
            return None
        tags[found[1]] = found[2]
    return tags


def _published(text: str, algorithm: Algorithm) -> bytes | None:
    """Return the key of `p=` as `DkimKey.public_bytes` writes it, or None when it is none."""
    try:
        raw = base64.b64decode(_BLANK.sub("", text), validate=True)
        if algorithm is Algorithm.ED25519:
            return raw if len(raw) == 32 else None
        # SubjectPublicKeyInfo is what everybody publishes; the bare RSAPublicKey is what RFC 6376 says. Both are read.
        public = serialization.load_der_public_key(raw)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        return None
    if not isinstance(public, RSAPublicKey):
        return None
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(":")]
