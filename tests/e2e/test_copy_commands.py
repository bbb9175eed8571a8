"""Copies as a Secretary hands them out: mails that come in by the pipe, telephone calls, and `balintmail copies`."""

from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call, process
from tests.support.instance import Instance

READER, MEMBERS = "anna@example.org", "---\nvisibility: members\n"


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    """A society that has sent newsletter 84, for members, to one reader, and published the Journal of 2026."""
    assert call("init", tmp_path / "i", *SOCIETY, "--url", "https://balint.example.org").status == 0
    found = Instance(tmp_path / "i")
    assert found("subscribe", "first@example.org").status == 0
    letter = found.write(84)
    letter.write_text(letter.read_text("utf-8").replace("---\n", MEMBERS, 1), "utf-8")
    assert found.send("--yes").status == 0
    assert found("subscribe", READER, "--name", "Anna").status == 0
    pdf = tmp_path / "j.pdf"
    pdf.write_bytes(b"%PDF-1.7\n%%EOF\n")
    assert found("journal", "add", "2026", "--published", "2020-09-15", "--pdf", str(pdf)).status == 0
    assert found("journal", "stock", "2026", "--printed", "1").status == 0
    return found


def piped(society: Instance, subject: str, sender: str = READER) -> None:
    raw = f"From: Anna <{sender}>\nTo: secretary@balint.example.org\nSubject: {subject}\n\n"
    assert process("-C", society.folder, "inbox", "pipe", stdin=raw).status == 0


def test_request_by_mail_is_listed_shown_and_answered(society: Instance) -> None:
    piped(society, "copy 84")
    (row,) = society("copies", "list", "--json").json
    assert (row["address"], row["wanted"], row["target"], row["state"], row["waits_for"]) == (
        READER, "84", "newsletter/84", "waiting", "the Secretary",
    )  # fmt: skip
    assert "Anna" in society("copies", "list").said
    shown = society("copies", "show", "1").said
    for words in (
        "Anna <anna@example.org>",
        'newsletter/84 "News"',
        "the Secretary",
        "inbox show 1",
        "copies answer 1",
    ):
        assert words in shown
    before = len(society.letters())
    done = society("--by", "Rose", "copies", "answer", "1", "--json")
    assert (done.status, done.json["state"], done.json["decided_by"]) == (0, "answered", "Rose")
    assert society("dispatch").status == 0
    new = society.letters()[before:]
    assert sum(b"To: Anna <anna@example.org>" in letter and b"Subject: News" in letter for letter in new) == 1
    assert society("copies", "list", "--json").json == []
    assert society("copies", "answer", "1").status == 1
    assert [one["state"] for one in society("copies", "list", "--all", "--json").json] == ["answered"]


def test_request_that_names_nothing_is_answered_with_what_is_named_or_declined(society: Instance) -> None:
    piped(society, "copy Journal 1999")
    refused = society("copies", "answer", "1")
    assert refused.status == 1
    assert "--with newsletter/12" in refused.said
    assert society("copies", "answer", "1", "--with", "Newsletter/84").status == 0
    piped(society, "copy 12", "stranger@example.net")
    assert society("copies", "answer", "2").status == 1  # the address has not confirmed
    done = society("copies", "decline", "2", "--reason", "We have none left.", "--json")
    assert (done.status, done.json["reason"]) == (0, "We have none left.")
    assert "We have none left." in society("copies", "show", "2").said


def test_request_by_telephone_is_entered_quoted_and_posted_out_of_stock(society: Instance) -> None:
    sent = society("copies", "request", "bea@example.net", "Journal 2026", "--name", "Bea", "--json")
    assert (sent.json["result"], sent.json["link"]["uses"]) == ("sent", 0)  # no embargo: open to all
    to = ("--to", "Bea Example", "--to", "1 High Street", "--to", "LONDON EC1A 1BB")
    asked = society("copies", "request", "bea@example.net", "journal/2026", "--paper", *to, "--json").json
    assert (asked["result"], asked["paper"], asked["free"]) == ("asked", True, 1)
    assert society("copies", "quote", "2", "0.005").status == 1
    assert society("copies", "quote", "2", "0").status == 2
    quoted = society("copies", "quote", "2", "5", "--words", "It is the last one.", "--json").json
    assert (quoted["state"], quoted["price"], quoted["price_pence"], quoted["waits_for"]) == (
        "quoted", "£5.00", 500, "whoever asked",
    )  # fmt: skip
    answered = society("copies", "answer", "2")
    assert answered.status == 0
    assert "1 High Street" in answered.said
    assert society("journal", "show", "2026", "--json").json["stock"]["on_shelf"] == 0
    third = society("copies", "request", "cleo@example.net", "journal/2026", "--paper", "--to", "Cleo", "--json").json
    assert society("copies", "answer", str(third["id"])).status == 1  # none is left
    assert society("copies", "answer", str(third["id"]), "--pdf").status == 0


def test_what_is_wrong_is_said_and_changes_nothing(society: Instance) -> None:
    for words, status in (
        (("decline", "7"), 1),
        (("answer", "7"), 1),
        (("show", "7"), 1),
        (("answer", "0"), 2),
        (("quote", "7", "-5"), 2),
        (("answer", "1", "--paper", "--pdf"), 2),
        (("request", "a@b@c", "84"), 2),
        (("request", "a@example.org", "x" * 301), 1),
        (("request", "a@example.org", "84\nBcc: b@example.org"), 1),
        (("request", "a@example.org", "84", "--to", "no paper"), 2),
        (("request", "a@example.org", "84", "--paper", *["--to", "line"] * 9), 1),
    ):
        assert society("copies", *words).status == status, words
    assert society("copies", "list").said.strip() == "Nobody waits for a copy."
