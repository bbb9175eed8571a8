"""`balintmail calendar` as the Secretary uses it."""

from pathlib import Path

import pytest

from tests.support.command import founded
from tests.support.instance import Instance


@pytest.fixture
def society(tmp_path: Path) -> Instance:
    founded(tmp_path / "i", "--url", "https://balint.example.org")
    return Instance(tmp_path / "i")


def test_duties_are_entered_listed_done_and_ended(society: Instance) -> None:
    assert "calendar usual" in society("calendar", "list").said
    added = society("calendar", "add", "Key rotation", "--on", "2199-02-28", "--every", "once", "--json")
    assert (added.status, added.json["every"], added.json["first_on"]) == (0, "once", "2199-02-28")
    assert len(society("calendar", "usual", "--json").json) == 6
    assert "already" in society("calendar", "usual").said
    first, *_ = society("calendar", "list", "--json").json
    done = society("--by", "Rose", "calendar", "done", str(first["id"]), "--remark", "Sent", "--json").json
    assert (done["on"], done["state"], done["done_by"], done["done_remark"]) == (first["on"], "done", "Rose", "Sent")
    assert first["on"] not in {
        one["on"] for one in society("calendar", "list", "--json").json if one["id"] == first["id"]
    }
    assert society("calendar", "end", str(added.json["id"])).status == 0
    assert society("calendar", "end", str(added.json["id"])).status == 1


def test_feed_has_a_secret_address_that_changes_on_demand(society: Instance) -> None:
    first = society("calendar", "feed", "--json").json["url"]
    assert first.startswith("https://balint.example.org/calendar/")
    assert society("calendar", "feed").out.strip() == first
    assert society("calendar", "feed", "--new", "--json").json["url"] != first


def test_wrong_use_is_told(society: Instance) -> None:
    assert society("calendar", "add", "X", "--on", "2027-02-29").status == 2
    assert society("calendar", "add", "X").status == 2
    assert society("calendar", "add", " ", "--on", "2027-02-28").status == 1
    assert society("calendar", "add", "X", "--on", "2027-02-28", "--notice", "-1").status == 2
    assert society("calendar", "done", "99").status == 1
    assert society("calendar", "done", "0").status == 2
