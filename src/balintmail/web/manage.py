"""A person's own page behind a fresh link: names, lists, the Journal, the post, a new address.

One purpose a page, one filled button; what was saved is said at the top of the own page. The secret in the address is
the whole right, so nothing here asks for a cookie or a stamp. Use-cases: services/preferences.py, services/moving.py;
what is held, and erasing, is web/held.py.
"""

from datetime import date, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.hygiene import TextRefused
from balintmail.domain.states import JournalFormat
from balintmail.errors import UsageRefused
from balintmail.services import leaving, moving, people, preferences
from balintmail.services.people import Changes
from balintmail.services.preferences import ListWish, OwnPage, Wish
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.links import LinkRoute, visit
from balintmail.web.page import catalogue, render, say
from balintmail.web.site import site

router = APIRouter(route_class=LinkRoute)

_FORM = "preferences 1"  # the pages' version, for the record
_USUAL_PAUSE = timedelta(days=90)


@router.get("/manage/{secret}", tags=[Kind.TOKEN])
def show(request: Request, secret: str) -> Response:
    """Show a person what we know of them and what they can change."""
    return own(request, secret)


@router.post("/manage/{secret}", tags=[Kind.TOKEN])
def close(request: Request, secret: str, posted: Posted) -> Response:
    """Keep that all is right, end the link before its time, or mail a new one in place of one that has run out."""
    ctx = site(request).ctx
    if posted.text("do") == "again":
        preferences.renew(ctx, secret)
        return render(request, "preferences_sent.html", address="", moving=False, own=True)
    if posted.text("do") == "all_right":
        preferences.all_right(ctx, secret)
        return own(request, secret, saved="all_right")
    if posted.text("do") == "finish":
        preferences.finish(ctx, secret)
        return render(request, "finished.html")
    return own(request, secret, status=400)


@router.get("/manage/{secret}/names", tags=[Kind.TOKEN])
def show_names(request: Request, secret: str) -> Response:
    """Show the form for names and language."""
    return _names(request, _opened(request, secret))


@router.post("/manage/{secret}/names", tags=[Kind.TOKEN])
def save_names(request: Request, secret: str, posted: Posted) -> Response:
    """Keep names and language."""
    errors, changes = FormErrors(), Changes(posted.text("name"), posted.text("first_name"), posted.text("language"))
    for field, alone in (
        ("name", Changes(name=changes.name)),
        ("first_name", Changes(first_name=changes.first_name)),
        ("language", Changes(language=changes.language)),
    ):
        try:
            people.check(alone)
        except TextRefused:
            errors.add(field, say(request, f"manage.error_{field}"))
    if errors:
        return _names(request, _opened(request, secret), form=posted, errors=errors, status=422)
    changed = preferences.rename(site(request).ctx, secret, changes)
    return own(request, secret, saved="names" if changed else "nothing")


@router.get("/manage/{secret}/lists", tags=[Kind.TOKEN])
def show_lists(request: Request, secret: str) -> Response:
    """Show the form for the lists."""
    return _lists(request, _opened(request, secret))


@router.post("/manage/{secret}/lists", tags=[Kind.TOKEN])
def save_lists(request: Request, secret: str, posted: Posted) -> Response:
    """Do what was chosen for each list: all of it, or nothing where one choice cannot be carried out."""
    page, errors, wishes = _opened(request, secret), FormErrors(), {}
    for each in page.lists:
        chosen = posted.text(f"wish-{each.slug}")
        wanted = next((one for one in Wish if one.value == chosen), Wish.KEEP)
        until = _day(posted.text(f"until-{each.slug}"))
        if wanted is Wish.PAUSE:
            try:
                leaving.day_begins(site(request).ctx, until or date.min)
            except UsageRefused:
                errors.add(f"until-{each.slug}", say(request, "manage.error_until", list=each.name))
        wishes[each.slug] = ListWish(wanted, until)
    if errors:
        return _lists(request, page, form=posted, errors=errors, status=422)
    changed = preferences.wish(site(request).ctx, secret, visit(request, _FORM), wishes)
    return own(request, secret, saved="lists" if changed else "nothing")


@router.get("/manage/{secret}/journal", tags=[Kind.TOKEN])
def show_journal(request: Request, secret: str) -> Response:
    """Show the form for how the Journal comes."""
    return _journal(request, _opened(request, secret))


@router.post("/manage/{secret}/journal", tags=[Kind.TOKEN])
def save_journal(request: Request, secret: str, posted: Posted) -> Response:
    """Keep how the Journal comes."""
    chosen = next((one for one in JournalFormat if one.value == posted.text("journal")), None)
    if chosen is None:
        errors = FormErrors()
        errors.add("journal", say(request, "manage.error_journal"))
        return _journal(request, _opened(request, secret), form=posted, errors=errors, status=422)
    preferences.choose_format(site(request).ctx, secret, chosen)
    return own(request, secret, saved="journal")


@router.get("/manage/{secret}/address", tags=[Kind.TOKEN])
def show_address(request: Request, secret: str) -> Response:
    """Show the form for a new address."""
    return render(request, "manage_address.html", page=_opened(request, secret), up=up(request))


@router.post("/manage/{secret}/address", tags=[Kind.TOKEN])
def ask_address(request: Request, secret: str, posted: Posted) -> Response:
    """Ask the new address; nothing changes before it answers."""
    page, errors = _opened(request, secret), FormErrors()
    try:
        new = parse(posted.text("address"))
    except AddressRefused:
        errors.add("address", say(request, "preferences.error_address"))
        return render(request, "manage_address.html", page=page, up=up(request), form=posted, errors=errors, status=422)
    moving.ask(site(request).ctx, secret, new)
    return render(request, "address_asked.html", new=new.text, up=up(request))


@router.get("/manage/address/{secret}", tags=[Kind.TOKEN])
def show_move(request: Request, secret: str) -> Response:
    """Show the new address's owner what the button does."""
    return render(request, "address_confirm.html", move=moving.view(site(request).ctx, secret))


@router.post("/manage/address/{secret}", tags=[Kind.TOKEN])
def move(request: Request, secret: str, posted: Posted) -> Response:
    """Let mail go to the new address from now on."""
    if posted.text("do") != "confirm":
        found = moving.view(site(request).ctx, secret)
        return render(request, "address_confirm.html", move=found, status=400)
    return render(request, "address_done.html", move=moving.confirm(site(request).ctx, secret))


def _opened(request: Request, secret: str) -> OwnPage:
    return preferences.own_page(site(request).ctx, secret)


def own(request: Request, secret: str, *, saved: str = "", status: int = 200) -> Response:
    """Return a person's own page; `saved` says what was just changed."""
    ctx, page = site(request).ctx, _opened(request, secret)
    words = catalogue(request)
    language = words.name_of_language(page.person.language) if page.person.language else ""
    until = {
        each.slug: words.day(each.paused_until.astimezone(ctx.settings.zone).date())
        for each in page.lists
        if each.paused_until is not None
    }
    shown = {"page": page, "language_name": language, "until": until, "saved": saved}
    return render(
        request, "manage.html", status=status, base=f"/manage/{secret}", post=preferences.label(page), **shown
    )


def _names(
    request: Request, page: OwnPage, *, form: Form | None = None, errors: FormErrors | None = None, status: int = 200
) -> Response:
    words, offered = catalogue(request), list(site(request).languages)
    if page.person.language and page.person.language not in offered:
        offered.append(page.person.language)
    options = [("", say(request, "manage.language_usual")), *((tag, words.name_of_language(tag)) for tag in offered)]
    typed = form or Form(
        {
            "name": (page.person.name,),
            "first_name": (page.person.first_name,),
            "language": (page.person.language or "",),
        }
    )
    shown = {"options": options, "form": typed, "errors": errors or FormErrors()}
    return render(request, "manage_names.html", status=status, up=up(request), **shown)


def _lists(
    request: Request, page: OwnPage, *, form: Form | None = None, errors: FormErrors | None = None, status: int = 200
) -> Response:
    ctx = site(request).ctx
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    until = {
        each.slug: each.paused_until.astimezone(ctx.settings.zone).date()
        for each in page.lists
        if each.paused_until is not None
    }
    days = {
        "first_day": today + timedelta(days=1),
        "last_day": today + leaving.LONGEST_PAUSE,
        "usual_pause": today + _USUAL_PAUSE,
    }
    shown = {"page": page, "until": until, "form": form or Form(), "errors": errors or FormErrors(), **days}
    return render(request, "manage_lists.html", status=status, up=up(request), **shown)


def _journal(
    request: Request, page: OwnPage, *, form: Form | None = None, errors: FormErrors | None = None, status: int = 200
) -> Response:
    offered = [
        (each.value, say(request, f"manage.journal_{each.value}"), say(request, f"manage.journal_{each.value}_hint"))
        for each in JournalFormat
    ]
    shown = {"page": page, "offered": offered, "form": form or Form(), "errors": errors or FormErrors()}
    return render(request, "manage_journal.html", status=status, up=up(request), **shown)


def up(request: Request) -> str:
    """Return the path of the own page that this page lies below."""
    return request.url.path.rpartition("/")[0]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
