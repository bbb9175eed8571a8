"""Past newsletters as a Secretary hands them out: mails that come in by the pipe, and `balintmail copies`."""

from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call, process
from tests.support.instance import Instance

READER, MEMBERS = "anna@example.org", "---\nvisibility: members\n"


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    """A society that has sent newsletter 84, for members, to one reader, and 85 after somebody joined."""
    assert call("init", tmp_path / "i", *SOCIETY, "--url", "https://balint.example.org").status == 0
    found = Instance(tmp_path / "i")
    assert found("subscribe", "first@example.org").status == 0
    letter = found.write(84)
    letter.write_text(letter.read_text("utf-8").replace("---\n", MEMBERS, 1), "utf-8")
    assert found.send("--yes").status == 0
    assert found("subscribe", READER, "--name", "Anna").status == 0
    return found


def piped(society: Instance, subject: str, sender: str = READER) -> None:
    raw = f"From: Anna <{sender}>\nTo: secretary@balint.example.org\nSubject: {subject}\n\n"
    assert process("-C", society.folder, "inbox", "pipe", stdin=raw).status == 0


def test_request_by_mail_is_listed_and_answered(society: Instance) -> None:
    piped(society, "copy 84")
    (row,) = society("copies", "list", "--json").json
    assert (row["address"], row["wanted"], row["mailing"], row["state"], row["waits_for"]) == (
        READER, "84", "newsletter/84", "waiting", "the Secretary",
    )  # fmt: skip
    assert "Anna" in society("copies", "list").said
    before = len(society.letters())
    done = society("--by", "Rose", "copies", "send", str(row["id"]), "--json")
    assert (done.status, done.json["state"], done.json["decided_by"]) == (0, "answered", "Rose")
    assert society("dispatch").status == 0
    new = society.letters()[before:]
    assert sum(b"To: Anna <anna@example.org>" in letter and b"Subject: News" in letter for letter in new) == 1
    assert society("copies", "list", "--json").json == []
    assert society("copies", "send", str(row["id"])).status == 1
    assert [one["state"] for one in society("copies", "list", "--all", "--json").json] == ["answered"]


def test_request_that_names_nothing_is_answered_with_what_is_named_or_declined(society: Instance) -> None:
    piped(society, "copy Journal 1999")
    refused = society("copies", "send", "1")
    assert refused.status == 1
    assert "--number LIST/NUMBER" in refused.said
    assert society("copies", "send", "1", "--number", "Newsletter/84").status == 0
    piped(society, "copy 12", "stranger@example.net")
    assert society("copies", "send", "2").status == 1  # the address has not confirmed
    done = society("copies", "decline", "2", "--reason", "We have none left.", "--json")
    assert (done.status, done.json["reason"]) == (0, "We have none left.")


def test_unknown_number_is_said(society: Instance) -> None:
    assert "no request 7" in society("copies", "decline", "7").said
    assert society("copies", "send", "7").status == 1
    assert society("copies", "list").said.strip() == "Nobody waits for a copy."


def test_one_request_is_shown_with_what_became_of_it(society: Instance) -> None:
    piped(society, "copy 84")
    shown = society("copies", "show", "1")
    assert shown.status == 0
    for words in ("Anna <anna@example.org>", 'newsletter/84 "News"', "the Secretary", "inbox show 1", "copies send 1"):
        assert words in shown.said
    assert society("copies", "show", "1", "--json").json["waits_for"] == "the Secretary"
    society("copies", "decline", "1", "--reason", "We have none left.")
    assert "We have none left." in society("copies", "show", "1").said
    assert "no request 7" in society("copies", "show", "7").said
