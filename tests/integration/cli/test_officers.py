"""`balintmail officers` as the Secretary types it."""

from pathlib import Path

from tests.support.command import call, founded


def test_office_is_handed_on_and_shown(tmp_path: Path) -> None:
    founded(tmp_path / "i")
    assert call("-C", tmp_path / "i", "subscribe", "ada@example.org", "--name", "Ada Example").status == 0
    done = call("-C", tmp_path / "i", "officers", "appoint", "secretary", "ada@example.org")
    assert done.out == "Person 2, Ada Example, is secretary from now on.\nPerson 1 is secretary no longer.\n"
    assert call("-C", tmp_path / "i", "officers", "appoint", "treasurer", "1", "--json").json["result"] == "appointed"
    shown = call("-C", tmp_path / "i", "officers", "list", "--json").json
    assert [(one["role"], one["person"]) for one in shown] == [("secretary", 2), ("treasurer", 1)]
    assert "Ada Example" in call("-C", tmp_path / "i", "officers", "list").out
    assert call("-C", tmp_path / "i", "officers", "end", "treasurer", "1").out == "Person 1 is treasurer no longer.\n"
    refused = call("-C", tmp_path / "i", "officers", "end", "secretary", "2")
    assert refused.status == 1
    assert "officers appoint secretary" in refused.err
    assert call("-C", tmp_path / "i", "officers", "appoint", "king", "2").status == 2
    assert call("-C", tmp_path / "i", "people", "erase", "1", "--yes").status == 0
