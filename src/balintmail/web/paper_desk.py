"""The Secretary's decision on a paper, behind the links of a letter: a page to accept, a page to decline, its files.

Each has one button. A link is bound to the paper and to the officer it was mailed to, works once, and shows what was
decided ever after. GET and HEAD change nothing (D8). Use-cases: services/paper_desk.py.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain import hygiene
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.papers import PaperState
from balintmail.errors import BalintmailError
from balintmail.services import paper_desk
from balintmail.services.decisions import Way
from balintmail.services.paper_decisions import LONGEST_REASON, Verdict
from balintmail.services.paper_desk import DeskView
from balintmail.services.paper_links import PATH
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.page import render, say
from balintmail.web.papers import attachment
from balintmail.web.problem import problem
from balintmail.web.site import site

router = APIRouter()

_STATUS = {Way.UNKNOWN: 404, Way.OTHER: 403, Way.OLD: 410}
_STATES = {"accept": PaperState.ACCEPTED, "decline": PaperState.DECLINED}


@router.get("/papers/decide/{token}", tags=[Kind.TOKEN])
@router.get("/papers/decide/{token}/accept", tags=[Kind.TOKEN])
def show_accept(request: Request, token: str) -> Response:
    """Show a paper, with the button that accepts it."""
    return _page(request, token, "accept")


@router.get("/papers/decide/{token}/decline", tags=[Kind.TOKEN])
def show_decline(request: Request, token: str) -> Response:
    """Show a paper, with the button that declines it."""
    return _page(request, token, "decline")


@router.post("/papers/decide/{token}/accept", tags=[Kind.TOKEN])
def accept(request: Request, token: str, posted: Posted) -> Response:
    """Accept, once, with the reason that the author is told."""
    return _decide(request, token, "accept", posted)


@router.post("/papers/decide/{token}/decline", tags=[Kind.TOKEN])
def decline(request: Request, token: str, posted: Posted) -> Response:
    """Decline, once, with the reason that the author is told."""
    return _decide(request, token, "decline", posted)


@router.get("/papers/decide/{token}/files/{position}", tags=[Kind.TOKEN])
def file(request: Request, token: str, position: str) -> Response:
    """Give a file of a paper to the officer who decides on it, to be kept and never to be shown by the browser."""
    view = paper_desk.view(site(request).ctx, token)
    if view.whole is None:
        return _closed(request, view)
    return attachment(request, view.whole, position) or problem(request, 404)


def _decide(request: Request, token: str, act: str, posted: Form) -> Response:
    verdict = Verdict(_STATES[act], posted.text("reason"), posted.text("note"))
    try:
        view = paper_desk.decide(site(request).ctx, token, verdict)
    except TextRefused:
        errors = FormErrors()
        for name in ("reason", "note"):
            if _too_odd(posted.text(name)):
                errors.add(name, say(request, "paper_desk.problem", longest=LONGEST_REASON))
        return _page(request, token, act, posted, errors)
    except BalintmailError as exc:  # an author who was erased, say
        return _page(request, token, act, posted, refused=exc.message)
    return _closed(request, view)


def _page(
    request: Request,
    token: str,
    act: str,
    posted: Form | None = None,
    errors: FormErrors | None = None,
    *,
    refused: str = "",
) -> Response:
    view = paper_desk.view(site(request).ctx, token)
    if view.way is not Way.OPEN:
        return _closed(request, view)
    zone = site(request).ctx.settings.zone
    return render(
        request,
        "paper_desk.html",
        status=422 if errors else 409 if refused else 200,
        form=posted or Form(),
        errors=errors or FormErrors(),
        act=act,
        of=view.whole,
        readers=view.readers,
        refused=refused,
        base=PATH + token,
        local_day=lambda moment: moment.astimezone(zone).date(),
    )


def _closed(request: Request, view: DeskView) -> Response:
    """Return the page of a link that decides nothing more."""
    result = view.whole.paper.state.value if view.whole is not None else view.way.value
    return render(request, "paper_desk_done.html", status=_STATUS.get(view.way, 200), result=result, of=view.whole)


def _too_odd(text: str) -> bool:
    try:
        hygiene.paragraphs(text, what="it", longest=LONGEST_REASON)
    except TextRefused:
        return True
    return False
