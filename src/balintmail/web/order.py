"""Ordering the Journal: the form, what happens next, and the page of one order behind its link.

A form only writes rows (services/order_form.py), and its answer is the same for members and strangers. GET and HEAD
change nothing (D8). No payment is taken here: the page says where to pay, and no card number ever comes by.
"""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain import names
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.money import Money
from balintmail.domain.orders import OrderState, label, zone_of
from balintmail.domain.stamps import Stamped
from balintmail.errors import NotFound
from balintmail.services import files, invoices, order_form, order_mail, order_shown, postal
from balintmail.services.leaving import LinkBroken
from balintmail.services.order_form import Asked, Crowded, ForSale, SoldOut
from balintmail.services.order_shown import Shown
from balintmail.services.orders import Buyer
from balintmail.services.postal import PostalRefused
from balintmail.web import post_fields
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted, stamped
from balintmail.web.links import LinkRoute
from balintmail.web.page import catalogue, render, say
from balintmail.web.pdf import handed_out
from balintmail.web.site import site
from balintmail.web.visitor import visitor

router = APIRouter(route_class=LinkRoute)

FORM = "order"  # the form's name, to which its stamp is bound
_LOOKED_OVER = frozenset({Stamped.MISSING, Stamped.STALE, Stamped.HASTY})  # shown again: a person sends it once more


@router.get("/journal/order", tags=[Kind.PAGE])
def ask(request: Request, country: str = "", issue: str = "") -> Response:
    """Show the form for the country that was chosen, else for the one that the Journal is posted in."""
    chosen = country.upper() or site(request).ctx.settings.journal.posted_in
    sold = order_form.for_sale(site(request).ctx)
    if not sold:
        return render(request, "order_none.html")
    if country == "other" or chosen not in _countries(request):
        options = post_fields.countries(request, _countries(request))
        return render(request, "order_country.html", options=options)
    one = issue if issue in {each.issue.label for each in sold} else ""
    return _form(request, sold, chosen, Form({"issue": (one,), "copies": ("1",)}))


@router.post("/journal/order", tags=[Kind.PAGE])
def take(request: Request, posted: Posted) -> Response:
    """Take an order, or show the form again with what is to be put right."""
    ctx, country = site(request).ctx, posted.text("country_code").upper()
    sold = order_form.for_sale(ctx)
    if not sold:
        return render(request, "order_none.html")
    if country not in _countries(request):
        options = post_fields.countries(request, _countries(request))
        return render(request, "order_country.html", options=options, status=422)
    if stamped(request, posted, FORM) in _LOOKED_OVER and not posted.trapped:
        return _form(request, sold, country, posted, again=True)
    errors = _errors(request, sold, posted, country)
    if errors:
        return _form(request, sold, country, posted, errors)
    given = {part.name: posted.text(part.name) for part in postal.parts(country) if part.name != "name"}
    buyer = Buyer(
        name=posted.text("buyer"),
        address=posted.text("address"),
        post={**given, "country_code": country},
        language=visitor(request).language,
    )
    asked = Asked(
        buyer=buyer,
        label=posted.text("issue"),
        copies=int(posted.text("copies")),
        network=visitor(request).network,
        trapped=posted.trapped,
    )
    try:
        priced = order_form.take(ctx, asked)
    except Crowded:
        errors.add("issue", say(request, "order.error_busy"))
        return _form(request, sold, country, posted, errors)
    except SoldOut as exc:
        errors.add("copies", say(request, "order.error_left", count=exc.left))
        return _form(request, order_form.for_sale(ctx), country, posted, errors)
    total = Money(priced.total, priced.currency)
    return render(
        request, "order_asked.html", address=buyer.address.strip(), total=_money(request, total), free=not total.amount
    )


@router.get("/order/{token}", tags=[Kind.TOKEN])
def show(request: Request, token: str) -> Response:
    """Show one order: how it stands, how to pay, and its papers."""
    return _order(request, _opened(request, token))


@router.post("/order/{token}", tags=[Kind.TOKEN])
def fetch(request: Request, token: str, posted: Posted) -> Response:
    """Give a paper of the order as PDF."""
    ctx, of = site(request).ctx, _opened(request, token)
    if of is None:
        return _order(request, of)
    wanted = posted.text("paper")
    if wanted == invoices.PRO_FORMA:
        headers = {"Content-Disposition": f'attachment; filename="{of.reference}.pdf"'}
        return Response(invoices.pro_forma(ctx, of), media_type="application/pdf", headers=headers)
    found = [one for one in of.documents if label(one.kind, one.year, one.number) == wanted]
    if not found or found[0].file is None:
        return _order(request, of, status=404)
    return handed_out(files.path(ctx, found[0].file), wanted)


def _countries(request: Request) -> list[str]:
    """Return the countries that a zone of the settings is posted to."""
    zones = site(request).ctx.settings.orders.zones
    return [code for code in postal.countries() if zone_of(code, zones)]


def _errors(request: Request, sold: list[ForSale], posted: Form, country: str) -> FormErrors:
    """Return what is to be put right, in the order in which the fields stand on the page."""
    errors, most = FormErrors(), site(request).ctx.settings.orders.most_copies
    if posted.text("issue") not in {one.issue.label for one in sold}:
        errors.add("issue", say(request, "order.error_issue"))
    copies = posted.text("copies").strip()
    if not (copies.isascii() and copies.isdigit() and len(copies) < 6 and 1 <= int(copies) <= most):
        errors.add("copies", say(request, "order.error_copies", count=most))
    try:
        named = names.clean(posted.text("buyer"))
    except TextRefused:
        named = ""
    if not named:
        errors.add("buyer", say(request, "order.error_name"))
    try:
        parse(posted.text("address"))
    except AddressRefused:
        errors.add("address", say(request, "order.error_address"))
    given = {part.name: posted.text(part.name) for part in postal.parts(country) if part.name != "name"}
    try:
        postal.checked({**given, "country_code": country})
    except PostalRefused as refused:
        for name, words in post_fields.complaints(request, country, refused):
            errors.add(name, words)
    return errors


def _form(
    request: Request,
    sold: list[ForSale],
    country: str,
    form: Form,
    errors: FormErrors | None = None,
    *,
    again: bool = False,
) -> Response:
    options = [(one.issue.label, f"{_title(request, one)}: {_money(request, one.price)}", "") for one in sold]
    if len(options) > 1:
        options.insert(0, ("", say(request, "order.choose"), ""))
    return render(
        request,
        "order.html",
        status=422 if errors else 200,
        **post_fields.shown(request, country),
        form=form,
        errors=errors or FormErrors(),
        again=again,
        issues=[(value, words) for value, words, _ in options],
        postage=_postage(request, country),
        journal=site(request).ctx.settings.journal.name,
    )


def _postage(request: Request, country: str) -> str:
    """Say what the post to a country costs."""
    settings = site(request).ctx.settings.orders
    rate = settings.rates[zone_of(country, settings.zones)]
    if not rate.first.amount and not rate.more.amount:
        return say(request, "order.postage_free")
    first, more = _money(request, rate.first), _money(request, rate.more)
    return say(request, "order.postage", first=first, more=more)


def _title(request: Request, one: ForSale) -> str:
    words = f"{site(request).ctx.settings.journal.name} {one.issue.label}"
    return f"{words}, {one.issue.title}" if one.issue.title else words


def _money(request: Request, amount: Money) -> str:
    return catalogue(request).money(amount)


def _opened(request: Request, token: str) -> Shown | None:
    """Return the order of a link, None where its buyer is forgotten; raise LinkBroken for no such link."""
    ctx = site(request).ctx
    number = order_mail.read_token(ctx, token)
    if number is None:
        raise LinkBroken
    with ctx.db.read() as tx:
        try:
            found = order_shown.shown(tx, number)
        except NotFound:
            raise LinkBroken from None
    return None if found.order.forgotten_at is not None else found


def _order(request: Request, of: Shown | None, *, status: int = 200) -> Response:
    if of is None:
        return render(request, "order_over.html", status=410)
    ctx, order = site(request).ctx, of.order
    papers = [
        (label(one.kind, one.year, one.number), say(request, f"invoice.title_{one.kind.value}"))
        for one in of.documents
        if one.file is not None
    ]
    waits = order.state is OrderState.OPEN
    if waits and of.invoice is None:
        papers.insert(0, (invoices.PRO_FORMA, say(request, "invoice.title_pro_forma")))
    return render(
        request,
        "order_shown.html",
        status=status,
        of=of,
        waits=waits,
        journal=ctx.settings.journal.name,
        total=_money(request, Money(order.total, order.currency)),
        postage=_money(request, Money(order.postage, order.currency)) if order.postage else "",
        pay=[line.strip() for line in ctx.settings.orders.pay.split("\n") if line.strip()],
        pay_url=order_mail.payment_url(ctx, of),
        papers=papers,
    )
