"""Arguments that no database, calendar or header can hold are refused in words, never as a fault of ours (A, F9)."""

from pathlib import Path

import pytest

from tests.support.command import call, founded

HALF = "\udcff"  # a byte of the command line that is no UTF-8 (A16)
DIGITS = "9" * 5000  # Python itself refuses to read so long a number
LETTER = "---\ntitle: News\nnumber: 4\n---\n\nDear reader, all is well with us and with the house.\n"


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i")
    (tmp_path / "i" / "newsletter.md").write_text(LETTER, "utf-8")
    return tmp_path / "i"


@pytest.mark.parametrize(
    "args",
    [
        ("mailings", "show", DIGITS),
        ("mailings", "show", f"newsletter/{HALF}"),
        ("mailings", "show", f"{HALF}/84"),
        ("people", "show", DIGITS),
        ("people", "list", "--list", HALF),
        ("lists", "edit", HALF, "--purpose", "x"),
        ("subscribe", "a@example.org", "--list", HALF),
        ("unsubscribe", "a@example.org", "--list", HALF),
        ("send", "newsletter.md", "--yes", "--list", HALF),
        ("send", "newsletter.md", "--yes", "--at", "9999-12-31T23:59:59-12:00"),
        ("send", "newsletter.md", "--yes", "--at", "0001-01-01T00:00:00+14:00"),
        ("outbox", "show", HALF),
    ],
)
def test_odd_argument_is_refused_in_words_A16_F9(
    instance: Path, args: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(instance)
    done = call(*args)
    assert done.status in {1, 2}, done.said
    assert "fault of balintmail" not in done.said


@pytest.mark.parametrize("name", [f"Rose {HALF}", "Rose\nBcc: x@example.net", "R" * 101])
@pytest.mark.parametrize(
    "command", [("subscribe", "a@example.org"), ("unsubscribe", "a@example.org"), ("send", "newsletter.md", "--yes")]
)
def test_name_after_by_is_cleaned_for_every_command_A1_A16_A19(
    instance: Path, name: str, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(instance)
    done = call("--by", name, *command)
    assert done.status == 1, done.said
    assert "--by" in done.err
