"""`balintmail documents` as the Secretary uses it."""

from pathlib import Path

import pytest

from tests.support import office
from tests.support.command import founded
from tests.support.instance import Instance


@pytest.fixture
def society(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Instance:
    monkeypatch.setenv("PATH", str(tmp_path))  # the machine may have LibreOffice, or not
    founded(tmp_path / "i")
    return Instance(tmp_path / "i")


def test_documents_are_added_listed_and_edited(society: Instance, tmp_path: Path) -> None:
    assert "no documents yet" in society("documents", "list").said
    path = tmp_path / "slides.pdf"
    path.write_bytes(office.PDF)
    done = society("documents", "add", str(path), "--title", "An introduction", "--version", "2026", "--json")
    assert (done.status, done.json["name"], done.json["version"], done.json["preview"]) == (
        0,
        "an-introduction",
        1,
        False,
    )
    assert society("documents", "add", str(path), "--name", "an-introduction", "--json").json["again"] is True
    path.write_bytes(office.PDF + b"%%EOF")
    again = society("documents", "add", str(path), "--name", "an-introduction", "--version", "2027")
    assert (again.status, "version 2" in again.said, "poppler" in again.said) == (0, True, True)
    edited = society("documents", "edit", "an-introduction", "--visibility", "none", "--order", "5", "--json").json
    assert (edited["visibility"], edited["order"], edited["label"]) == ("none", 5, "2027")
    assert "an-introduction" in society("documents", "list").said


def test_wrong_use_is_told(society: Instance, tmp_path: Path) -> None:
    path = tmp_path / "slides.pptm"
    path.write_bytes(office.docx(ppt__vbaProject_bin="x"))
    assert society("documents", "add", str(path)).status == 1
    assert society("documents", "add", str(tmp_path / "none.pdf")).status == 2
    assert society("documents", "edit", "nothing", "--title", "x").status == 1
    assert society("documents", "edit", "nothing", "--visibility", "all").status == 2
    assert society("documents", "list", "--json").json == []
