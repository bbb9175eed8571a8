"""`balintmail pages` as the Secretary uses it, and the pages that a new instance begins with."""

from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call, founded
from tests.support.instance import Instance

PAGE = "---\ntitle: Our groups\norder: 15\n---\n\nEvery second Tuesday.\n"


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i")
    return Instance(tmp_path / "i")


def test_new_instance_begins_with_pages_and_the_reading_list(society: Instance) -> None:
    found = society("pages", "list", "--json")
    assert found.status == 0
    assert [(one["file"], one["path"]) for one in found.json["pages"]] == [
        ("about.md", "/pages/about"), ("contribute.md", "/contribute"), ("cpd.md", "/pages/cpd"),
        ("resources.md", "/resources"),
    ]  # fmt: skip
    assert found.json["reading_list"] == {"file": "reading-list.bib", "works": 10, "problem": ""}
    assert society("pages", "history", "about", "--json").json[0]["version"] == 1
    assert (society.folder / "pages" / "about.md").stat().st_mode & 0o077 == 0


def test_pages_that_were_there_before_init_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "i" / "pages").mkdir(parents=True)
    (tmp_path / "i" / "pages" / "mine.md").write_text(PAGE, "utf-8")
    assert call("init", tmp_path / "i", *SOCIETY).status == 0
    assert [path.name for path in (tmp_path / "i" / "pages").iterdir()] == ["mine.md"]


def test_edit_from_a_file_shows_lists_and_goes_back(society: Instance, tmp_path: Path) -> None:
    source = tmp_path / "groups.md"
    source.write_text(PAGE, "utf-8")
    done = society("--by", "Rose", "pages", "edit", "groups", "--file", str(source), "--json")
    assert (done.status, done.json) == (
        0,
        {"file": "groups.md", "version": 1, "path": "/pages/groups", "changed": True},
    )
    source.write_text(PAGE.replace("second", "third"), "utf-8")
    assert society("pages", "edit", "groups", "--file", str(source)).status == 0
    assert "third" in society("pages", "show", "groups").said
    assert "second" in society("pages", "show", "groups", "--version", "1").said
    assert [(one["version"], one["by"]) for one in society("pages", "history", "groups", "--json").json] == [
        (2, "the Secretary"), (1, "Rose"),
    ]  # fmt: skip
    assert society("pages", "edit", "groups", "--version", "1", "--json").json["version"] == 3
    assert "second" in society("pages", "show", "groups").said
    assert society("pages", "edit", "groups", "--remove").status == 0
    assert society("pages", "show", "groups").status == 1
    assert "removed" in society("pages", "history", "groups").said


def test_editor_that_is_closed_without_a_change_changes_nothing(
    society: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("VISUAL", "true")
    done = society("pages", "edit", "about", "--json")
    assert (done.status, done.json["changed"]) == (0, False)


def test_what_cannot_be_shown_is_refused_with_file_and_line(society: Instance, tmp_path: Path) -> None:
    source = tmp_path / "x.md"
    source.write_text("---\ntitle: T\norder: soon\n---\n", "utf-8")
    done = society("pages", "edit", "groups", "--file", str(source))
    assert done.status == 1
    assert "groups.md, line 3" in done.said
    assert not (society.folder / "pages" / "groups.md").exists()
    (society.folder / "pages" / "odd.md").write_text("nothing", "utf-8")
    (society.folder / "pages" / "reading-list.bib").write_text("@book{", "utf-8")
    listed = society("pages", "list")
    assert listed.status == 1
    assert "Not shown: odd.md: line 1: there is no front matter." in listed.said
    assert "reading-list.bib" in listed.said
    assert "about.md" in listed.said


def test_two_wishes_at_once_and_no_such_page_are_told(society: Instance) -> None:
    assert society("pages", "edit", "about", "--remove", "--version", "1").status == 2
    assert society("pages", "show", "nothing").status == 1
    assert society("pages", "show", "about", "--version", "9").status == 1
    assert society("pages", "history", "../secrets").status == 1
