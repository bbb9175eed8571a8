"""`people import` and `people export` as people and programs call them."""

import contextlib
import csv
import json
import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import Finished, call, founded, process

TERMS = ("--consent", "I want the newsletter", "--collected", "2025-03-21")
PEOPLE = (
    "name,email,city\nSzőke Ödön,odon@example.org,Győr\nPál Kiss,home@example.org,\nAnna Kiss,home@example.org,=1+1\n"
)


class Instance:
    """A fresh instance, a file of people, and ways to call commands on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "i"
        self.file = folder / "people.csv"
        self.file.write_text(PEOPLE, encoding="utf-8")
        founded(self.folder)

    def __call__(self, *args: str | Path) -> Finished:
        return call("-C", self.folder, *map(str, args))

    def rows(self) -> dict[str, list[Any]]:
        with contextlib.closing(sqlite3.connect(self.folder / "balintmail.db")) as database:
            tables = ("people", "addresses", "person_addresses", "subscriptions", "consent_events", "suppressions")
            return {table: database.execute(f"SELECT * FROM {table}").fetchall() for table in (*tables, "audit_events")}


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    return Instance(tmp_path)


def test_import_without_yes_shows_everything_and_writes_nothing(society: Instance) -> None:
    before = society.rows()
    done = society("people", "import", society.file, *TERMS)
    assert done.status == 1
    assert "city    own field city" in done.out
    assert "Dry run: 3 new, 0 changed, 0 unchanged, 0 refused." in done.out
    assert "Nothing was written." in done.out
    assert society.rows() == before
    assert society("people", "import", society.file, *TERMS, "--dry-run").status == 0
    assert society.rows() == before


def test_import_prints_the_contracts_document(society: Instance) -> None:
    society.file.write_text(PEOPLE + "Bad,x@,\n", encoding="utf-8")
    done = society("people", "import", society.file, *TERMS, "--json")
    assert (done.status, done.json["written"], done.json["new"]) == (1, False, 3)
    done = society("people", "import", society.file, *TERMS, "--json", "--yes")
    assert done.status == 0
    assert done.json == {
        "new": 3,
        "changed": 0,
        "unchanged": 0,
        "refused": 1,
        "changes": [],
        "refusals": [{"line": 5, "address": "x@", "reason": "the address: there must be something after the @-sign"}],
        "written": True,
    }
    assert society("people", "import", society.file, *TERMS, "--json", "--yes").json["unchanged"] == 3


@pytest.mark.parametrize("terms", [(), TERMS[:2], TERMS[2:]])
def test_import_must_say_the_consent_and_its_day_D6(society: Instance, terms: tuple[str, ...]) -> None:
    before = society.rows()
    done = society("people", "import", society.file, *terms, "--yes")
    assert done.status == 2
    assert "--consent TEXT" in done.err
    assert society.rows() == before


@pytest.mark.parametrize("day", ["2999-01-01", "yesterday", "04/05/2025"])
def test_a_day_of_consent_that_is_none_is_wrong_usage(society: Instance, day: str) -> None:
    assert society("people", "import", society.file, "--consent", "x", "--collected", day, "--yes").status == 2


def test_import_of_what_is_not_there_or_unreadable_is_refused(society: Instance, tmp_path: Path) -> None:
    assert society("people", "import", tmp_path / "none.csv", *TERMS, "--yes").status == 1
    assert society("people", "import", society.file, *TERMS, "--yes", "--list", "nowhere").status == 1
    (tmp_path / "bad.xlsx").write_bytes(b"PK\x03\x04 nothing")
    done = society("people", "import", tmp_path / "bad.xlsx", *TERMS, "--yes", "--json")
    assert (done.status, done.json["error"]["code"]) == (1, "import_file")


@pytest.mark.parametrize("name", ["out.csv", "out.tsv", "out.json"])
def test_export_and_import_change_nothing(society: Instance, tmp_path: Path, name: str) -> None:
    assert society("people", "import", society.file, *TERMS, "--yes").status == 0
    before = society.rows()
    out = tmp_path / name
    done = society("people", "export", out)
    assert (done.status, done.out) == (0, f"4 people written to {out}.\n")
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    done = society("people", "import", out, "--yes", "--json")
    assert done.status == 0
    assert done.json == {
        "new": 0,
        "changed": 0,
        "unchanged": 4,
        "refused": 0,
        "changes": [],
        "refusals": [],
        "written": True,
    }
    after = society.rows()
    assert {table: rows for table, rows in after.items() if table != "audit_events"} == {
        table: rows for table, rows in before.items() if table != "audit_events"
    }


def test_export_is_safe_in_a_spreadsheet_G1(society: Instance) -> None:
    society("people", "import", society.file, *TERMS, "--yes")
    done = process("-C", society.folder, "people", "export", "--list", "newsletter", "--where", 'city starts with "="')
    (row,) = csv.DictReader(done.out.splitlines())
    assert (row["name"], row["field.city"], row["lists"]) == ("Anna Kiss", "'=1+1", "newsletter:subscribed")


def test_export_to_another_instance_moves_the_register(society: Instance, tmp_path: Path) -> None:
    society("people", "import", society.file, *TERMS, "--yes")
    society("unsubscribe", "odon@example.org")
    society("people", "export", tmp_path / "out.csv")
    (tmp_path / "other").mkdir()
    other = Instance(tmp_path / "other")
    done = other("people", "import", tmp_path / "out.csv", *TERMS, "--yes", "--json")
    assert (done.json["new"], done.json["unchanged"], done.json["refused"]) == (3, 1, 0)
    found = {one["name"]: one["lists"] for one in other("people", "list", "--json").json}
    assert found["Szőke Ödön"] == {"newsletter": "unsubscribed"}
    assert found["Anna Kiss"] == found["Pál Kiss"] == {"newsletter": "subscribed"}


def test_an_edited_export_changes_exactly_what_was_edited(society: Instance, tmp_path: Path) -> None:
    society("people", "import", society.file, *TERMS, "--yes")
    out = tmp_path / "out.csv"
    society("people", "export", out)
    text = out.read_text(encoding="utf-8")
    out.write_text(text.replace("Szőke Ödön", "Szőke Ödön Pál").replace("odon@example.org", "pal@example.org"), "utf-8")
    shown = society("people", "import", out, "--dry-run").out
    assert "  line  person  address          what changes\n" in shown
    assert "  3     2       pal@example.org  name, address added, preferred address\n" in shown
    done = society("people", "import", out, "--yes", "--json")
    assert (done.json["changed"], done.json["unchanged"], done.json["new"]) == (1, 3, 0)
    (found,) = [one for one in society("people", "list", "--json").json if one["name"] == "Szőke Ödön Pál"]
    assert [one["address"] for one in found["addresses"]] == ["pal@example.org", "odon@example.org"]


def test_export_replaces_no_file_unless_told_to(society: Instance, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_text("mine", "utf-8")
    done = society("people", "export", out)
    assert (done.status, done.err.splitlines()) == (
        1, [f"{out} is there already and stays as it is.", "To replace it: --yes"],
    )  # fmt: skip
    assert out.read_text("utf-8") == "mine"
    assert society("people", "export", out, "--yes").status == 0
    assert out.read_text("utf-8").startswith("id,register,name")
    assert society("people", "export", tmp_path).err.startswith(f"{tmp_path} is a folder")
    assert society("people", "export", tmp_path / "no" / "x.csv").status == 1
    assert {path.name for path in tmp_path.iterdir()} == {"people.csv", "i", "out.csv"}


@pytest.mark.parametrize("seed", range(4))
def test_an_import_killed_at_any_moment_writes_all_or_nothing_G14(society: Instance, seed: int) -> None:
    rows = 3000
    society.file.write_text("email\n" + "".join(f"reader{n}@example.org\n" for n in range(rows)), encoding="utf-8")
    command = [sys.executable, "-m", "balintmail", "-C", str(society.folder), "people", "import", str(society.file)]
    before = society.rows()
    running = subprocess.Popen([*command, *TERMS, "--yes"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.3 + random.Random(seed).random() * 1.2)
    with contextlib.suppress(ProcessLookupError):
        os.kill(running.pid, signal.SIGKILL)
    running.wait()
    after = society.rows()
    if after != before:
        counts = {table: len(after[table]) - len(before[table]) for table in after}
        assert counts == {
            "people": rows,
            "addresses": rows,
            "person_addresses": rows,
            "subscriptions": rows,
            "consent_events": rows,
            "suppressions": 0,
            "audit_events": 1,
        }


def test_import_with_welcome_writes_once_to_whoever_is_new_on_the_list(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAnna Kiss,anna@example.org\n", "utf-8")
    terms = ("--consent", "asked at the autumn meeting", "--collected", "2026-10-03", "--yes")
    society("people", "import", file, *terms, "--welcome", "--json")
    assert [row["to"] for row in json.loads(society("outbox", "list", "--json").out)] == ["anna@example.org"]
    file.write_text("name,email\nAnna Kiss,anna@example.org\nBéla Nagy,bela@example.org\n", "utf-8")
    society("people", "import", file, *terms, "--welcome")
    letters = json.loads(society("outbox", "list", "--json").out)
    assert sorted(row["to"] for row in letters) == ["anna@example.org", "bela@example.org"]


def test_import_without_welcome_mails_nobody(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("name,email\nAnna Kiss,anna@example.org\n", "utf-8")
    society("people", "import", file, "--consent", "asked", "--collected", "2026-10-03", "--yes")
    assert json.loads(society("outbox", "list", "--json").out) == []


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("words,", "nothing says when they agreed"),
        (",2025-03-21", "nothing says to what they agreed"),
        (",", "nothing says that they agreed"),
    ],
)
def test_refusal_names_the_part_of_the_consent_that_is_missing_D6(society: Instance, row: str, reason: str) -> None:
    society.file.write_text(f"email,consent,consent date\nanna@example.org,{row}\n", encoding="utf-8")
    done = society("people", "import", society.file)
    assert reason in done.out
    assert "Nothing was written: there is nothing to write." in done.out


def test_row_with_two_addresses_says_so(society: Instance) -> None:
    society.file.write_text('email,name\n"a@example.org, b@example.org",Anna\n', encoding="utf-8")
    assert "it holds more than one address" in society("people", "import", society.file, *TERMS).out


def test_export_to_a_workbook_is_refused_with_the_way_out(society: Instance) -> None:
    done = society("people", "export", society.folder / "people.xlsx")
    assert (done.status, (society.folder / "people.xlsx").exists()) == (2, False)
    assert "Write a .csv file" in done.err
