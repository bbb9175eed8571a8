"""The release of a newsletter that was mailed in: a page with the check and the letter, and what can be done with it.

The link is bound to the draft and to the Secretary it was mailed to. GET and HEAD change nothing (D8); what is posted
is one of four: a test, the release with the number of people typed, dropping it, taking it back while it is held. The
letter is shown as the archive shows letters: escaped when it was compiled, without scripts or styles. Use-cases:
services/draft_release.py.
"""

from collections.abc import Callable
from urllib.parse import quote

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.services import draft_release
from balintmail.services.draft_release import DraftView, Way, WrongNumber
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.page import render, say
from balintmail.web.problem import problem
from balintmail.web.site import PICTURES, site

router = APIRouter()

_STATUS = {Way.UNKNOWN: 404, Way.OTHER: 403, Way.OLD: 410}


@router.get("/release/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show a draft with what the check finds now, or what became of it."""
    return _page(request, token)


@router.post("/release/{token}", tags=[Kind.TOKEN])
def release(request: Request, token: str, posted: Posted) -> Response:
    """Release a draft, once, if the number of people it reaches was typed."""
    ctx, errors = site(request).ctx, FormErrors()
    try:
        draft_release.release(ctx, token, posted.text("people"))
    except WrongNumber:
        errors.add("people", say(request, "release.wrong"))
    except BalintmailError as exc:
        return _page(request, token, remark=_sentence(exc))
    return _page(request, token, posted, errors)


@router.post("/release/{token}/test", tags=[Kind.TOKEN])
def test(request: Request, token: str) -> Response:
    """Send the letter to the officer alone, marked as a test."""
    try:
        address = draft_release.send_test(site(request).ctx, token)
    except BalintmailError as exc:
        return _page(request, token, remark=_sentence(exc))
    return _told(request, token, "test", address=address)


@router.post("/release/{token}/back", tags=[Kind.TOKEN])
def take_back(request: Request, token: str) -> Response:
    """Make a released newsletter a draft again, as long as nothing of it has left."""
    taken = draft_release.take_back(site(request).ctx, token)
    return _told(request, token, "back") if taken else _page(request, token)


@router.post("/release/{token}/drop", tags=[Kind.TOKEN])
def drop(request: Request, token: str) -> Response:
    """End a draft without sending it."""
    try:
        draft_release.drop(site(request).ctx, token)
    except Conflict:
        return _page(request, token)
    return _told(request, token, "dropped")


@router.get("/release/{token}/pictures/{identity}", tags=[Kind.TOKEN])
def picture(request: Request, token: str, identity: str) -> Response:
    """Give a picture of a draft."""
    try:
        kind, content = draft_release.picture(site(request).ctx, token, identity[:200])
    except (Conflict, NotFound):
        return problem(request, 404)
    if kind not in PICTURES.values():
        return problem(request, 404)
    return Response(content, media_type=kind, headers={"content-disposition": "inline"})


def _page(
    request: Request, token: str, posted: Form | None = None, errors: FormErrors | None = None, *, remark: str = ""
) -> Response:
    view = draft_release.view(site(request).ctx, token, _pictures(request, token))
    if view.way is not Way.OPEN:
        return _closed(request, token, view)
    return render(
        request,
        "release.html",
        status=422 if errors else 409 if remark else 200,
        form=posted or Form(),
        errors=errors or FormErrors(),
        of=view,
        remark=remark,
        base=f"/release/{token}",
        minutes=-(-int(view.hold.total_seconds()) // 60),
        words_of_letter=Markup(view.words),  # noqa: S704  (escaped when the letter was compiled; no script may run)
    )


def _closed(request: Request, token: str, view: DraftView) -> Response:
    """Return the page of a draft that cannot be released, because it was or for another reason."""
    if view.way is not Way.RELEASED or view.mailing is None:
        return _told(request, token, view.way.value, status=_STATUS.get(view.way, 200))
    if view.is_held:
        return _told(request, token, "held", view=view)
    return _told(request, token, view.mailing.state.value, view=view)


def _told(
    request: Request,
    token: str,
    result: str,
    *,
    view: DraftView | None = None,
    address: str = "",
    status: int = 200,
) -> Response:
    back = f"/release/{token}" if result in {"test", "back"} else ""
    values: dict[str, object] = {"view": view, "address": address, "back": back, "base": f"/release/{token}"}
    return render(request, "released.html", status=status, result=result, **values)


def _pictures(request: Request, token: str) -> Callable[[str], str]:
    """Return what gives the address of a picture on the page from its Content-ID."""
    base = f"{site(request).prefix}/release/{quote(token, safe='')}/pictures/"
    return lambda identity: base + quote(identity, safe="@")


def _sentence(exc: BalintmailError) -> str:
    return " ".join(filter(None, (exc.message, exc.hint)))
