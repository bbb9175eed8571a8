"""The command line as a whole: global options anywhere, helpful refusals, pipes, locales, argument injection."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from balintmail import __version__
from balintmail.cli.main import COMMANDS, balintmail
from tests.support.command import SOCIETY, call, founded, process


@pytest.fixture
def instance(tmp_path: Path) -> Path:
    founded(tmp_path / "i")
    return tmp_path / "i"


@pytest.mark.parametrize("name", COMMANDS)
def test_line_in_the_contents_is_the_commands_own(name: str) -> None:
    command = balintmail.get_command(click.Context(balintmail), name)
    assert command is not None
    assert (command.help or "").partition("\n")[0] == COMMANDS[name][2]
    assert command.name == name


@pytest.mark.parametrize("before", [True, False])
def test_global_options_stand_before_or_after_the_command(instance: Path, before: bool) -> None:
    options: list[str | Path] = ["-C", instance, "--json", "--by", "Rose"]
    command = ["config", "show"]
    done = call(*options, *command) if before else call(*command, *options)
    assert done.status == 0, done.err
    assert done.json["folder"] == str(instance)


def test_global_options_stand_between_group_and_command_too(instance: Path) -> None:
    assert call("config", "-C", instance, "--json", "show").json["folder"] == str(instance)


def test_json_after_two_dashes_is_an_argument(tmp_path: Path) -> None:
    done = call("-C", tmp_path, "restore", "--", "--json", "-C")
    assert done.status == 1
    assert done.out == ""
    assert "--json" in done.err


def test_argument_that_begins_with_a_dash_stands_after_two_dashes_J12(instance: Path, tmp_path: Path) -> None:
    done = process("-C", instance, "backup", "--", "-rf.zip", cwd=tmp_path)
    assert done.status == 0, done.said
    assert (tmp_path / "-rf.zip").exists()
    assert process("-C", instance, "backup", "--to=-x", cwd=tmp_path).status == 2


def test_instance_is_found_upward(instance: Path) -> None:
    (instance / "pages" / "deep").mkdir(parents=True)
    assert process("config", "show", "--json", cwd=instance / "pages" / "deep").json["folder"] == str(instance)


def test_unknown_command_names_the_nearest() -> None:
    done = call("sned", "x.md")
    assert done.status == 2
    assert 'no command "sned". Nearest: send.' in done.err
    assert call("config", "shwo").status == 2


def test_unknown_option_names_the_nearest_and_the_help() -> None:
    done = call("backup", "--jsno", "x")
    assert done.status == 2
    assert "--json" in done.err
    assert "balintmail backup --help" in done.err


def test_usage_error_as_json() -> None:
    done = call("--json", "sned")
    assert done.status == 2
    assert done.json["error"]["code"] == "usage"
    done = call("backup", "--json")
    assert done.json["error"]["code"] == "usage"


def test_version_in_both_spellings() -> None:
    assert call("--version").out == f"balintmail {__version__}\n"
    assert process("--version").out == f"balintmail {__version__}\n"


def test_help_of_every_command_fits_the_terminal_and_exits_0() -> None:
    assert "mailings" in call("--help").out
    for name in ("init", "config", "backup", "restore", "cron", "migrate", "completion"):
        done = call(name, "--help")
        assert done.status == 0
        assert max(map(len, done.out.splitlines())) <= 100


def test_no_command_shows_the_contents() -> None:
    done = process()
    assert "Commands" in done.said
    assert done.status in {0, 2}


def test_reader_that_goes_away_is_no_error(instance: Path) -> None:
    command = f"{sys.executable} -m balintmail -C {instance} config show | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_missing_folder_is_explained(tmp_path: Path) -> None:
    done = call("-C", tmp_path / "nowhere", "config", "show")
    assert done.status == 1
    assert "balintmail init" in done.err


@pytest.mark.parametrize("variable", ["LC_ALL", "LANG"])
def test_locale_C_shows_every_letter_J14(tmp_path: Path, variable: str) -> None:
    process("init", tmp_path / "i", *SOCIETY[:2], "Magyar Bálint Társaság 李", *SOCIETY[3:])
    env = {"LANG": "", variable: "C"}
    for command in (["config", "show"], ["config", "show", "--json"]):
        # Python turns to UTF-8 by itself under C; without that habit it must hold too.
        done = process("-C", tmp_path / "i", *command, env={**env, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"})
        assert done.status == 0, done.said
        assert "Társaság 李" in done.out
    done = process("-C", tmp_path / "Társaság 李", "config", "show", env=env)
    assert done.status == 1
    assert "Társaság 李" in done.err


def test_commands_work_with_a_read_only_home_J15(instance: Path) -> None:
    assert (
        process("-C", instance, "config", "check", env={"HOME": "/proc/none", "XDG_CACHE_HOME": "/proc/n"}).status == 0
    )


def test_everything_that_is_written_is_for_the_owner_alone(instance: Path, tmp_path: Path) -> None:
    before = os.umask(0o000)
    try:
        process("-C", instance, "backup", tmp_path / "b.zip")
    finally:
        os.umask(before)
    assert (tmp_path / "b.zip").stat().st_mode & 0o077 == 0


def test_json_is_utf_8_and_one_document(instance: Path) -> None:
    for args in (["config", "show"], ["config", "check"], ["cron"], ["migrate"], ["completion", "bash"]):
        json.loads(call("-C", instance, *args, "--json").out)


def test_mistyped_folder_never_means_the_one_around_it(instance: Path) -> None:
    done = process("-C", "demo", "people", "list", cwd=instance)
    assert done.status == 1
    assert done.said.startswith("There is no folder demo.")


def test_word_after_a_group_names_the_nearest_command() -> None:
    done = call("people", "sho")
    assert done.status == 2
    assert 'There is no command "people sho". Nearest: show.' in done.err


def test_help_of_a_group_cuts_no_sentence_short() -> None:
    for name in ("people", "mailings", "lists", "outbox", "dkim", "config"):
        assert "..." not in call(name, "--help").out.partition("Commands:")[2]


def test_closed_output_is_no_fault_of_ours(instance: Path) -> None:
    line = [sys.executable, "-m", "balintmail", "-C", str(instance), "people", "list"]
    done = subprocess.run(["/bin/sh", "-c", '"$@" >&-', "sh", *line], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_second_interrupt_while_an_error_is_told_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("balintmail.cli.failure.report", interrupted)
    assert call("no-such-command").status == 1
