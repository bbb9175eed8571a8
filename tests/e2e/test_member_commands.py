"""Members and dues as a Secretary keeps them: `balintmail members` and `balintmail dues`."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.support.command import founded
from tests.support.instance import Instance

ANNA = "anna@example.org"


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i")
    found = Instance(tmp_path / "i")
    assert found("subscribe", ANNA, "--name", "Anna Example").status == 0
    return found


def test_a_member_from_the_class_to_the_resignation(society: Instance) -> None:
    assert society("members", "class", "edit", "full", "--fee", "30.00").status == 0
    assert society("members", "list").said.startswith("There is no such membership")
    row = society("members", "add", ANNA, "--since", "2026-01-01", "--paid-until", "2099-12-31", "--json").json
    assert (row["class"], row["since"], row["paid_until"]) == ("full", "2026-01-01", "2099-12-31")
    assert society("people", "show", ANNA, "--json").json["member"] is True
    assert [each["standing"] for each in society("members", "list", "--json").json] == ["paid"]
    done = society("dues", "record", ANNA, "30.00", "--on", "2026-02-01", "--how", "cheque", "--json").json
    assert (done["amount"], done["paid_until"]) == (3000, "2100-12-31")
    assert "together £30.00" in society("dues", "list").said
    assert society("dues", "cancel", str(done["payment"])).status == 0
    shown = society("members", "show", ANNA, "--json").json
    assert (shown["reference"][0], shown["memberships"][0]["paid_until"]) == ("M", "2099-12-31")
    assert society("members", "resign", ANNA, "--on", "2026-02-02").status == 0
    assert society("members", "list", "--json").json == []
    assert len(society("members", "list", "--all", "--json").json) == 1


@pytest.mark.parametrize("amount", ["0.005", "1.234", "-5", "0", "=5", "thirty"])
def test_an_amount_that_is_none_is_refused_and_changes_nothing(society: Instance, amount: str) -> None:
    assert society("members", "add", ANNA).status == 0
    done = society("dues", "record", "--", ANNA, amount)
    assert done.status in {1, 2}
    assert society("dues", "list", "--json").json == []


def test_a_statement_is_shown_recorded_and_settled(society: Instance, tmp_path: Path) -> None:
    assert society("members", "class", "edit", "full", "--fee", "30.00").status == 0
    assert society("members", "add", ANNA, "--since", "2026-01-01", "--paid-until", "2026-01-01").status == 0
    file = tmp_path / "statement.csv"
    file.write_text(
        "Date;Amount;Name;Reference\n2026-01-13;30,00;A EXAMPLE;dues\n2026-01-14;5,00;=cmd|calc;Journal\n", "utf-8"
    )
    trial = society("dues", "import", str(file), "--dry-run", "--json").json
    assert [each["state"] for each in trial["lines"]] == ["matched", "doubtful"]
    assert society("dues", "list", "--json").json == []
    assert "1 recorded, 1 doubtful" in society("dues", "import", str(file)).said
    assert "2 imported before" in society("dues", "import", str(file)).said
    (doubtful,) = society("dues", "doubtful", "--json").json
    assert society("dues", "settle", str(doubtful["id"]), "--ignore").status == 0
    assert [each["amount"] for each in society("dues", "list", "--json").json] == [3000]
    assert society("dues", "import", str(tmp_path / "none.csv")).status == 1


def test_a_death_is_asked_for_and_then_stops_all_mail(society: Instance) -> None:
    assert society("members", "died", ANNA).status == 1  # nobody is asked here, so nobody says yes
    done = society("members", "died", ANNA, "--yes")
    assert (done.status, "Nothing is mailed or posted to them any more" in done.said) == (0, True)
    assert society("subscribe", ANNA, "--json").json[0]["result"] == "refused"
    assert society("subscribe", "bea@example.org").status == 0
    society.write(84)
    assert society.send("--yes", "--json").json["audience"] == 1
    assert society("members", "died", ANNA, "--undo").status == 1
    assert society("members", "died", ANNA, "--undo", "--yes", "--json").json == {"person": 2, "lists": 1}
    society.write(85)
    assert society.send("--yes", "--json").json["audience"] == 2


def _settle(society: Instance, more: str) -> None:
    with (society.folder / "balintmail.toml").open("a", encoding="utf-8") as settings:
        settings.write(more)


def test_reminders_are_set_shown_and_sent_once(society: Instance) -> None:
    _settle(society, '\n[members]\nreminders = [-30, 7]\npay_to = "Account 12345678"\n')
    assert "-30, 7" in society("config", "show").said
    assert society("members", "class", "edit", "full", "--fee", "30.00").status == 0
    until = str(datetime.now(UTC).date() + timedelta(days=20))
    assert society("members", "add", ANNA, "--since", "2020-01-01", "--paid-until", until).status == 0
    assert society("dispatch").status == society("dispatch").status == 0
    assert [b"\nSubject: Your dues" in letter for letter in society.letters()] == [True]
    (row,) = society("dues", "reminders", "--json").json
    assert (row["owed"], len(row["sent"]), row["address"]) == (3000, 1, True)
    assert society("dues", "record", ANNA, "30.00").status == 0
    assert society("dues", "reminders", "--json").json == []


def test_a_round_is_started_answered_and_closed(society: Instance) -> None:
    assert society("members", "round", "status").status == 1
    assert society("members", "round", "start", "--yes").status == 1  # nobody is a member
    assert society("members", "add", ANNA).status == 0
    assert society("members", "round", "start").status == 1  # nobody is asked here, so nobody says yes
    assert "no page" in society("members", "round", "start", "--yes").said
    file = society.folder / "balintmail.toml"
    text = file.read_text("utf-8").replace("[society]", '[society]\nurl = "https://balint.example.org"', 1)
    file.write_text(text, "utf-8")
    asked = society("members", "round", "start", "--yes", "--json").json
    assert (asked["asked"], [each["next"] for each in asked["missing"]]) == (1, ["wait"])
    assert society("members", "round", "remind", "--json").json == {"mailed": 0}
    assert society("dispatch").status == 0
    (letter,) = society.letters()
    assert b"/manage/" in letter
    assert society("members", "round", "answer", ANNA, "--note", "rang her", "--json").json["answer"] == "confirmed"
    assert society("members", "round", "close", "--json").json["counts"] == {
        "waiting": 0, "confirmed": 1, "corrected": 0,
    }  # fmt: skip
    assert "closed on" in society("members", "round", "status").said


def test_a_list_of_members_goes_out_and_comes_in(society: Instance, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text(f"Email;Class;Paid until\n{ANNA};student;2099-12-31\n;full;\n", "utf-8")
    tried = society("members", "import", str(file), "--json")
    assert (tried.status, tried.json["new"], tried.json["written"]) == (1, 1, False)
    assert society("members", "list", "--json").json == []
    done = society("members", "import", str(file), "--yes", "--json").json
    assert (done["new"], [each["line"] for each in done["refusals"]]) == (1, [3])
    out = tmp_path / "out.csv"
    assert society("members", "export", str(out)).status == 0
    assert (out.stat().st_mode & 0o777, "student" in out.read_text("utf-8")) == (0o600, True)
    assert society("members", "import", str(out), "--dry-run", "--json").json["unchanged"] == 1
    assert society("members", "resign", ANNA).status == 0
    assert society("members", "import", str(file), "--yes", "--json").json["new"] == 0  # who resigned stays so
    assert society("members", "resign", ANNA, "--undo", "--json").json["state"] == "active"


def test_a_postal_address_is_kept_from_a_day_and_what_is_wrong_is_named_by_its_option(society: Instance) -> None:
    home = ("--country", "GB", "--street", "1 High Street", "--city", "London", "--postcode", "ec1y 8sy")
    assert society("members", "post", ANNA, *home, "--json").json[0]["lines"][-1] == "EC1Y 8SY"
    away = ("--country", "US", "--street", "1 Main Street", "--city", "Durham", "--postcode", "27701")
    refused = society("members", "post", ANNA, *away)
    assert (refused.status, "--region is needed" in refused.said) == (2, True)
    days = ("--from", "2090-06-01", "--until", "2090-08-31")
    held = society("members", "post", ANNA, *away, "--region", "NC", *days, "--json").json
    assert [(each["from"], each["until"], each["now"]) for each in held] == [
        (None, "2090-05-31", True), ("2090-06-01", "2090-08-31", False), ("2090-09-01", None, False),
    ]  # fmt: skip
    assert society("members", "post", ANNA, "--from", "2090-06-01").status == 2
    assert len(society("members", "post", ANNA, "--remove", str(held[0]["id"]), "--json").json) == 2
