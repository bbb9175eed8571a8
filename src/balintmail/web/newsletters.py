"""Past newsletters: the shelves, a list's numbers, one number with its pictures, and the feed.

A number's address is the one that its own letters lead to ("view in browser"). Nothing here knows who reads.
Use-cases: services/archive.py. The feed is Atom (RFC 4287).
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

from fastapi import APIRouter
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import Response

from balintmail.db.archive import Issued
from balintmail.db.lists import MailingListRow
from balintmail.domain.archive import ReadingKind, Target
from balintmail.errors import NotFound
from balintmail.services import archive, files
from balintmail.services.archive import Newsletter
from balintmail.web import reading
from balintmail.web.access import Kind
from balintmail.web.forms import Form, FormErrors, Posted
from balintmail.web.named import NamedRoute
from balintmail.web.page import link, render
from balintmail.web.pdf import handed_out
from balintmail.web.site import PICTURES, site
from balintmail.web.visitor import visitor

ATOM = "http://www.w3.org/2005/Atom"
_MOST_PAGES = 10_000


router = APIRouter(route_class=NamedRoute)


@router.get("/newsletters", tags=[Kind.PAGE])
def shelves(request: Request) -> Response:
    """Show which lists have newsletters to read."""
    return render(request, "newsletters.html", shelves=archive.shelves(site(request).ctx), day_of=day_of(request))


@router.get("/newsletters/{slug}", tags=[Kind.PAGE])
def shelf(request: Request, slug: str, page: str = "1") -> Response:
    """Show a list's newsletters, the newest first."""
    number = int(page) if page.isascii() and page.isdigit() and len(page) < 6 else 0
    if not 0 < number <= _MOST_PAGES:
        raise NotFound("There is no such page.")
    found = archive.shelf(site(request).ctx, slug, number)
    return render(request, "newsletters_list.html", shelf=found, day_of=day_of(request))


@router.get("/newsletters/{slug}/atom.xml", tags=[Kind.PAGE])
def feed(request: Request, slug: str) -> Response:
    """Give a list's newest newsletters as a feed."""
    of, newest = archive.latest(site(request).ctx, slug, lambda one: _whole(request, one))
    return Response(_atom(request, of, newest), media_type="application/atom+xml")


@router.get("/newsletters/{slug}/{number}", tags=[Kind.PAGE])
def newsletter(request: Request, slug: str, number: str) -> Response:
    """Show one newsletter."""
    return _newsletter(request, slug, number)


@router.post("/newsletters/{slug}/{number}", tags=[Kind.PAGE])
def mail_link(request: Request, slug: str, number: str, posted: Posted) -> Response:
    """Mail a link to a newsletter for members to whoever may read it; say the same to all."""
    found = archive.newsletter(site(request).ctx, slug, number, lambda identity: identity)
    target = Target(ReadingKind.NEWSLETTER, found.issued.mailing)

    def again(form: Form, errors: FormErrors, status: int) -> Response:
        return _newsletter(request, slug, number, form=form, errors=errors, status=status)

    return reading.answer(request, posted, target, again)


def _newsletter(request: Request, slug: str, number: str, *, status: int = 200, **more: object) -> Response:
    pictures = f"{site(request).prefix}{_path(slug, number)}/pictures/"
    found = archive.newsletter(site(request).ctx, slug, number, lambda identity: pictures + quote(identity, safe="@"))
    words = Markup(found.words)  # noqa: S704  (escaped when the letter was compiled; the policy lets no script run)
    shown = {"of": found, "words_of_letter": words, "day_of": day_of(request), **more}
    return render(request, "newsletter.html", status=status, **shown)


@router.get("/newsletters/{slug}/{number}/pictures/{identity}", tags=[Kind.PAGE])
def picture(request: Request, slug: str, number: str, identity: str) -> Response:
    """Give a picture of a newsletter."""
    kind, content = archive.picture(site(request).ctx, slug, number, identity)
    if kind not in PICTURES.values():
        raise NotFound("There is no such picture here.")
    return Response(content, media_type=kind, headers={"content-disposition": "inline"})


@router.get("/newsletters/{slug}/{number}/file", tags=[Kind.PAGE])
def file(request: Request, slug: str, number: str) -> Response:
    """Give the PDF that a newsletter of earlier years was."""
    ctx = site(request).ctx
    digest, name = archive.file(ctx, slug, number)
    return handed_out(files.path(ctx, digest), name)


def _path(slug: str, number: str) -> str:
    return f"/newsletters/{quote(slug, safe='')}/{quote(number, safe='')}"


def _whole(request: Request, one: Issued) -> str:
    """Return a number's address as other sites and readers of feeds need it."""
    return site(request).ctx.settings.society.url.rstrip("/") + _path(one.slug, one.number)


def day_of(request: Request) -> Callable[[Any], Any]:
    """Return what turns a moment into the day that the society's calendar had."""
    zone = site(request).ctx.settings.zone
    return lambda moment: moment.astimezone(zone).date()


def _atom(request: Request, of: MailingListRow, newest: list[Newsletter]) -> bytes:
    ElementTree.register_namespace("", ATOM)
    url = site(request).ctx.settings.society.url.rstrip("/")
    here = f"{url}/newsletters/{quote(of.slug, safe='')}"
    feed = ElementTree.Element(f"{{{ATOM}}}feed", {"{http://www.w3.org/XML/1998/namespace}lang": of.language})
    _add(feed, "id", here or f"urn:balintmail:{of.list_id}")
    _add(feed, "title", f"{of.name} · {site(request).name}")
    _add(feed, "updated", max(one.updated for one in newest).isoformat(timespec="seconds"))
    _add(_add(feed, "author"), "name", site(request).name)
    _add(feed, "link", rel="self", href=f"{here}/atom.xml")
    _add(feed, "link", rel="alternate", href=link(request, here) if not url else here)
    for one in newest:
        entry = _add(feed, "entry")
        address = _whole(request, one.issued)
        _add(entry, "id", address)
        _add(entry, "title", one.issued.title)
        _add(entry, "published", one.issued.at.isoformat(timespec="seconds"))
        _add(entry, "updated", one.updated.isoformat(timespec="seconds"))
        _add(entry, "link", rel="alternate", href=address)
        if one.words:
            _add(entry, "content", _corrections(request, of, one) + one.words, type="html")
    written: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return written


def _corrections(request: Request, of: MailingListRow, one: Newsletter) -> str:
    """Return the corrections of a newsletter as they stand above it in a feed, in the list's language."""
    spoken = of.language if of.language in site(request).languages else visitor(request).language
    words, local, parts = site(request).catalogue(spoken), day_of(request), []
    for each in one.errata:
        heading = words.say("newsletters.erratum", day=words.day(local(each.at)))
        paragraphs = "".join(f"<p>{escape(text)}</p>" for text in each.words.split("\n\n"))
        parts.append(f"<p><strong>{escape(heading)}</strong></p>{paragraphs}")
    return "".join(parts)


def _add(to: ElementTree.Element, name: str, text: str = "", **attributes: str) -> ElementTree.Element:
    made = ElementTree.SubElement(to, f"{{{ATOM}}}{name}", attributes)
    made.text = text or None
    return made
