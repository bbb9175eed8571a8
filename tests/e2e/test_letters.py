"""new, check and preview as the Secretary calls them."""

import json
from pathlib import Path

import pytest

from balintmail.resources import templates_folder
from tests.support.command import call, founded, process

EXAMPLES = templates_folder().parent / "examples"
HEAD = '---\ntitle: "T"\nnumber: 1\n---\n\n'


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    return tmp_path / "i"


def test_new_then_check_then_preview(instance: Path) -> None:
    began = process("new", cwd=instance)
    assert began.status == 0, began.err
    assert "number 1 for the list newsletter" in began.out
    assert process("check", "newsletter.md", cwd=instance).status == 0
    shown = process("preview", "newsletter.md", "--out", "look", "--json", cwd=instance)
    assert shown.status == 0, shown.err
    assert sorted(path.name for path in (instance / "look").iterdir()) == [
        "newsletter-1.eml",
        "newsletter-1.html",
        "newsletter-1.txt",
    ]
    assert shown.json["to"] == "secretary@balint.example.org"
    assert (instance / "look" / "newsletter-1.eml").read_bytes().count(b"\r\n") > 50


def test_new_never_overwrites_and_says_how_to_go_on(instance: Path) -> None:
    (instance / "newsletter.md").write_text("mine", "utf-8")
    found = call("-C", instance, "new", instance / "newsletter.md", "--json")
    assert found.status == 1
    assert found.json["error"]["code"] == "conflict"
    assert (instance / "newsletter.md").read_text("utf-8") == "mine"


def test_check_prints_stops_with_their_lines_and_exits_1(instance: Path) -> None:
    letter = instance / "newsletter.md"
    letter.write_text(HEAD + "Dear {{ person.fistname }},\n", "utf-8")
    found = call("-C", instance, "check", letter)
    assert found.status == 1
    assert "stop  line 6" in found.out
    assert 'there is no field "person.fistname"' in found.out
    assert "person.first_name" in found.out
    assert found.out.rstrip().endswith("Nobody has been mailed.")


def test_check_json_has_the_keys_of_the_contract(instance: Path) -> None:
    letter = instance / "newsletter.md"
    letter.write_text(
        '---\ntitle: "T"\nnumber: 1\n---\n\nSee [this page](http://x.example.org), all of you.\n', "utf-8"
    )
    found = call("check", letter, "--json", "-C", instance)
    assert found.status == 0
    assert found.json["ok"] is True
    assert {tuple(finding) for finding in found.json["findings"]} == {("code", "level", "line", "message")}
    assert ("link_insecure", "warn", 6) in {(f["code"], f["level"], f["line"]) for f in found.json["findings"]}
    missing = call("check", instance / "nowhere.md", "--json", "-C", instance)
    assert missing.status == 1
    assert missing.json["ok"] is False
    assert missing.json["findings"][0]["level"] == "stop"


def test_example_passes_check_with_nothing_to_say_of_the_letter(instance: Path) -> None:
    found = call("-C", instance, "check", EXAMPLES / "newsletter.md", "--json")
    assert found.status == 0
    assert {finding["code"] for finding in found.json["findings"]} <= {"nobody", "no_postal_address"}


def test_control_characters_in_a_letter_do_not_drive_the_terminal_J13(instance: Path) -> None:
    letter = instance / "newsletter.md"
    letter.write_text(
        '---\ntitle: "T"\nnumber: 1\n---\n\n[a\u202ebc](http://x.example.org/) {{ person.\u202e }}\n', "utf-8"
    )
    found = call("-C", instance, "check", letter)
    assert "\u202e" not in found.said


def test_check_speaks_plainly_in_a_bare_locale_J14(instance: Path) -> None:
    found = process("-C", instance, "check", EXAMPLES / "newsletter.md", env={"LC_ALL": "C", "LANG": "C"})
    assert found.status == 0, found.err
    assert "Groups this winter" in found.out


def test_preview_of_a_person_nobody_knows(instance: Path) -> None:
    found = call("-C", instance, "preview", EXAMPLES / "newsletter.md", "--as", "nobody@example.org", "--json")
    assert found.status == 1
    assert found.json["error"]["code"] == "not_found"


def test_preview_page_holds_its_picture_and_asks_nobody(instance: Path, tmp_path: Path) -> None:
    done = call("-C", instance, "preview", EXAMPLES / "newsletter.md", "--out", tmp_path / "look", "--json")
    page = Path(json.loads(done.out)["html"]).read_text("utf-8")
    assert "cid:" not in page
    assert "data:image/png;base64," in page
