"""The society's own pages: files that count, a history that loses nothing, languages, and files that try tricks."""

from pathlib import Path

import pytest

from balintmail.composing.refusals import FileUnreadable, LetterError
from balintmail.errors import Conflict, NotFound
from balintmail.services import errands, pages, reading
from balintmail.services.context import Context
from balintmail.services.pages import Shelf
from balintmail.services.reading import Bookcase
from tests.support import society


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    (context.folder / "pages").mkdir()
    return context


def text(title: str, body: str = "Words.", **settings: object) -> str:
    lines = [f"{key}: {value}" for key, value in settings.items()]
    return "\n".join(["---", f"title: {title}", *lines, "---", "", body, ""])


def put(ctx: Context, file: str, content: str) -> Path:
    path = ctx.folder / "pages" / file
    path.write_text(content, "utf-8")
    return path


def said(ctx: Context, name: str) -> list[tuple[int, str, bool]]:
    return [(one.number, one.actor, bool(one.source)) for one in pages.history(ctx, name)]


def test_edit_writes_the_file_and_keeps_what_it_said(ctx: Context) -> None:
    assert pages.edit(ctx, "about", text("About"), was=b"", by="Rose") == 1
    before = pages.read(ctx, "about")
    assert pages.edit(ctx, "about", text("About us"), was=before.digest, by="Enid") == 2
    assert said(ctx, "about") == [(2, "Enid", True), (1, "Rose", True)]
    assert pages.version(ctx, "about", 1).source == text("About")
    assert (ctx.folder / "pages" / "about.md").stat().st_mode & 0o777 == 0o600


def test_edit_to_the_same_words_makes_no_version(ctx: Context) -> None:
    pages.edit(ctx, "about", text("About"), was=b"", by="Rose")
    assert pages.edit(ctx, "about", text("About"), was=pages.read(ctx, "about").digest, by="Enid") == 1
    assert len(said(ctx, "about")) == 1


def test_edit_of_a_page_that_somebody_else_changed_is_refused_and_nothing_lost(ctx: Context) -> None:
    pages.edit(ctx, "about", text("About"), was=b"", by="Rose")
    before = pages.read(ctx, "about")
    put(ctx, "about.md", text("Changed by hand"))
    with pytest.raises(Conflict, match="in the meantime"):
        pages.edit(ctx, "about", text("Mine"), was=before.digest, by="Enid")
    assert pages.read(ctx, "about").text == text("Changed by hand")
    assert said(ctx, "about") == [(2, pages.BY_HAND, True), (1, "Rose", True)]


def test_edit_of_what_cannot_be_shown_changes_nothing(ctx: Context) -> None:
    for content in ("no front matter", text("T", "[x](javascript:y)"), text("T", "a\0b"), text("T", "x" * 600_000)):
        with pytest.raises(LetterError):
            pages.edit(ctx, "about", content, was=b"", by="Rose")
    assert list((ctx.folder / "pages").iterdir()) == []
    with pytest.raises(NotFound, match="never was"):
        pages.history(ctx, "about")


def test_dispatch_keeps_what_was_changed_and_taken_away_by_hand(ctx: Context) -> None:
    path = put(ctx, "about.md", text("One"))
    errands.run(ctx)
    put(ctx, "about.md", text("Two"))
    errands.run(ctx)
    errands.run(ctx)  # nothing new
    path.unlink()
    errands.run(ctx)
    assert said(ctx, "about") == [(number, pages.BY_HAND, number < 3) for number in (3, 2, 1)]


def test_remove_takes_the_page_away_and_an_earlier_version_comes_back(ctx: Context) -> None:
    pages.edit(ctx, "about", text("About"), was=b"", by="Rose")
    pages.remove(ctx, "about", by="Rose")
    assert Shelf(ctx.folder).page("about", "en") is None
    pages.edit(ctx, "about", pages.version(ctx, "about", 1).source, was=b"", by="Rose")
    assert said(ctx, "about") == [(3, "Rose", True), (2, "Rose", False), (1, "Rose", True)]


def test_shelf_follows_its_files_and_gives_the_visitors_language(ctx: Context) -> None:
    shelf = Shelf(ctx.folder, usual="en")
    assert shelf.menu("en") == []
    put(ctx, "about.md", text("About", order=20))
    put(ctx, "about.de.md", text("Über uns", order=20))
    put(ctx, "news.md", text("News", order=10))
    put(ctx, "quiet.md", text("Quiet", menu="no"))
    put(ctx, "draft.md", text("Draft", visibility="none"))
    assert [one.text.title for one in shelf.menu("en")] == ["News", "About"]
    assert [one.text.title for one in shelf.menu("de")] == ["News", "Über uns"]
    assert [one.text.title for one in shelf.others("en")] == ["Quiet"]
    assert shelf.page("draft", "en") is None
    put(ctx, "about.md", text("All about us", order=20))
    assert [one.text.title for one in shelf.menu("fr")] == ["News", "All about us"]


def test_one_page_that_cannot_be_read_keeps_no_other_from_being_shown(ctx: Context) -> None:
    put(ctx, "about.md", text("About"))
    put(ctx, "broken.md", "---\ntitle")
    put(ctx, "Bad Name.md", text("x"))
    (ctx.folder / "pages" / "latin.md").write_bytes("---\ntitle: é\n---\n".encode("latin-1"))
    (ctx.folder / "pages" / "big.md").write_bytes(b"x" * 600_000)
    (ctx.folder / "pages" / "secret.md").symlink_to(ctx.folder / "secrets.toml")
    shelf = Shelf(ctx.folder)
    assert [one.name for one in shelf.menu("en")] == ["about"]
    problems = {one.file: one.problem for one in shelf.files() if one.problem}
    assert set(problems) == {"broken.md", "Bad Name.md", "latin.md", "big.md"}
    assert "UTF-8" in problems["latin.md"]
    assert pages.note_changes(ctx) == ["about.md", "broken.md"]


@pytest.mark.parametrize("name", ["../secrets", "/etc/passwd", "a/b", "", ".hidden", "about.md.exe", "A", "x" * 80])
def test_name_that_leads_elsewhere_is_no_page_D9(ctx: Context, name: str) -> None:
    with pytest.raises(NotFound):
        pages.read(ctx, name)
    with pytest.raises(NotFound):
        pages.edit(ctx, name, text("T"), was=b"", by="Rose")


def test_picture_is_one_of_its_folder_and_no_other_file_D9(ctx: Context) -> None:
    folder = ctx.folder / "pages" / "pictures"
    folder.mkdir()
    (folder / "nine.png").write_bytes(b"png")
    (folder / "link.png").symlink_to("/etc/passwd")
    assert pages.picture(ctx.folder, "nine.png") == b"png"
    for name in ("link.png", "../about.md", "..", "missing.png", ".hidden.png", "a\0.png"):
        with pytest.raises(NotFound):
            pages.picture(ctx.folder, name)


def test_reading_list_follows_its_file_and_says_what_is_wrong(ctx: Context) -> None:
    case = Bookcase(ctx.folder)
    assert case.reading_list() == reading.ReadingList()
    path = put(ctx, "reading-list.bib", "@book{a, title = {One}}")
    assert case.reading_list().works == 1
    put(ctx, "reading-list.bib", "@book{a, title = {One}}\n@book{b, title = {Two}")
    assert (case.reading_list().works, "closed" in case.reading_list().problem) == (0, True)
    path.unlink()
    put(ctx, "reading-list.json", '[{"title": "One"}, {"title": "Two"}, {"title": "Three"}]')
    assert case.reading_list().works == 3


def test_file_that_is_no_text_is_refused(ctx: Context) -> None:
    (ctx.folder / "pages" / "about.md").write_bytes(b"---\ntitle: a\0b\n---\n")
    with pytest.raises(FileUnreadable, match="NUL"):
        pages.read(ctx, "about")
