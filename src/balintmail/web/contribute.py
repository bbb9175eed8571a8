"""What the Journal looks for, and how a paper comes to it.

The words are the page `contribute` of the instance's `pages/`. It changes nothing.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.web.access import Kind
from balintmail.web.page import render
from balintmail.web.pages import own_words

router = APIRouter()


@router.get("/contribute", tags=[Kind.PAGE])
def contribute(request: Request) -> Response:
    """Show the guidance for contributors."""
    return render(request, "contribute.html", own=own_words(request, "contribute"))
