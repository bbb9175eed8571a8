"""What a system mail may say: plain values that are written in the reader's language when the mail is.

They lie in the queue as JSON until then (`to_stored`, `from_stored`). Which mails there are: domain/notices.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from balintmail.domain.money import Money


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the layout's own, by its key in templates/emails/words/en.toml, read in the reader's language."""

    key: str


Plain = str | int | date | datetime | timedelta | Word | Money  # a bool is an int, and reads as "yes" or as nothing
Row = Mapping[str, Plain]
Fact = Plain | Sequence[str] | Sequence[Row]


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeKind:
    """One system mail.

    `facts` gives every name that its letter may use after `notice.`, each with an invented value for previews and
    tests; the value's type is the fact's. `strangers` says that nothing of the person, not even a name, stands in it.
    `leavable` says that its reader is on the list, so that the letter offers to leave it and to change what is sent.
    """

    facts: Mapping[str, Fact] = field(default_factory=dict)
    strangers: bool = False
    leavable: bool = False
    officers: bool = False  # it goes to the Secretary, and not to a reader
    named_by: str = ""  # the fact that receipts call its mailing by; none names a person
    answerable: bool = False  # a reply to it counts: its Reply-To carries a token (services/answers.py)


def to_stored(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Return `facts` as the JSON that `from_stored` reads."""
    return {name: _stored(value) for name, value in facts.items()}


def from_stored(raw: Mapping[str, Any]) -> dict[str, Fact]:
    """Return the facts that `to_stored` wrote; raise ValueError for anything else."""
    return {name: _read(value) for name, value in raw.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return {"at": value.isoformat()}
    if isinstance(value, date):
        return {"on": value.isoformat()}
    if isinstance(value, timedelta):
        return {"seconds": int(value.total_seconds())}
    if isinstance(value, Word):
        return {"word": value.key}
    if isinstance(value, Money):
        return {"money": value.amount, "currency": value.currency}
    if isinstance(value, Mapping):
        return {"row": {name: _stored(inner) for name, inner in value.items()}}
    if isinstance(value, list | tuple):
        return [_stored(inner) for inner in value]
    if isinstance(value, str | int):
        return value
    raise ValueError(f"a fact cannot be a {type(value).__name__}")


def _read(value: Any) -> Any:
    match value:
        case {"at": str(text)}:
            return datetime.fromisoformat(text)
        case {"on": str(text)}:
            return date.fromisoformat(text)
        case {"seconds": int(seconds)}:
            return timedelta(seconds=seconds)
        case {"word": str(key)}:
            return Word(key)
        case {"money": int(amount), "currency": str(currency)}:
            return Money(amount, currency)
        case {"row": dict(row)}:
            return {str(name): _read(inner) for name, inner in row.items()}
        case list(items):
            return tuple(_read(inner) for inner in items)
        case str() | int():
            return value
    raise ValueError(f"not a fact: {value!r:.40}")
