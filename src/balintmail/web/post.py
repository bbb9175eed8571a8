"""Where the post reaches a person: first the country, then the parts that its addresses have.

It keeps nothing; services/preferences.py does, and services/postal.py knows the countries.
"""

from datetime import date
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.errors import UsageRefused
from balintmail.services import postal, preferences
from balintmail.services.leaving import LONGEST_PAUSE
from balintmail.services.postal import PostalRefused
from balintmail.services.preferences import OwnPage
from balintmail.web import post_fields
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.links import LinkRoute
from balintmail.web.manage import own, up
from balintmail.web.page import render, say
from balintmail.web.site import site

router = APIRouter(route_class=LinkRoute)


@router.get("/manage/{secret}/post", tags=[Kind.TOKEN])
def show(request: Request, secret: str, country: str = "") -> Response:
    """Show the form for the country that was chosen or is on record, else the choice of countries."""
    page = preferences.own_page(site(request).ctx, secret)
    held = page.post.parts if page.post is not None else {}
    chosen = country.upper() or held.get("country_code", "")
    if country == "other" or chosen not in postal.countries():
        return _countries(request, held.get("country_code", ""))
    typed = held if chosen == held.get("country_code") else {}
    return _form(request, page, chosen, form=Form({name: (value,) for name, value in typed.items()}))


@router.post("/manage/{secret}/post", tags=[Kind.TOKEN])
def save(request: Request, secret: str, posted: Posted) -> Response:
    """Keep the address, or forget it."""
    ctx = site(request).ctx
    if posted.text("do") == "remove":
        preferences.drop_post(ctx, secret)
        return own(request, secret, saved="post_removed")
    page = preferences.own_page(ctx, secret)
    country = posted.text("country_code").upper()
    if country not in postal.countries():
        return _countries(request, "", status=422)
    if errors := _keep(request, secret, country, posted):
        return _form(request, page, country, form=posted, errors=errors, status=422)
    return own(request, secret, saved="post")


def _keep(request: Request, secret: str, country: str, posted: Form) -> FormErrors:
    """Keep the address that was posted, unless something is wrong with it; return what is."""
    errors, first_day, text = FormErrors(), None, posted.text("first_day").strip()
    given = {part.name: posted.text(part.name) for part in postal.parts(country)}
    try:
        clean = postal.checked({**given, "country_code": country})
    except PostalRefused as refused:
        for name, words in post_fields.complaints(request, country, refused):
            errors.add(name, words)
    try:
        first_day = date.fromisoformat(text) if text else None
        if not errors:
            preferences.put_post(site(request).ctx, secret, clean, first_day)
    except (ValueError, UsageRefused):
        errors.add("first_day", say(request, "post.error_day"))
    return errors


def _countries(request: Request, chosen: str, *, status: int = 200) -> Response:
    options = post_fields.countries(request, postal.countries())
    return render(request, "manage_country.html", options=options, chosen=chosen, up=up(request), status=status)


def _form(
    request: Request, page: OwnPage, country: str, *, form: Form, errors: FormErrors | None = None, status: int = 200
) -> Response:
    ctx = site(request).ctx
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    shown: dict[str, Any] = {
        **post_fields.shown(request, country),
        "page": page,
        "first_day": today,
        "last_day": today + LONGEST_PAUSE,
        "form": form,
        "errors": errors or FormErrors(),
    }
    return render(request, "manage_post.html", status=status, up=up(request), **shown)
