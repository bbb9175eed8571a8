"""The society's own pages as visitors see them: menu, languages, the reading list, and files that try tricks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from balintmail.domain.states import Visibility
from balintmail.services import documents, founding_pages
from balintmail.services.context import Context
from balintmail.services.documents import Said
from balintmail.web.app import make_app
from tests.support import office
from tests.support.society import found


def put(ctx: Context, file: str, title: str, body: str = "Words.", **settings: str) -> None:
    folder = ctx.folder / "pages"
    folder.mkdir(exist_ok=True)
    lines = "".join(f"{key}: {value}\n" for key, value in settings.items())
    (folder / file).write_text(f"---\ntitle: {title}\n{lines}---\n\n{body}\n", "utf-8")


@pytest.fixture
def society(context: Context) -> Context:
    """A society with the pages that every new instance begins with."""
    found(context)
    (context.folder / "pages").mkdir()
    founding_pages.write(context.folder, founding_pages.starting(context.folder), [])
    return context


@pytest.fixture
def reader(society: Context) -> Iterator[TestClient]:
    with TestClient(make_app(society), base_url="https://balint.example.org", raise_server_exceptions=False) as client:
        yield client


def test_pages_stand_in_the_menu_in_their_order_and_open(reader: TestClient) -> None:
    front = reader.get("/").text
    places = [front.index(f">{title}</a>") for title in ("Balint groups", "Resources", "Write for the Journal")]
    assert places == sorted(places)
    assert ">Continuing professional development</a>" not in front
    page = reader.get("/pages/about")
    assert page.status_code == 200
    assert "<h1>Balint groups</h1>" in page.text
    assert "<h2>How it began</h2>" in page.text
    assert 'href="/pages/about" aria-current="page"' in page.text


def test_shipped_pages_are_called_by_the_visitors_words_and_the_societys_own_by_its_own(
    society: Context, reader: TestClient
) -> None:
    front = reader.get("/?lang=de").text
    assert [f">{title}</a>" in front for title in ("Balint-Gruppen", "Materialien", "Für das Journal schreiben")] == [
        True
    ] * 3
    assert "<h1>Balint-Gruppen</h1>" in reader.get("/pages/about?lang=de").text
    assert ">Fortbildung anrechnen lassen</a>" in reader.get("/resources?lang=de").text
    put(society, "about.md", "What we do")
    assert ">What we do</a>" in reader.get("/?lang=de").text
    shipped = {name: one.splitlines()[1] for name, one in founding_pages.starting(Path("/nowhere")).items()}
    assert {f"{name}.md": f"title: {title}" for name, title in founding_pages.SHIPPED.items()} == {
        name: title for name, title in shipped.items() if name.endswith(".md")
    }


def test_resources_hold_the_reading_list_with_notes_and_the_other_pages(reader: TestClient) -> None:
    page = reader.get("/resources").text
    assert "10 titles" in page
    assert "<cite>Before I Was I</cite>" in page
    assert "Edited by Mitchell, J.; Parsons, M." in page
    assert "The book with which it began" in page
    assert page.index("Where it began") < page.index("Emotions in medicine")
    assert 'href="/pages/cpd"' in page


def test_society_without_pages_has_places_for_them(client: TestClient) -> None:
    assert "Books, documents and pages will stand here." in client.get("/resources").text
    assert client.get("/contribute").status_code == 200
    assert client.get("/pages/about").status_code == 404


def test_page_shows_in_the_visitors_language(society: Context, reader: TestClient) -> None:
    put(society, "about.hu.md", "Bálint-csoportok")
    assert "<h1>Bálint-csoportok</h1>" in reader.get("/pages/about?lang=hu").text
    assert "<h1>Balint-Gruppen</h1>" in reader.get("/pages/about?lang=de").text


def test_page_for_members_says_so_and_shows_no_word_of_it(society: Context, reader: TestClient) -> None:
    put(society, "minutes.md", "Minutes", "The treasurer said it.", visibility="members")
    page = reader.get("/pages/minutes").text
    assert "for members" in page
    assert "treasurer" not in page


def test_page_kept_back_or_part_of_another_or_broken_is_not_there(society: Context, reader: TestClient) -> None:
    put(society, "draft.md", "Draft", visibility="none")
    (society.folder / "pages" / "broken.md").write_text("no settings", "utf-8")
    for name in ("draft", "broken", "resources", "contribute", "nothing"):
        assert reader.get(f"/pages/{name}").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/pages/..%2fsecrets", "/pages/../secrets.toml", "/pages/%2e%2e", "/pages/about.md", "/pages/ABOUT",
        "/pages/pictures/..%2f..%2fsecrets.toml", "/pages/pictures/%2e%2e%2fabout.md", "/pages/pictures/a.svg",
        "/pages/pictures/about.md", "/pages/pictures/%00.png", "/pages/about/", "/pages//about",
    ],
)  # fmt: skip
def test_path_that_tries_tricks_leads_nowhere_D9_D18(society: Context, reader: TestClient, path: str) -> None:
    (society.folder / "pages" / "pictures").mkdir()
    (society.folder / "pages" / "pictures" / "a.svg").write_text("<svg onload='x'/>")
    assert reader.get(path).status_code == 404


def test_picture_of_a_page_is_given_with_its_type(society: Context, reader: TestClient) -> None:
    folder = society.folder / "pages" / "pictures"
    folder.mkdir()
    (folder / "nine.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    put(society, "group.md", "A group", "![Nine chairs](pictures/nine.png)")
    assert 'src="/pages/pictures/nine.png"' in reader.get("/pages/group").text
    found_picture = reader.get("/pages/pictures/nine.png")
    assert (found_picture.headers["content-type"], found_picture.content[:4]) == ("image/png", b"\x89PNG")


def test_what_the_secretary_types_is_words_and_no_markup_D1(society: Context, reader: TestClient) -> None:
    hostile = '<script>alert(1)</script> "><img src=x onerror=y>'
    put(society, "odd.md", "'</title><script>x</script>'", hostile, lead="'<b>lead</b>'")
    page = reader.get("/pages/odd").text
    assert "<script" not in page
    assert "<img" not in page
    assert "<b>" not in page
    (society.folder / "pages" / "reading-list.bib").write_text(
        '@book{a, title = {<script>alert(1)</script>}, note = {<img src=x>}, url = {javascript:alert(1)}, year = {"x}}',
        "utf-8",
    )
    page = reader.get("/resources").text
    assert "<script" not in page
    assert "<img" not in page
    assert "javascript:" not in page


def test_words_for_the_front_page_stand_there_and_in_no_menu(society: Context, reader: TestClient) -> None:
    put(society, "home.md", "Home", "We meet in Leeds.")
    page = reader.get("/pages/home")
    assert page.status_code == 404
    assert ">Home</a>" not in reader.get("/resources").text


def offer(society: Context, tmp_path: Path, **said: Any) -> None:
    path = tmp_path / "slides & more.pdf"
    path.write_bytes(office.PDF)
    documents.add(society, path, Said(title="Slides <b>", remark="For a first evening.", **said))


def test_documents_stand_on_the_resources_page_and_leave_as_files(
    society: Context, reader: TestClient, tmp_path: Path
) -> None:
    offer(society, tmp_path, label="2026")
    page = reader.get("/resources").text
    assert 'href="/resources/files/slides-b"' in page
    assert "Slides &lt;b&gt;" in page
    assert "PDF, 1 kB" in page
    file = reader.get("/resources/files/slides-b")
    assert (file.status_code, file.content, file.headers["content-type"]) == (200, office.PDF, "application/pdf")
    assert file.headers["content-disposition"].startswith("attachment;")
    part = reader.get("/resources/files/slides-b", headers={"range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"%PDF")
    assert reader.get("/resources/previews/slides-b").status_code == 404  # no program has made one


def test_document_for_members_is_named_and_not_given(society: Context, reader: TestClient, tmp_path: Path) -> None:
    offer(society, tmp_path, visibility=Visibility.MEMBERS)
    page = reader.get("/resources").text
    assert "for members" in page
    assert "/resources/files/slides-b" not in page
    for name in ("slides-b", "nothing", "..%2fslides-b", "SLIDES-B"):
        assert reader.get(f"/resources/files/{name}").status_code == 404
