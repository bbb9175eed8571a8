"""Every page of the site in a real browser: axe-core finds nothing, nothing scrolls sideways, in four languages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute

from balintmail.web.access import Kind
from balintmail.web.app import NOUNS
from balintmail.wiring import open_instance
from tests.support import mailing_in
from tests.support.pages import Pages, furnish
from tests.support.site import LANGUAGES, WIDTHS, Served, violations
from tests.web.conftest import Visit

Visits = Callable[..., Visit]
PATTERNS = (
    "/newsletters", "/newsletters/{slug}", "/newsletters/{slug}/{number}", "/search",
    "/journal", "/journal/authors", "/journal/titles", "/journal/{label}", "/journal/{label}/{slug}",
    "/resources", "/contribute", "/contribute/send", "/pages/{name}", "/papers/{token}",
    "/papers/decide/{token}/accept", "/papers/decide/{token}/decline",
    "/join", "/join/{slug}", "/confirm/{token}", "/decide/{token}/approve", "/decide/{token}/decline", "/leave/{token}",
    "/preferences", "/preferences/{token}", "/manage/{secret}", "/manage/{secret}/names", "/manage/{secret}/lists",
    "/manage/{secret}/journal", "/manage/{secret}/address", "/manage/{secret}/post", "/manage/{secret}/data",
    "/journal/order", "/order/{token}",
    "/copies", "/copies/{token}", "/copies/confirm/{token}", "/copies/quote/{token}",
    "/copies/decide/{token}/approve", "/copies/decide/{token}/quote", "/copies/decide/{token}/decline",
    "/manage/{secret}/erase", "/manage/address/{secret}", "/release/{token}", "/ecopy/{token}",
)  # fmt: skip
LIKE_OTHERS = {
    "/",
    "/privacy",
    "/decide/{token}",
    "/copies/decide/{token}",
    "/papers/decide/{token}",
}  # looked at elsewhere, or the same page at another address
NO_PAGES = {
    "/robots.txt",
    "/sitemap.xml",
    "/pages/pictures/{name}",
    "/calendar/{token}.ics",
    "/resources/files/{slug}",
    "/resources/previews/{slug}",
    "/papers/{token}/files/{position}",
    "/papers/decide/{token}/files/{position}",
    "/journal/covers/{label}",
    "/journal/{label}.pdf",
    "/journal/{label}/{slug}.pdf",
    "/journal/{label}/{slug}.bib",
    "/journal/{label}/{slug}.ris",
    "/newsletters/{slug}/atom.xml",
    "/newsletters/{slug}/{number}/pictures/{identity}",
    "/newsletters/{slug}/{number}/file",
    "/copies/{token}/pictures/{identity}",
    "/release/{token}/pictures/{identity}",
}
# One language and width for each scheme and back again: each pair of them is seen, without looking at all sixteen.
SEEN = tuple(zip(LANGUAGES, WIDTHS * 2, ("light", "dark", "dark", "light"), strict=True))


@pytest.fixture(scope="module")
def pages(site: Served) -> Iterator[Pages]:
    instance = open_instance(site.folder)
    ctx = instance.context()
    found = furnish(ctx)
    mailing_in.comes(mailing_in.with_drafts(ctx), mailing_in.example("secretary@balint.example.org"))
    found.paths["/release/{token}"] = mailing_in.path(ctx)  # a whole newsletter, with tables and a picture
    yield found
    instance.close()


def test_every_get_route_is_among_the_pages(pages: Pages) -> None:
    shown = {Kind.PAGE, Kind.TOKEN}
    every = [route for noun in NOUNS for route in noun.router.routes if isinstance(route, APIRoute)]
    found = {route.path for route in every if "GET" in (route.methods or ()) and shown & set(route.tags)}
    assert set(pages.paths) == found - NO_PAGES
    assert set(PATTERNS) | LIKE_OTHERS == set(pages.paths)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_page_passes_axe_narrow_and_wide_light_and_dark_in_every_language(
    visit: Visits, pages: Pages, pattern: str
) -> None:
    path = pages.paths[pattern]
    sign = "&" if "?" in path else "?"
    for language, width, scheme in SEEN:
        visitor = visit(width=width, scheme=scheme)
        page = visitor.open(f"{path}{sign}lang={language}")
        where = f"{pattern} {language} {width} {scheme}"
        assert page.evaluate("document.documentElement.lang") == language, where
        assert violations(page) == [], where
        assert not visitor.too_wide(), where
        assert visitor.foreign == [], where
        assert page.locator("h1").count() == 1, where
        assert page.locator("main button:not(.second):not(.link)").count() <= 1, f"{where}: one filled button"
        visitor.context.close()


@pytest.mark.parametrize("pattern", ["/join", "/join/{slug}", "/leave/{token}", "/manage/{secret}/names"])
def test_page_is_whole_without_scripts(visit: Visits, pages: Pages, pattern: str) -> None:
    with_them: Any = visit().open(pages.paths[pattern])
    without: Any = visit(scripts=False).open(pages.paths[pattern])
    assert with_them.locator("main").inner_text() == without.locator("main").inner_text()
    assert with_them.locator("script").count() == 0


def test_all_pages_of_a_visit_weigh_under_50_kb(visit: Visits, pages: Pages) -> None:
    visitor = visit()
    for pattern in ("/", "/join", "/confirm/{token}", "/leave/{token}", "/preferences", "/manage/{secret}"):
        visitor.open(pages.paths[pattern])
    assert 10_000 < visitor.bytes < 50_000


def test_errors_are_told_twice_and_the_summary_takes_the_focus(visit: Visits, pages: Pages) -> None:
    for scripts in (True, False):
        page: Any = visit(width=360, scripts=scripts).open("/join/courses")
        page.get_by_label("Your name").fill("Mária Bálint")
        page.get_by_label("Email address").fill("maria.balint@example")
        page.locator("main button").click()
        summary = page.locator(".summary")
        assert summary.get_by_role("link").count() >= 2  # the address, the work, the agreement
        assert page.evaluate("document.activeElement.className") == "summary"
        assert page.get_by_label("Your name").input_value() == "Mária Bálint"
        address = page.locator("#f-address")
        assert address.get_attribute("aria-invalid") == "true"
        told = page.locator(f"#{address.get_attribute('aria-describedby')}").inner_text()
        assert told == summary.get_by_role("link").first.inner_text()
        summary.get_by_role("link").first.click()
        assert page.evaluate("document.activeElement.id") == "f-address"
        assert page.title().startswith("Error:")
        assert not scripts or violations(page) == []  # axe is a script itself
