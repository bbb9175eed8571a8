"""The page of a letter's link for leaving, and the address that mail programs post to (RFC 8058).

GET and HEAD only show (S5, D8). A post needs nothing but the link: no cookie, no stamp, no language (S4). What the page
offers besides leaving makes things quieter too, or goes to the person's own address. Use-cases: services/leaving.py.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from balintmail.domain.hygiene import TextRefused
from balintmail.errors import UsageRefused
from balintmail.services import leaving, preferences
from balintmail.services.leaving import LONGEST_REASON, Door, LeavePage, ListStanding
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.links import LinkRoute, visit
from balintmail.web.page import catalogue, render, say
from balintmail.web.site import site

router = APIRouter(route_class=LinkRoute)

ONE_CLICK_FIELD, ONE_CLICK = "List-Unsubscribe", "one-click"  # RFC 8058 section 3.1
REASONS = ("too_many", "not_useful", "stopped", "never_asked")  # and what somebody writes themselves
_FORM = "leave 1"  # the page's version, for the record
_USUAL_PAUSE = timedelta(days=90)


@router.get("/leave/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show what the link would leave, with one button."""
    return _page(request, leaving.view(site(request).ctx, token))


@router.post("/leave/{token}", tags=[Kind.TOKEN])
def act(request: Request, token: str, posted: Posted) -> Response:
    """Leave at the word of a mail program or of the page's button, or do what the page offers in its place."""
    if posted.text(ONE_CLICK_FIELD).strip().lower() == ONE_CLICK:
        leaving.leave(site(request).ctx, token, visit(request, "", Door.ONE_CLICK))
        return PlainTextResponse(say(request, "leave.done_plain") + "\n")
    wanted = _ACTS.get(posted.text("do"))
    if wanted is None:  # a program that posts at random; a person finds the button there
        return _page(request, leaving.view(site(request).ctx, token), status=400)
    return wanted(request, token, posted)


def _leave(request: Request, token: str, posted: Form) -> Response:
    page = leaving.leave(site(request).ctx, token, visit(request, _FORM), reason=posted.text("reason"))
    return _page(request, page)


def _instead(request: Request, token: str, posted: Form) -> Response:
    """Do what was chosen in place of leaving this one list."""
    ctx, errors, chosen = site(request).ctx, FormErrors(), posted.text("instead")
    before = leaving.view(ctx, token)
    if chosen == "pause":
        try:
            page = leaving.pause(ctx, token, date.fromisoformat(posted.text("until")))
            return render(request, "leave_paused.html", **_shared(request, page))
        except (ValueError, UsageRefused):
            errors.add("until", say(request, "leave.error_until"))
    elif chosen == "address":
        preferences.send_link_by_leaving(ctx, token)
        return render(request, "preferences_sent.html", address=before.address, moving=True)
    elif chosen == "some":
        if slugs := posted.all("list"):
            return _left(request, before, leaving.leave_some(ctx, token, visit(request, _FORM), slugs))
        errors.add("list", say(request, "leave.error_list"))
    elif chosen == "all":
        return _left(request, before, leaving.leave_all(ctx, token, visit(request, _FORM)))
    else:
        errors.add("instead", say(request, "leave.error_instead"))
    return _page(request, before, status=422, form=posted, errors=errors)


def _why(request: Request, token: str, posted: Form) -> Response:
    """Keep why somebody left: one of the reasons offered, their own words, or both."""
    ctx, chosen = site(request).ctx, posted.text("why")
    offered = [say(request, f"leave.why_{chosen}")] if chosen in REASONS else []
    own = posted.text("reason").strip()
    errors = FormErrors()
    try:
        page = leaving.explain(ctx, token, visit(request, _FORM), "\n".join([*offered, *([own] if own else [])]))
    except TextRefused:
        errors.add("reason", say(request, "leave.error_reason", most=LONGEST_REASON - 100))
        return _page(request, leaving.view(ctx, token), status=422, form=posted, errors=errors)
    return _page(request, page, thanked=bool(offered or own))


_ACTS: dict[str, Callable[[Request, str, Form], Response]] = {"leave": _leave, "instead": _instead, "why": _why}


def _page(request: Request, page: LeavePage, *, status: int = 200, **values: object) -> Response:
    """Return the page for where somebody stands now: on the list, or off it."""
    on = page.of is not None and page.of.is_on
    left = [page.of] if page.of is not None and page.of.has_left and page.address else []
    shared = {**_shared(request, page), **_names(request, left), "thanked": False}
    return render(request, "leave.html" if on else "left.html", status=status, **{**shared, **values})


def _left(request: Request, before: LeavePage, page: LeavePage) -> Response:
    """Return the page that names the lists which somebody is on no more."""
    still = {each.slug for each in page.all_on}
    left = [each for each in before.all_on if each.slug not in still]
    if not left:
        return _page(request, page)
    return render(request, "left.html", **_shared(request, page), **_names(request, left), thanked=False)


def _names(request: Request, left: list[ListStanding]) -> dict[str, Any]:
    """Return the lists that were left, and their names as the page says them."""
    quoted = [say(request, "leave.quoted", list=each.name) for each in left]
    return {"left": left, "names": catalogue(request).join(quoted)}


def _shared(request: Request, page: LeavePage) -> dict[str, Any]:
    ctx = site(request).ctx
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    until = page.of.paused_until if page.of is not None else None
    return {
        "page": page,
        "reasons": [(each, say(request, f"leave.why_{each}"), "") for each in REASONS],
        "paused_until": until.astimezone(ctx.settings.zone).date() if until is not None else None,
        "usual_pause": _first_of_month(today + _USUAL_PAUSE),
        "first_day": today + timedelta(days=1),
        "last_day": today + leaving.LONGEST_PAUSE,
    }


def _first_of_month(day: date) -> date:
    """Return the first of the month after `day`'s, unless `day` is one itself."""
    return day if day.day == 1 else (day.replace(day=1) + timedelta(days=32)).replace(day=1)
