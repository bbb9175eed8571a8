"""Say in the visitor's language what the tables hold in words of their own: how, by whom, with which evidence.

What it knows no words for it leaves as it is held, so that nothing is left out. It reads no database. Called by
web/held.py.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from balintmail.catalogue import Catalogue
from balintmail.domain.money import written

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_NO_LETTER = re.compile(r"\W+")


class HeldWords:
    """The words of one visitor, with the society's zone."""

    def __init__(self, words: Catalogue, zone: ZoneInfo) -> None:
        self._words = words
        self._zone = zone

    def said(self, kind: str, held: str) -> str:
        """Return what `held` is called as a `kind` of thing, such as "form" as a "how"; itself when it has no name."""
        key = f"held.{kind}_{_NO_LETTER.sub('_', held)}"
        return self._words.say(key) if self._words.has(key) else held

    def money(self, amount: int, currency: str) -> str:
        """Return an amount, in whole pence, as people write it."""
        return written(amount, currency)

    def evidence(self, held: Mapping[str, object]) -> list[tuple[str, str]]:
        """Return what proves a consent, each with its name; moments as people write them."""
        return [(self.said("evidence", name), self._value(name, value)) for name, value in held.items()]

    def _value(self, name: str, value: object) -> str:
        text = str(value)
        if isinstance(value, str) and _MOMENT.fullmatch(value):
            return self._words.moment(datetime.fromisoformat(value), self._zone)
        if name == "wording_language":
            return self._words.name_of_language(text)
        return self.said("by", text) if name == "approved_by" else self.said("value", text)
