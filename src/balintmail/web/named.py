"""Routes to things that have a name in the address: a list, a number, a page, a picture, a file.

What could be no such name is not looked for (F10), and what is not there is a kind page.
"""

import re
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from balintmail.errors import NotFound
from balintmail.services.files import FileMissing
from balintmail.web.problem import problem

_NAME = re.compile(r"[A-Za-z0-9._@-]{1,200}")


class NamedRoute(APIRoute):
    """A route whose use-case may find nothing of that name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        inner = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if not all(_NAME.fullmatch(str(name)) for name in request.path_params.values()):
                return problem(request, 404)
            try:
                return await inner(request)
            except (NotFound, FileMissing):
                return problem(request, 404)

        return handle
