"""The form "mail me a link" on a page of something that is for members, and its answer, the same for all.

Whoever shows such a page puts `reading.html`'s form on it and posts here. The answer is on its way before anything is
looked up (D22). Use-case: services/reading_links.py.
"""

from collections.abc import Callable

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.archive import Target
from balintmail.domain.stamps import Stamped
from balintmail.services import reading_links
from balintmail.web.forms import Form, FormErrors, stamped
from balintmail.web.page import render, say
from balintmail.web.site import site
from balintmail.web.visitor import visitor

FORM = "reading"  # the form's name, to which its stamp is bound


def answer(
    request: Request, posted: Form, target: Target, again: Callable[[Form, FormErrors, int], Response]
) -> Response:
    """Return the answer to the form, and let a link be mailed to whoever may read `target`.

    `again` returns the page once more, with what is to be put right and its status.
    """
    errors = FormErrors()
    try:
        address = parse(posted.text("address"))
    except AddressRefused:
        errors.add("address", say(request, "reading.problem_address"))
        return again(posted, errors, 422)
    page = render(request, "reading_asked.html")
    # One field that the browser fills in is posted within a second, so haste says nothing here.
    if not posted.trapped and stamped(request, posted, FORM) is not Stamped.MISSING:
        ctx, network = site(request).ctx, visitor(request).network
        page.background = BackgroundTask(reading_links.ask, ctx, address, target, network)
    return page
