"""What tests of the site share: a client in this process over both databases, and a real served instance.

`client` speaks to the application directly; `site` is a server on the loopback for a real browser.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from balintmail.services.context import Context
from balintmail.web.app import make_app
from tests.support.site import CHROMIUM, OFFLINE, Served, served
from tests.support.society import found


@pytest.fixture
def app(context: Context) -> FastAPI:
    """The application on a register with a Secretary and the list `newsletter`."""
    found(context)
    return make_app(context)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    """A browser without cookies; faults of ours come back as the page that a visitor would see."""
    with TestClient(
        app, base_url="https://balint.example.org", raise_server_exceptions=False, follow_redirects=False
    ) as client:
        yield client


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's Chromium, kept from asking anybody anything.

    It ends with the file: while Playwright runs, no other event loop can in this process, and other tests need one.
    """
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))
        yield found
        found.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served instance on SQLite whose mail stays in its outbox; one for all tests of a file."""
    with served(tmp_path_factory.mktemp("site") / "i") as found:
        yield found


class Visit:
    """A visitor's browser at a served instance; every address that it asks for is kept, with its weight."""

    def __init__(self, browser: Any, site: Served, *, width: int, scripts: bool, scheme: str = "light") -> None:
        self.site = site
        self.asked: list[str] = []
        self.bytes = 0
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=scripts, color_scheme=scheme, locale="en-GB"
        )
        self.page = self.context.new_page()
        self.page.on("response", self._weigh)

    def _weigh(self, response: Any) -> None:
        if response.url not in self.asked:  # what is asked for again comes out of the browser's own store
            self.bytes += int(response.headers.get("content-length", "0"))
        self.asked.append(response.url)

    def open(self, path: str) -> Any:
        """Open a page of the site; return the browser's page."""
        self.page.goto(path if path.startswith("http") else self.site.url + path)
        return self.page

    @property
    def foreign(self) -> list[str]:
        """What was asked for elsewhere than at the site."""
        return [url for url in self.asked if not url.startswith((self.site.url, "data:"))]

    def too_wide(self) -> bool:
        """Say whether the page must be scrolled sideways."""
        return bool(self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


@pytest.fixture
def visit(browser: Any, site: Served) -> Iterator[Callable[..., Visit]]:
    """Make visitors: `visit(width=360, scripts=False)`; their browsers are closed at the end."""
    made: list[Visit] = []

    def make(*, width: int = 1280, scripts: bool = True, scheme: str = "light") -> Visit:
        made.append(Visit(browser, site, width=width, scripts=scripts, scheme=scheme))
        return made[-1]

    yield make
    for one in made:
        one.context.close()
