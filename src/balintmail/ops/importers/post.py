"""What a row says of the Journal and of the post: columns as `people export` writes them, or the same in JSON.

It checks no address against its country's rules; services/importing.py does.
"""

from collections.abc import Callable, Mapping
from typing import Any

from balintmail.domain.imports import POSTAL_COLUMNS
from balintmail.domain.states import JournalFormat
from balintmail.ops.importers.columns import Meaning, plain

_FORMATS = {
    "paper": JournalFormat.PAPER, "papier": JournalFormat.PAPER, "papir": JournalFormat.PAPER,
    "pdf": JournalFormat.PDF,
    "both": JournalFormat.BOTH, "beides": JournalFormat.BOTH, "les deux": JournalFormat.BOTH,
    "mindketto": JournalFormat.BOTH,
}  # fmt: skip
_MEANINGS = {part: Meaning(column) for part, column in POSTAL_COLUMNS.items()}


def journal_format(text: str) -> str:
    """Return how somebody wants the Journal, "" for nothing said; raise ValueError for another word."""
    if not text:
        return ""
    found = _FORMATS.get(plain(text))
    if found is None:
        raise ValueError(f'the journal format "{text[:20]}" is not known: paper, pdf or both')
    return found.value


def of_cells(get: Callable[[Meaning], str]) -> dict[str, str] | None:
    """Return the parts of the postal address in a line's cells, or None where they are all empty."""
    found = {part: text for part, meaning in _MEANINGS.items() if (text := get(meaning))}
    return found or None


def of_document(value: Any) -> dict[str, str] | None:
    """Return the parts of the postal address in an object of JSON; raise ValueError where it is none."""
    if value is None:
        return None
    if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
        raise ValueError('"post" is not an object of texts')
    unknown = next((name for name in value if name not in POSTAL_COLUMNS), None)
    if unknown is not None:
        raise ValueError(f'"post" has no part "{str(unknown)[:30]}": {", ".join(POSTAL_COLUMNS)}')
    return {name: text for name, text in value.items() if text} or None
