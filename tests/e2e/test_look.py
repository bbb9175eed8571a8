"""The composed example in a real browser: narrow and wide, light and dark, pictures off, and nothing fetched."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from balintmail.resources import templates_folder
from tests.support.command import call, founded

sync_api = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: apt install chromium")
OFFLINE = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")

# Every visible text with the colour it really has and the nearest background that is painted behind it.
READ_COLOURS = """() => {
  const parse = c => { const m = c.match(/[\\d.]+/g).map(Number); return [m[0], m[1], m[2], m.length > 3 ? m[3] : 1]; };
  const linear = v => v <= 10.31475 ? v / 3294.6 : ((v / 255 + 0.055) / 1.055) ** 2.4;
  const light = c => c.slice(0, 3).map(linear)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode.textContent.trim();
    let element = walker.currentNode.parentElement;
    if (!text || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const ink = parse(style.color);
    let ground = [255, 255, 255, 1];
    for (let e = element; e; e = e.parentElement) {
      const g = parse(getComputedStyle(e).backgroundColor);
      if (g[3] === 1) { ground = g; break; }
    }
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    found.push({ text: text.slice(0, 40), contrast: (a + 0.05) / (b + 0.05), size: parseFloat(style.fontSize) });
  }
  return found;
}"""


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("look")
    founded(folder / "i", "--url", "https://balint.example.org")
    call("-C", folder / "i", "people", "edit", "secretary@balint.example.org", "--member")
    letter = templates_folder().parent / "examples" / "newsletter.md"
    done = call("-C", folder / "i", "preview", letter, "--out", folder / "look", "--json")
    assert done.status == 0, done.said
    return Path(done.json["html"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(OFFLINE))
        yield found
        found.close()


def opened(browser: Any, file: Path, *, width: int = 640, scheme: str = "light", pictures: bool = True) -> Any:
    """Return the letter's page, laid out, with the addresses it asked for in `page.asked`."""
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.asked = []
    page.on("request", lambda request: page.asked.append(request.url))
    text = file.read_text("utf-8")
    if not pictures:
        text = text.replace("data:image/png;base64,", "data:image/png;base64,broken")
    page.set_content(text)
    return page


@pytest.mark.parametrize("width", [320, 360, 480, 640, 1200])
def test_letter_never_scrolls_sideways(browser: Any, page_file: Path, width: int) -> None:
    page = opened(browser, page_file, width=width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_letter_asks_nobody_for_anything(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file)
    assert [url for url in page.asked if not url.startswith(("data:", "about:"))] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 640])
def test_every_text_is_readable_as_the_browser_paints_it_S28_S29(
    browser: Any, page_file: Path, scheme: str, width: int
) -> None:
    texts = opened(browser, page_file, width=width, scheme=scheme).evaluate(READ_COLOURS)
    assert len(texts) > 80
    assert [text for text in texts if text["contrast"] < 4.5] == []
    assert [text for text in texts if text["size"] < 13] == []


def test_dark_scheme_is_really_dark_S29(browser: Any, page_file: Path) -> None:
    for scheme, expected in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(27, 34, 37)")):
        page = opened(browser, page_file, scheme=scheme)
        assert page.evaluate("getComputedStyle(document.querySelector('.card')).backgroundColor") == expected


def test_column_is_600_wide_and_the_margins_shrink_when_narrow(browser: Any, page_file: Path) -> None:
    edges = (
        "(() => { const r = document.querySelector('.letter').getBoundingClientRect(); return [r.left, r.right]; })()"
    )
    assert opened(browser, page_file, width=1200).evaluate(edges) == [332, 868]
    assert opened(browser, page_file, width=360).evaluate(edges) == [20, 340]


def test_button_is_large_enough_to_touch(browser: Any, page_file: Path) -> None:
    box = opened(browser, page_file, width=360).locator("table.button a").bounding_box()
    assert box["height"] >= 44


def test_letter_reads_without_its_pictures(browser: Any, page_file: Path) -> None:
    page = opened(browser, page_file, pictures=False)
    assert page.locator("img").get_attribute("alt").startswith("Nine chairs")
    assert page.evaluate("document.documentElement.scrollWidth") <= 640


def test_picture_fills_the_column_and_no_more(browser: Any, page_file: Path) -> None:
    assert opened(browser, page_file).locator("img").bounding_box()["width"] == 536
    assert opened(browser, page_file, width=360).locator("img").bounding_box()["width"] == 320
