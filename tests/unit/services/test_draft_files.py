"""A draft laid out as a folder: where its files lie, and where none ever does (D9, D10)."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from balintmail.db.drafts import DraftRow
from balintmail.services.draft_files import laid_out

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def tree(source: str, *names: str) -> set[str]:
    """Return the files of the folder that a letter and its files make."""
    row = DraftRow(1, None, 1, None, source, NOW, NOW)
    with laid_out(row, [(name, b"x") for name in names]) as letter:
        folder = letter.parent
        assert letter.read_text("utf-8") == source
        found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert not folder.exists()
    return found


def test_file_lies_beside_the_letter_and_where_the_letter_looks_for_it() -> None:
    source = "![A room](pictures/room.png)\n\n![x](<a b/2026/other.png>) and text/none.png"
    assert tree(source, "room.png", "other.png") == {
        "newsletter.md",
        "room.png",
        "pictures/room.png",
        "other.png",
        "b/2026/other.png",
    }


@pytest.mark.parametrize(
    "source",
    [
        "![x](/etc/x.png)",
        "![x](../x.png)",
        "![x](../../etc/x.png)",
        "![x](a/../../x.png)",
        "![x](./x.png)",
        "![x](.../x.png)",
        "![x](//server/x.png)",
        "![x](newsletter.md/x.png)",
        "![x](x.png/x.png)",
        "![x](%2e%2e/x.png)" * 1000,
        "/x.png" * 10_000,
        f"![x]({'a/' * 500}x.png)",
    ],
)
def test_no_file_lies_anywhere_else_D9(source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = tree(source, "x.png")
    assert {"newsletter.md", "x.png"} <= found
    assert not any(".." in name or name.startswith("/") for name in found)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["newsletter.md", "../x.png", "a/b.png", "/x.png", ".."])
def test_file_of_an_impossible_name_is_left_out_D9(name: str) -> None:
    assert tree("Hello.\n", name) == {"newsletter.md"}
