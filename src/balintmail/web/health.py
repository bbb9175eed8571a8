"""Say whether the site can answer: for the program that watches it.

It tells no version, name or number: it is there for everybody.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from balintmail.db.session import DatabaseError
from balintmail.web.access import Kind
from balintmail.web.site import site

router = APIRouter()


@router.get("/healthz", tags=[Kind.HEALTH])
def healthz(request: Request) -> Response:
    """Answer 200 when the database answers and has this version's schema, else 503."""
    try:
        site(request).ctx.db.require_schema()
    except DatabaseError:
        return JSONResponse({"status": "down"}, status_code=503)
    return JSONResponse({"status": "ok"})
