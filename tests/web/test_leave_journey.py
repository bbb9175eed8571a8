"""From a real letter's foot to leaving, changing and being erased: a real SMTP server, a real browser, narrow and wide,
with and without JavaScript, by keyboard alone.
"""

import re
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.relay.thread import RelayThread
from tests.support.command import process
from tests.support.site import Served, served, tab_to, violations
from tests.web.conftest import Visit

PATIENCE = 90.0  # seconds for a mail, on a machine that has other things to do
ADDRESS = r"https?://\S+?"
ROUNDS = [(360, True), (1280, True), (360, False), (1280, False)]


@pytest.fixture(scope="module")
def relay() -> Iterator[RelayThread]:
    with RelayThread() as found:
        yield found


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, relay: RelayThread) -> Iterator[Served]:
    """A served society with two lists, one reader for each round of each journey, and a newsletter sent to them all."""
    settings = f'\n[relays.main]\nhost = "127.0.0.1"\nport = {relay.port}\nsecurity = "none"\nmax_connections = 4\n'
    with served(tmp_path_factory.mktemp("leaving") / "i", settings=settings) as found:
        assert found("lists", "add", "courses", "--name", "Weekends and courses").status == 0
        everybody = [f"{what}-{place}@example.org" for what in ("leave", "own", "bare") for place in range(len(ROUNDS))]
        for slug in ("newsletter", "courses"):
            assert found("subscribe", *everybody, "--list", slug, "--member").status == 0
        letter = Path(found.folder) / "newsletter.md"
        letter.write_text("---\ntitle: News\nnumber: 1\n---\n\nThe next meeting is in spring.\n", "utf-8")
        done = process("-C", found.folder, "send", letter, "--yes")  # the browser has this thread's loop
        assert done.status == 0, done.said
        yield found


def mails_to(relay: RelayThread, to: str) -> list[EmailMessage]:
    found = [message_from_bytes(raw, policy=policy.default) for raw in list(relay.data)]
    return [message for message in found if to in str(message["To"])]


def link_in_mail(relay: RelayThread, to: str, path: str) -> str:
    """Wait for a mail whose text holds a link to `path`; return the newest such link."""
    ends_at = time.monotonic() + PATIENCE
    while time.monotonic() < ends_at:
        for message in reversed(mails_to(relay, to)):
            body = message.get_body(("plain",))
            found = re.search(rf"{ADDRESS}{path}[A-Za-z0-9_-]+", body.get_content() if body is not None else "")
            if found:
                return found[0]
        time.sleep(0.1)
    raise AssertionError(f"no mail to {to} with {path}")


def lists_of(site: Served, who: str) -> dict[str, str]:
    found: dict[str, str] = site("people", "show", who, "--json").json["lists"]
    return found


def look(visitor: Visit, scripts: bool) -> None:
    """Hold the page that is open to what every page must be."""
    assert visitor.foreign == []
    if scripts:
        assert violations(visitor.page) == []
        assert not visitor.too_wide()


def press(page: Any, name: str) -> None:
    """Come to a button by the tab key and press it with the enter key."""
    tab_to(page, name)
    with page.expect_navigation():
        page.keyboard.press("Enter")


@pytest.mark.parametrize(("place", "width", "scripts"), [(place, *each) for place, each in enumerate(ROUNDS)])
def test_leave_by_the_letters_link_by_keyboard_alone(
    visit: Callable[..., Visit], site: Served, relay: RelayThread, place: int, width: int, scripts: bool
) -> None:
    who = f"leave-{place}@example.org"
    visitor = visit(width=width, scripts=scripts)
    page = visitor.open(link_in_mail(relay, who, "/leave/"))
    look(visitor, scripts)
    assert "l•••••@example.org" in page.locator("main").inner_text()
    assert lists_of(site, who) == {"newsletter": "subscribed", "courses": "subscribed"}  # D8
    press(page, "Leave the newsletter")
    look(visitor, scripts)
    assert page.locator("h1").inner_text() == "You have left\nthe newsletter".replace("\n", " ")
    assert lists_of(site, who) == {"newsletter": "unsubscribed", "courses": "subscribed"}
    tab_to(page, "Too many mails")
    page.keyboard.press("Space")
    press(page, "Tell the Secretary")
    assert "The Secretary will read it" in page.locator("main").inner_text()
    said = [each["what"] for each in site("people", "show", who, "--json").json["timeline"]]
    assert 'left newsletter: "Too many mails" (form)' in said
    page = visitor.open(link_in_mail(relay, who, "/leave/"))  # again, in whatever order
    assert page.locator("h1").inner_text() == "You have left the newsletter"
    press(page, "Leave these too")
    assert lists_of(site, who) == {"newsletter": "unsubscribed", "courses": "unsubscribed"}


@pytest.mark.parametrize(("place", "width", "scripts"), [(place, *ROUNDS[place]) for place in (1, 2)])
def test_own_page_from_the_letters_foot_to_being_erased(
    visit: Callable[..., Visit], site: Served, relay: RelayThread, place: int, width: int, scripts: bool
) -> None:
    who, new = f"own-{place}@example.org", f"moved-{place}@example.net"
    visitor = visit(width=width, scripts=scripts)
    page = visitor.open(link_in_mail(relay, who, "/preferences/"))
    look(visitor, scripts)
    assert who not in page.content()
    page.click("main button")
    look(visitor, scripts)
    own = link_in_mail(relay, who, "/manage/")
    page = visitor.open(own)
    look(visitor, scripts)
    _change_names(visitor, scripts)
    _pause(visitor, site, who)
    _say_where_the_post_goes(visitor, scripts)
    visitor.open(f"{own}/address")
    page.fill("#f-address", new)
    page.click("main button")
    visitor.open(link_in_mail(relay, new, "/manage/address/"))
    look(visitor, scripts)
    page.click("main button")
    assert "Your new address is in force" in page.locator("h1").inner_text()
    assert site("people", "show", who).status == 1
    (told,) = wait_for(lambda: mails_to(relay, who)[2:])  # after the newsletter and the link
    body = told.get_body(("plain",))
    assert body is not None
    assert "m•••••@example.net" in body.get_content()
    assert visitor.open(own).locator("h1").inner_text() == "This link has run out"
    page.click("main button")  # mails a new link, to the new address
    own = link_in_mail(relay, new, "/manage/(?!address)")
    page = visitor.open(f"{own}/data")
    look(visitor, scripts)
    assert "EC1A 1BB" in page.locator("main").inner_text()
    page = visitor.open(f"{own}/erase")
    look(visitor, scripts)
    press(page, "Erase me for good")
    assert page.locator("h1").inner_text() == "You are erased"
    assert site("people", "show", new).status == 1
    assert site("subscribe", new).status == 1  # D7


def wait_for(ask: Callable[[], Any]) -> Any:
    ends_at = time.monotonic() + PATIENCE
    while not (found := ask()) and time.monotonic() < ends_at:
        time.sleep(0.1)
    assert found
    return found


def _change_names(visitor: Visit, scripts: bool) -> None:
    page = visitor.page
    page.click('a[href$="/names"]')
    look(visitor, scripts)
    tab_to(page, "Name (optional)")
    page.keyboard.type("Bálint Mária")
    tab_to(page, "Language")
    page.keyboard.type("Mag")
    press(page, "Save name and language")
    look(visitor, scripts)
    assert "Saved: your name and language." in page.locator("main").inner_text()
    assert "Bálint Mária" in page.locator("main").inner_text()


def _pause(visitor: Visit, site: Served, who: str) -> None:
    page = visitor.page
    page.click('a[href$="/lists"]')
    page.check("#f-wish-courses-pause")
    page.fill("#f-until-courses", time.strftime("%Y-%m-%d", time.gmtime(time.time() + 40 * 86400)))
    press(page, "Save my lists")
    assert lists_of(site, who) == {"newsletter": "subscribed", "courses": "paused"}


def _say_where_the_post_goes(visitor: Visit, scripts: bool) -> None:
    page = visitor.page
    page.click('a[href$="/post"]')
    look(visitor, scripts)
    page.select_option("#f-country", "GB")
    page.click("main button")
    press(page, "Save the postal address")
    look(visitor, scripts)
    assert page.locator(".summary li").count() == 3
    page.fill("#f-street_address", "1 High Street")
    page.fill("#f-city", "London")
    page.fill("#f-postal_code", "ec1a1bb")
    press(page, "Save the postal address")
    assert "EC1A 1BB" in page.locator("main").inner_text()


@pytest.mark.parametrize("place", range(len(ROUNDS)))
def test_a_bare_post_to_the_link_of_a_real_letter_leaves_S4(site: Served, relay: RelayThread, place: int) -> None:
    who = f"bare-{place}@example.org"
    url = link_in_mail(relay, who, "/leave/")  # the header has the same one, where the site is https
    if place % 2:
        answer = httpx.post(url, data={"List-Unsubscribe": "One-Click"})
    else:
        answer = httpx.post(url, files={"List-Unsubscribe": (None, "One-Click")})
    assert answer.status_code == 200
    assert not {"location", "set-cookie"} & set(answer.headers)
    assert lists_of(site, who) == {"newsletter": "unsubscribed", "courses": "subscribed"}
    assert len(mails_to(relay, who)) == 1  # no mail confirms it
