"""From the form to the welcome in a real browser, by way of a real SMTP server: four languages, two widths, with and
without JavaScript, by keyboard alone, without a violation that axe-core knows of.
"""

import email
import re
import time
from collections.abc import Callable, Iterator
from email import policy
from typing import Any

import pytest

from tests.relay.thread import RelayThread
from tests.support.site import Served, served, tab_to, violations
from tests.web.conftest import Visit

SECRETARY = "secretary@balint.example.org"
PATIENCE = 90.0  # seconds for a mail, on a machine that has other things to do
READING = 2300  # milliseconds that somebody takes at least to fill in a form
AGREED = (
    "I agree that The Example Balint Society sends me these mails. "
    "Every mail has a link with which I can leave at once."
)
QUESTIONS = """
[[question]]
name = "how_known"
label = { en = "How do you know Balint work?", de = "Woher kennen Sie die Balintarbeit?" }

[[question]]
name = "work"
kind = "choice"
label = "Where do you work?"
choices = ["General practice", "Hospital"]
required = true
"""


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayThread]:
    with RelayThread() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, relay: RelayThread) -> Iterator[Served]:
    """A served society whose mails go to an SMTP server, with two lists and questions of its own."""
    settings = f'\n[relays.main]\nhost = "127.0.0.1"\nport = {relay.port}\nsecurity = "none"\n'
    with served(tmp_path_factory.mktemp("journey") / "i", settings=settings) as found:
        file = found.folder / "questions.toml"
        file.write_text(QUESTIONS, "utf-8")
        assert found("lists", "questions", "newsletter", "--set", file).status == 0
        assert found("lists", "add", "courses", "--name", "Weekends and courses").status == 0
        assert found("subscribe", "m.balint@example.net", "--name", "M. Balint").status == 0
        yield found


def link_in_mail(relay: RelayThread, to: str, pattern: str, naming: str = "") -> str:
    """Wait for a mail to `to` whose text names somebody and holds a link that fits; return the link."""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        for raw in list(relay.data):
            message = email.message_from_bytes(raw, policy=policy.default)
            body = message.get_body(("plain",))
            text = body.get_content() if body is not None else ""
            found = re.search(pattern, text)
            if to in str(message["To"]) and found and naming in text:
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail with {pattern}")


def fill_in(page: Any, address: str, name: str = "Dr Mária Bálint") -> None:
    page.fill("#f-name", name)
    page.fill("#f-address", address)
    page.check("#f-lists-1")
    page.fill('[name="newsletter.how_known"]', "I was in Dr Elder's group in the nineties.")
    page.check('[name="newsletter.work"] >> nth=0')
    page.check("#f-agree")
    page.wait_for_timeout(READING)


def press(page: Any) -> None:
    """Press the page's one button."""
    assert page.locator("main button").count() == 1
    page.click("main button")


@pytest.mark.parametrize(
    ("language", "width", "scripts"),
    [("en", 1280, True), ("de", 360, True), ("fr", 1280, True), ("hu", 360, True), ("en", 360, False)],
)
def test_from_the_form_to_the_welcome(
    visit: Callable[..., Visit], site: Served, relay: RelayThread, language: str, width: int, scripts: bool
) -> None:
    visitor = visit(width=width, scripts=scripts)
    weights: list[tuple[str, int]] = []
    visitor.page.on("response", lambda one: weights.append((one.url, int(one.headers.get("content-length", "0")))))
    address = f"maria-{language}-{width}-{'js' if scripts else 'plain'}@example.org"

    def look(status: str = "") -> None:
        assert not scripts or violations(visitor.page) == [], status
        assert not scripts or not visitor.too_wide(), status
        assert visitor.page.locator("html").get_attribute("lang") == language

    page = visitor.open(f"/join?lang={language}")
    look("form")
    page.fill("#f-name", "Mária")
    press(page)
    assert page.locator(".summary li").count() >= 3
    assert page.input_value("#f-name") == "Mária"
    look("errors")
    fill_in(page, address)
    press(page)
    assert address in page.inner_text("main")
    look("asked")
    assets = {url: weight for url, weight in weights if "/assets/" in url}  # a browser asks for each once
    assert sum(assets.values()) + sum(weight for url, weight in weights if "/assets/" not in url) < 50_000
    page = visitor.open(f"{link_in_mail(relay, address, site.url + '/confirm/[a-z2-7]+')}?lang={language}")
    look("confirm")
    press(page)
    look("confirmed")
    decide = link_in_mail(relay, SECRETARY, site.url + "/decide/[a-z2-7]+/approve", address)
    page = visitor.open(f"{decide.removesuffix('/approve')}/decline?lang={language}")
    look("decline")
    page = visitor.open(f"{decide}?lang={language}")
    assert "Dr Elder's group" in page.inner_text("main")
    assert "m.balint@example.net" in page.inner_text("main")
    look("decide")
    press(page)
    look("decided")
    assert page.locator("main button").count() == 0
    assert link_in_mail(relay, address, site.url + "/leave/[a-z2-7]+")
    assert visitor.foreign == []
    shown = site("people", "list", "--json").json
    (person,) = [one for one in shown if one["addresses"][0]["address"] == address]
    assert person["lists"] == {"newsletter": "subscribed"}
    assert site("consent", "verify").status == 0


def test_whole_journey_by_keyboard_alone(visit: Callable[..., Visit], site: Served, relay: RelayThread) -> None:
    visitor = visit(width=1280)
    page = visitor.open("/join/newsletter")
    page.keyboard.press("Tab")  # past the link to the text
    tab_to(page, "Your name")
    page.keyboard.type("Anna Keyboard")
    tab_to(page, "Email address")
    page.keyboard.type("keyboard@example.org")
    tab_to(page, "General practice")
    page.keyboard.press("Space")
    tab_to(page, AGREED)
    page.keyboard.press("Space")
    page.wait_for_timeout(READING)
    tab_to(page, "Ask to join")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=keyboard@example.org")
    page = visitor.open(link_in_mail(relay, "keyboard@example.org", site.url + "/confirm/[a-z2-7]+"))
    tab_to(page, "Confirm my address")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=The Secretary now decides")
    page = visitor.open(link_in_mail(relay, SECRETARY, site.url + "/decide/[a-z2-7]+/decline", "keyboard@"))
    tab_to(page, "Reason (optional)")
    page.keyboard.type("The list is for people who lead groups.")
    tab_to(page, "Decline the request")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:text('Declined')")


def test_summary_of_errors_has_the_focus_and_leads_to_the_fields(visit: Callable[..., Visit]) -> None:
    page = visit(width=360).open("/join")
    press(page)
    assert page.evaluate("document.activeElement.className") == "summary"
    page.click(".summary a >> nth=1")
    assert page.evaluate("document.activeElement.id") == "f-address"


def test_snippet_on_another_page_leads_to_the_form_filled_in(visit: Callable[..., Visit], site: Served) -> None:
    html = site("lists", "snippet", "newsletter").out
    page = visit(width=1280).page
    page.set_content(f"<!DOCTYPE html><html lang='en'><title>Our society</title><main><h1>Join</h1>{html}</main>")
    page.fill("input[name=name]", "Anna Snippet")
    page.fill("input[name=address]", "snippet@example.org")
    page.click("button")
    page.wait_for_url("**/join/newsletter**")
    assert page.input_value("#f-address") == "snippet@example.org"
    assert violations(page) == []


def test_kind_pages_of_old_and_broken_links_have_no_violation(visit: Callable[..., Visit]) -> None:
    visitor = visit(width=360)
    for path in ("/confirm/abc", "/decide/abc", "/join/nothing"):
        page = visitor.open(path)
        assert violations(page) == []
        assert not visitor.too_wide()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 360, 1280])
def test_form_is_readable_in_both_schemes_and_narrow(visit: Callable[..., Visit], scheme: str, width: int) -> None:
    visitor = visit(width=width, scheme=scheme)
    page = visitor.open("/join")
    assert violations(page) == []
    assert not visitor.too_wide()
    heights = page.evaluate("[...document.querySelectorAll('main button, main select')].map(e => e.offsetHeight)")
    assert min(heights) >= 44
