"""The digital archive of the Journal as everybody reads it: ways through it, one paper, its citation and its file."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from balintmail.db.models import Notice
from balintmail.domain import bibtex
from balintmail.domain.latex import plain
from balintmail.services import journal_articles, search_index
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.subscriptions import Joining, subscribe
from balintmail.web.app import make_app
from tests.support.pages import FILLING, forms
from tests.support.society import found
from tests.support.volumes import CLOSED, publish

PAPER = "/journal/2020/the-doctor-the-drug"


@pytest.fixture
def journal(context: Context) -> Context:
    """A society with a few years of its Journal."""
    found(context)
    publish(context)
    return context


@pytest.fixture
def reader(journal: Context) -> Iterator[TestClient]:
    with TestClient(make_app(journal), base_url="https://balint.example.org", raise_server_exceptions=False) as client:
        yield client


def test_journal_without_any_says_so(client: TestClient) -> None:
    for path in ("/journal", "/journal/authors", "/journal/titles"):
        page = client.get(path)
        assert page.status_code == 200
        assert "is here yet" in page.text


def test_volumes_and_years_show_what_is_out_and_nothing_that_is_in_the_making(reader: TestClient) -> None:
    volumes = reader.get("/journal").text
    assert re.findall(r'href="/journal/(2[\d-]+)">([^<]+)<', volumes) == [
        ("2024-2", "51 (2), 2024"), ("2024", "51 (1), 2024"), ("2020", "47 (1), 2020"),
    ]  # fmt: skip
    both, second = reader.get("/journal/2024").text, reader.get("/journal/2024-2").text
    assert "Six Minutes" in both
    assert "A Flash of Insight" in both
    assert "A Flash of Insight" not in second
    assert "open from 1 January 2027" in second
    for path in ("/journal/2025", "/journal/2025/not-yet-out", "/journal/2025/not-yet-out.pdf", "/journal/2025.pdf"):
        assert reader.get(path).status_code == 404
    assert "Not yet out" not in reader.get("/journal/titles?letter=N").text
    assert "Zoë" not in reader.get("/journal/authors").text


def test_indexes_of_authors_and_titles_go_by_letters_and_leave_articles_out(reader: TestClient) -> None:
    authors = reader.get("/journal/authors").text
    assert re.findall(r"<h2 id=\"n-[a-z-]+\">([^<]+)", authors) == ["Bálint, Ágnes", "Balint, Enid", "Balint, Michael"]
    assert "Souza" in reader.get("/journal/authors?letter=D").text
    titles = reader.get("/journal/titles?letter=D").text
    assert "The Doctor &amp; " in titles
    assert "Ősz a csoportban" in reader.get("/journal/titles?letter=O").text
    assert "A Flash of Insight" in reader.get("/journal/titles?letter=F").text
    others = reader.get("/journal/titles?letter=%23").text
    assert '<h3 class="task" lang="zh"><a href="/journal/2020/paper">团体</a>' in others


def test_paper_shows_abstract_citation_and_the_fields_that_scholars_search_engines_read(reader: TestClient) -> None:
    page = reader.get(PAPER).text
    assert "<p>What is prescribed.</p>\n<p>And in what dose.</p>" in page
    assert "<Drug>" not in page  # D1
    fields = re.findall(r'<meta name="(citation_\w+)" content="([^"]*)">', page)
    assert fields == [
        ("citation_title", "The Doctor &amp; &#34;the&#34; &lt;Drug&gt;"),
        ("citation_author", "Balint, Michael"),
        ("citation_author", "Balint, Enid"),
        ("citation_publication_date", "2020/09/15"),
        ("citation_journal_title", "The Journal"),
        ("citation_publisher", "The Example Balint Society"),
        ("citation_issn", "0141-8033"),
        ("citation_volume", "47"),
        ("citation_issue", "1"),
        ("citation_firstpage", "3"),
        ("citation_lastpage", "12"),
        ("citation_doi", "10.1234/jbs.2020.1"),
        ("citation_language", "en"),
        ("citation_abstract_html_url", "https://balint.example.org" + PAPER),
        ("citation_pdf_url", "https://balint.example.org" + PAPER + ".pdf"),
    ]
    assert "x-robots-tag" not in reader.get(PAPER).headers


def test_citations_are_files_that_reference_programs_read(reader: TestClient) -> None:
    answer = reader.get(PAPER + ".bib")
    assert answer.headers["content-disposition"].startswith("attachment; filename")
    (entry,) = bibtex.parse(answer.text)
    assert plain(entry.fields["title"]) == 'The Doctor & "the" <Drug>'
    assert (entry.fields["author"], entry.fields["pages"]) == ("Balint, Michael and Balint, Enid", "3--12")
    ris = reader.get(PAPER + ".ris").text.split("\r\n")
    assert ris[0] == "TY  - JOUR"
    assert ris[-2:] == ["ER  - ", ""]
    assert "UR  - https://balint.example.org" + PAPER in ris


def test_file_comes_in_ranges_as_a_file_to_keep_and_never_runs(journal: Context, reader: TestClient) -> None:
    whole = reader.get(PAPER + ".pdf")
    content = (journal.folder / "paper.pdf").read_bytes()
    assert whole.content == content
    fields = whole.headers
    assert fields["content-type"] == "application/pdf"
    assert fields["content-disposition"] == "attachment; filename*=utf-8''2020%20the-doctor-the-drug.pdf"
    assert fields["x-content-type-options"] == "nosniff"
    assert "sandbox" in fields["content-security-policy"].split("; ")
    head = reader.head(PAPER + ".pdf")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(content)))
    for asked, answered in (("bytes=0-4", content[:5]), ("bytes=-6", content[-6:]), ("bytes=7-", content[7:])):
        part = reader.get(PAPER + ".pdf", headers={"Range": asked, "If-Range": fields["etag"]})
        assert (part.status_code, part.content) == (206, answered), asked
        assert part.headers["content-range"].endswith(f"/{len(content)}")
    stale = reader.get(PAPER + ".pdf", headers={"Range": "bytes=0-4", "If-Range": '"another"'})
    assert (stale.status_code, stale.content) == (200, content)
    assert reader.get(PAPER + ".pdf", headers={"Range": "bytes=99999999-"}).status_code == 416
    for odd in ("bytes=5-2", "items=0-4", "bytes=x", "bytes=", "bytes=" + ",".join(["0-1"] * 200)):
        assert reader.get(PAPER + ".pdf", headers={"Range": odd}).status_code == 200, odd


def test_closed_paper_shows_its_abstract_and_opens_on_its_day_in_the_society_s_time_zone(journal: Context) -> None:
    settings = journal.settings.model_copy(
        update={"society": journal.settings.society.model_copy(update={"timezone": "Pacific/Auckland"})}
    )
    ctx = replace(journal, settings=settings)
    with TestClient(make_app(ctx), base_url="https://balint.example.org", raise_server_exceptions=False) as reader:
        for moment, status in (("2026-12-31T10:59Z", 403), ("2026-12-31T11:00Z", 200)):
            ctx.clock.moment = datetime.fromisoformat(moment)  # type: ignore[attr-defined]
            assert reader.get(CLOSED + ".pdf").status_code == status, moment
            page = reader.get(CLOSED).text
            assert "Closed for a while." in page
            assert ("citation_pdf_url" in page) is (status == 200)
            assert ("open to everybody from 1 January 2027" in page) is (status == 403)
            # The file of the whole is no way round the embargo of one paper.
            assert reader.get("/journal/2024-2.pdf").status_code == (404 if status == 403 else 200)


def test_one_closed_paper_closes_the_file_of_the_whole(journal: Context, reader: TestClient) -> None:
    assert reader.get("/journal/2020.pdf").status_code == 200
    journal_articles.edit(journal, "2020", "2", ArticleChanges(embargo="2030-01-01"))
    assert reader.get("/journal/2020.pdf").status_code == 404
    assert "/journal/2020.pdf" not in reader.get("/journal/2020").text


@pytest.mark.parametrize(
    "path",
    [
        "/1999", "/2020-9", "/02020", "/２０２０", "/2020/nothing", "/2020/团体", "/2020/..%2f..%2fsecrets.toml",
        "/2020/the-doctor-the-drug.exe", "/2020/ősz.pdf", "/2020/osz-a-csoportban.pdf", "/covers/2024", "/covers/x",
        "/authors?letter=%27%20OR%201", "/titles?letter=Q", "/2020/%00.pdf", "/99999999999999999999",
    ],
)  # fmt: skip
def test_what_is_not_there_is_a_kind_page_D9_F1(reader: TestClient, path: str) -> None:
    page = reader.get(f"/journal{path}")
    assert page.status_code == 404
    assert "<h1" in page.text


def test_cover_is_a_picture_and_papers_are_found_by_the_search_with_a_link(
    journal: Context, reader: TestClient
) -> None:
    assert reader.get("/journal/covers/2020").headers["content-type"] == "image/png"
    search_index.keep_in_step(journal)
    page = reader.get("/search?q=prescribed").text
    assert f'<a href="{PAPER}">' in page
    assert "Journal 47 (1), 2020" in page


def test_members_get_a_link_to_a_closed_paper_by_mail_and_everybody_gets_the_same_answer(
    journal: Context, reader: TestClient
) -> None:
    subscribe(journal, ["member@example.org"], Joining(name="Mária Example", member=True))
    subscribe(journal, ["reader@example.org"], Joining(name="Ben Example"))
    (form,) = [one for one in forms(reader.get(CLOSED).text) if one.method == "POST"]
    assert form.action == CLOSED
    journal.clock.forward(FILLING)  # type: ignore[attr-defined]
    answers = {
        reader.post(CLOSED, data={**form.fields, "address": address}).text
        for address in ("member@example.org", "reader@example.org", "nobody@example.org")
    }
    assert len(answers) == 1
    with journal.db.read() as tx:
        (facts,) = tx.scalars(select(Notice.facts).where(Notice.template == "reading_link"))
    assert facts["title"] == "Six Minutes"
    link = urlsplit(str(facts["link_url"])).path
    opened = reader.post(link, data={})
    assert opened.content == (journal.folder / "paper.pdf").read_bytes()
    again = reader.post(CLOSED, data={**form.fields, "address": "no address"})
    assert again.status_code == 422
    assert "Enter an email address" in again.text
    assert reader.get(CLOSED + ".pdf").status_code == 403
    assert not [one for one in forms(reader.get(PAPER).text) if one.method == "POST"]


def test_reading_changes_nothing_D8(journal: Context, reader: TestClient) -> None:
    def rows() -> list[int]:
        with journal.db.read() as tx:
            tables = ("journal_articles", "audit_events", "throttles", "pdf_texts", "reading_links")
            return [tx.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() or 0 for table in tables]

    before = rows()
    for path in ("/journal", "/journal/authors", "/journal/2024", PAPER, PAPER + ".pdf", PAPER + ".bib"):
        reader.get(path)
        reader.head(path)
    assert rows() == before
