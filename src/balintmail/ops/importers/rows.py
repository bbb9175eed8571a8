"""Turn one line of a table, or one person of a JSON export, into an `ImportRow`; odd data refuses its own row only.

It writes nothing and looks nothing up. Cleaning is the register's own (`domain/hygiene.py`, `domain/names.py`), so
that an import lets in nothing that a command would refuse.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, TypeVar

from balintmail.domain import address as addresses
from balintmail.domain import hygiene, names
from balintmail.domain.address import AddressRefused
from balintmail.domain.cells import plain_cell
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.imports import FileState, GivenAddress, ImportRow
from balintmail.domain.states import Ground, SuppressionReason
from balintmail.ops.importers import post
from balintmail.ops.importers.columns import Column, Meaning, field_name, plain
from balintmail.ops.importers.days import day
from balintmail.ops.importers.table import Limits, Line
from balintmail.ops.importers.tools import SUBSCRIBED, Standing, Tool, UnknownState, state_of

_Given = TypeVar("_Given")
_Understood = TypeVar("_Understood")
_SHOWN = 100  # characters of an odd address that a refusal repeats
_NAMED = re.compile(r"\s*\"?(?P<name>[^\"<>@\r\n]*?)\"?\s*<(?P<address>[^<>]+)>\s*")
_REMARKED = re.compile(r"\s*(?P<address>[^\s()]+)\s+\((?P<name>[^()@\r\n]*)\)\s*")
_YES = frozenset(
    ["1", "yes", "y", "true", "t", "x", "ja", "j", "oui", "o", "igen", "i", "si", "mitglied", "membre", "tag", "member"]
)
_NO = frozenset(["0", "no", "n", "false", "f", "nein", "non", "nem", "-", "nichtmitglied"])
_LANGUAGES = {
    "english": "en", "englisch": "en", "anglais": "en", "angol": "en", "german": "de", "deutsch": "de",
    "allemand": "de", "nemet": "de", "french": "fr", "franzosisch": "fr", "francais": "fr", "francia": "fr",
    "hungarian": "hu", "ungarisch": "hu", "hongrois": "hu", "magyar": "hu",
}  # fmt: skip
_GROUNDS = {
    "consent": Ground.CONSENT, "einwilligung": Ground.CONSENT, "consentement": Ground.CONSENT,
    "hozzajarulas": Ground.CONSENT, "membership": Ground.MEMBERSHIP, "mitgliedschaft": Ground.MEMBERSHIP,
    "soft opt in": Ground.SOFT_OPT_IN,
}  # fmt: skip
_ADDRESS_STATES: dict[str, SuppressionReason | None] = {
    "": None,
    "ok": None,
    **{reason.value: reason for reason in SuppressionReason if reason is not SuppressionReason.ERASED},
}


class _RowRefused(Exception):
    """This row cannot be used; the text says why."""


class TableRows:
    """Understands the lines of one table."""

    def __init__(self, columns: Sequence[Column], tool: Tool, limits: Limits) -> None:
        self._width = len(columns)
        self._limits = limits
        self._tool = tool
        self._at: dict[Meaning, int] = {
            column.meaning: column.position for column in columns if column.meaning is not Meaning.OWN
        }
        self._own = [(column.position, column.own) for column in columns if column.meaning is Meaning.OWN]
        self._by_title = {plain(column.title): column.position for column in columns}
        self._hungarian = any(plain(column.title) in {"vezeteknev", "csaladnev", "vnev"} for column in columns)

    def understand(self, line: Line) -> ImportRow:
        """Return what `line` says; never raises for its content."""
        # Most cells are plain; two passes of the interpreter's own are cheaper than one call for each.
        cells = line.cells
        if any(cell.startswith("'") for cell in cells):
            cells = [plain_cell(cell) for cell in cells]
        position = self._at.get(Meaning.ADDRESS)
        shown = cells[position].strip()[:_SHOWN] if position is not None and position < len(cells) else ""
        try:
            self._check(cells)
            return self._row(line.number, shown, cells)
        except _RowRefused as exc:
            return ImportRow(line.number, shown, str(exc))
        except (AddressRefused, TextRefused) as exc:
            what = "the address: " if isinstance(exc, AddressRefused) else ""
            return ImportRow(line.number, shown, f"{what}{_said(exc)}")

    def _check(self, cells: list[str]) -> None:
        if len(cells) > self._width and any(cell.strip() for cell in cells[self._width :]):
            raise _RowRefused(f"it has {len(cells)} cells where the header has {self._width}")
        longest = max(map(len, cells))
        if longest > self._limits.cell:
            raise _RowRefused(f"a cell holds {longest:,} characters; at most {self._limits.cell:,} are read")

    def _row(self, number: int, shown: str, cells: list[str]) -> ImportRow:
        at = self._at

        def get(meaning: Meaning) -> str:
            position = at.get(meaning)
            return cells[position].strip() if position is not None and position < len(cells) else ""

        def by_title(title: str) -> str:
            position = self._by_title.get(title)
            return cells[position].strip() if position is not None and position < len(cells) else ""

        person = _id(get(Meaning.ID))
        text, name = _split(get(Meaning.ADDRESS))
        standing = self._standing(get, by_title)
        given = _addresses(text, get, standing)
        if not given and person is None:
            raise _RowRefused("it has no address")
        first = _name(get(Meaning.FIRST_NAME))
        last = _name(get(Meaning.LAST_NAME))
        whole = _name(get(Meaning.NAME) or name)
        if not whole and Meaning.NAME not in at:
            whole = f"{last} {first}".strip() if self._hungarian else f"{first} {last}".strip()
        slug = get(Meaning.LIST)
        lists = _lists(get(Meaning.LISTS)) if Meaning.LISTS in at else ((slug, standing.state),) if slug else None
        collected = _day(get(Meaning.COLLECTED) or self._joined_there(by_title), "the day of the consent")
        journal = _said_well(post.journal_format, get(Meaning.JOURNAL_FORMAT))
        return ImportRow(
            line=number, shown=shown, register=get(Meaning.REGISTER), person=person, name=whole, first_name=first,
            language=_language(get(Meaning.LANGUAGE)), member=_yes_or_no(get(Meaning.MEMBER), "member"),
            addresses=given, prefers=bool(text), fields=self._fields(cells, by_title),
            joined=_moment(get(Meaning.JOINED)), lists=lists,
            state=standing.state, consent=_consent(get(Meaning.CONSENT)),
            collected=collected, ground=_ground(get(Meaning.GROUND)),
            opt_out_offered=bool(_yes_or_no(get(Meaning.OPT_OUT), "opt-out offered")),
            journal=journal, post=post.of_cells(get),
        )  # fmt: skip

    def _standing(self, get: Callable[[Meaning], str], by_title: Callable[[str], str]) -> Standing:
        try:
            said = self._tool.states(by_title) if self._tool.states is not None else None
            if said is not None:
                return said
            word = get(Meaning.STATE)
            return Standing(state_of(word)) if word else SUBSCRIBED
        except UnknownState as exc:
            raise _RowRefused(f'the state "{exc}" is not known') from exc

    def _joined_there(self, by_title: Callable[[str], str]) -> str:
        return next((found for title in self._tool.collected if (found := by_title(title))), "")

    def _fields(self, cells: list[str], by_title: Callable[[str], str]) -> Mapping[str, Any] | None:
        found: dict[str, Any] = {}
        for position, own in self._own:
            if position < len(cells) and (value := cells[position].strip()):
                found[own] = _field_value(own, value)
        if self._tool.attributes and (text := by_title(self._tool.attributes)) not in {"", "{}", "null"}:
            found.update(_attributes(text))
        return found or None


def of_document(number: int, value: Mapping[str, Any]) -> ImportRow:
    """Return what one person of our own JSON export says; never raises for its content."""
    given = value.get("addresses")
    shown = ""
    try:
        found: list[GivenAddress] = []
        for each in given if isinstance(given, list) else []:
            if not isinstance(each, dict):
                raise _RowRefused("its addresses are not written as the export writes them")
            shown = shown or _string(each, "address")[:_SHOWN]
            found.append(_given(_string(each, "address"), _string(each, "state")))
        # The preferred one comes first; a list by hand need not say which that is.
        marks = [each.get("preferred") for each in given] if isinstance(given, list) else []
        found = [each for _, each in sorted(zip(marks, found, strict=True), key=lambda pair: pair[0] is not True)]
        prefers = any(mark is not False for mark in marks)
        person = value.get("id")
        if person is not None and (type(person) is not int or person < 1):
            raise _RowRefused("its id is not a number")
        if not found and person is None:
            raise _RowRefused("it has no address")
        member = value.get("member")
        if member is not None and not isinstance(member, bool):
            raise _RowRefused('"member" is neither true nor false')
        return ImportRow(
            line=number, shown=shown, register=_string(value, "register"), person=person,
            name=names.clean(_string(value, "name")), first_name=names.clean(_string(value, "first_name")),
            language=_language(_string(value, "language")), member=member, addresses=_distinct(found), prefers=prefers,
            fields=_document_fields(value), joined=_moment(_string(value, "joined")), lists=_document_lists(value),
            consent=_consent(_string(value, "consent")),
            collected=_day(_string(value, "collected"), "the day of the consent"),
            ground=_ground(_string(value, "ground")), opt_out_offered=value.get("opt_out_offered") is True,
            journal=_said_well(post.journal_format, _string(value, "journal_format")),
            post=_said_well(post.of_document, value.get("post")),
        )  # fmt: skip
    except _RowRefused as exc:
        return ImportRow(number, shown, str(exc))
    except (AddressRefused, TextRefused) as exc:
        what = "the address: " if isinstance(exc, AddressRefused) else ""
        return ImportRow(number, shown, f"{what}{_said(exc)}")


def _document_fields(value: Mapping[str, Any]) -> dict[str, Any] | None:
    fields = value.get("fields")
    if fields is None:
        return None
    if not isinstance(fields, dict):
        raise _RowRefused('"fields" is not an object')
    return {key: _typed_value(key, held) for key, held in fields.items()} or None


def _typed_value(name: str, held: Any) -> Any:
    key, text = hygiene.own_field(name, held if isinstance(held, str) else "")
    if key != name:
        raise _RowRefused(f'"{name[:40]}" cannot be the name of a field')
    return text if isinstance(held, str) else _plain_value(name, held)


def _plain_value(name: str, held: Any) -> Any:
    """Return a number, yes or no, or nothing; no database need understand more of a field."""
    if held is None or isinstance(held, bool | int) or (isinstance(held, float) and math.isfinite(held)):
        return held
    raise _RowRefused(f'the field "{name}" is neither text nor a number nor yes or no')


def _document_lists(value: Mapping[str, Any]) -> tuple[tuple[str, FileState], ...] | None:
    lists = value.get("lists")
    if lists is None:
        return None
    if not isinstance(lists, dict):
        raise _RowRefused('"lists" is not an object')
    return tuple((slug, _list_state(str(state))) for slug, state in lists.items())


def _string(value: Mapping[str, Any], key: str) -> str:
    found = value.get(key)
    if found is None:
        return ""
    if not isinstance(found, str):
        raise _RowRefused(f'"{key}" is not text')
    return found


def _said_well(understand: Callable[[_Given], _Understood], given: _Given) -> _Understood:
    try:
        return understand(given)
    except ValueError as exc:
        raise _RowRefused(str(exc)) from exc


def _name(text: str) -> str:
    return names.clean(text) if text else ""


@lru_cache(maxsize=1000)
def _consent(text: str) -> str:
    return hygiene.paragraphs(text, what="the consent") if text else ""


def _said(exc: AddressRefused | TextRefused) -> str:
    if isinstance(exc, TextRefused):
        message = exc.message.rstrip(".")
        return message[:1].lower() + message[1:]
    return exc.reason


def _id(text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) == 0:
        raise _RowRefused(f'the id "{text[:20]}" is not a number')
    return int(text)


def _split(text: str) -> tuple[str, str]:
    """Return the address and the name of `Anna Kovács <anna@example.org>` or `anna@example.org (Anna Kovács)`."""
    if "<" in text and (found := _NAMED.fullmatch(text)):
        return found["address"], found["name"].strip()
    if text.endswith(")") and (found := _REMARKED.fullmatch(text)):
        return found["address"], found["name"].strip()
    return text, ""


def _addresses(text: str, get: Callable[[Meaning], str], standing: Standing) -> tuple[GivenAddress, ...]:
    found = [_given(text, get(Meaning.ADDRESS_STATE))] if text else []
    if standing.suppress is not None:
        found = [each._replace(suppress=standing.suppress) for each in found]
    others = get(Meaning.OTHER_ADDRESSES)
    if not others:
        return tuple(found)
    for each in others.replace(",", " ").replace(";", " ").split():
        other, _, state = each.partition(":")
        found.append(_given(other, state))
    return _distinct(found)


def _given(text: str, state: str) -> GivenAddress:
    key = state.strip().lower()
    if key not in _ADDRESS_STATES:
        raise _RowRefused(f'the state of an address "{state[:20]}" is not known')
    return GivenAddress(addresses.parse(text), _ADDRESS_STATES[key])


def _distinct(found: Sequence[GivenAddress]) -> tuple[GivenAddress, ...]:
    kept: dict[str, GivenAddress] = {}
    for each in found:
        kept.setdefault(each.address.key, each)
    return tuple(kept.values())


@lru_cache(maxsize=1000)
def _lists(text: str) -> tuple[tuple[str, FileState], ...]:
    """Return the states of `newsletter:subscribed journal:unsubscribed`."""
    pairs = [each.partition(":") for each in text.replace(";", " ").replace(",", " ").split()]
    return tuple((slug, _list_state(state)) for slug, _, state in pairs)


def _list_state(state: str) -> FileState:
    try:
        return state_of(state)
    except UnknownState as exc:
        raise _RowRefused(f'the state "{exc}" is not known') from exc


@lru_cache(maxsize=1000)
def _language(text: str) -> str:
    if not text:
        return ""
    return _LANGUAGES.get(plain(text)) or hygiene.language(text.replace("_", "-"))


def _yes_or_no(text: str, what: str) -> bool | None:
    if not text:
        return None
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise _RowRefused(f'{what} is "{text[:20]}", neither yes nor no')


def _ground(text: str) -> Ground:
    if not text:
        return Ground.CONSENT
    found = _GROUNDS.get(plain(text))
    if found is None:
        raise _RowRefused(f'the ground "{text[:30]}" is not known: consent, membership or soft_opt_in')
    return found


@lru_cache(maxsize=10_000)
def _field_value(own: str, value: str) -> str:
    return hygiene.paragraphs(value, what=f'the field "{own}"', longest=hygiene.LONGEST_VALUE)


def _attributes(text: str) -> dict[str, Any]:
    """Return listmonk's attributes: a JSON object; values that are no text, number or yes/no stay JSON text."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise _RowRefused("its attributes are not JSON") from exc
    if not isinstance(parsed, dict):
        raise _RowRefused("its attributes are not a JSON object")
    found: dict[str, Any] = {}
    for key, held in parsed.items():
        value: Any = held
        name = field_name(str(key))
        if not name or value is None:
            continue
        if isinstance(value, list | dict):
            value = json.dumps(value, ensure_ascii=False)
        found[name] = _field_value(name, value) if isinstance(value, str) else _plain_value(name, value)
    return found


@lru_cache(maxsize=1000)
def _day(text: str, what: str) -> date | None:
    """Return the day that `2025-03-21`, `21.03.2025`, `2025. 03. 21.` or `21/03/2025` names, or None."""
    if not text:
        return None
    try:
        return day(text)
    except ValueError as exc:
        raise _RowRefused(f'{what} is "{text[:30]}"; write it like 2025-03-21') from exc


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        found = _day(text, "the day of joining")
        return datetime(found.year, found.month, found.day, tzinfo=UTC) if found else None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
