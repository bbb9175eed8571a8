"""Documents in versions: known by their content, kept by hash, with a picture where programs for it are there."""

from pathlib import Path

import pytest

from balintmail.db import documents as rows
from balintmail.domain.states import Visibility
from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.services import documents, files, previews
from balintmail.services.context import Context
from balintmail.services.documents import DocumentRefused, Said
from tests.support import office, society

PAINTER = '#!/bin/sh\nfor last; do :; done\nprintf picture > "$last.png"\n'
OFFICE = "#!/bin/sh\nprintf '%%PDF' > document.pdf\n"


@pytest.fixture
def ctx(context: Context, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Context:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))  # no program but those that a test puts there
    (tmp_path / "bin").mkdir()
    society.found(context)
    return context


def program(tmp_path: Path, name: str, script: str) -> None:
    path = tmp_path / "bin" / name
    path.write_text(script)
    path.chmod(0o755)


def given(tmp_path: Path, name: str = "slides.pdf", content: bytes = office.PDF) -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


def test_document_gets_a_name_from_its_title_and_versions_follow(ctx: Context, tmp_path: Path) -> None:
    first = documents.add(ctx, given(tmp_path), Said(title="Bálint: an introduction", label="2026", language="en"))
    assert (first.document.slug, first.document.version, first.document.label) == ("balint-an-introduction", 1, "2026")
    newer = given(tmp_path, "new.pdf", office.PDF + b"%%EOF")
    second = documents.add(ctx, newer, Said(label="2027"), slug="balint-an-introduction")
    assert (second.document.version, second.document.title, second.document.file_name) == (
        2, "Bálint: an introduction", "new.pdf",
    )  # fmt: skip
    assert files.read(ctx, second.document.digest) == newer.read_bytes()
    with ctx.db.read() as tx:
        assert [one.slug for one in rows.every(tx)] == ["balint-an-introduction"]


def test_same_file_again_makes_no_version(ctx: Context, tmp_path: Path) -> None:
    documents.add(ctx, given(tmp_path), Said(title="Slides"))
    again = documents.add(ctx, given(tmp_path), Said(remark="For a first evening."), slug="slides")
    assert (again.again, again.document.version, again.document.remark) == (True, 1, "For a first evening.")
    assert documents.add(ctx, given(tmp_path), Said(title="Slides")).again  # its title names it as well


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.docx", office.docx(word__vbaProject_bin="x"), "macros"),
        ("a.exe", b"MZ", "none of the kinds"),
        ("a.svg", b"<svg/>", "none of the kinds"),
        ("a.pdf", b"", "empty"),
        ("a.pdf", b"<html>", "not the kind of file that its name says"),
    ],
)
def test_what_cannot_be_offered_is_refused_and_nothing_kept(
    ctx: Context, tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    with pytest.raises(DocumentRefused, match=why):
        documents.add(ctx, given(tmp_path, name, content), Said(title="T"))
    with ctx.db.read() as tx:
        assert rows.every(tx) == []
    assert not (ctx.folder / "files").exists()


@pytest.mark.parametrize("said", [Said(title=" "), Said(title="a\nb"), Said(language="?"), Said(label="x" * 100)])
def test_what_cannot_be_said_is_refused(ctx: Context, tmp_path: Path, said: Said) -> None:
    with pytest.raises(BalintmailError):
        documents.add(ctx, given(tmp_path), said)
    with pytest.raises(Conflict):
        documents.add(ctx, given(tmp_path), Said(title="T"), slug="../x")


def test_who_may_have_it_follows_from_its_visibility(ctx: Context, tmp_path: Path) -> None:
    documents.add(ctx, given(tmp_path), Said(title="Slides"))
    assert documents.readable(ctx, "slides").slug == "slides"
    documents.edit(ctx, "slides", Said(visibility=Visibility.MEMBERS))
    assert [one.slug for one in documents.offered(ctx)] == ["slides"]
    with pytest.raises(NotFound):
        documents.readable(ctx, "slides")
    documents.edit(ctx, "slides", Said(visibility=Visibility.NONE))
    assert documents.offered(ctx) == []
    with pytest.raises(NotFound):
        documents.edit(ctx, "nothing", Said(title="x"))


def test_without_the_programs_there_is_no_picture_and_the_reason_is_told(ctx: Context, tmp_path: Path) -> None:
    done = documents.add(ctx, given(tmp_path), Said(title="Slides"))
    assert (done.document.preview, "poppler" in done.without) == (None, True)
    program(tmp_path, "pdftoppm", PAINTER)
    done = documents.add(ctx, given(tmp_path, "a.odt", office.odt()), Said(title="Text"))
    assert (done.document.preview, "LibreOffice" in done.without) == (None, True)


def test_with_the_programs_the_first_page_becomes_a_picture(ctx: Context, tmp_path: Path) -> None:
    program(tmp_path, "pdftoppm", PAINTER)
    program(tmp_path, "soffice", OFFICE)
    for name, content in (("a.pdf", office.PDF), ("b.odt", office.odt())):
        done = documents.add(ctx, given(tmp_path, name, content), Said(title=name))
        assert done.without == ""
        assert files.read(ctx, done.document.preview or "") == b"picture"


def test_program_that_fails_or_never_ends_costs_the_picture_alone(
    ctx: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "pdftoppm", "#!/bin/sh\nexit 1\n")
    assert documents.add(ctx, given(tmp_path), Said(title="One")).without == "the first page could not be drawn"
    monkeypatch.setattr(previews, "SECONDS", 1)
    program(tmp_path, "pdftoppm", "#!/bin/sh\n/bin/sleep 600 &\nwait\n")
    newer = given(tmp_path, "two.pdf", office.PDF + b"%%EOF")
    assert documents.add(ctx, newer, Said(title="Two")).without == "the first page could not be drawn"
