"""Find where texts mention somebody, by an address or by a whole name, and blot that out.

A name counts in the spellings that people use: `Anna Kovács`, `Kovács Anna`, `Kovács, Anna`, whatever the capitals. It
knows no table; db/erasure.py says which texts are looked through.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement

BLOT = "(erased)"
_SHORTEST = 3  # signs of ASCII; a shorter run stands in nearly every text, and would have all of them read


@dataclass(frozen=True, slots=True)
class Mentions:
    """What is looked for. `sure` decides whether a text speaks of somebody; then `all` are blotted out of it."""

    fragments: tuple[str, ...]
    addresses: tuple[re.Pattern[str], ...]
    sure: tuple[re.Pattern[str], ...]
    all: tuple[re.Pattern[str], ...]

    def of_addresses(self) -> "Mentions":
        """Return the same for addresses alone: where a name may stay."""
        return Mentions(self.fragments, self.addresses, self.addresses, self.addresses)

    def possible(self, column: Any) -> ColumnElement[bool]:
        """Return the condition by which a database finds the texts that come into question."""
        text = sa.func.lower(sa.cast(column, sa.String))
        return sa.or_(sa.false(), *(text.contains(fragment, autoescape=True) for fragment in self.fragments))

    def stand_in(self, value: Any) -> bool:
        """Return whether a text, or a value of JSON, surely speaks of them."""
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return any(pattern.search(text) for pattern in self.sure)

    def blotted(self, value: Any) -> Any:
        """Return a text, or a value of JSON, without them; the same where it does not speak of them."""
        return self._blotted(value) if value and self.stand_in(value) else value

    def _blotted(self, value: Any) -> Any:
        if isinstance(value, str):
            for pattern in self.all:
                value = pattern.sub(BLOT, value)
            return value
        if isinstance(value, dict):
            return {self._blotted(key): self._blotted(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._blotted(inner) for inner in value]
        return value


def mentions(spellings: Sequence[str], names: Sequence[str], words: Sequence[str] = ()) -> Mentions:
    """Return what finds these spellings of addresses and these whole names.

    `words` are such as a first name: they go too where one of the others stands, and decide nothing.
    """
    addresses = tuple(re.compile(rf"(?<![\w.+-]){re.escape(each)}(?![\w-])", re.IGNORECASE) for each in spellings)
    whole = [_pattern(order) for name in names for order in orders(name)]
    longest = sorted(filter(None, words), key=len, reverse=True)
    bare = [re.compile(rf"(?<!\w){re.escape(word)}(?!\w)", re.IGNORECASE) for word in longest]
    fragments = {fragment for each in (*spellings, *_lines(names)) for fragment in _fragments(each)}
    return Mentions(tuple(sorted(fragments)), addresses, (*addresses, *whole), (*addresses, *whole, *bare))


def orders(name: str) -> set[tuple[str, ...]]:
    """Return the orders in which people write a name of several words; none for a single word."""
    words = tuple(name.split())
    return {words, (words[-1], *words[:-1]), (*words[1:], words[0])} if len(words) > 1 else set()


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    # In JSON that is held as text a line break is two signs.
    return re.compile(r"(?<!\w)" + r"(?:,?\s+|\\n)".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)


def _lines(names: Sequence[str]) -> Iterator[str]:
    """Yield the longest word of each name, which every order of it has."""
    for name in names:
        if len(name.split()) > 1:
            yield max(name.split(), key=lambda word: (len(_ascii(word)), len(word)))


def _fragments(text: str) -> Iterator[str]:
    """Yield what the database looks for: databases agree on the small letters of ASCII only, and JSON may escape."""
    fragment = _ascii(text)
    if len(fragment) >= _SHORTEST:
        yield fragment.lower()
        return
    for spelled in {text, text.lower()}:
        yield spelled
        yield json.dumps(spelled)[1:-1].lower()


def _ascii(text: str) -> str:
    return max(re.findall(r"[\x20-\x7e]+", text), key=len, default="")
