"""What every page behind a link shares: a kind answer to a link that is broken or has run out, and who came by it.

It knows no page of its own; the nouns' files do.
"""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from balintmail.services.fresh_links import LinkOver
from balintmail.services.leaving import Door, LinkBroken, Visit
from balintmail.web.page import render
from balintmail.web.problem import problem
from balintmail.web.site import site
from balintmail.web.visitor import visitor


class LinkRoute(APIRoute):
    """A route whose use-case may find the link broken (404) or over (410, with a way to a new one)."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                return await inner(request)
            except LinkOver as over:
                return render(request, "link_over.html", status=410, errand=over.row.purpose)
            except LinkBroken:
                return problem(request, 404)

        return handle


def visit(request: Request, form: str, door: Door = Door.FORM) -> Visit:
    """Return how somebody came: by which form, and from which network address if the society keeps that (S42)."""
    evidence = {"form": form} if form else {}
    keeps = site(request).ctx.settings.joining.keep_network
    network = visitor(request).address if keeps else ""
    return Visit(door, {**evidence, **({"network": network} if network else {})})
