"""Write the facts of a system mail in its reader's language, and unroll the lists of its letter.

Dates, numbers, joined names and plural forms are Babel's (CLDR); days are those of the society's zone. A letter reads a
fact as `{{ notice.NAME }}`; docs/templates.md tells how. It chooses no words of its own.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard
from zoneinfo import ZoneInfo

from balintmail.composing.refusals import SyntaxRefused
from balintmail.domain.money import Money
from balintmail.domain.notices import Fact, NoticeKind, Plain, Word

if TYPE_CHECKING:
    from balintmail.catalogue import Catalogue

PREFIX = "notice."
_LOOP = re.compile(
    r"^\{%-?[ ]*for[ ]+(?P<each>[a-z_]+)[ ]+in[ ]+notice\.(?P<list>[a-z_]+)[ ]*-?%\}[ ]*\n"
    r"(?P<body>.*?)"
    r"^\{%-?[ ]*endfor[ ]*-?%\}[ ]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)

Shape = tuple[tuple[str, int], ...]  # the lists of rows among a mail's facts, and how long each is


@dataclass(frozen=True, slots=True)
class Reader:
    """How facts are written: the language (BCP 47), the society's zone, and the layout's words for `Word`."""

    language: str
    zone: ZoneInfo
    words: Mapping[str, str]


def shape_of(kind: NoticeKind, facts: Mapping[str, Fact]) -> Shape:
    """Return the lengths of a mail's lists of rows: letters of one shape are one text, compiled once."""
    lists = [name for name, sample in kind.facts.items() if _is_rows(sample)]
    return tuple((name, _length(facts.get(name, ()))) for name in sorted(lists))


def names_of(kind: NoticeKind, shape: Shape) -> frozenset[str]:
    """Return every name that a letter of `kind` and `shape` may use."""
    grown = dict(kind.facts)
    for name, length in shape:
        sample = kind.facts[name]
        if _is_rows(sample):
            grown[name] = [sample[0]] * length
    return frozenset(written(grown, Reader("en", ZoneInfo("UTC"), {})))


def written(facts: Mapping[str, Fact], reader: Reader) -> dict[str, str]:
    """Return every fact as its reader sees it, by its full name such as `notice.asked_at`.

    A number and a list bring their plural form with them (`notice.count.plural`: one, few, many, other), a moment its
    day alone (`notice.asked_at.day`). Texts of a list stand in quotation marks; a list that is empty is "".
    """
    found: dict[str, str] = {}
    for name, value in facts.items():
        whole = PREFIX + name
        if isinstance(value, str | int | date | timedelta | Word | Money):
            _write(found, whole, value, reader)
        elif _is_rows(value):
            _write(found, whole, len(value), reader)  # never none: an empty list is one of texts
            for number, row in enumerate(value, start=1):
                for key, inner in row.items():
                    _write(found, f"{whole}.row{number}.{key}", inner, reader)
        else:
            _write(found, whole, len(value), reader)
            quoted = [reader.words.get("quoted", "{text}").replace("{text}", str(item)) for item in value]
            found[whole] = _speech(reader.language).join(quoted) if value else ""
    return found


def unrolled(body: str, shape: Shape) -> str:
    """Return a letter's text with each `{% for one in notice.LIST %}` … `{% endfor %}` repeated for its rows.

    Both stand alone on their lines. Raises SyntaxRefused for a list that the letter's mail does not have.
    """
    lengths = dict(shape)

    def repeat(found: re.Match[str]) -> str:
        name, each = found["list"], found["each"]
        if name not in lengths:
            line = body.count("\n", 0, found.start()) + 1
            raise SyntaxRefused("letter.md", line, f'there is no list "notice.{name}".', hint="See docs/templates.md.")
        field = re.compile(rf"\b{re.escape(each)}\.(?=[a-z_]+)")
        rows = range(1, lengths[name] + 1)
        return "".join(_inside_tags(found["body"], field, f"{PREFIX}{name}.row{number}.") for number in rows)

    return _LOOP.sub(repeat, body)


def _inside_tags(text: str, field: re.Pattern[str], name: str) -> str:
    return _TAG.sub(lambda tag: field.sub(name, tag[0]), text)


def _is_rows(value: Fact) -> TypeGuard[Sequence[Mapping[str, Plain]]]:
    if isinstance(value, str | int | date | timedelta | Word | Money):
        return False
    return any(isinstance(item, Mapping) for item in value)


def _length(value: Fact) -> int:
    return 0 if isinstance(value, str | int | date | timedelta | Word | Money) else len(value)


def _write(found: dict[str, str], name: str, value: Plain, reader: Reader) -> None:
    speech = _speech(reader.language)
    if isinstance(value, bool):
        found[name] = "yes" if value else ""
    elif isinstance(value, int):
        found[name], found[f"{name}.plural"] = speech.number(value), speech.locale.plural_form(value)
    elif isinstance(value, datetime):
        found[name], found[f"{name}.day"] = speech.moment(value, reader.zone), speech.day(value.astimezone(reader.zone))
    elif isinstance(value, date):
        found[name] = speech.day(value)
    elif isinstance(value, timedelta):
        found[name] = _span(value, speech)
    elif isinstance(value, Money):
        found[name] = speech.money(value)
    elif isinstance(value, Word):
        found[name] = reader.words.get(value.key, value.key)
    else:
        found[name] = value


def _span(value: timedelta, speech: "Catalogue") -> str:
    """Return `1 hour and 32 minutes`; seconds below two minutes."""
    from babel.units import format_unit  # noqa: PLC0415

    seconds = max(0, int(value.total_seconds()))
    if seconds < 120:
        return str(format_unit(seconds, "duration-second", "long", locale=speech.locale))
    hours, minutes = divmod(round(seconds / 60), 60)
    parts = [
        str(format_unit(number, f"duration-{unit}", "long", locale=speech.locale))
        for number, unit in ((hours, "hour"), (minutes, "minute"))
        if number
    ]
    return speech.join(parts)


@lru_cache
def _speech(language: str) -> "Catalogue":
    """Return the forms of a language; its words are no matter of ours."""
    from balintmail.catalogue import Catalogue  # noqa: PLC0415  (40 ms of Babel, which only dispatch needs)

    return Catalogue((), language)
