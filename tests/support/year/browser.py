"""A visitor's browser in a thread of its own: where Playwright runs, no other event loop can."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from tests.support.site import CHROMIUM, OFFLINE

T = TypeVar("T")
PATIENCE = 120.0  # seconds for one visit, on a machine that has other things to do


class Browser:
    """Debian's Chromium. `visit` does its work on a fresh page, without cookies of the visits before."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "browser")
        self._playwright, self._chromium = self._thread.submit(self._start).result(PATIENCE)

    def visit(self, work: Callable[[Any], T]) -> T:
        """Return what `work` makes of a page."""
        return self._thread.submit(self._visit, work).result(PATIENCE)

    def close(self) -> None:
        self._thread.submit(self._stop).result(PATIENCE)
        self._thread.shutdown()

    def _start(self) -> tuple[Any, Any]:
        from playwright.sync_api import sync_playwright

        playwright = sync_playwright().start()
        return playwright, playwright.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))

    def _stop(self) -> None:
        self._chromium.close()
        self._playwright.stop()

    def _visit(self, work: Callable[[Any], T]) -> T:
        context = self._chromium.new_context(locale="en-GB", accept_downloads=True)
        context.set_default_timeout(30_000)
        try:
            return work(context.new_page())
        finally:
            context.close()


def press(page: Any, name: str = "") -> str:
    """Press the page's one button, or the one of that name; return what the next page says."""
    button = page.get_by_role("button", name=re.compile(name, re.IGNORECASE)) if name else page.locator("main button")
    assert button.count() == 1, page.inner_text("main")
    with page.expect_navigation():
        button.click()
    return str(page.inner_text("main"))


def take_away(page: Any, link: str, to: Path) -> bytes:
    """Follow a link that gives a file; return the file."""
    with page.expect_download() as under_way:
        page.click(link)
    under_way.value.save_as(to)
    return to.read_bytes()


def fetched(to: Path, page: Any) -> bytes:
    """Press the button that gives a file; return the file."""
    with page.expect_download() as under_way:
        page.locator("main button").click()
    under_way.value.save_as(to)
    return to.read_bytes()
