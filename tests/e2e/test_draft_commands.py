"""A newsletter that comes by the pipe, its answer, and `balintmail drafts`: nothing leaves but the answer (H23)."""

import re
from pathlib import Path

import pytest

from tests.support.command import founded, process
from tests.support.instance import Instance

SECRETARY = "secretary@balint.example.org"
BOUNCES = '\n[bounces]\naddress = "bounces@balint.example.org"\nstyle = "plus"\n'


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    """A society with one reader, to whose address for drafts one newsletter came."""
    found = Instance(tmp_path / "i")
    founded(found.folder, "--url", "https://balint.example.org")
    with (found.folder / "balintmail.toml").open("a", encoding="utf-8") as file:
        file.write(BOUNCES)
    assert found("subscribe", "anna@example.org").status == 0
    raw = f"From: Rose <{SECRETARY}>\nSubject: Groups this winter\n\nDear all,\n\nthree groups begin.\n"
    done = process("-C", found.folder, "inbox", "pipe", "--to", "bounces+draft@balint.example.org", stdin=raw)
    assert done.status == 0
    return found


def test_answer_with_the_link_is_all_that_leaves(society: Instance) -> None:
    before = len(society.letters())
    assert society("dispatch").status == 0
    (letter,) = society.letters()[before:]
    assert b"To: Rose Ormond <secretary@balint.example.org>" in letter
    assert b"Subject: Draft 1: Groups this winter" in letter
    assert re.search(rb"https://balint\.example\.org/release/[a-z2-7=\r\n]{30}", letter)
    assert b"three groups begin." in letter
    assert society("mailings", "list", "--json").json == []


def test_draft_is_listed_saved_and_dropped(society: Instance, tmp_path: Path) -> None:
    (row,) = society("drafts", "list", "--json").json
    assert (row["id"], row["by"], row["list"], row["number"], row["title"]) == (
        1, "Rose Ormond", "newsletter", "1", "Groups this winter",
    )  # fmt: skip
    assert "newsletter/1  Groups this winter" in society("drafts", "list").said
    folder = tmp_path / "saved"
    assert society("drafts", "save", "1", folder, "--json").json["files"] == [str(folder / "newsletter.md")]
    file = folder / "newsletter.md"
    assert file.read_text("utf-8").endswith("\n\nDear all,\n\nthree groups begin.\n")
    assert file.stat().st_mode & 0o77 == 0
    file.write_text("mine", "utf-8")
    again = society("drafts", "save", "1", folder)
    assert (again.status, "nothing was written" in again.said, file.read_text("utf-8")) == (1, True, "mine")
    assert society("drafts", "drop", "1").said.startswith("Draft 1 is dropped.")
    for words in (("drop", "1"), ("save", "1", folder / "more"), ("drop", "99")):
        refused = society("drafts", *words)
        assert (refused.status, "balintmail drafts list" in refused.said) == (1, True)
    assert society("drafts", "list").said.startswith("No draft waits.")


def test_saved_draft_is_sent_like_any_other(society: Instance, tmp_path: Path) -> None:
    assert society("drafts", "save", "1", tmp_path / "saved").status == 0
    done = society("send", tmp_path / "saved" / "newsletter.md", "--yes", "--json")
    assert (done.status, done.json["number"], done.json["counts"]["accepted"]) == (0, "1", 1)
