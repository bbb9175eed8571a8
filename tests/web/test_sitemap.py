"""What robots are told: everything that everybody may read, and nothing behind a link or of a person."""

import re
from dataclasses import replace
from xml.etree import ElementTree

from starlette.testclient import TestClient

from balintmail.services.context import Context
from balintmail.web.app import make_app
from balintmail.web.sitemap import NAMESPACE
from tests.support.pages import furnish
from tests.support.society import found

URL = "https://balint.example.org"


def test_map_names_what_everybody_may_read_and_no_token_or_person(context: Context) -> None:
    found(context)
    pages = furnish(context)
    with TestClient(make_app(context), base_url=URL) as client:
        answer = client.get("/sitemap.xml")
        assert answer.headers["content-type"] == "application/xml"
        tree = ElementTree.fromstring(answer.content)
        places = [one.text or "" for one in tree.iter(f"{{{NAMESPACE}}}loc")]
        assert len(set(places)) == len(places)
        paths = {place.removeprefix(URL) for place in places}
        assert paths >= {
            "/", "/journal", "/newsletters/newsletter", "/newsletters/newsletter/84", "/journal/2020",
            "/journal/2020/the-doctor-the-drug", "/journal/2024-2/six-minutes", "/pages/cpd", "/resources",
        }  # fmt: skip
        assert "/newsletters/newsletter/85" not in paths  # for members
        assert "/journal/2025/not-yet-out" not in paths
        assert not re.search(r"[a-z2-7]{33,}|maria|@", answer.text.lower())
        assert not paths & {path for pattern, path in pages.paths.items() if "token" in pattern or "secret" in pattern}
        for path in sorted(paths):
            page = client.get(path)
            assert (page.status_code, "x-robots-tag" in page.headers) == (200, False), path
        robots = client.get("/robots.txt").text
    assert f"Sitemap: {URL}/sitemap.xml" in robots
    assert "Disallow: /manage/" in robots


def test_without_a_public_address_there_is_no_map(context: Context) -> None:
    found(context)
    society = context.settings.society.model_copy(update={"url": ""})
    ctx = replace(context, settings=context.settings.model_copy(update={"society": society}))
    with TestClient(make_app(ctx), base_url=URL, raise_server_exceptions=False) as client:
        assert client.get("/sitemap.xml").status_code == 404
        assert "Sitemap" not in client.get("/robots.txt").text
