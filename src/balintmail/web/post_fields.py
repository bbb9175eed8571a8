"""The fields of a postal address as a country has them: their names, their order, and what is wrong with them.

Shared by the pages that ask for one (templates/web/postal.html); it keeps nothing.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request

from balintmail.services import postal
from balintmail.services.postal import Part, PostalRefused
from balintmail.web.page import catalogue, say

# What browsers may fill in (HTML's autofill detail tokens).
_AUTOFILL = {
    "name": "name",
    "company_name": "organization",
    "street_address": "street-address",
    "city_area": "address-level3",
    "city": "address-level2",
    "country_area": "address-level1",
    "postal_code": "postal-code",
}


def shown(request: Request, country: str) -> dict[str, Any]:
    """Return what a page needs to show the fields of a country's addresses."""
    parts = postal.parts(country)
    return {
        "parts": parts,
        "labels": {part.name: _label(request, part) for part in parts},
        "autofill": _AUTOFILL,
        "country": country,
        "country_name": catalogue(request).countries().get(country, country),
    }


def countries(request: Request, codes: Iterable[str]) -> list[tuple[str, str]]:
    """Return these countries to choose from, by their names in the visitor's language; the first is none."""
    names = catalogue(request).countries()
    known = sorted((names.get(code, code), code) for code in codes)
    return [("", say(request, "post.choose")), *((code, name) for name, code in known)]


def complaints(request: Request, country: str, refused: PostalRefused) -> Iterator[tuple[str, str]]:
    """Yield each part that is wrong, with what to enter there, in the order of the page."""
    for part in postal.parts(country):
        if part.name in refused.wrong:
            yield part.name, _complaint(request, part, refused.wrong[part.name])


def _label(request: Request, part: Part) -> str:
    """Return what the part is called in that country: a county, a postcode, a post town."""
    kind = "postcode" if part.name == "postal_code" and part.kind == "postal" else part.kind
    return say(request, f"post.{kind}")


def _complaint(request: Request, part: Part, why: str) -> str:
    """Return which part is wrong and what to enter there."""
    more = "_choice" if part.choices else "_example" if part.example else ""
    key = "post.error_unprintable" if why == "unprintable" else f"post.error_{why}{more}"
    return say(request, key, part=_label(request, part), example=part.example)
