"""The front page: the way to join and to leave; and, until the site is set up, what is not configured yet.

The first-run page names settings and never shows what they hold.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.services.readiness import is_ready, readiness
from balintmail.web.access import Kind
from balintmail.web.page import render
from balintmail.web.pages import own_words
from balintmail.web.site import site

router = APIRouter()


@router.get("/", tags=[Kind.PAGE])
def home(request: Request) -> Response:
    """Show the front page, or what is missing before there can be one."""
    items = readiness(site(request).ctx)
    if is_ready(items):
        return render(request, "home.html", own=own_words(request, "home"))
    return render(request, "first_run.html", items=items)


@router.get("/privacy", tags=[Kind.PAGE])
def privacy(request: Request) -> Response:
    """Say what is kept of whom, and how to see, change and erase it."""
    return render(request, "privacy.html")
