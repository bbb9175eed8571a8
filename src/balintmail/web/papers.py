"""The page behind a reader's link: one paper, its files to take away, and a place for advice.

The link is one reader's and ends when the paper is decided (services/paper_decisions.py). Files leave as attachments,
under the type that was found in them, and are never shown.
"""

from urllib.parse import quote

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.hygiene import TextRefused
from balintmail.services import files, paper_decisions, papers
from balintmail.services.files import FileMissing
from balintmail.services.paper_decisions import LONGEST_ADVICE, Reading
from balintmail.services.papers import Whole
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.page import render, say
from balintmail.web.problem import problem
from balintmail.web.site import site

router = APIRouter()


@router.get("/papers/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show a paper to its reader."""
    found = paper_decisions.of_reader(site(request).ctx, token)
    return _page(request, token, found) if found else _over(request)


@router.post("/papers/{token}", tags=[Kind.TOKEN])
def advise(request: Request, token: str, posted: Posted) -> Response:
    """Take a reader's advice."""
    ctx = site(request).ctx
    try:
        found = paper_decisions.advise(ctx, token, posted.text("advice"))
    except TextRefused:
        again, errors = paper_decisions.of_reader(ctx, token), FormErrors()
        errors.add("advice", say(request, "papers.problem_advice", longest=LONGEST_ADVICE))
        return _page(request, token, again, posted, errors) if again else _over(request)
    return render(request, "paper_advised.html", found=found, back=f"/papers/{token}") if found else _over(request)


@router.get("/papers/{token}/files/{position}", tags=[Kind.TOKEN])
def file(request: Request, token: str, position: str) -> Response:
    """Give a file of a paper to its reader, to be kept and never to be shown by the browser."""
    ctx = site(request).ctx
    found = paper_decisions.of_reader(ctx, token)
    if found is None:
        return _over(request)
    return attachment(request, papers.whole(ctx, found.paper.number), position) or problem(request, 404)


def attachment(request: Request, of: Whole, position: str) -> Response | None:
    """Return a paper's file as an answer that no browser shows; None when there is none in that place."""
    wanted = next((one for one in of.files if str(one.position) == position), None)
    try:
        content = files.read(site(request).ctx, wanted.digest) if wanted else b""
    except FileMissing:
        content = b""
    if wanted is None or not content:
        return None
    named = f"attachment; filename*=UTF-8''{quote(wanted.file_name, safe='')}"
    return Response(content, media_type=wanted.kind, headers={"content-disposition": named})


def _page(
    request: Request, token: str, found: Reading, posted: Form | None = None, errors: FormErrors | None = None
) -> Response:
    return render(
        request,
        "paper.html",
        status=422 if errors else 200,
        form=posted or Form({"advice": (found.reader.advice,)}),
        errors=errors or FormErrors(),
        of=papers.whole(site(request).ctx, found.paper.number),
        reader=found.reader,
        base=f"/papers/{token}",
    )


def _over(request: Request) -> Response:
    return render(request, "paper_over.html", status=410)
