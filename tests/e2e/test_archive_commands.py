"""`archive import`, `archive index`, `newsletters list` and `newsletters erratum` as a Secretary types them."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.command import founded
from tests.support.instance import Instance


@pytest.fixture
def instance(tmp_path: Path) -> Instance:
    founded(tmp_path / "i")
    return Instance(tmp_path / "i")


def document(instance: Instance, *args: str | Path) -> Any:
    done = instance(*args, "--json")
    assert done.status == 0, done.said
    return json.loads(done.out)


@pytest.fixture
def old(instance: Instance) -> Path:
    folder = instance.folder / "old"
    folder.mkdir()
    (folder / "newsletter-7 2001-02-28.md").write_text("# Winter\n\nDear all.\n")
    (folder / "nothing.pdf").write_bytes(b"no pdf")
    return folder


def test_import_asks_writes_and_repeats_without_doubling(instance: Instance, old: Path) -> None:
    asked = instance("archive", "import", old)
    assert asked.status == 1  # nobody at a terminal said yes
    assert "Nothing was written." in asked.out
    assert document(instance, "archive", "import", old, "--dry-run")["written"] is False
    done = document(instance, "archive", "import", old, "--yes")
    assert {key: done[key] for key in ("new", "unchanged", "refused", "written")} == {
        "new": 1, "unchanged": 0, "refused": 1, "written": True,
    }  # fmt: skip
    assert done["newsletters"][0] == {
        "file": "newsletter-7 2001-02-28.md", "result": "new", "number": "7", "on": "2001-02-28", "title": "Winter",
        "reason": "",
    }  # fmt: skip
    again = document(instance, "archive", "import", old, "--yes")
    assert (again["new"], again["unchanged"], again["refused"]) == (0, 1, 1)
    assert document(instance, "archive", "index") == {"entries": 1}


def test_erratum_is_added_shown_and_withdrawn(instance: Instance, old: Path) -> None:
    instance("archive", "import", old, "--yes")
    added = document(instance, "newsletters", "erratum", "newsletter/7", "It was cold.")
    number = added["errata"][0]["id"]
    assert added["errata"][0]["words"] == "It was cold."
    (listed,) = document(instance, "newsletters", "list")
    assert (listed["newsletter"], len(listed["errata"])) == ("newsletter/7", 1)
    assert instance("newsletters", "erratum", "newsletter/7", "--withdraw", str(number)).status == 0
    assert instance("newsletters", "erratum", "newsletter/7", "--withdraw", str(number)).status == 1
    assert instance("newsletters", "erratum", "newsletter/7").status == 2
    assert instance("newsletters", "erratum", "newsletter/8", "words").status == 1
    assert instance("newsletters", "erratum", "newsletter/7", " ").status == 1
