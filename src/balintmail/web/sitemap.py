"""Tell robots what there is to read: the site's pages, newsletters and papers, and what they leave alone.

Only what everybody may read stands in the map: no page behind a link, nothing of a person. Protocol: sitemaps.org; it
names whole addresses, so without [society] url there is none. Rules for robots: RFC 9309.
"""

from collections.abc import Iterator
from urllib.parse import quote
from xml.etree import ElementTree

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from balintmail.services import sitemap
from balintmail.web.access import Kind
from balintmail.web.site import Site, site

router = APIRouter()
NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"
MOST = 50_000  # addresses of one map (sitemaps.org); the newest come first
_STANDING = ("/", "/newsletters", "/journal", "/journal/authors", "/journal/titles", "/resources", "/join", "/privacy")
_ALONE = (
    "/leave/", "/preferences", "/manage/", "/confirm/", "/decide/", "/release/", "/ecopy/", "/papers/", "/copies/",
    "/calendar/", "/search?",
)  # fmt: skip


@router.get("/robots.txt", tags=[Kind.PAGE])
def robots(request: Request) -> Response:
    """Tell robots to leave pages behind tokens and endless ones alone, and where the map is."""
    found = site(request)
    lines = ["User-agent: *", *(f"Disallow: {found.prefix}{path}" for path in _ALONE)]
    if url := found.ctx.settings.society.url.rstrip("/"):
        lines += ["", f"Sitemap: {url}/sitemap.xml"]
    return PlainTextResponse("\n".join([*lines, ""]))


@router.get("/sitemap.xml", tags=[Kind.PAGE])
def shown(request: Request) -> Response:
    """Give the map of everything that everybody may read."""
    found = site(request)
    url = found.ctx.settings.society.url.rstrip("/")
    if not url:
        raise HTTPException(404)
    ElementTree.register_namespace("", NAMESPACE)
    tree = ElementTree.Element(f"{{{NAMESPACE}}}urlset")
    for count, (path, changed) in enumerate(_paths(found)):
        if count >= MOST:
            break
        entry = ElementTree.SubElement(tree, f"{{{NAMESPACE}}}url")
        ElementTree.SubElement(entry, f"{{{NAMESPACE}}}loc").text = url + quote(path, safe="/")
        if changed:
            ElementTree.SubElement(entry, f"{{{NAMESPACE}}}lastmod").text = changed
    written: bytes = ElementTree.tostring(tree, encoding="utf-8", xml_declaration=True)
    return Response(written, media_type="application/xml")


def _paths(found: Site) -> Iterator[tuple[str, str]]:
    """Yield each path with the day of its last change, "" where nobody knows."""
    pages = {one.path for one in [*found.pages.menu(found.usual_language), *found.pages.others(found.usual_language)]}
    for path in dict.fromkeys([*_STANDING, *sorted(pages)]):
        yield path, ""
    for place in sitemap.places(found.ctx):
        yield place.path, place.changed_on.isoformat()
