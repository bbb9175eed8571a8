"""The feed of the society's year, at a secret address that calendar programs subscribe to.

It shows duties, never a person. The address is made and renewed by `balintmail calendar feed` (services/duties.py).
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.services import duties
from balintmail.web.access import Kind
from balintmail.web.problem import problem
from balintmail.web.site import site

router = APIRouter()


@router.get("/calendar/{token}.ics", tags=[Kind.TOKEN])
def feed(request: Request, token: str) -> Response:
    """Give the year as iCalendar."""
    found = duties.feed(site(request).ctx, token)
    if found is None:
        return problem(request, 404)
    return Response(found, media_type="text/calendar", headers={"content-disposition": "inline; filename=society.ics"})
