"""Everything we hold about a person, as a page and as JSON, and the way to be erased: both behind a fresh link.

Looking changes nothing; taking the JSON away is a post, because that is on record (D8). Use-cases: services/held.py,
services/preferences.py.
"""

import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.errors import Conflict
from balintmail.services import held, preferences
from balintmail.services.held import Held
from balintmail.web.access import Kind
from balintmail.web.forms import Posted
from balintmail.web.held_words import HeldWords
from balintmail.web.links import LinkRoute
from balintmail.web.manage import up
from balintmail.web.page import catalogue, render
from balintmail.web.site import site

router = APIRouter(route_class=LinkRoute)

FILE = "what-is-held-about-me.json"


@router.get("/manage/{secret}/data", tags=[Kind.TOKEN])
def show(request: Request, secret: str) -> Response:
    """Show everything that is held of a person."""
    ctx = site(request).ctx
    found = held.own(ctx, secret)
    words = catalogue(request)
    shown: dict[str, Any] = {
        "of": found,
        "language_name": words.name_of_language(found.person.language) if found.person.language else "",
        "labels": _labels(found),
        "names": {each.slug: each.name for each in found.subscriptions},
        "answered": held.answers_of_lists(ctx, words.language),
        "held_words": HeldWords(words, ctx.settings.zone),
    }
    return render(request, "held.html", up=up(request), **shown)


@router.post("/manage/{secret}/data", tags=[Kind.TOKEN])
def take(request: Request, secret: str) -> Response:
    """Hand everything out as a JSON file."""
    ctx = site(request).ctx
    document = held.document(held.own_copy(ctx, secret), ctx.settings.zone)
    text = json.dumps(document, ensure_ascii=False, indent=2)
    disposition = {"Content-Disposition": f'attachment; filename="{FILE}"'}
    return Response(text.encode() + b"\n", media_type="application/json", headers=disposition)


@router.get("/manage/{secret}/erase", tags=[Kind.TOKEN])
def show_erase(request: Request, secret: str) -> Response:
    """Say what erasing does."""
    page = preferences.whole_page(site(request).ctx, secret)
    return render(request, "erase.html", page=page, up=up(request), refused="")


@router.post("/manage/{secret}/erase", tags=[Kind.TOKEN])
def erase(request: Request, secret: str, posted: Posted) -> Response:
    """Erase the person for good."""
    ctx = site(request).ctx
    if posted.text("do") != "erase":
        page = preferences.whole_page(ctx, secret)
        return render(request, "erase.html", page=page, up=up(request), refused="", status=400)
    try:
        preferences.erase(ctx, secret)
    except Conflict:
        page = preferences.whole_page(ctx, secret)
        refused = "office" if page.is_officer else "sender"
        return render(request, "erase.html", page=page, up=up(request), refused=refused, status=409)
    return render(request, "erased.html")


def _labels(of: Held) -> list[list[str]]:
    """Return each postal address as the lines of a label."""
    return [held.label(each, of.person.name) for each in of.postal]
