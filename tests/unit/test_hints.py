"""Every command line that a message, a template or a document tells people to type can be typed."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from balintmail.cli.main import COMMANDS, balintmail

ROOT = Path(__file__).parents[2]
PLACES = (
    *ROOT.glob("src/**/*.py"),
    *ROOT.glob("docs/**/*.md"),
    ROOT / "README.md",
    *ROOT.glob("examples/*.md"),
    *ROOT.glob("templates/emails/*/*.md"),
)
TOLD = re.compile(r"\bbalintmail ([a-z]+)((?: (?!balintmail )[^\"`\n|(,;]+)?)")
FACT = re.compile(r'"command": f?"([a-z]+) ([a-z]+)')  # what a letter puts behind "balintmail"
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def told() -> Iterator[tuple[Path, str, str]]:
    for path in PLACES:
        for found in TOLD.finditer(path.read_text("utf-8")):
            if found[1] in COMMANDS:
                yield path, found[1], found[2]


def options(command: click.Command) -> set[str]:
    return {option for param in command.params for option in (*param.opts, *param.secondary_opts)} | {"--help"}


def test_something_is_told() -> None:
    assert len(list(told())) > 100


@pytest.mark.parametrize("place", sorted({path for path, _, _ in told()}), ids=lambda path: path.name)
def test_command_lines_that_are_told_exist(place: Path) -> None:
    context = click.Context(balintmail)
    for _, name, rest in (each for each in told() if each[0] == place):
        command = balintmail.get_command(context, name)
        words = rest.split()
        while isinstance(command, click.Group) and words and re.fullmatch("[a-z]+", words[0]):
            inner = command.get_command(click.Context(command), words.pop(0))
            assert inner is not None or not OPTION.search(rest), f"balintmail {name}{rest}"
            if inner is None:
                break
            command = inner
        assert command is not None
        assert set(OPTION.findall(rest)) <= options(command), f"balintmail {name}{rest}"


def test_command_lines_that_letters_are_given_exist() -> None:
    context = click.Context(balintmail)
    found = [named for path in ROOT.glob("src/**/*.py") for named in FACT.findall(path.read_text("utf-8"))]
    assert found
    for name, word in found:
        group = balintmail.get_command(context, name)
        assert isinstance(group, click.Group)
        assert group.get_command(click.Context(group), word), f"balintmail {name} {word}"
