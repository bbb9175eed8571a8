"""`consent` and `suppress` as somebody types them, with what they print and their exit statuses."""

import csv
import sqlite3
from datetime import datetime
from pathlib import Path

import pytest

from tests.support.command import Finished, call, founded


class Instance:
    """A fresh instance and a way to call commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str) -> Finished:
        return call("-C", self.folder, *args)


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    """Return an instance with the Secretary and two readers."""
    founded(tmp_path / "i")
    instance = Instance(tmp_path / "i")
    instance("subscribe", "a@example.org", "--name", "Anna Example", "--consent", "signed the sheet", "--by", "Tom")
    instance("subscribe", "b@example.net", "--name", "=cmd()")
    instance("unsubscribe", "a@example.org", "--reason", "too many letters")
    return instance


def test_consent_show_tells_who_when_how_and_the_words_S42(society: Instance) -> None:
    found = society("consent", "show", "a@example.org", "--json").json
    agreed, left = found["events"]
    assert (found["person"], found["name"]) == (2, "Anna Example")
    assert (agreed["action"], agreed["words"], agreed["by"], agreed["list"]) == (
        "agreed", "signed the sheet", "Tom", "newsletter",
    )  # fmt: skip
    assert (left["action"], left["words"]) == ("withdrew", "too many letters")
    assert agreed["evidence"]["zone"]
    shown = society("consent", "show", "2").out
    assert "signed the sheet" in shown
    day = datetime.fromisoformat(agreed["at"])
    assert f"  {day.day} {day:%B %Y, %H:%M} (London)  agreed to newsletter (consent)\n" in shown
    assert "too many letters" in shown
    assert society("consent", "show", "nobody@example.org").status == 1


def test_consent_verify_says_whole_then_names_what_was_altered(society: Instance) -> None:
    whole = society("consent", "verify", "--json")
    assert (whole.status, whole.json["ok"], whole.json["entries"], whole.json["erased"]) == (0, True, 3, 0)
    head = whole.json["head"]
    assert society("consent", "verify", "--head", head).status == 0
    assert society("consent", "verify", "--head", "0" * 64).status == 1
    society("people", "erase", "b@example.net", "--yes")
    assert society("consent", "verify", "--json").json["erased"] == 1
    with sqlite3.connect(society.folder / "balintmail.db") as database:
        database.execute("UPDATE consent_events SET words = 'agreed to all' WHERE id = 1")
    broken = society("consent", "verify", "--json")
    assert (broken.status, broken.json["ok"], broken.json["altered"], broken.json["missing"]) == (1, False, 1, 0)
    assert broken.json["findings"][0]["entry"] == 1
    assert "entry 1 is not what was written" in society("consent", "verify").out


def test_consent_export_is_safe_in_a_spreadsheet_G1(society: Instance, tmp_path: Path) -> None:
    society("subscribe", "c@example.org", "--consent", "=HYPERLINK(1)")
    file = tmp_path / "consent.csv"
    assert society("consent", "export", str(file), "--json").json == {"file": str(file), "events": 4}
    assert file.stat().st_mode & 0o077 == 0
    assert society("consent", "export", str(file)).status == 1  # it is there now
    with file.open(newline="", encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    assert rows[3]["words"] == "'=HYPERLINK(1)"
    found = society("consent", "export", "--json").json
    assert [each["words"] for each in found][3] == "=HYPERLINK(1)"


def test_suppress_add_list_remove_an_address_and_a_domain(society: Instance) -> None:
    done = society("suppress", "add", "A@example.org", "@example.net", "x@", "--reason", "complaint", "--json")
    assert done.status == 1
    assert [each["result"] for each in done.json] == ["suppressed", "suppressed", "refused"]
    listed = society("suppress", "list", "--json").json
    assert [(each["address"], each["domain"], each["reason"]) for each in listed] == [
        ("a@example.org", None, "complaint"),
        (None, "example.net", "complaint"),
    ]
    states = {each["id"]: each["addresses"][0]["state"] for each in society("people", "list", "--json").json}
    assert (states[2], states[3]) == ("suppressed", "suppressed")
    refused = society("subscribe", "new@example.net", "--json").json[0]
    assert refused["result"] == "refused"
    assert "whole domain" in refused["reason"]
    assert society("subscribe", "new@sub.example.net", "--json").json[0]["result"] == "subscribed"
    hint = society("suppress", "remove", "b@example.net")
    assert hint.status == 1
    assert "balintmail suppress remove example.net" in hint.out
    assert society("suppress", "remove", "example.net", "a@example.org").status == 0
    assert society("suppress", "list", "--json").json == []


def test_suppress_remove_refuses_an_erased_address_D7(society: Instance) -> None:
    society("people", "erase", "b@example.net", "--yes")
    found = society("suppress", "remove", "b@example.net", "--json")
    assert (found.status, found.json[0]["result"]) == (1, "refused")
    (erased,) = society("suppress", "list", "--json").json
    assert (erased["address"], erased["domain"], erased["reason"]) == (None, None, "erased")
    assert "b@example.net" not in society("suppress", "list").out


def test_suppress_import_reads_a_plain_list_and_names_bad_lines(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "no.txt"
    file.write_text("\ufeff# by telephone\na@example.org\n\nexample.net\nnot an address\nA@EXAMPLE.ORG\n", "utf-8")
    done = society("suppress", "import", str(file), "--note", "old list", "--json")
    assert done.status == 0
    assert (done.json["added"], done.json["already"], done.json["refused"]) == (2, 1, 1)
    assert done.json["refusals"][0]["line"] == 5
    file.write_bytes(b"\xff\xfe")
    assert society("suppress", "import", str(file)).status == 1
