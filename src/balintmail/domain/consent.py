"""The digests of the consent log: what an entry commits to, and how one link of the chain holds the next (S42).

It never reads the log. An entry's words lie behind a salted seal, so that they can be erased and the chain still
holds; the bare facts stand in the digest itself. Why it is so: docs/decisions/consent-chain.md.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple

SALT_OCTETS = 16  # 128 bits: nobody finds words behind a seal whose salt is gone by trying
GENESIS = bytes(32)  # what stands in the first link for the one before it

_SEAL = b"balintmail consent seal 1\n"
_ENTRY = b"balintmail consent entry 1\n"
_LINK = b"balintmail consent link 1\n"

# Any value that a database may hand over; whatever was written in by another hand must give a digest too.
_Any = object


class Facts(NamedTuple):
    """What stays for ever, in the spelling that both databases share (`moment`).

    `subject` is the number of the person at the time; merging never changes it. `restates` names the entry that this
    one stands for since its words mentioned somebody who was erased.
    """

    id: _Any
    subject: _Any
    list_id: _Any
    at: _Any
    action: _Any
    ground: _Any
    restates: _Any


class Said(NamedTuple):
    """What erasure takes away; `evidence` is canonical JSON (`canonical`)."""

    words: _Any = ""
    how: _Any = ""
    actor: _Any = ""
    collected_on: _Any = None
    address: _Any = ""
    evidence: _Any = "{}"


NOTHING_SAID = Said()


def seal(salt: bytes, said: Said) -> bytes:
    """Return the 32 octets that commit to what was said; each part goes in with its length."""
    words, how, actor, day, address, evidence = said
    text = f"{_often(words)},{_often(how)},{_often(actor)},{_often(day)},{_part(address)},{_part(evidence)}"
    return sha256(_SEAL + salt + text.encode("utf-8", "surrogatepass")).digest()


def digest(facts: Facts, sealed: bytes) -> bytes:
    """Return the digest of one entry: its bare facts and the seal of its words."""
    number, subject, list_id, at, action, ground, restates = facts
    once = f"{_part(number)},{_part(subject)}"
    text = f"{once},{_often(list_id)},{_often(at)},{_often(action)},{_often(ground)},{_part(restates)}"
    return sha256(_ENTRY + sealed + text.encode("utf-8", "surrogatepass")).digest()


def link(number: int, before: bytes, last_entry: int, root: bytes) -> bytes:
    """Return the digest of link `number`, which ends with `last_entry`; `root` is SHA-256 over its entries' digests."""
    return sha256(_LINK + before + root + f"{number} {last_entry}".encode()).digest()


def canonical(evidence: Mapping[str, object]) -> str:
    """Return evidence as the one JSON text that both databases give back the same."""
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def moment(value: object) -> object:
    """Return a time in the spelling that goes into a digest: UTC with microseconds, as SQLite keeps it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    return value


def day(value: object) -> object:
    """Return a day in the spelling that goes into a digest."""
    return value.isoformat() if isinstance(value, date) else value


def _part(value: _Any) -> str:
    """Return one part with its length in front; nothing at all stands for None."""
    if value is None:
        return ""
    text = str(value)
    return f"{len(text)}:{text}"


# What an import says of every row alike need not be written out for each.
_often = lru_cache(maxsize=256, typed=True)(_part)
