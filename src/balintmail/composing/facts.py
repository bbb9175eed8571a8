"""Write the facts of a system mail in its reader's language, and unroll the lists of its letter.

Dates, numbers, joined names and plural forms are Babel's (CLDR); days are those of the society's zone. A letter reads a
fact as `{{ notice.NAME }}`; docs/templates.md tells how. It chooses no words of its own.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, TypeGuard
from zoneinfo import ZoneInfo

from balintmail.composing.refusals import SyntaxRefused
from balintmail.domain.notices import Fact, NoticeKind, Plain

if TYPE_CHECKING:
    from babel import Locale

PREFIX = "notice."
MOST_ROWS = 60  # of one list in a letter
_LOOP = re.compile(
    r"^\{%-?[ ]*for[ ]+(?P<each>[a-z_]+)[ ]+in[ ]+notice\.(?P<list>[a-z_]+)[ ]*-?%\}[ ]*\n"
    r"(?P<body>.*?)"
    r"^\{%-?[ ]*endfor[ ]*-?%\}[ ]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)

Shape = tuple[tuple[str, int], ...]  # the lists of rows among a mail's facts, and how long each is


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
    return frozenset(written(grown, "en", ZoneInfo("UTC")))


def written(facts: Mapping[str, Fact], language: str, zone: ZoneInfo) -> dict[str, str]:
    """Return every fact as its reader sees it, by its full name such as `notice.asked_at`.

    A number brings its plural form with it (`notice.count.plural`: one, few, many, other), a moment its day alone
    (`notice.asked_at.day`).
    """
    found: dict[str, str] = {}
    for name, value in facts.items():
        if isinstance(value, str | int | date):
            _write(found, PREFIX + name, value, (language, zone))
        elif _is_rows(value):
            for number, row in enumerate(value, start=1):
                for key, inner in row.items():
                    _write(found, f"{PREFIX}{name}.{number}.{key}", inner, (language, zone))
        else:
            found[PREFIX + name] = _joined([str(item) for item in value], language)
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
        return "".join(_inside_tags(found["body"], field, f"{PREFIX}{name}.{number}.") for number in rows)

    return _LOOP.sub(repeat, body)


_TAG = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)


def _inside_tags(text: str, field: re.Pattern[str], name: str) -> str:
    return _TAG.sub(lambda tag: field.sub(name, tag[0]), text)


def _is_rows(value: Fact) -> TypeGuard[Sequence[Mapping[str, Plain]]]:
    if isinstance(value, str | int | date):
        return False
    return any(isinstance(item, Mapping) for item in value)


def _length(value: Fact) -> int:
    return 0 if isinstance(value, str | int | date) else len(value)


def _write(found: dict[str, str], name: str, value: Plain, where: tuple[str, ZoneInfo]) -> None:
    language, zone = where
    if isinstance(value, bool):
        found[name] = "yes" if value else ""
    elif isinstance(value, int):
        found[name], found[f"{name}.plural"] = _number(value, language)
    elif isinstance(value, datetime):
        found[name], found[f"{name}.day"] = _moment(value, language, zone), _day(value.astimezone(zone), language)
    elif isinstance(value, date):
        found[name] = _day(value, language)
    else:
        found[name] = value


def _number(value: int, language: str) -> tuple[str, str]:
    from babel.numbers import format_decimal  # noqa: PLC0415  (40 ms, once per process)

    locale = locale_of(language)
    return format_decimal(value, locale=locale), locale.plural_form(value)


def _day(value: date, language: str) -> str:
    from babel.dates import format_date  # noqa: PLC0415

    return format_date(value, "long", locale=locale_of(language))


def _moment(value: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `21 November 2026, 18:04 (London)`, as the language writes it."""
    from babel.dates import format_time  # noqa: PLC0415

    local = value.astimezone(zone)
    clock = format_time(local, "short", tzinfo=zone, locale=locale_of(language))
    return f"{_day(local, language)}, {clock} ({_town(zone)})"


def _town(zone: ZoneInfo) -> str:
    return zone.key.rpartition("/")[2].replace("_", " ")


def _joined(items: list[str], language: str) -> str:
    from babel.lists import format_list  # noqa: PLC0415

    return format_list(items, locale=locale_of(language)) if items else ""


@lru_cache
def locale_of(language: str) -> "Locale":
    """Return Babel's locale for a BCP 47 tag; British English for one that it does not know."""
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415

    try:
        return Locale.parse("en_GB" if language in {"", "en"} else language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en_GB")
