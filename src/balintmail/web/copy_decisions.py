"""The Secretary's decision on a request for a copy, behind the links of a mail: send it, name a price, decline.

Each page has one button. A link is bound to the request and to the officer it was mailed to, decides once, and shows
what was decided ever after. GET and HEAD change nothing (D8). Use-cases: services/copy_answers.py.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.db.session import Tx
from balintmail.domain import money
from balintmail.domain.hygiene import TextRefused
from balintmail.errors import BalintmailError
from balintmail.services import copy_answers
from balintmail.services.context import Context
from balintmail.services.copy_answers import Act, Answer, View
from balintmail.services.decisions import Way
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.page import render, say
from balintmail.web.site import site

router = APIRouter()

_STATUS = {Way.UNKNOWN: 404, Way.OTHER: 403, Way.OLD: 410}


@router.get("/copies/decide/{token}", tags=[Kind.TOKEN])
@router.get("/copies/decide/{token}/approve", tags=[Kind.TOKEN])
def show_approve(request: Request, token: str) -> Response:
    """Show a request, with the button that sends the copy."""
    return _page(request, token, Act.APPROVE)


@router.get("/copies/decide/{token}/quote", tags=[Kind.TOKEN])
def show_quote(request: Request, token: str) -> Response:
    """Show a request, with room for a price."""
    return _page(request, token, Act.QUOTE)


@router.get("/copies/decide/{token}/decline", tags=[Kind.TOKEN])
def show_decline(request: Request, token: str) -> Response:
    """Show a request, with the button that declines it and room for a reason."""
    return _page(request, token, Act.DECLINE)


@router.post("/copies/decide/{token}/approve", tags=[Kind.TOKEN])
def approve(request: Request, token: str, posted: Posted) -> Response:
    """Send the copy, once."""
    return _decide(request, token, Act.APPROVE, posted)


@router.post("/copies/decide/{token}/quote", tags=[Kind.TOKEN])
def quote(request: Request, token: str, posted: Posted) -> Response:
    """Name a price, in a letter to whoever asked."""
    return _decide(request, token, Act.QUOTE, posted)


@router.post("/copies/decide/{token}/decline", tags=[Kind.TOKEN])
def decline(request: Request, token: str, posted: Posted) -> Response:
    """Decline, once, with the reason that whoever asked is told."""
    return _decide(request, token, Act.DECLINE, posted)


def _page(
    request: Request, token: str, act: Act, posted: Form | None = None, errors: FormErrors | None = None
) -> Response:
    ctx = site(request).ctx
    view = copy_answers.view(ctx, token)
    if view.way is not Way.OPEN or view.asked is None:
        return _told(request, view)
    return render(
        request,
        "copy_decide.html",
        status=422 if errors else 200,
        form=posted or Form(),
        errors=errors or FormErrors(),
        act=act.value,
        of=view.asked,
        known=view.known,
        post=view.post,
        currency=ctx.settings.members.currency,
        base=f"/copies/decide/{token}",
    )


def _decide(request: Request, token: str, act: Act, posted: Form) -> Response:
    """Do what the button says, all of it or nothing, and tell what was done."""
    ctx, errors = site(request).ctx, FormErrors()
    try:
        with ctx.db.write() as tx:
            view = copy_answers.view_in(ctx, tx, token)
            if view.way is Way.OPEN and view.asked is not None:
                _carry_out(ctx, tx, view, act, posted)
                return _told(request, copy_answers.view_in(ctx, tx, token))
    except money.MoneyRefused:
        errors.add("price", say(request, "copies.decide_problem_price"))
    except TextRefused:
        errors.add("words" if act is Act.QUOTE else "reason", say(request, "copies.decide_problem_words"))
    except BalintmailError as exc:
        return _told(request, copy_answers.view(ctx, token), refused=exc.message)
    return _page(request, token, act, posted, errors) if errors else _told(request, copy_answers.view(ctx, token))


def _carry_out(ctx: Context, tx: Tx, view: View, act: Act, posted: Form) -> None:
    if view.asked is None:
        return
    number = view.asked.row.id
    if act is Act.APPROVE:
        copy_answers.send(ctx, tx, number, by=view.by, answer=Answer(label=posted.text("label").strip()))
    elif act is Act.QUOTE:
        price = money.parse(posted.text("price"), ctx.settings.members.currency)
        if price.amount < 1:
            raise money.MoneyRefused(posted.text("price"), "it is nothing")
        copy_answers.quote(ctx, tx, number, price, by=view.by, words=posted.text("words"))
    else:
        copy_answers.decline(ctx, tx, number, by=view.by, reason=posted.text("reason"), note=posted.text("note"))


def _told(request: Request, view: View, *, refused: str = "") -> Response:
    """Return the page that says what was decided, or why the link decides nothing."""
    of = view.asked
    result = "refused" if refused else of.row.state.value if of is not None else view.way.value
    status = 200 if of is not None else _STATUS.get(view.way, 200)
    return render(request, "copy_decided.html", status=status, result=result, of=of, refused=refused, post=view.post)
