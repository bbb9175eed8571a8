"""The front page: the way to join and to leave; and, until the site is set up, what is not configured yet.

The first-run page names settings and never shows what they hold.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.web.access import Kind
from balintmail.web.page import render

router = APIRouter()


@router.get("/", tags=[Kind.PAGE])
def home(request: Request) -> Response:
    """Show the front page."""
    return render(request, "home.html")
