"""The form to join, the page that says what happens next, and the page behind a confirmation's link.

Whether or not an address is known, the answer and its time are the same: a form only writes rows
(services/requests.py). GET and HEAD change nothing (D8). The snippet on the society's own pages posts here too, without
a stamp: it gets this form, filled in, and nothing is kept yet.
"""

from collections.abc import Mapping

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.questions import Kind as Answering
from balintmail.domain.questions import say as worded
from balintmail.domain.requests import ApplicationRefused, Held, Problem
from balintmail.domain.stamps import Stamped
from balintmail.domain.states import Policy
from balintmail.services import requests
from balintmail.services.applications import Application
from balintmail.services.offers import Offer, Wording, digest, offers
from balintmail.services.requests import Standing
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted, stamped
from balintmail.web.page import catalogue, render, say
from balintmail.web.problem import problem
from balintmail.web.site import site
from balintmail.web.visitor import visitor

router = APIRouter()

FORM = "join"  # the form's name, to which its stamp is bound
VERSION = "join 1"  # the form's version, for the record of consent
_SUSPICION = {Stamped.HASTY: Held.QUICK}


@router.get("/join", tags=[Kind.PAGE])
def ask(request: Request) -> Response:
    """Show the form for all lists that can be asked for."""
    return _form(request, _offers(request))


@router.get("/join/{slug}", tags=[Kind.PAGE])
def ask_one(request: Request, slug: str) -> Response:
    """Show the form for one list."""
    found = _offers(request, slug)
    return _form(request, found) if found else problem(request, 404)


@router.post("/join", tags=[Kind.PAGE])
def take(request: Request, posted: Posted) -> Response:
    """Take the form for all lists."""
    return _take(request, posted, _offers(request))


@router.post("/join/{slug}", tags=[Kind.PAGE])
def take_one(request: Request, posted: Posted, slug: str) -> Response:
    """Take the form for one list, also as the snippet of another page posts it."""
    found = _offers(request, slug)
    return _take(request, posted, found) if found else problem(request, 404)


@router.get("/confirm/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show what a confirmation's link would confirm, with one button."""
    return _standing(request, requests.view(site(request).ctx, token))


@router.post("/confirm/{token}", tags=[Kind.TOKEN])
def confirm(request: Request, token: str) -> Response:
    """Confirm; the link itself is the proof, so nothing else is asked for (S46)."""
    return _standing(request, requests.confirm(site(request).ctx, token))


def _offers(request: Request, slug: str = "") -> list[Offer]:
    found = site(request)
    usual = Wording(say(request, "join.agree", society=found.name), language=visitor(request).language)
    return offers(found.ctx, usual, slug=slug)


def _take(request: Request, posted: Form, offered: list[Offer]) -> Response:
    """Take a form that was filled in, or show it again with what is to be put right."""
    stamp = stamped(request, posted, FORM)
    if stamp is Stamped.MISSING:  # the snippet's, or a program's: a person looks it over and sends it
        return _form(request, offered, posted, again=True)
    errors, alone = FormErrors(), len(offered) == 1
    agreed = posted.ticked("agree")
    if stamp is Stamped.STALE or (agreed and posted.text("words") != digest(offered)):
        return _form(request, offered, posted, again=True)  # a fresh stamp: nobody reads the new words in no time
    path = request.url.path
    application = Application(
        offered,
        [one.list.slug for one in offered] if alone else posted.all("lists"),
        posted.text("address"),
        posted.text("name"),
        posted.text("language") if posted.text("language") in site(request).languages else visitor(request).language,
        agreed,
        {key: values for key, values in posted.values.items() if "." in key},
        page=f"{site(request).ctx.settings.society.url}{path}",
        form=VERSION,
        network=visitor(request).network,
        suspicion=Held.TRAP if posted.trapped else _SUSPICION.get(stamp, Held.NOTHING),
    )
    try:
        requests.ask(site(request).ctx, application)
    except ApplicationRefused as exc:
        for name, problem_of in _ordered(offered, exc.problems):
            errors.add(name, say(request, f"join.problem_{problem_of.code}", **dict(problem_of.values or {})))
        return _form(request, offered, posted, errors)
    chosen = [one.list.policy for one in offered if one.list.slug in application.chosen]
    open_ = all(policy is Policy.OPEN for policy in chosen)
    page = render(request, "join_asked.html", address=posted.text("address").strip(), open=open_)
    # What an open list does with an address differs by whether it is known; the page has answered before it is done.
    page.background = BackgroundTask(requests.take_turns, site(request).ctx)
    return page


def _ordered(offered: list[Offer], problems: Mapping[str, Problem]) -> list[tuple[str, Problem]]:
    """Return the problems in the order in which their fields stand on the page."""
    places = ["name", "address", "lists"]
    places += [f"{one.list.slug}.{question.name}" for one in offered for question in one.questions]
    places += ["language", "agree"]
    return [(name, problems[name]) for name in places if name in problems]


def _form(
    request: Request,
    offered: list[Offer],
    posted: Form | None = None,
    errors: FormErrors | None = None,
    *,
    again: bool = False,
) -> Response:
    """Return the form, empty or as it was filled in; `again` asks to look it over and send it."""
    if not offered:
        return render(request, "join_none.html")
    language = visitor(request).language
    found = site(request)
    return render(
        request,
        "join.html",
        status=422 if errors else 200,
        form=posted or Form(),
        errors=errors or FormErrors(),
        again=again,
        offered=offered,
        alone=offered[0] if len(offered) == 1 else None,
        asks=[(one, _questions(one, language)) for one in offered if one.questions],
        agreements=_agreements(offered),
        digest=digest(offered),
        languages=[(tag, found.catalogue(tag).name_of_language(tag)) for tag in found.languages],
        chosen_language=(posted.text("language") if posted else "") or language,
        secretary_decides=any(one.list.policy is Policy.APPROVE for one in offered),
        catalogue_join=catalogue(request).join,
    )


def _questions(offer: Offer, language: str) -> list[dict[str, object]]:
    """Return the questions of a list as the page shows them."""
    return [
        {
            "field": f"{offer.list.slug}.{one.name}",
            "kind": one.kind.value,
            "label": worded(one.label, language),
            "hint": worded(one.hint, language) if one.hint else "",
            "choices": [(each.value, worded(each.label, language), "") for each in one.choices],
            "optional": not one.required,
            "several": one.kind is Answering.CHOICES,
        }
        for one in offer.questions
    ]


def _agreements(offered: list[Offer]) -> list[tuple[str, list[str]]]:
    """Return each of the exact wordings, with the names of the lists it is for."""
    found: dict[str, list[str]] = {}
    for one in offered:
        found.setdefault(one.wording.words, []).append(one.list.name)
    return list(found.items())


def _standing(request: Request, found: requests.Confirmation) -> Response:
    """Return the page for where the requests behind a link stand."""
    if found.standing is Standing.UNKNOWN:
        return render(request, "confirm_broken.html", status=404)
    if found.standing is Standing.OLD:
        return render(request, "confirm_old.html", status=410)
    template = "confirm.html" if found.standing is Standing.WAITS else "confirmed.html"
    return render(request, template, found=found, standing=found.standing.value, catalogue_join=catalogue(request).join)
