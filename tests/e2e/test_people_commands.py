"""`subscribe`, `unsubscribe`, `people` and `lists` as people and programs call them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db.models import Subscription
from balintmail.db.session import Database
from tests.support.command import Finished, call, founded, process

FILES = (".db", ".db-wal", ".db-shm")


class Instance:
    """A fresh instance and a way to call commands on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str) -> Finished:
        return call("-C", self.folder, *args)


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i")
    return Instance(tmp_path / "i")


def test_subscribe_prints_the_contracts_document(society: Instance) -> None:
    done = society("subscribe", "anna@example.org", "not an address", "--json")
    assert done.status == 1
    assert done.json == [
        {"address": "anna@example.org", "person": 2, "result": "subscribed", "reason": ""},
        {
            "address": "not an address",
            "person": None,
            "result": "refused",
            "reason": "invalid: an email address must have an @-sign",
        },
    ]
    again = society("subscribe", "ANNA@example.org", "--json")
    assert again.status == 0
    assert again.json[0]["result"] == "already"


def test_subscribe_records_who_did_it(society: Instance) -> None:
    society("subscribe", "a@example.org", "--consent", "signed the sheet at the AGM", "--by", "Tom Treasurer")
    timeline = society("people", "show", "a@example.org", "--json").json["timeline"]
    assert timeline[0]["by"] == "Tom Treasurer"
    assert "signed the sheet at the AGM" in timeline[0]["what"]


def test_name_of_who_does_it_is_one_clean_line_A1(society: Instance) -> None:
    assert society("subscribe", "a@example.org", "--by", "x\r\ny").status == 1
    assert society("people", "list", "--json").json[-1]["id"] == 1


def test_subscribe_takes_an_address_that_begins_with_a_dash_after_two_dashes_B11_J12(society: Instance) -> None:
    assert society("subscribe", "-oQ/tmp@example.org").status == 2
    assert society("subscribe", "--json", "--", "-oQ/tmp@example.org").json[0]["result"] == "subscribed"


def test_subscribe_with_request_waits(society: Instance) -> None:
    done = society("subscribe", "a@example.org", "--request", "--json")
    assert (done.status, done.json[0]["result"], done.json[0]["person"]) == (0, "requested", None)
    assert society("people", "list", "--list", "newsletter", "--json").json == []
    assert society("subscribe", "a@example.org", "--request", "--member").status == 2


def test_subscribe_to_an_unknown_list_names_the_nearest(society: Instance) -> None:
    done = society("subscribe", "a@example.org", "--list", "newsleter", "--json")
    assert (done.status, done.json["error"]["code"], done.json["error"]["hint"]) == (
        1,
        "not_found",
        "Nearest: newsletter",
    )


def test_unsubscribe_prints_the_contracts_document(society: Instance) -> None:
    society("subscribe", "a@example.org")
    done = society("unsubscribe", "A@example.org", "--reason", "moved away", "--json")
    assert done.status == 0
    assert done.json == [{"address": "a@example.org", "person": 2, "result": "unsubscribed", "reason": ""}]
    unknown = society("unsubscribe", "b@example.org", "--json")
    assert (unknown.status, unknown.json[0]["result"]) == (1, "refused")


def test_unsubscribe_of_a_shared_address_lists_the_people(society: Instance) -> None:
    society("subscribe", "both@example.org", "--name", "Anna Example")
    society("subscribe", "both@example.org", "--name", "Bea Example")
    done = society("unsubscribe", "both@example.org")
    assert done.status == 1
    assert "2 Anna Example; 3 Bea Example" in done.out
    assert society("unsubscribe", "both@example.org", "--person", "2").status == 0
    assert society("unsubscribe", "both@example.org", "--all").status == 0
    assert society("unsubscribe", "both@example.org", "--all", "--person", "2").status == 2


def test_people_list_prints_the_contracts_document(society: Instance) -> None:
    society("subscribe", "b@példa.example.org", "--name", "Bálint Mihály", "--member", "--language", "hu")
    assert society("people", "list", "--member", "--json").json == [
        {
            "id": 2,
            "name": "Bálint Mihály",
            "addresses": [{"address": "b@példa.example.org", "state": "ok"}],
            "member": True,
            "language": "hu",
            "lists": {"newsletter": "subscribed"},
        }
    ]
    assert [row["id"] for row in society("people", "list", "--json").json] == [1, 2]
    assert [row["id"] for row in society("people", "list", "--not-member", "--json").json] == [1]
    assert society("people", "list", "--where", 'member and language = "de"', "--json").out == "[]\n"


def test_people_list_with_a_wrong_filter_names_place_and_nearest(society: Instance) -> None:
    done = society("people", "list", "--where", 'member and langauge = "hu"')
    assert done.status == 1
    assert done.err.splitlines() == [
        'The filter is not right at character 12: there is no field "langauge".',
        "Nearest: language",
    ]


@pytest.mark.parametrize("text", ["' OR 1=1--", "name = 'a\0b'", "id = 99999999999999999999", "name = '\udcff'"])
def test_hostile_filter_is_refused_and_no_fault_of_ours_F1_F9_F10(society: Instance, text: str) -> None:
    assert society("people", "list", "--where", text).status == 1


def test_people_show_takes_id_or_address_and_asks_where_shared(society: Instance) -> None:
    society("subscribe", "both@example.org", "--name", "Anna Example")
    society("subscribe", "both@example.org", "--name", "Bea Example")
    shared = society("people", "show", "both@example.org", "--json")
    assert (shared.status, shared.json["error"]["code"]) == (1, "shared_address")
    assert society("people", "show", "both@example.org", "--person", "3", "--json").json["name"] == "Bea Example"
    assert [row["id"] for row in society("people", "show", "both@example.org", "--all", "--json").json] == [2, 3]
    assert "Anna Example, person 2" in society("people", "show", "2").out
    for nobody in ("99", "99999999999999999999", "nobody@example.org", "nonsense"):
        assert society("people", "show", nobody).status == 1


def test_people_edit_changes_only_what_was_said(society: Instance) -> None:
    society("subscribe", "a@example.org", "--name", "Anna Kovács")
    done = society("people", "edit", "2", "--set", "city=Oxford", "--add-address", "b@example.org", "--json")
    assert done.json == {"person": 2, "changed": ["own fields", "address added"]}
    assert society("people", "edit", "2").status == 2
    assert society("people", "edit", "2", "--set", "city").status == 2
    assert society("people", "edit", "2", "--name", "x\ny").status == 1
    shown = society("people", "show", "2", "--json").json
    assert (shown["name"], shown["first_name"], shown["fields"]) == ("Anna Kovács", "Anna", {"city": "Oxford"})
    assert [row["address"] for row in shown["addresses"]] == ["a@example.org", "b@example.org"]


def test_pausing_and_resuming(society: Instance) -> None:
    society("subscribe", "a@example.org")
    society("people", "edit", "2", "--pause", "newsletter")
    assert society("people", "show", "2", "--json").json["lists"] == {"newsletter": "paused"}
    society("people", "edit", "2", "--resume", "newsletter")
    assert society("people", "show", "2", "--json").json["lists"] == {"newsletter": "subscribed"}


def test_erase_off_a_terminal_wants_yes_and_then_leaves_no_byte_S45(society: Instance) -> None:
    society("subscribe", "gone.gone@example.org", "--name", "Gonegone Personne")
    refused = society("people", "erase", "gone.gone@example.org")
    assert refused.status == 1
    assert "--yes" in refused.err
    assert society("people", "show", "2").status == 0
    done = society("people", "erase", "gone.gone@example.org", "--yes", "--json")
    assert done.json == {
        "person": 2,
        "addresses": 1,
        "shared": 0,
        "stopped": 0,
        "letters": 0,
        "papers": 0,
        "swept": True,
    }
    for end in FILES:
        file = society.folder / f"balintmail{end}"
        if file.exists():
            assert b"gonegone" not in file.read_bytes().lower().replace(b".", b"")
    again = society("subscribe", "gone.gone@example.org", "--json")
    assert (again.status, again.json[0]["result"]) == (1, "refused")
    assert "erased" in again.json[0]["reason"]
    assert society("people", "erase", "--sweep").status == 0


def test_merge_off_a_terminal_wants_yes(society: Instance) -> None:
    society("subscribe", "a@example.org", "b@example.org")
    assert society("people", "merge", "2", "3").status == 1
    done = society("people", "merge", "a@example.org", "b@example.org", "--yes", "--json")
    assert done.json == {"kept": 2, "gone": 3, "addresses": 2}


def test_suppress_add_and_remove(society: Instance) -> None:
    society("subscribe", "a@example.org")
    assert society("suppress", "add", "a@example.org", "--note", "asked by telephone").status == 0
    assert society("people", "list", "--json").json[1]["addresses"][0]["state"] == "suppressed"
    refused = society("subscribe", "a@example.org", "--json").json[0]
    assert refused["result"] == "refused"
    assert "asked by telephone" in refused["reason"]
    assert society("suppress", "remove", "a@example.org").status == 0
    assert society("subscribe", "a@example.org", "--json").json[0]["result"] == "already"


def test_lists_are_added_edited_archived_and_opened_again(society: Instance) -> None:
    added = society("lists", "add", "journal", "--name", "The Journal", "--from", "Desk <desk@example.org>", "--json")
    assert added.json["list_id"] == "journal.balint.example.org"
    assert (added.json["from_name"], added.json["from_address"]) == ("Desk", "desk@example.org")
    assert society("lists", "add", "journal").status == 1
    assert society("lists", "edit", "journal", "--policy", "closed", "--json").json["changed"] == ["policy"]
    assert society("lists", "edit", "journal").status == 2
    assert society("lists", "archive", "newsletter").status == 1
    assert society("lists", "archive", "journal").status == 0
    assert society("subscribe", "a@example.org", "--list", "journal").status == 1
    assert [row["archived"] for row in society("lists", "list", "--json").json] == [False, True]
    assert society("lists", "archive", "journal", "--undo").status == 0
    assert society("subscribe", "a@example.org", "--list", "journal").status == 0


def test_people_list_imports_no_reader_of_spreadsheets(society: Instance) -> None:
    from bench.startup import outside_parts

    found = outside_parts(["-C", str(society.folder), "people", "list"])
    assert "sqlalchemy" in found
    assert not found & {"openpyxl", "alembic", "rich", "jinja2", "aiosmtplib", "asyncio", "httpx"}


def test_whole_processes_work_under_a_plain_locale_J14(society: Instance) -> None:
    env = {"LANG": "C", "LC_ALL": "C"}
    done = process("subscribe", "b@példa.example.org", "--name", "李 明", "--json", cwd=society.folder, env=env)
    assert done.json[0]["result"] == "subscribed", done.said
    assert "李 明" in process("people", "list", cwd=society.folder, env=env).out


def test_held_hands_out_everything_and_keeps_that_on_record_S45(society: Instance, tmp_path: Path) -> None:
    society("subscribe", "anna@example.org", "--name", "Anna Kovács")
    found = society("people", "held", "anna@example.org").json
    assert found["person"]["name"] == "Anna Kovács"
    assert [each["words"] for each in found["consent"]] == ["asked the Secretary to join"]
    file = tmp_path / "anna.json"
    assert society("people", "held", "2", str(file), "--json").json == {"person": 2, "file": str(file)}
    assert file.stat().st_mode & 0o777 == 0o600
    assert "Anna Kovács" in file.read_text("utf-8")
    acts = [each["what"] for each in society("people", "show", "2", "--json").json["timeline"]]
    assert acts.count("everything held handed out") == 2
    assert society("people", "held", "nobody@example.org").status == 1


def test_show_tells_of_the_journal_and_the_post(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(
        "name,email,journal_format,postal_street,postal_city,postal_postcode,postal_country\n"
        'Anna Kovács,anna@example.org,both,"1 Example Street\nFlat 2",London,N1 1AA,GB\n',
        "utf-8",
    )
    society("people", "import", str(file), "--consent", "yes", "--collected", "2025-03-21", "--yes")
    shown = society("people", "show", "anna@example.org").out
    assert "  Journal     on paper and as PDF\n" in shown
    assert "  post        1 Example Street, Flat 2, London, N1 1AA, GB\n" in shown
    found = society("people", "show", "anna@example.org", "--json").json
    assert (found["journal_format"], found["post"][0]["city"], found["post"][0]["from"]) == ("both", "London", None)


def test_held_replaces_no_file_unless_told_to(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "held.json"
    file.write_text("mine", "utf-8")
    assert society("people", "held", "1", str(file)).status == 1
    assert file.read_text("utf-8") == "mine"
    assert "handed out" not in society("people", "show", "1").out
    assert society("people", "held", "1", str(file), "--yes").status == 0
    assert file.read_text("utf-8").startswith("{")


def test_held_is_mailed_as_a_link_where_there_is_a_site(tmp_path: Path) -> None:
    folder = tmp_path / "i"
    founded(folder, "--url", "https://balint.example.org")
    society = Instance(folder)
    society("subscribe", "anna@example.org")
    done = society("people", "held", "anna@example.org", "--mail", "--json")
    assert done.json["mailed"] is True
    assert society("dispatch").status == 0
    letters = [path.read_bytes() for path in (folder / "outbox" / "new").iterdir()]
    assert len(letters) == 1
    assert b"/manage/" in letters[0]
    assert b"List-Unsubscribe" not in letters[0]  # S47


def test_held_is_not_mailed_without_a_site(society: Instance) -> None:
    society("subscribe", "anna@example.org")
    done = society("people", "held", "anna@example.org", "--mail")
    assert (done.status, "society.url" in done.err) == (1, True)


def test_goodbye_is_mailed_to_whoever_left_only_if_asked_for(society: Instance) -> None:
    society("subscribe", "anna@example.org", "bela@example.org")
    society("unsubscribe", "bela@example.org")
    society("unsubscribe", "anna@example.org", "nobody@example.org", "--goodbye")
    society("unsubscribe", "anna@example.org", "--goodbye")  # gone already: no second letter
    assert society("dispatch").status == 0
    letters = society("outbox", "list", "--json").json
    assert [each["to"] for each in letters] == ["anna@example.org"]


def test_pause_until_a_day_ends_by_itself(society: Instance) -> None:
    society("subscribe", "anna@example.org")
    for day in ("yesterday", "2001-01-01", "9999-12-31"):
        assert society("people", "edit", "anna@example.org", "--pause", "newsletter", "--until", day).status == 2
    assert society("people", "edit", "anna@example.org", "--until", "2027-03-01").status == 2
    soon = (datetime.now(UTC) + timedelta(days=40)).date().isoformat()
    assert society("people", "edit", "anna@example.org", "--pause", "newsletter", "--until", soon).status == 0
    assert society("people", "show", "anna@example.org", "--json").json["lists"] == {"newsletter": "paused"}
    shown = society("people", "show", "anna@example.org")
    last = datetime.fromisoformat(soon)
    assert f"  newsletter  paused until {last.day} {last:%B %Y}\n" in shown.out
    told = society("people", "show", "anna@example.org", "--json").json["paused_until"]
    assert told["newsletter"].startswith(f"{soon}T00:00:00")
    database = Database(Database.parse(f"sqlite:///{society.folder / 'balintmail.db'}"))
    with database.write() as tx:
        tx.execute(sa.update(Subscription).values(paused_until=datetime.now(UTC)))
    database.close()
    assert society("dispatch").status == 0
    assert society("people", "show", "anna@example.org", "--json").json["lists"] == {"newsletter": "subscribed"}
