"""Search newsletters and the Journal: words in, what holds them out, the best first.

What was typed is shown back as text and looked for as words; it is never markup and never a command. Use-case:
services/search.py.
"""

from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.search import LONGEST_QUESTION
from balintmail.services import search
from balintmail.web.access import Kind
from balintmail.web.newsletters import day_of
from balintmail.web.page import render
from balintmail.web.problem import problem
from balintmail.web.site import site

router = APIRouter()
_MOST_PAGES = 500


@router.get("/search", tags=[Kind.PAGE])
def look(request: Request, q: str = "", page: str = "1") -> Response:
    """Show the field to type words in, and what holds them."""
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 0
    if not 0 < number <= _MOST_PAGES:
        return problem(request, 404)
    typed = q[:LONGEST_QUESTION].strip()
    found = search.find(site(request).ctx, typed, number)
    if number > 1 and not found.hits:
        return problem(request, 404)
    turns = {step: "/search?" + urlencode({"q": typed, "page": number + step}) for step in (-1, 1)}
    return render(request, "search.html", typed=typed, found=found, turns=turns, day_of=day_of(request))
