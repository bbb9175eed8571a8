"""The contract's words about people: joining, leaving, listing, importing, exporting."""

import json
from pathlib import Path

import pytest

from tests.support.instance import Instance

IMPORT_KEYS = {"new", "changed", "unchanged", "refused", "refusals", "written", "changes"}


def results(found: object) -> list[tuple[str, str]]:
    return [(each["address"], each["result"]) for each in found]  # type: ignore[attr-defined]


def test_subscribe_answers_for_each_address_and_exits_1_when_one_is_refused(society: Instance) -> None:
    done = society("subscribe", "anna@example.org", "no-address", "--json")
    assert done.status == 1
    assert all(set(each) == {"address", "person", "result", "reason"} for each in done.json)
    assert results(done.json) == [("anna@example.org", "subscribed"), ("no-address", "refused")]
    again = society("--json", "subscribe", "anna@example.org")
    assert (again.status, again.json[0]["result"], again.json[0]["person"]) == (0, "already", done.json[0]["person"])


@pytest.mark.parametrize("way", [("--json", "--", "-o@example.org"), ("--", "-o@example.org")])
def test_address_that_begins_with_a_dash_stands_after_two_dashes_B11(society: Instance, way: tuple[str, ...]) -> None:
    assert society("subscribe", *way).status == 0
    assert society("subscribe", "-o@example.org").status == 2


def test_unsubscribe_and_back_again(society: Instance) -> None:
    society("subscribe", "anna@example.org")
    for expected in ("unsubscribed", "already"):
        done = society("unsubscribe", "anna@example.org", "--reason", "moved", "--json")
        assert (done.status, done.json[0]["result"]) == (0, expected)
    assert society("subscribe", "anna@example.org", "--json").json[0]["result"] == "subscribed"
    assert society("unsubscribe", "nobody@example.org", "--json").status == 1


def test_shared_address_is_listed_and_wants_person_or_all(society: Instance) -> None:
    ids = [
        society("subscribe", "both@example.org", "--name", name, "--json").json[0]["person"] for name in ("Ann", "Bea")
    ]
    for verb in ("subscribe", "unsubscribe"):
        asked = society(verb, "both@example.org", "--json")
        assert (asked.status, asked.json[0]["result"]) == (1, "refused")
        assert all(name in asked.json[0]["reason"] for name in ("Ann", "Bea", "--person", "--all"))
    for command in (("people", "show"), ("people", "erase", "--yes"), ("people", "edit", "--name", "X")):
        asked = society(*command, "both@example.org", "--json")
        assert asked.status == 1
        assert "Ann" in asked.json["error"]["message"]
    picked = society("unsubscribe", "both@example.org", "--person", str(ids[1]), "--json")
    assert [(each["person"], each["result"]) for each in picked.json] == [(ids[1], "unsubscribed")]
    both = society("unsubscribe", "both@example.org", "--all", "--json")
    assert sorted(each["result"] for each in both.json) == ["already", "unsubscribed"]


def test_suppressed_and_erased_addresses_are_refused_with_the_reason_D7(society: Instance) -> None:
    society("subscribe", "a@example.org", "b@példa.example.org")
    society("suppress", "add", "a@example.org")
    assert society("people", "erase", "b@példa.example.org", "--yes").status == 0
    for address, word in (("a@example.org", "suppressed"), ("B@xn--plda-bpa.example.org", "erased")):
        done = society("subscribe", address, "--json")
        assert (done.status, done.json[0]["result"]) == (1, "refused")
        assert word in done.json[0]["reason"]


def test_request_opens_a_join_request_and_the_secretarys_own_act_decides_it(society: Instance) -> None:
    asked = society("subscribe", "a@example.org", "--request", "--json")
    assert (asked.status, asked.json[0]["result"]) == (0, "requested")
    assert society("people", "list", "--list", "newsletter", "--json").json == []
    assert society("subscribe", "a@example.org", "--json").json[0]["result"] == "subscribed"


def test_people_list_has_its_keys_and_filters(society: Instance) -> None:
    society("subscribe", "a@example.org", "--name", "Kis Anna", "--member", "--language", "hu")
    society("subscribe", "b@example.org")
    (one,) = society("people", "list", "--where", 'member and language = "hu"', "--json").json
    assert set(one) == {"id", "name", "addresses", "member", "language", "lists"}
    assert (one["name"], one["member"], one["language"]) == ("Kis Anna", True, "hu")
    assert one["addresses"] == [{"address": "a@example.org", "state": "ok"}]
    assert one["lists"] == {"newsletter": "subscribed"}
    assert society("people", "list", "--where", "joined < 2025-01-01", "--json").json == []
    for bad in ("' OR 1=1--", "nme = 'x'", "member and", "name = 'a'; DROP TABLE people"):
        refused = society("people", "list", "--where", bad, "--json")
        assert (refused.status, set(refused.json["error"])) == (1, {"code", "message", "hint"})


PEOPLE = 'Name,Email,Town,Member\n"Kovács, Anna",anna@example.org,Pécs,yes\nBéla,bela@example.org,,no\nX,nonsense,,\n'
SAID = ("--consent", "said yes", "--collected", "2025-03-21")


def test_import_asks_first_and_off_a_terminal_the_answer_is_no(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(PEOPLE, "utf-8")
    shown = society("people", "import", file, *SAID, "--json")
    assert (shown.status, shown.json["written"], shown.json["new"]) == (1, False, 2)
    assert society("people", "list", "--list", "newsletter", "--json").json == []
    assert society("people", "import", file, "--yes", "--json").status == 2  # nothing says that they agreed
    done = society("people", "import", file, *SAID, "--yes", "--json")
    assert done.status == 0
    assert set(done.json) == IMPORT_KEYS
    assert (done.json["new"], done.json["refused"], done.json["written"]) == (2, 1, True)
    (refusal,) = done.json["refusals"]
    assert set(refusal) == {"line", "address", "reason"}
    assert (refusal["line"], refusal["address"]) == (4, "nonsense")


@pytest.mark.parametrize("ending", ["csv", "tsv", "json"])
def test_import_of_an_export_changes_nothing(society: Instance, tmp_path: Path, ending: str) -> None:
    source, file = tmp_path / "people.csv", tmp_path / f"out.{ending}"
    source.write_text(PEOPLE + "=cmd|x,f@example.org,@x,\n'Quote,q@example.org,-5,\n", "utf-8")
    society("people", "import", source, *SAID, "--yes")
    society("unsubscribe", "bela@example.org")
    before = society("people", "list", "--json").out
    assert society("people", "export", file).status == 0
    done = society("people", "import", file, "--yes", "--json")
    assert (done.status, done.json["new"], done.json["changed"], done.json["refused"]) == (0, 0, 0, 0)
    assert society("people", "list", "--json").out == before


def test_other_tools_noes_become_ours(society: Instance, tmp_path: Path) -> None:
    files = {
        "unsubscribed_1.csv": "Email Address,First Name,LEID,EUID,UNSUB_TIME\nmc1@example.org,A,1,2,2022-01-01\n",
        "cleaned_1.csv": "Email Address,First Name,LEID,EUID,CLEAN_TIME\nmc2@example.org,A,1,2,2022-01-01\n",
        "listmonk.csv": "uuid,email,name,attributes,status\n1,lm1@example.org,L,{},enabled\n"
        "2,lm2@example.org,M,{},blocklisted\n",
        "phplist.csv": "email,confirmed,blacklisted,bouncecount\npl1@example.org,1,0,0\npl2@example.org,1,1,0\n",
        "mailman.csv": "Email,Delivery status\nmm1@example.org,enabled\nmm2@example.org,by_bounces\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
        assert society("people", "import", tmp_path / name, *SAID, "--yes").status == 0, name
    shown = society("send", society.folder / "newsletter.md", "--yes", "--json").json
    assert shown["counts"]["accepted"] == 3
    mailed = {each["to"] for each in society("outbox", "list", "--json").json}
    assert {word[-15:] for word in mailed} == {"lm1@example.org", "pl1@example.org", "mm1@example.org"}


def test_whoever_left_or_was_erased_stays_out_of_an_import_G10_G11(society: Instance, tmp_path: Path) -> None:
    society("subscribe", "left@example.org", "erased@example.org")
    society("unsubscribe", "left@example.org")
    society("people", "erase", "erased@example.org", "--yes")
    (tmp_path / "x.csv").write_text("email\nleft@example.org\nerased@example.org\n", "utf-8")
    done = society("people", "import", tmp_path / "x.csv", *SAID, "--yes", "--json")
    assert (done.status, done.json["refused"], done.json["new"]) == (0, 2, 0)
    assert "left" in done.json["refusals"][0]["reason"]
    assert "erased" in done.json["refusals"][1]["reason"]


def test_list_is_one_document_in_utf_8(society: Instance) -> None:
    society("subscribe", "ming@example.org", "--name", "李 明")
    out = society("people", "list", "--json").out
    assert "李 明" in out
    assert json.loads(out)[1]["name"] == "李 明"
