"""Values written once for all who share them: first names, towns and the like come again and again in a mailing.

It decides nothing about a letter and holds no more than a few megabytes, however many readers there are. Used by
merge.py, for values that stand in a body; what is written is looked over here once (proof.py).
"""

from collections.abc import Callable
from typing import Any

from balintmail.composing import proof, quoted
from balintmail.composing.escaping import Context, escape
from balintmail.composing.expressions import Const, Default, Field, Value
from balintmail.composing.refusals import ContentRefused
from balintmail.domain.recipient import Recipient

KEPT_VALUES = 8192  # of each context
KEPT_OF_A_SLOT = 2048  # and of each slot, with all that leads to them
KEPT_LENGTH = 60  # characters; what is longer is seldom shared

Read = Callable[[Recipient], Any]
Make = Callable[[Recipient], bytes]


def remembering(value: Value, reader: Callable[[str], Read], make: Make) -> Make:
    """Return `make` with what it made of one field's text remembered, where nothing else decides."""
    inner = value.value if isinstance(value, Default) and isinstance(value.fallback, Const) else value
    if not isinstance(inner, Field):
        return make
    read = reader(inner.name)
    known: dict[str, bytes] = {}

    def remembered(recipient: Recipient) -> bytes:
        raw = read(recipient)
        if raw.__class__ is not str or len(raw) > KEPT_LENGTH:
            return make(recipient)
        made = known.get(raw)
        if made is None:
            if len(known) >= KEPT_OF_A_SLOT:
                known.clear()
            made = known[raw] = make(recipient)
        return made

    return remembered


class Written(dict[str, bytes]):
    """Values as they stand in one context; those that come again are written once."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context

    def of(self, text: str) -> bytes:
        """Return the cleaned value `text` as whole lines of quoted-printable."""
        return self[text] if len(text) <= KEPT_LENGTH else self._write(text)

    def __missing__(self, text: str) -> bytes:
        made = self._write(text)
        if len(self) >= KEPT_VALUES:
            self.clear()
        self[text] = made
        return made

    def _write(self, text: str) -> bytes:
        made = quoted.value(escape(text, self._context))
        if not proof.are_whole_lines(made):
            raise ContentRefused("a value of theirs cannot be written in a letter")
        return made
