"""Put the site together: the routes of every noun behind one gate.

It holds no business. The order of a request: gate.py, the noun's own file (join.py, leave.py …), a use-case in
services/, page.py. A new noun adds its module, which has a `router`, to NOUNS.
"""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.networks import networks
from balintmail.services.context import Context
from balintmail.web import (
    assets,
    calendar,
    contribute,
    copies,
    copy_decisions,
    decide,
    ecopy,
    health,
    held,
    home,
    join,
    journal,
    leave,
    manage,
    newsletters,
    order,
    pages,
    paper_desk,
    papers,
    post,
    preferences,
    release,
    search,
    sitemap,
)
from balintmail.web.gate import Gate, entries
from balintmail.web.problem import problem
from balintmail.web.site import Site

NOUNS = (
    home,
    assets,
    health,
    join,
    decide,
    order,
    leave,
    preferences,
    manage,
    post,
    held,
    newsletters,
    copy_decisions,
    copies,
    release,
    pages,
    contribute,
    papers,
    paper_desk,
    calendar,
    search,
    sitemap,
    ecopy,
    journal,  # last: whatever stands below /journal and is neither a year nor a paper comes before it
)


def make_app(ctx: Context) -> FastAPI:
    """Return the society's site on the instance of `ctx`; raise UnguardedRoute for a route without a kind."""
    found = Site(ctx)
    # Its own descriptions of itself are not served: what there is, the pages say.
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.site = found
    routes = [route for noun in NOUNS for route in noun.router.routes if isinstance(route, APIRoute)]
    app.router.routes.extend(routes)
    known, proxies = entries(routes), networks(ctx.settings.web.proxies)
    app.add_middleware(Gate, site=found, entries=known, proxies=proxies)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _unreadable)
    return app


def _refused(request: Request, exc: Exception) -> Response:
    return problem(request, exc.status_code if isinstance(exc, HTTPException) else 500)


def _unreadable(request: Request, _exc: Exception) -> Response:
    return problem(request, 400)
