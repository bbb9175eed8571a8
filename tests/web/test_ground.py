"""The site's own pages in a real browser: narrow and wide, with and without scripts, by keyboard, in four languages."""

from collections.abc import Callable

import pytest

from tests.support.site import LANGUAGES, WIDTHS, Served, tab_to, violations
from tests.web.conftest import Visit

Visits = Callable[..., Visit]
PAGES = ("/", "/privacy", "/nothing-here")
LIGHTEST = 50_000  # bytes of one visit (issue: under 50 KB in all)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PAGES)
def test_page_passes_axe_and_never_scrolls_sideways(visit: Visits, path: str, language: str) -> None:
    visitor = visit(width=WIDTHS[0])
    page = visitor.open(f"{path}?lang={language}")
    assert page.evaluate("document.documentElement.lang") == language
    assert violations(page) == []
    assert not visitor.too_wide()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_wide_page_passes_axe_in_both_schemes(visit: Visits, scheme: str) -> None:
    page = visit(width=WIDTHS[1], scheme=scheme).open("/")
    assert violations(page) == []
    expected = {"light": "rgb(251, 250, 247)", "dark": "rgb(20, 25, 27)"}[scheme]
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == expected


@pytest.mark.parametrize("scripts", [True, False])
def test_language_is_chosen_by_keyboard_alone_and_kept(visit: Visits, scripts: bool) -> None:
    page = visit(width=360, scripts=scripts).open("/privacy")
    tab_to(page, "Magyar")
    page.keyboard.press("Enter")
    page.wait_for_url("**/privacy?lang=hu")
    assert page.locator("h1").inner_text() == "Mit tartunk nyilván Önről"
    tab_to(page, "The Example Balint Society")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?lang=hu")
    assert page.locator("html").get_attribute("lang") == "hu"


def test_skip_link_is_first_and_leads_to_the_text(visit: Visits) -> None:
    page = visit().open("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.getElementById('main').contains(document.activeElement)")


def test_visit_asks_nobody_else_and_weighs_little(visit: Visits) -> None:
    visitor = visit()
    for path in PAGES:
        visitor.open(path)
    assert visitor.foreign == []
    assert 5_000 < visitor.bytes < LIGHTEST


def test_print_leaves_out_what_nobody_can_press(visit: Visits) -> None:
    page = visit().open("/privacy")
    page.emulate_media(media="print")
    assert not page.locator("header.top").is_visible()
    assert page.locator("h1").is_visible()


def test_every_link_and_button_is_large_enough_to_touch(visit: Visits) -> None:
    page = visit(width=360).open("/privacy")
    page.locator(".top summary").click()
    for one in page.locator("nav a, .button, button, summary, .foot a").all():
        box = one.bounding_box()
        assert box["height"] >= 24, one.inner_text()  # WCAG 2.2, 2.5.8
    assert page.locator(".button").first.bounding_box()["height"] >= 44


def test_narrow_pages_have_one_row_above_them_and_a_menu_that_needs_no_script(visit: Visits) -> None:
    page = visit(width=360, scripts=False).open("/privacy?lang=de")
    places = page.locator(".top nav a")
    assert not places.first.is_visible()
    assert page.locator(".top").bounding_box()["height"] < 110
    tab_to(page, "Menü")
    page.keyboard.press("Enter")
    assert places.first.is_visible()
    assert len({one.bounding_box()["x"] for one in places.all()}) == 1
    assert page.locator(".top nav").inner_text().startswith("Menü")
    wide = visit(width=1280, scripts=False).open("/privacy")
    assert wide.locator(".top nav a").first.is_visible()
    assert not wide.locator(".top summary").is_visible()


def test_first_run_page_tells_what_is_missing_until_it_is_there(site: Served) -> None:
    page = site.get("/").text
    assert "Nearly ready" not in page  # the outbox was chosen, and the dispatcher beside it has looked
    assert "Join the email list" in page
