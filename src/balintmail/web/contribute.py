"""What the Journal looks for, and the form by which a paper comes to it.

The words of the guidance are the page `contribute` of the instance's `pages/`. Fields and files are checked by
services/papers.py; no file is opened here or served again.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.papers import MOST_FILES, PaperRefused, Problem
from balintmail.domain.stamps import Stamped
from balintmail.services import papers
from balintmail.services.papers import Given, Sent
from balintmail.web.access import Kind, Takes
from balintmail.web.forms import Form, FormErrors, read_form, stamped
from balintmail.web.page import render, say
from balintmail.web.pages import own_words
from balintmail.web.site import site
from balintmail.web.visitor import visitor

router = APIRouter()
FORM = "paper"
_FIELDS = ("title", "authors", "abstract", "name", "address", "files", "message", "agree")


@router.get("/contribute", tags=[Kind.PAGE])
def contribute(request: Request) -> Response:
    """Show the guidance for contributors."""
    return render(request, "contribute.html", own=own_words(request, "contribute"))


@router.get("/contribute/send", tags=[Kind.PAGE])
def form(request: Request) -> Response:
    """Show the form that sends a paper in."""
    return _form(request, Form())


@router.post("/contribute/send", tags=[Kind.PAGE, Takes.FILES])
def send(request: Request) -> Response:
    """Take a paper, or show the form again with what is to be put right."""
    posted = read_form(request)
    stamp = stamped(request, posted, FORM)
    if stamp is not Stamped.GOOD or posted.trapped:
        return _form(request, posted, again=True)
    try:
        done = papers.send_in(site(request).ctx, _sent(request, posted))
    except PaperRefused as exc:
        return _form(request, posted, _errors(request, exc))
    return render(request, "contribute_sent.html", number=done.number, address=posted.text("address").strip())


def _sent(request: Request, posted: Form) -> Sent:
    who = visitor(request)
    return Sent(
        title=posted.text("title"),
        address=posted.text("address"),
        name=posted.text("name"),
        authors=posted.text("authors"),
        abstract=posted.text("abstract"),
        message=posted.text("message"),
        language=who.language,
        files=[Given(one.name, one.content) for one in posted.files.get("files", ())[: MOST_FILES + 1]],
        agreed=posted.ticked("agree"),
        network=who.network,
    )


def _errors(request: Request, refused: PaperRefused) -> FormErrors:
    errors = FormErrors()
    for name in _FIELDS:
        if (problem := refused.problems.get(name)) is not None:
            errors.add(name, _words(request, problem))
    if "files" not in refused.problems and refused.problems:
        errors.add("files", say(request, "contribute.files_again"))  # a browser does not keep what was chosen
    return errors


def _words(request: Request, problem: Problem) -> str:
    return say(request, f"contribute.problem_{problem.code}", **dict(problem.values or {}))


def _form(request: Request, posted: Form, errors: FormErrors | None = None, *, again: bool = False) -> Response:
    return render(
        request,
        "contribute_send.html",
        status=422 if errors else 200,
        form=posted,
        errors=errors or FormErrors(),
        again=again,
    )
