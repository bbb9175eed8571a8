"""What one row of an imported file says, once it is understood, and the small decisions about it.

It reads no file and asks no database: `ops/importers` makes the rows, `services/importing.py` and `db/imports.py`
carry them out.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from datetime import datetime as DateTime  # noqa: N812  (a row has a field of that kind)
from enum import StrEnum
from typing import Any, NamedTuple

from balintmail.domain.address import Address
from balintmail.domain.grounds import Basis, does_not_hold
from balintmail.domain.states import Ground, SuppressionReason


class FileState(StrEnum):
    """What a file says of somebody; other tools' words are brought to these by `ops/importers/tools.py`."""

    SUBSCRIBED = "subscribed"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    CLEANED = "cleaned"
    COMPLAINED = "complained"
    BLOCKED = "blocked"
    PENDING = "pending"  # asked to join and never confirmed


SUPPRESSES: dict[FileState, SuppressionReason] = {
    FileState.BOUNCED: SuppressionReason.BOUNCED,
    FileState.CLEANED: SuppressionReason.CLEANED,
    FileState.COMPLAINED: SuppressionReason.COMPLAINT,
    FileState.BLOCKED: SuppressionReason.MANUAL,
}


# The parts of a postal address, and the columns of a table that hold them.
POSTAL_COLUMNS = {
    "name": "postal_name",
    "company_name": "postal_company",
    "street_address": "postal_street",
    "city_area": "postal_area",
    "city": "postal_city",
    "country_area": "postal_region",
    "postal_code": "postal_postcode",
    "sorting_code": "postal_sorting",
    "country_code": "postal_country",
}


class GivenAddress(NamedTuple):
    """One address of a row; `suppress` says why it must not be mailed, if the file knows a reason."""

    address: Address
    suppress: SuppressionReason | None = None


class ImportRow(NamedTuple):
    """One row, understood. Empty text, None and missing fields mean "the file says nothing", never "make it empty".

    `lists` holds (slug, state) pairs, or None when the file names no list.
    `refused` is the reason why nothing of this row can be used, else "".
    """

    line: int
    shown: str
    refused: str = ""
    register: str = ""  # the instance whose numbers `person` is one of; "" says ours
    person: int | None = None
    name: str = ""
    first_name: str = ""
    language: str = ""
    member: bool | None = None
    addresses: tuple[GivenAddress, ...] = ()
    prefers: bool = True  # whether the first of the addresses is the preferred one
    fields: Mapping[str, Any] | None = None
    joined: DateTime | None = None
    lists: tuple[tuple[str, FileState], ...] | None = None
    state: FileState = FileState.SUBSCRIBED
    consent: str = ""
    collected: date | None = None
    ground: Ground = Ground.CONSENT
    opt_out_offered: bool = False
    journal: str = ""  # a JournalFormat
    post: Mapping[str, str] | None = None  # the parts of a postal address, as db/postal.py names them


class Candidate(NamedTuple):
    """Somebody on the register who shares an address with a row."""

    person: int
    name: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Whom a row means: `person`, or nobody yet (None), or it cannot be told (`refused` says why)."""

    person: int | None
    refused: str = ""


def choose(name_key: str, candidates: Sequence[Candidate]) -> Choice:
    """Return whom of `candidates`, who all share the row's address, the row with this name means.

    Two people may share an address, so another name is another person; a missing name fits whoever is alone.
    """
    if not candidates:
        return Choice(None)
    same = [found for found in candidates if key_of_name(found.name) == name_key]
    if len(same) > 1:
        return Choice(None, f"{len(same)} people with this address and name are on the register; say which by id")
    if same:
        return Choice(same[0].person)
    if not name_key:
        if len(candidates) == 1:
            return Choice(candidates[0].person)
        return Choice(None, f"{len(candidates)} people share this address; say which by name or id")
    nameless = [found for found in candidates if not key_of_name(found.name)]
    return Choice(nameless[0].person if len(nameless) == 1 else None)


def key_of_name(name: str) -> str:
    """Return what two spellings of one name share: case, composed letters and runs of blanks do not count."""
    if name.isascii():
        return " ".join(name.lower().split())
    return " ".join(unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold()).split())


def merged_fields(held: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `held` with what is new in `given`, or None when nothing is new.

    A spreadsheet knows only text, so text that reads like the value held changes nothing.
    """
    news = {name: value for name, value in given.items() if name not in held or not _same(held[name], value)}
    return {**held, **news} if news else None


def cell_text(value: Any) -> str:
    """Return a field's value as a spreadsheet's cell holds it: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _same(held: Any, given: Any) -> bool:
    if isinstance(given, str) and not isinstance(held, str):
        return cell_text(held) == given
    return type(held) is type(given) and held == given


def ground_refusal(row: ImportRow, today: date) -> str:
    """Return why this row's ground does not hold (S43), or ""."""
    return does_not_hold(Basis(row.ground, row.collected, row.opt_out_offered, bool(row.member)), today)
