"""`balintmail init` as people and programs call it."""

import os
import pty
import select
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from balintmail.config import load
from tests.support.command import SOCIETY, call, process


def test_init_with_yes_asks_nothing_and_says_what_it_made(tmp_path: Path) -> None:
    done = process("init", tmp_path / "a b" / "c", *SOCIETY, "--timezone", "Pacific/Auckland", cwd=tmp_path)
    assert done.status == 0, done.said
    assert "secrets.toml" in done.out
    assert stat.S_IMODE((tmp_path / "a b" / "c" / "secrets.toml").stat().st_mode) == 0o600
    assert load(tmp_path / "a b" / "c").settings.society.timezone == "Pacific/Auckland"


def test_init_without_a_folder_takes_the_current_one(tmp_path: Path) -> None:
    assert process("init", *SOCIETY, cwd=tmp_path).status == 0
    assert (tmp_path / "balintmail.toml").exists()


def test_init_as_json(tmp_path: Path) -> None:
    done = call("init", tmp_path / "i", *SOCIETY, "--json")
    assert done.json["list_id"] == "newsletter.balint.example.org"
    assert done.json["files"] == ["balintmail.db", "balintmail.toml", "secrets.toml"]


def test_init_twice_changes_nothing_and_exits_1(tmp_path: Path) -> None:
    call("init", tmp_path, *SOCIETY)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = call("init", tmp_path, *SOCIETY)
    assert again.status == 1
    assert "never overwrites" in again.err
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


@pytest.mark.parametrize("missing", ["--society", "--secretary-name", "--secretary-address"])
def test_init_with_yes_names_the_missing_option_and_exits_2(tmp_path: Path, missing: str) -> None:
    options = list(SOCIETY)
    at = options.index(missing)
    del options[at : at + 2]
    done = call("init", tmp_path / "i", *options)
    assert done.status == 2
    assert missing in done.err
    assert not (tmp_path / "i").exists()


def test_init_with_a_wrong_option_names_the_nearest(tmp_path: Path) -> None:
    done = call("init", tmp_path / "i", *SOCIETY, "--time-zone", "Europe/London")
    assert done.status == 2
    assert "--timezone" in done.err


def test_init_off_a_terminal_without_yes_makes_nothing(tmp_path: Path) -> None:
    done = process("init", "i", cwd=tmp_path, stdin="x\ny\nz@example.org\n\n\n")
    assert done.status == 1
    assert "--yes" in done.err
    assert list(tmp_path.iterdir()) == []


def test_init_into_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for place in ("file", "file/below"):
        done = call("init", tmp_path / place, *SOCIETY)
        assert done.status == 1
        assert "file" in done.err
    assert (tmp_path / "file").read_text() == "x"


def test_init_in_a_folder_that_may_not_be_written_says_so_J15(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        place = Path("/proc/balintmail-instance")
    else:
        tmp_path.chmod(0o500)
        place = tmp_path / "i"
    done = call("init", place, *SOCIETY)
    tmp_path.chmod(0o700)
    assert done.status == 1
    assert str(place) in done.err


def test_init_with_a_read_only_home_works_J15(tmp_path: Path) -> None:
    assert process("init", "i", *SOCIETY, cwd=tmp_path, env={"HOME": "/proc/none"}).status == 0


def test_init_in_locale_C_keeps_every_letter_J14(tmp_path: Path) -> None:
    name = "Magyar Bálint Társaság 李"
    done = process(
        "init", "i", *SOCIETY[:2], name, *SOCIETY[3:], cwd=tmp_path, env={"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": ""}
    )
    assert done.status == 0, done.said
    assert load(tmp_path / "i").settings.society.name == name


def test_init_on_a_terminal_asks_little_and_asks_again_when_an_answer_cannot_be(tmp_path: Path) -> None:
    controller, terminal = pty.openpty()
    child = subprocess.Popen(
        [sys.executable, "-m", "balintmail", "init", str(tmp_path / "i")],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "dumb", "TZ": "Europe/Budapest"},
    )
    os.close(terminal)
    said = b""
    answers = [
        (b"society's name:", b"The Example Society\n"),
        (b"Secretary's name:", b"Rose Ormond\n"),
        (b"email address:", b"nobody\n"),
        (b"email address:", b"rose@example.org\n"),
        (b"Time zone [Europe/Budapest]:", b"\n"),
        (b"Public address", b"\n"),
    ]
    deadline = time.monotonic() + 60
    seen = 0
    while time.monotonic() < deadline:
        if not select.select([controller], [], [], 0.2)[0]:
            if child.poll() is not None:
                break
            continue
        try:
            said += os.read(controller, 65536)
        except OSError:  # the terminal was closed at its other end
            break
        if answers and answers[0][0] in said[seen:]:
            seen = len(said)
            os.write(controller, answers.pop(0)[1])
    assert child.wait(30) == 0, said.decode()
    os.close(controller)
    assert b"cannot be mailed to" in said
    settings = load(tmp_path / "i").settings
    assert (settings.society.name, settings.society.timezone) == ("The Example Society", "Europe/Budapest")
