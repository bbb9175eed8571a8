"""`balintmail requests` and what `lists` says of forms, as a Secretary types them."""

import json
from pathlib import Path

import pytest

from tests.support.command import call, founded
from tests.support.instance import Instance


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    return Instance(tmp_path / "i")


def ask(society: Instance, *addresses: str) -> None:
    for address in addresses:
        done = society("subscribe", address, "--request", "--name", f"Reader {address[0].upper()}", "--json")
        assert (done.status, done.json[0]["result"]) == (0, "requested")


def test_request_is_listed_shown_approved_and_on_record(society: Instance) -> None:
    ask(society, "a@example.org")
    (row,) = society("requests", "list", "--json").json
    assert (row["address"], row["state"], row["list"], row["waits_for"]) == (
        "a@example.org", "pending", "newsletter", "the address to confirm",
    )  # fmt: skip
    shown = society("requests", "show", str(row["id"]), "--json").json
    assert (shown["words"], shown["how"], shown["hints"]) == ("asked to join", "command", [])
    done = society("requests", "approve", str(row["id"]), "--note", "by telephone", "--json")
    assert done.status == 0
    assert done.json[0] | {"person": 0} == {
        "id": row["id"], "address": "a@example.org", "person": 0, "result": "approved", "reason": "",
    }  # fmt: skip
    assert society("people", "list", "--list", "newsletter", "--json").json[0]["lists"] == {"newsletter": "subscribed"}
    assert society("requests", "list", "--json").json == []
    (row,) = society("requests", "list", "--all", "--json").json
    assert (row["state"], row["decided_by"], row["note"]) == ("approved", "the Secretary", "by telephone")
    assert society("consent", "verify").status == 0


def test_approval_and_refusal_are_said_and_told_by_exit_status(society: Instance) -> None:
    ask(society, "a@example.org", "b@example.org")
    assert society("--by", "Rose", "requests", "decline", "1", "--reason", "Not now.").status == 0
    again = society("requests", "approve", "1", "2", "7")
    assert again.status == 1
    assert "declined on" in again.said
    assert "by Rose" in again.said
    assert "there is no such request" in again.said
    assert society("requests", "approve", "2", "--json").json[0]["result"] == "already"


def test_all_wants_a_word_of_its_own(society: Instance) -> None:
    assert society("requests", "approve").status == 2
    assert society("requests", "approve", "1", "--all").status == 2
    assert society("requests", "approve", "1", "--list", "newsletter").status == 2
    assert society("requests", "approve", "--all").status == 0  # nobody waits
    assert society("requests", "show", "99").status == 1
    assert society("requests", "show", str(2**70)).status == 1
    assert society("requests", "approve", str(2**70)).status == 1
    assert society("requests", "list", "--list", "nothing").status == 1


def test_confirmation_is_mailed_by_dispatch_and_holds_one_link(society: Instance) -> None:
    ask(society, "a@example.org")
    assert society("dispatch").status == 0
    (raw,) = society.letters()
    text = raw.decode().replace("=\r\n", "")
    assert text.count("https://balint.example.org/confirm/") >= 1
    assert b"Auto-Submitted: auto-" in raw
    assert b"List-Unsubscribe" not in raw
    assert "Reader" not in text


def test_secretary_hears_of_a_request_that_waits_without_a_site(tmp_path: Path) -> None:
    founded(tmp_path / "i")
    bare = Instance(tmp_path / "i")
    ask(bare, "a@example.org")
    (row,) = bare("requests", "list", "--json").json
    assert row["held"] == "no_site"
    assert bare("requests", "approve", "1", "--json").json[0]["result"] == "approved"


def test_questions_are_set_shown_and_taken_away(society: Instance, tmp_path: Path) -> None:
    toml = tmp_path / "q.toml"
    toml.write_text('[[question]]\nname = "how"\nlabel = { en = "How?", de = "Wie?" }\n', "utf-8")
    assert "1 question." in society("lists", "questions", "newsletter", "--set", toml).said
    assert society("lists", "questions", "newsletter", "--json").json["questions"][0]["name"] == "how"
    other = tmp_path / "q.json"
    other.write_text(json.dumps([{"name": "a b", "label": "x"}]), "utf-8")
    refused = society("lists", "questions", "newsletter", "--set", other)
    assert (refused.status, "needs a name" in refused.said) == (1, True)
    toml.write_text("[[question", "utf-8")
    assert society("lists", "questions", "newsletter", "--set", toml).status == 1
    assert society("lists", "questions", "newsletter", "--set", tmp_path / "missing").status == 1
    toml.write_text("", "utf-8")
    assert society("lists", "questions", "newsletter", "--set", toml).status == 0
    assert society("lists", "questions", "newsletter", "--json").json["questions"] == []


def test_words_of_consent_are_kept_in_every_version_S42(society: Instance) -> None:
    assert "the usual ones" in society("lists", "wording", "newsletter").said
    for words in ("I want it.", "I want it by email."):
        assert society("lists", "wording", "newsletter", "--set", words).status == 0
    assert society("lists", "wording", "newsletter", "--set", "I want it by email.").status == 1
    assert society("lists", "wording", "newsletter", "--language", "de", "--set", "Ich will ihn.").status == 0
    found = society("lists", "wording", "newsletter", "--json").json["wordings"]
    assert [(one["language"], one["version"]) for one in found] == [("de", 1), ("en", 1), ("en", 2)]


def test_snippet_is_plain_html_for_lists_that_can_be_joined(society: Instance) -> None:
    html = society("lists", "snippet", "newsletter", "--language", "hu").out
    assert 'action="https://balint.example.org/join/newsletter?lang=hu"' in html
    assert "<script" not in html
    assert "http" not in html.replace("https://balint.example.org", "")
    society("lists", "edit", "newsletter", "--policy", "closed")
    assert society("lists", "snippet", "newsletter").status == 1


def test_latest_newsletter_is_a_manner_of_the_list(society: Instance) -> None:
    assert society("lists", "edit", "newsletter", "--latest").said.strip().endswith("changed sends latest.")
    assert society("lists", "list", "--json").json[0]["sends_latest"] is True
    assert society("lists", "edit", "newsletter", "--no-latest").status == 0
    assert society("lists", "list", "--json").json[0]["sends_latest"] is False


def test_applicant_whom_no_mail_reaches_waits_for_the_secretary_and_not_for_silence(society: Instance) -> None:
    address = "gone@example.net"
    ask(society, address)
    society("suppress", "add", address, "--reason", "bounced")
    (row,) = society("requests", "list", "--json").json
    assert row["waits_for"].startswith("you (the address is suppressed")
    shown = society("requests", "show", str(row["id"]))
    assert f"balintmail suppress remove {address}" in shown.said
    assert society("requests", "show", str(row["id"]), "--json").json["suppressed"] == "bounced"
    society("suppress", "remove", address)
    assert society("requests", "list", "--json").json[0]["waits_for"] == "the address to confirm"


def test_declining_an_address_that_never_confirmed_promises_no_mail(tmp_path: Path) -> None:
    folder = tmp_path / "quiet"
    founded(folder)
    call("-C", folder, "subscribe", "nina@example.org", "--request")
    done = call("-C", folder, "requests", "decline", "1")
    assert "nobody is written to" in done.out
    assert "mails leave" not in done.out
    assert "not both" in call("-C", folder, "requests", "approve", "1", "--all").err
    assert call("-C", folder, "requests", "show", "abc").err.startswith("Invalid value for 'ID': 'abc' is not a whole")
