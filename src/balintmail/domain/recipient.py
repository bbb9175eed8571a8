"""One person as composing sees them: the values a letter may use, frozen with the mailing (P6).

The ledger stores `PersonData` as a JSON array in the order of its fields, built by the database itself when the
audience is enrolled, so that a million rows need one statement.
"""

import json
from dataclasses import field
from typing import Any

from balintmail.domain.hot import hot


@hot(frozen=True, slots=True)
class PersonData:
    """The merge values of one person; `fields` are the society's own."""

    name: str = ""
    first_name: str = ""
    language: str = ""
    member: bool = False
    fields: dict[str, Any] = field(default_factory=dict)


@hot(frozen=True, slots=True)
class Recipient:
    """A delivery on its way to becoming a message. `address` is as people see it, `envelope` as the wire gets it."""

    delivery: int
    person: int
    list: int
    address: str
    envelope: str
    data: PersonData


_read = json.JSONDecoder().raw_decode  # the database wrote the array: no blank stands round it


def decode(text: str) -> PersonData:
    """Return the values that the ledger's JSON array `text` holds."""
    name, first_name, language, member, fields = _read(text)[0]
    return PersonData(name or "", first_name or "", language or "", bool(member), fields or {})


def encode(data: PersonData) -> str:
    """Return the JSON array the ledger holds for `data`."""
    return json.dumps([data.name, data.first_name, data.language, data.member, data.fields], ensure_ascii=False)
