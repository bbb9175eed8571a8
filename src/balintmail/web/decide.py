"""The Secretary's decision on a join request, behind the links of a mail: a page to approve, a page to decline.

Each has one button. A link is bound to the request and to the officer it was mailed to, works once, and shows what was
decided ever after. GET and HEAD change nothing (D8). Use-cases: services/decisions.py.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.hygiene import TextRefused
from balintmail.domain.requests import Act
from balintmail.domain.states import RequestState
from balintmail.services import decisions
from balintmail.services.decisions import LONGEST_REASON, Decision, DecisionView, Result, Way
from balintmail.services.hints import Hint
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.page import catalogue, render, say
from balintmail.web.site import site
from balintmail.web.visitor import visitor

router = APIRouter()

_STATUS = {Way.UNKNOWN: 404, Way.OTHER: 403, Way.OLD: 410}


@router.get("/decide/{token}", tags=[Kind.TOKEN])
@router.get("/decide/{token}/approve", tags=[Kind.TOKEN])
def show_approve(request: Request, token: str) -> Response:
    """Show a request, with the button that approves it."""
    return _page(request, token, Act.APPROVE)


@router.get("/decide/{token}/decline", tags=[Kind.TOKEN])
def show_decline(request: Request, token: str) -> Response:
    """Show a request, with the button that declines it and room for a reason."""
    return _page(request, token, Act.DECLINE)


@router.post("/decide/{token}/approve", tags=[Kind.TOKEN])
def approve(request: Request, token: str) -> Response:
    """Approve, once."""
    return _decide(request, token, Decision(Act.APPROVE))


@router.post("/decide/{token}/decline", tags=[Kind.TOKEN])
def decline(request: Request, token: str, posted: Posted) -> Response:
    """Decline, once, with the reason that the applicant is told."""
    decision = Decision(Act.DECLINE, posted.text("reason"), posted.text("note"))
    try:
        return _decide(request, token, decision)
    except TextRefused:
        errors = FormErrors()
        for name in ("reason", "note"):
            if _too_odd(posted.text(name)):
                errors.add(name, say(request, "decide.problem", longest=LONGEST_REASON))
        return _page(request, token, Act.DECLINE, posted, errors)


def _page(
    request: Request, token: str, act: Act, posted: Form | None = None, errors: FormErrors | None = None
) -> Response:
    view = decisions.view_decision(site(request).ctx, token, language=visitor(request).language)
    if view.way is not Way.OPEN:
        return _closed(request, view)
    zone = site(request).ctx.settings.zone
    first = view.first
    return render(
        request,
        "decide.html",
        status=422 if errors else 200,
        form=posted or Form(),
        errors=errors or FormErrors(),
        act=act.value,
        first=first,
        names=view.lists,
        answers=view.answers,
        hints=[_hint(request, one) for one in view.hints],
        held=first.held,
        latest=view.latest,
        base=f"/decide/{token}",
        local_day=lambda moment: moment.astimezone(zone).date(),
        catalogue_join=catalogue(request).join,
    )


def _decide(request: Request, token: str, decision: Decision) -> Response:
    done = decisions.decide_by_token(site(request).ctx, token, decision)
    view = decisions.view_decision(site(request).ctx, token, language=visitor(request).language)
    refused = [one.said for one in done if one.result is Result.REFUSED]
    if refused:
        return _told(request, view, "refused", refused)
    if any(one.result is Result.WAITS for one in done):
        return _told(request, view, "waits")
    return _closed(request, view)


def _closed(request: Request, view: DecisionView) -> Response:
    """Return the page of a link that decides nothing more."""
    if view.way is Way.DECIDED:
        approved = view.first.state is RequestState.APPROVED
        waits = view.first.approved_before
        return _told(request, view, "waits" if waits else "approved" if approved else "declined")
    return _told(request, view, view.way.value, status=_STATUS.get(view.way, 200))


def _told(
    request: Request, view: DecisionView, result: str, remarks: list[str] | None = None, *, status: int = 200
) -> Response:
    first = view.requests[0] if view.requests else None
    return render(
        request,
        "decided.html",
        status=status,
        result=result,
        first=first,
        names=view.lists,
        by=first.decided_by if first is not None and first.decided_at is not None else "",
        remarks=remarks or [],
        catalogue_join=catalogue(request).join,
    )


def _hint(request: Request, one: Hint) -> str:
    """Return a hint as a sentence."""
    zone = site(request).ctx.settings.zone
    day = catalogue(request).day(one.at.astimezone(zone).date()) if one.at is not None else one.reason
    name = one.text or say(request, "decide.hint_nameless")
    sentence = say(request, f"decide.hint_{one.kind.value}", name=name, address=one.address, day=day)
    if one.reason and one.at is not None:
        sentence += " " + say(request, "decide.hint_reason", text=one.reason)
    return sentence


def _too_odd(text: str) -> bool:
    return len(text) > LONGEST_REASON or not all(letter.isprintable() or letter in "\r\n\t" for letter in text)
