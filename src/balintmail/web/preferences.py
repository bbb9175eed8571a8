"""The footer's link: what it shows, masked, and the fresh link that it asks for.

Whoever holds a forwarded letter holds this link; they may see a masked address and the names of lists, and have a mail
sent to its owner, nothing else (standards 3.2). Without a letter at hand the address itself is asked for, and the
answer is the same whoever has it. The page behind the fresh link: web/manage.py.
"""

from fastapi import APIRouter
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.stamps import Stamped
from balintmail.services import preferences
from balintmail.web.access import Kind
from balintmail.web.forms import FormErrors, Posted, stamped
from balintmail.web.links import LinkRoute
from balintmail.web.page import render, say
from balintmail.web.site import site
from balintmail.web.visitor import visitor

router = APIRouter(route_class=LinkRoute)

_FORM = "preferences"


@router.get("/preferences", tags=[Kind.PAGE])
def ask(request: Request) -> Response:
    """Show the form that mails a link to an address."""
    return render(request, "preferences.html")


@router.post("/preferences", tags=[Kind.PAGE])
def send(request: Request, posted: Posted) -> Response:
    """Mail a link to whoever has that address; say the same whether or not anybody has."""
    errors = FormErrors()
    try:
        address = parse(posted.text("address"))
    except AddressRefused:
        errors.add("address", say(request, "preferences.error_address"))
        return render(request, "preferences.html", status=422, form=posted, errors=errors)
    page = render(request, "preferences_sent.html", address="", moving=False)
    # One field that the browser fills in is posted within a second, so haste says nothing here.
    if not posted.trapped and stamped(request, posted, _FORM) is not Stamped.MISSING:
        # The page is on its way before anything is looked up, so that its time tells nothing (D22).
        ctx, network = site(request).ctx, visitor(request).network
        page.background = BackgroundTask(preferences.send_link_to, ctx, address, network)
    return page


@router.get("/preferences/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show whose letter it was, masked, and the button that mails a fresh link."""
    seen = preferences.glance(site(request).ctx, token)
    return render(request, "glance.html", seen=seen)


@router.post("/preferences/{token}", tags=[Kind.TOKEN])
def send_to_owner(request: Request, token: str) -> Response:
    """Mail a fresh link to the owner of the letter."""
    ctx = site(request).ctx
    seen = preferences.glance(ctx, token)
    preferences.send_link(ctx, token)
    return render(request, "preferences_sent.html", address=seen.address, moving=False)
