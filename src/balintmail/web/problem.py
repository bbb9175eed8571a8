"""The page for a request that cannot be answered: what is wrong in plain words and what to do, and nothing else.

It never shows a trace, a path or a reason from inside (standards.md 3.4).
"""

from starlette.requests import Request
from starlette.responses import HTMLResponse

from balintmail.web.page import render

_OWN_WORDS = frozenset({404, 405, 413, 429, 503})  # every other 4xx is a request we cannot read, every 5xx our fault
_RETRY_SECONDS = 30


def problem(request: Request, status: int) -> HTMLResponse:
    """Return the page for `status`, 400 to 599."""
    name = str(status) if status in _OWN_WORDS else "500" if status >= 500 else "400"
    page = render(request, "problem.html", status=status, name=name)
    if status in (429, 503):
        page.headers["retry-after"] = str(_RETRY_SECONDS)
    return page
