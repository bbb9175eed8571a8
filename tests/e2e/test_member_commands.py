"""Members and dues as a Secretary keeps them: `balintmail members` and `balintmail dues`."""

from pathlib import Path

import pytest

from tests.support.command import SOCIETY, call
from tests.support.instance import Instance

ANNA = "anna@example.org"


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    assert call("init", tmp_path / "i", *SOCIETY).status == 0
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
