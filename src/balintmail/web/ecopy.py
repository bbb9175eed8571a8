"""Somebody's own copy of the Journal: the page behind the link in their mail, and the file.

The link is bound to one copy and ends on its day. GET and HEAD change nothing (D8); the file comes for a POST, which is
counted. Use-cases: services/journal_links.py.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.services import files, journal_links
from balintmail.web.access import Kind
from balintmail.web.links import LinkRoute
from balintmail.web.page import render
from balintmail.web.pdf import handed_out
from balintmail.web.site import site

router = APIRouter(route_class=LinkRoute)


@router.get("/ecopy/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show which copy the link opens, and how long."""
    found = journal_links.opened(site(request).ctx, token)
    if found.pdf is None:
        return render(request, "ecopy_over.html", status=410)
    megabytes = max(1, round(found.size / 1_000_000))
    words = journal_links.issue_words(found.issue)
    return render(request, "ecopy.html", of=found, issue=words, megabytes=megabytes, journal=_journal(request))


@router.post("/ecopy/{token}", tags=[Kind.TOKEN])
def fetch(request: Request, token: str) -> Response:
    """Give the file, and count that it was fetched."""
    ctx = site(request).ctx
    found = journal_links.fetched(ctx, token)
    if found.pdf is None:
        return render(request, "ecopy_over.html", status=410)
    return handed_out(files.path(ctx, found.pdf), found.name)


def _journal(request: Request) -> str:
    return site(request).ctx.settings.journal.name
