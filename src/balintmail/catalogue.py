"""What the pages say, in each language: words with their plurals, dates, numbers and lists, by Babel's rules.

The words of language `de` lie as `de/NOUN.toml` in folders that are looked through in order; the instance's own come
first and are laid over the shipped ones key by key. A missing word is taken from English. It renders no HTML and knows
no page. A word is called `NOUN.KEY`: `join.title` is `title` in `join.toml`.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_timezone_location
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal

from balintmail.domain.money import Money, decimal
from balintmail.domain.times import city
from balintmail.errors import BalintmailError

FALLBACK = "en"
_PLACE = re.compile(r"\{(\w+)\}")
_TAG = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_BRITISH = {"en": "en_GB"}  # a society in Britain writes 21 November, not November 21
_FORMS = frozenset({"zero", "one", "two", "few", "many", "other"})  # CLDR's plural categories

Words = str | dict[str, str]  # a sentence, or a sentence for each plural form


class CatalogueError(BalintmailError):
    """A file of words cannot be read, or a word is missing in every language."""

    code = "words"


class Catalogue:
    """The words and the forms of one language."""

    def __init__(self, folders: Sequence[Path], language: str) -> None:
        """Read what `folders` say in `language` (BCP 47), the first folder being the strongest."""
        self.language = language
        self._words = {key: said for tag in _tags(language) for key, said in _read_all(folders, tag).items()}

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._words)

    @cached_property
    def locale(self) -> Locale:
        """Babel's locale; English for a language that Babel does not know."""
        try:
            return Locale.parse(_BRITISH.get(self.language, self.language.replace("-", "_")))
        except (UnknownLocaleError, ValueError):
            return Locale.parse(_BRITISH[FALLBACK])

    @property
    def direction(self) -> str:
        return str(self.locale.text_direction)

    def say(self, key: str, **values: object) -> str:
        """Return the words of `key` with `values` in their places; `count` chooses the plural form and is written out.

        Raises CatalogueError for a key that no language has.
        """
        return fill(self.words(key, values.get("count")), {name: self.written(value) for name, value in values.items()})

    def words(self, key: str, count: object = None) -> str:
        """Return the words of `key` with their places still open, in the plural form for `count`."""
        said = self._words.get(key)
        if said is None:
            hint = "Compare the instance's templates/web with the shipped."
            raise CatalogueError(f'There are no words for "{key}".', hint=hint)
        if isinstance(said, str):
            return said
        form = self.locale.plural_form(count) if isinstance(count, int) else "other"
        return said.get(form, said["other"])

    def has(self, key: str) -> bool:
        return key in self._words

    def number(self, value: int) -> str:
        """Return `20,000` as the language writes it."""
        return format_decimal(value, locale=self.locale)

    def money(self, value: Money) -> str:
        """Return `£1,250.00` as the language writes it."""
        return format_currency(Decimal(decimal(value.amount, value.currency)), value.currency, locale=self.locale)

    def day(self, value: date) -> str:
        """Return `21 November 2026` as the language writes it."""
        return format_date(value, "long", locale=self.locale)

    def moment(self, value: datetime, zone: ZoneInfo) -> str:
        """Return `21 November 2026, 18:04 (London)` as the language writes it, in `zone`."""
        local = value.astimezone(zone)
        time = format_time(local, "HH:mm", tzinfo=zone, locale=self.locale)
        try:
            place = get_timezone_location(zone, locale=self.locale, return_city=True)
        except LookupError:
            place = city(zone)
        return f"{self.day(local.date())}, {time} ({place})"

    def join(self, parts: Iterable[str]) -> str:
        """Return `A, B and C`."""
        return format_list(list(parts), locale=self.locale)

    def name_of_language(self, tag: str) -> str:
        """Return what the language `tag` calls itself, with a capital: `Magyar`."""
        try:
            own = Locale.parse(tag.replace("-", "_")).get_display_name()
        except (UnknownLocaleError, ValueError):
            own = None
        return f"{own[:1].upper()}{own[1:]}" if own else tag

    def countries(self) -> dict[str, str]:
        """Return the name of every country by its code (ISO 3166-1 alpha-2)."""
        return {code: str(name) for code, name in self.locale.territories.items() if re.fullmatch("[A-Z]{2}", code)}

    def written(self, value: object) -> str:
        """Return a value as it stands among words: numbers and days in the language's own way."""
        if isinstance(value, int) and not isinstance(value, bool):
            return self.number(value)
        return self.day(value) if isinstance(value, date) and not isinstance(value, datetime) else str(value)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Return `text` with each `{place}` filled; raise CatalogueError when there is no value for one."""
    try:
        return _PLACE.sub(lambda place: values[place[1]], text)
    except KeyError as exc:
        raise CatalogueError(f'The words "{text}" want a value for {exc}, which their page does not give.') from exc


def languages(folders: Sequence[Path]) -> list[str]:
    """Return the languages that `folders` hold words in: English first, then by their tags."""
    found = {path.name for folder in folders if folder.is_dir() for path in folder.iterdir() if path.is_dir()}
    return sorted((tag for tag in found if _TAG.fullmatch(tag)), key=lambda tag: (tag != FALLBACK, tag))


def choose(offered: Sequence[str], asked: str, accepted: str, usual: str) -> str:
    """Return the language of a visitor: what they asked for by name, else what their browser accepts, else `usual`.

    `accepted` is an Accept-Language field (RFC 9110 section 12.5.4); what cannot be read in it counts as not said.
    """
    if (found := _nearest(offered, asked)) is not None:
        return found
    ranked = []
    for place, part in enumerate(accepted[:500].split(",")):
        tag, _, quality = part.partition(";")
        weight = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        rank = float(weight[1]) if weight else (0.0 if quality else 1.0)
        if rank > 0:
            ranked.append((-rank, place, tag.strip()))
    for _, _, tag in sorted(ranked):
        if (found := _nearest(offered, tag)) is not None:
            return found
    return _nearest(offered, usual) or FALLBACK


def _nearest(offered: Sequence[str], tag: str) -> str | None:
    """Return the offered language that `tag` is or belongs to: `de` for `de-AT`."""
    tag = tag.lower()
    while tag:
        if tag in offered:
            return tag
        tag = tag.rpartition("-")[0]
    return None


def _tags(language: str) -> list[str]:
    """Return where words are looked for, the strongest last."""
    tag = language.lower()
    return [FALLBACK, *([tag] if _TAG.fullmatch(tag) and tag != FALLBACK else [])]


def _read_all(folders: Sequence[Path], tag: str) -> dict[str, Words]:
    found: dict[str, Words] = {}
    for folder in reversed(folders):
        for path in sorted((folder / tag).glob("*.toml")):
            found.update({f"{path.stem}.{key}": said for key, said in _read(path).items()})
    return found


def _read(path: Path) -> dict[str, Words]:
    try:
        data: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as exc:
        raise CatalogueError(f"{path} cannot be read: {exc}.", hint="Mend that line.") from exc
    for key, said in data.items():
        plural = isinstance(said, dict) and "other" in said and set(said) <= _FORMS
        if not isinstance(said, str) and not (plural and all(isinstance(text, str) for text in said.values())):
            raise CatalogueError(
                f'{path}: "{key}" is neither a text nor a table of plural forms.',
                hint='Plural forms are written { one = "…", other = "…" }.',
            )
    return data
