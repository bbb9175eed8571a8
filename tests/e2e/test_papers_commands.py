"""`balintmail papers` as the Secretary uses it."""

from pathlib import Path

import pytest

from tests.support import office
from tests.support.command import founded
from tests.support.instance import Instance


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    (tmp_path / "paper.docx").write_bytes(office.docx())
    return Instance(tmp_path / "i")


def add(society: Instance, tmp_path: Path) -> str:
    who = ("--name", "Jane Smith", "--address", "jane@example.org")
    done = society("papers", "add", str(tmp_path / "paper.docx"), "--title", "On listening twice", *who, "--json")
    assert done.status == 0
    return str(done.json["number"])


def test_paper_from_its_coming_into_the_journal(society: Instance, tmp_path: Path) -> None:
    assert society("papers", "list").said.strip() == "No paper waits."
    number = add(society, tmp_path)
    assert society("dispatch").status == 0
    assert len(society.letters()) == 2  # the receipt, and word to the Secretary
    (row,) = society("papers", "list", "--json").json
    assert (row["number"], row["state"], row["address"]) == (number, "received", "jane@example.org")
    assert society("subscribe", "reader@example.org", "--name", "Rob Reader").status == 0
    assert society("papers", "assign", number, "reader@example.org", "--due", "2199-01-01").status == 0
    shown = society("papers", "show", number, "--save", str(tmp_path / "out"), "--json").json
    assert (shown["state"], shown["readers"][0]["name"], shown["readers"][0]["due_on"]) == (
        "in_review", "Rob Reader", "2199-01-01",
    )  # fmt: skip
    assert (tmp_path / "out" / "paper.docx").read_bytes() == office.docx()
    assert "Rob Reader" in society("papers", "show", number).said
    assert society("--by", "Rose", "papers", "decide", number, "accept", "--reason", "Shorten it.").status == 0
    assert society("journal", "add", "2027").status == 0
    assert society("papers", "decide", number, "journal", "2027", "--json").json["state"] == "in_journal"
    assert "On listening twice" in society("journal", "show", "2027").said
    assert society("papers", "list").said.strip() == "No paper waits."
    assert [one["state"] for one in society("papers", "list", "--all", "--json").json] == ["in_journal"]


def test_wrong_use_is_told_and_changes_nothing(society: Instance, tmp_path: Path) -> None:
    number = add(society, tmp_path)
    (tmp_path / "bad.docx").write_bytes(office.docx(word__vbaProject_bin="x"))
    who = ("--title", "T", "--name", "N", "--address", "n@example.org")
    done = society("papers", "add", str(tmp_path / "bad.docx"), *who)
    assert (done.status, "bad.docx holds macros" in done.said) == (1, True)
    assert society("papers", "decide", number, "journal").status == 2
    assert society("papers", "decide", number, "accept", "2027").status == 2
    assert society("papers", "decide", "2026-999", "accept").status == 1
    assert society("papers", "assign", number, "nobody@example.org").status == 1
    assert society("papers", "assign", number, "1", "--due", "29 February").status == 2
    assert [one["state"] for one in society("papers", "list", "--json").json] == ["received"]
