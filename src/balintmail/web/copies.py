"""Copies of newsletters and of the Journal: the form that asks for one, and the pages behind the links of its mails.

The answer to the form is the same for all, and is on its way before anything is looked up (D22). A link is opened by a
button: GET and HEAD change and count nothing (D8). Use-cases: services/copies.py, services/reading_links.py; the
Secretary's pages: web/copy_decisions.py.
"""

from urllib.parse import quote

from fastapi import APIRouter
from markupsafe import Markup
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.archive import ReadingKind
from balintmail.domain.copies import spelled_safely
from balintmail.domain.stamps import Stamped
from balintmail.domain.states import CopyState
from balintmail.errors import NotFound
from balintmail.services import archive, copies, copy_answers, files, reading_links
from balintmail.services.copies import Standing, Wish
from balintmail.services.copy_requests import Asked
from balintmail.services.leaving import LinkBroken
from balintmail.services.reading_links import Reading
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted, stamped
from balintmail.web.links import LinkRoute
from balintmail.web.page import render, say
from balintmail.web.pdf import handed_out
from balintmail.web.problem import problem
from balintmail.web.site import PICTURES, site
from balintmail.web.visitor import visitor

router = APIRouter(route_class=LinkRoute)

FORM = "copies"  # the form's name, to which its stamp is bound


@router.get("/copies", tags=[Kind.PAGE])
def ask(request: Request, what: str = "") -> Response:
    """Show the form; `what` is the name of a thing as links of ours spell it."""
    return _form(request, Form({"wanted": (what if spelled_safely(what) else "",)}))


@router.post("/copies", tags=[Kind.PAGE])
def take(request: Request, posted: Posted) -> Response:
    """Take the form: say the same to all, and look into it when that is said."""
    stamp = stamped(request, posted, FORM)
    if stamp in {Stamped.MISSING, Stamped.STALE}:
        return _form(request, posted, again=True)
    errors, wish = _wish(request, posted)
    if wish is None:
        return _form(request, posted, errors, status=422)
    page = render(request, "copies_asked.html", address=wish.address.text, paper=wish.paper)
    if not posted.trapped:
        network = visitor(request).network
        page.background = BackgroundTask(copies.ask_by_form, site(request).ctx, wish, network)
    return page


@router.get("/copies/confirm/{token}", tags=[Kind.TOKEN])
def show_confirm(request: Request, token: str) -> Response:
    """Show what was asked for, with the button that says it was them."""
    found = copies.wish_of(site(request).ctx, token)
    if found is None:
        return problem(request, 404)
    if found.row.state is not CopyState.PENDING:
        return render(request, "copy_confirmed.html", standing=Standing.KNOWN.value)
    return render(request, "copy_confirm.html", of=found)


@router.post("/copies/confirm/{token}", tags=[Kind.TOKEN])
def confirm(request: Request, token: str) -> Response:
    """Go on with a wish; the link itself is the proof (S46)."""
    ctx = site(request).ctx
    with ctx.db.write() as tx:
        standing = copies.confirm(ctx, tx, token)
    if standing is None:
        return problem(request, 404)
    return render(request, "copy_confirmed.html", standing=standing.value)


@router.get("/copies/quote/{token}", tags=[Kind.TOKEN])
def show_quote(request: Request, token: str) -> Response:
    """Show what a copy costs, with the button that agrees to it."""
    return _quote(request, copy_answers.quoted(site(request).ctx, token))


@router.post("/copies/quote/{token}", tags=[Kind.TOKEN])
def agree(request: Request, token: str) -> Response:
    """Agree to the price, once."""
    ctx = site(request).ctx
    with ctx.db.write() as tx:
        found = copy_answers.agree(ctx, tx, token)
    return _quote(request, found)


@router.get("/copies/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show what a link opens, how long and how often, with the button that opens it."""
    return _link(request, reading_links.look(site(request).ctx, token))


@router.post("/copies/{token}", tags=[Kind.TOKEN])
def read(request: Request, token: str, posted: Posted) -> Response:
    """Open what the link leads to, and count it; or ask for a new link in place of one that is over."""
    ctx = site(request).ctx
    if posted.text("do") == "again":
        reading_links.look(ctx, token)
        page = render(request, "copy_again.html")
        page.background = BackgroundTask(copies.renew, ctx, token, visitor(request).network)
        return page
    found = reading_links.use(ctx, token)
    if found.standing is not reading_links.Standing.OPEN or found.of is None:
        return _link(request, found)
    if found.of.pdf:
        return handed_out(files.path(ctx, found.of.pdf), found.of.title)
    return _newsletter(request, token, found)


@router.get("/copies/{token}/pictures/{identity}", tags=[Kind.TOKEN])
def picture(request: Request, token: str, identity: str) -> Response:
    """Give a picture of a newsletter to whoever reads it by a link; it counts as no use."""
    ctx = site(request).ctx
    found = reading_links.look(ctx, token)
    if not found.shows_pictures:
        raise LinkBroken
    try:
        kind, content = archive.picture_of(ctx, found.target.id, identity)
    except NotFound:
        return problem(request, 404)
    if kind not in PICTURES.values():
        return problem(request, 404)
    return Response(content, media_type=kind, headers={"content-disposition": "inline"})


def _wish(request: Request, posted: Form) -> tuple[FormErrors, Wish | None]:
    """Return what the form asks for, or what is to be put right, in the order of its fields."""
    errors, address, paper = FormErrors(), None, posted.ticked("paper")
    texts, refused = copies.read_texts(
        {"wanted": posted.text("wanted"), "name": posted.text("name"), "post": posted.text("post") if paper else ""}
    )
    wrong = {one.field for one in refused}
    try:
        address = parse(posted.text("address"))
    except AddressRefused:
        wrong.add("address")
    for field in ("wanted", "name", "address", "post"):
        if field in wrong:
            errors.add(field, say(request, f"copies.problem_{field}"))
    if address is None or errors:
        return errors, None
    wish = Wish(
        wanted=texts["wanted"],
        address=address,
        at=site(request).ctx.clock.now(),
        name=texts["name"],
        language=visitor(request).language,
        door=copies.FORM,
        paper=paper,
        post=texts["post"],
    )
    return errors, wish


def _form(
    request: Request, form: Form, errors: FormErrors | None = None, *, again: bool = False, status: int = 200
) -> Response:
    shown = {"errors": errors or FormErrors(), "again": again}
    return render(request, "copies.html", status=status, form=form, **shown)


def _quote(request: Request, found: Asked | None) -> Response:
    if found is None:
        return problem(request, 404)
    now = site(request).ctx.clock.now()
    until = found.row.expires_at
    waits = found.row.state is CopyState.QUOTED and until is not None and until > now
    agreed = found.terms.agreed_at is not None and found.row.state is CopyState.WAITING
    standing = "open" if waits else "agreed" if agreed else "over"
    payment = site(request).ctx.settings.copies.payment
    status = 410 if standing == "over" else 200
    return render(request, "copy_quote.html", status=status, of=found, standing=standing, payment=payment)


def _link(request: Request, found: Reading) -> Response:
    if found.standing is not reading_links.Standing.OPEN or found.of is None:
        return render(request, "copy_over.html", status=410, standing=found.standing.value)
    newsletter = found.target.kind is ReadingKind.NEWSLETTER and not found.of.pdf
    size = files.path(site(request).ctx, found.of.pdf).stat().st_size if found.of.pdf else 0
    megabytes = max(1, round(size / 1_000_000))
    return render(request, "copy.html", of=found, newsletter=newsletter, megabytes=megabytes)


def _newsletter(request: Request, token: str, found: Reading) -> Response:
    """Return the words of a newsletter that a link opens, as everybody would read them (S49)."""
    pictures = f"{site(request).prefix}/copies/{quote(token, safe='')}/pictures/"
    read = archive.read(site(request).ctx, found.target.id, lambda identity: pictures + quote(identity, safe="@"))
    words = Markup(read.words)  # noqa: S704  (escaped when the letter was compiled; the policy lets no script run)
    zone = site(request).ctx.settings.zone
    return render(
        request,
        "copy_newsletter.html",
        of=read,
        words_of_letter=words,
        left=found.left - 1,
        day_of=lambda moment: moment.astimezone(zone).date(),
    )
