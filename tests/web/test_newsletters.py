"""Past newsletters as everybody reads them: shelves, numbers, pictures, the feed; nobody's data anywhere (S49)."""

import io
import re
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from reportlab.pdfgen import canvas
from starlette.testclient import TestClient

from balintmail.errors import NotFound
from balintmail.sending.outbox import OutboxTransport
from balintmail.services import errata, release
from balintmail.services.context import Context
from balintmail.services.dispatch import Orders, dispatch
from balintmail.services.past_newsletters import Order, take_in
from balintmail.services.subscriptions import Joining, subscribe
from balintmail.web.app import make_app
from tests.support.society import found

EXAMPLES = Path(__file__).parents[2] / "examples"
ATOM = "{http://www.w3.org/2005/Atom}"
LETTER = """---
title: "{title}"
number: {number}
visibility: {visibility}
---
Dear {{{{ person.first_name | default("colleague") }}}},

Number {number} for {{{{ person.name | default("everybody") }}}}, who may [leave]({{{{ urls.unsubscribe }}}}).

![Chairs](pictures/nine-chairs.png)
"""


@pytest.fixture
def society(context: Context) -> Context:
    """A society with a site and three newsletters: one for all, one for members, one for its readers alone."""
    settings = context.settings.model_copy(
        update={"society": context.settings.society.model_copy(update={"url": "https://balint.example.org"})}
    )
    ctx = replace(context, settings=settings)
    found(ctx)
    subscribe(ctx, ["anna@example.org"], Joining(name="Anna Quellenreiter"))
    shutil.copytree(EXAMPLES / "pictures", ctx.folder / "pictures")
    for number, title, visibility in ((1, "First & last", "public"), (2, "For us", "members"), (3, "Private", "none")):
        send(ctx, number, title, visibility)
    return ctx


def send(ctx: Context, number: int, title: str, visibility: str = "public") -> None:
    path = ctx.folder / f"n{number}.md"
    path.write_text(LETTER.format(title=title, number=number, visibility=visibility), "utf-8")
    ctx.clock.forward(timedelta(days=30))  # type: ignore[attr-defined]
    release.release(ctx, release.plan(ctx, release.Intent(path)), start_at=ctx.clock.now())
    dispatch(ctx, lambda: OutboxTransport(ctx.folder / "outbox"), Orders())


@pytest.fixture
def reader(society: Context) -> TestClient:
    return TestClient(make_app(society), base_url="https://balint.example.org", raise_server_exceptions=False)


def test_archive_without_newsletters_says_so(client: TestClient) -> None:
    page = client.get("/newsletters")
    assert page.status_code == 200
    assert "No newsletter has been sent yet." in page.text


def test_shelf_shows_what_may_be_seen_newest_first(reader: TestClient) -> None:
    assert "2 newsletters" in reader.get("/newsletters").text
    shelf = reader.get("/newsletters/newsletter").text
    assert shelf.index("For us") < shelf.index("First &amp; last")
    assert "for members" in shelf
    assert "Private" not in shelf


def test_number_stands_at_the_address_that_its_letters_lead_to(society: Context, reader: TestClient) -> None:
    letter = next(
        text
        for path in (society.folder / "outbox").rglob("*")
        if path.is_file() and "First" in (text := path.read_text())
    )
    letter = letter.replace("=\n", "")
    assert "https://balint.example.org/newsletters/newsletter/1" in letter
    page = reader.get("/newsletters/newsletter/1")
    assert page.status_code == 200
    assert '<h1 lang="en">First &amp; last</h1>' in page.text
    assert 'href="/newsletters/newsletter/2"' in page.text  # the next one


@pytest.mark.parametrize("path", ["", "/newsletter", "/newsletter/1", "/newsletter/2", "/newsletter/atom.xml"])
def test_no_reader_and_no_token_is_in_the_archive_S49(reader: TestClient, path: str) -> None:
    text = reader.get(f"/newsletters{path}").text
    assert "Quellenreiter" not in text
    assert "anna@" not in text
    assert "/leave/" not in text
    assert not re.search(r"[a-z2-7]{33,}", text)


def test_words_for_members_and_their_pictures_are_not_shown_to_all(reader: TestClient) -> None:
    page = reader.get("/newsletters/newsletter/2")
    assert page.status_code == 200
    assert "Number 2 for" not in page.text
    assert "This newsletter is for members" in page.text
    assert 'href="/copies?what=newsletter/2"' in page.text
    picture = re.search(
        r'src="/newsletters/newsletter/1(/pictures/[^"]+)"', reader.get("/newsletters/newsletter/1").text
    )
    assert picture is not None
    assert reader.get(f"/newsletters/newsletter/1{picture[1]}").headers["content-type"] == "image/png"
    assert reader.get(f"/newsletters/newsletter/2{picture[1]}").status_code == 404
    assert "Number 2 for" not in reader.get("/newsletters/newsletter/atom.xml").text


@pytest.mark.parametrize(
    "path",
    [
        "/newsletter/3",
        "/newsletter/4",
        "/nothing",
        "/newsletter?page=2",
        "/newsletter?page=0",
        "/newsletter?page=-1",
        "/newsletter?page=1e3",
        "/newsletter?page=99999999999999999999",
        "/newsletter/1/pictures/x",
        "/newsletter/1'%20OR%201=1--",
        "/..%2f..%2fbalintmail.toml",
        "/newsletter/%00",
    ],
)
def test_what_is_not_there_is_a_kind_page_D9_F1(reader: TestClient, path: str) -> None:
    page = reader.get(f"/newsletters{path}")
    assert page.status_code == 404
    assert "<h1" in page.text


def test_feed_is_whole_and_names_whole_addresses(reader: TestClient) -> None:
    answer = reader.get("/newsletters/newsletter/atom.xml")
    assert answer.headers["content-type"] == "application/atom+xml"
    feed = ElementTree.fromstring(answer.content)
    titles = [entry.findtext(f"{ATOM}title") for entry in feed.iter(f"{ATOM}entry")]
    assert titles == ["For us", "First & last"]
    content = feed.findall(f"{ATOM}entry")[1].findtext(f"{ATOM}content") or ""
    assert 'src="https://balint.example.org/newsletters/newsletter/1/pictures/' in content
    assert {link.get("href") for link in feed.iter(f"{ATOM}link")} >= {
        "https://balint.example.org/newsletters/newsletter/atom.xml",
        "https://balint.example.org/newsletters/newsletter/1",
    }


def test_reading_changes_nothing_D8(society: Context, reader: TestClient) -> None:
    def rows() -> list[int]:
        with society.db.read() as tx:
            tables = ("deliveries", "mailings", "audit_events", "consent_events", "throttles")
            return [tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0 for table in tables]

    before = rows()
    for path in ("", "/newsletter", "/newsletter/1", "/newsletter/atom.xml"):
        reader.get(f"/newsletters{path}")
        reader.head(f"/newsletters{path}")
    assert rows() == before


def test_erratum_stands_on_the_page_with_its_date_until_it_is_withdrawn(society: Context, reader: TestClient) -> None:
    shown = errata.add(society, "newsletter/1", "It is on <Friday>.\n\nWe are sorry.")
    page = reader.get("/newsletters/newsletter/1").text
    assert "Correction, 19 February 2027" in page
    assert '<p lang="en">It is on &lt;Friday&gt;.</p><p lang="en">We are sorry.</p>' in page
    assert "Correction" not in reader.get("/newsletters/newsletter/2").text
    errata.withdraw(society, "newsletter/1", shown.errata[0].id)
    assert "Correction" not in reader.get("/newsletters/newsletter/1").text


def test_erratum_is_in_the_feed_and_found_by_the_search_until_it_is_withdrawn(
    society: Context, reader: TestClient
) -> None:
    society.clock.forward(timedelta(days=3))  # type: ignore[attr-defined]
    shown = errata.add(society, "newsletter/1", "It is on <Friday>, at Wivenhoe.\n\nWe are sorry.")
    errata.add(society, "newsletter/2", "Ardleigh is for members.")
    feed = ElementTree.fromstring(reader.get("/newsletters/newsletter/atom.xml").text)
    entry = feed.findall(f"{ATOM}entry")[1]
    words = entry.findtext(f"{ATOM}content") or ""
    assert "It is on &lt;Friday&gt;, at Wivenhoe.</p><p>We are sorry." in words
    assert words.index("Wivenhoe") < words.index("Number 1")
    assert (entry.findtext(f"{ATOM}updated") or "") > (entry.findtext(f"{ATOM}published") or "")
    assert feed.findtext(f"{ATOM}updated") == entry.findtext(f"{ATOM}updated")
    assert "Ardleigh" not in ElementTree.tostring(feed, encoding="unicode")
    assert "First &amp; last" in reader.get("/search?q=wivenhoe").text
    assert "For us" not in reader.get("/search?q=ardleigh").text
    errata.withdraw(society, "newsletter/1", shown.errata[0].id)
    assert "Wivenhoe" not in reader.get("/newsletters/newsletter/atom.xml").text
    assert "First &amp; last" not in reader.get("/search?q=wivenhoe").text


def test_erratum_of_a_newsletter_for_members_is_not_shown_to_all(society: Context, reader: TestClient) -> None:
    errata.add(society, "newsletter/2", "Hidden words.")
    assert "Hidden words" not in reader.get("/newsletters/newsletter/2").text


@pytest.mark.parametrize(
    "label", ["newsletter/3", "newsletter/99", "nothing/1", "1", "", "newsletter/1' OR 1=1", "\0/1"]
)
def test_erratum_of_what_is_not_in_the_archive_is_refused(society: Context, label: str) -> None:
    with pytest.raises(NotFound):
        errata.add(society, label, "words")


def test_pdf_of_an_old_newsletter_is_given_in_ranges_as_a_pdf(society: Context, reader: TestClient) -> None:
    old = society.folder / 'no 40 "2001-01-01".pdf'
    kept = io.BytesIO()
    page = canvas.Canvas(kept)
    page.drawString(72, 700, "Words that anybody may read, in a PDF.")
    page.save()
    old.write_bytes(kept.getvalue())
    list(take_in(society, Order(old, write=True)))
    assert "/newsletters/newsletter/40/file" in reader.get("/newsletters/newsletter/40").text
    whole = reader.get("/newsletters/newsletter/40/file")
    assert whole.content == old.read_bytes()
    assert whole.headers["content-type"] == "application/pdf"
    assert whole.headers["content-disposition"].startswith("attachment; filename")
    assert whole.headers["x-content-type-options"] == "nosniff"
    part = reader.get("/newsletters/newsletter/40/file", headers={"Range": "bytes=0-4"})
    assert (part.status_code, part.content) == (206, b"%PDF-")
    assert reader.get("/newsletters/newsletter/40/file", headers={"Range": "bytes=99999999-"}).status_code == 416
    assert reader.get("/newsletters/newsletter/1/file").status_code == 404
    (society.folder / "files").rename(society.folder / "gone")
    assert reader.get("/newsletters/newsletter/40/file").status_code == 404
