"""The pages say what the program does: each command, option and setting stands there, and none that is not there."""

import re
import shlex
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import click
import pytest
from pydantic import BaseModel, SecretStr

from balintmail.cli.main import balintmail
from balintmail.config import Settings
from balintmail.domain.states import DeliveryState, MailingState, SkipReason
from tests.support import reference

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BY_HAND = [page for page in PAGES if page.name != "cli.md"]


def test_command_reference_is_the_one_the_commands_give() -> None:
    assert reference.PAGE.read_text("utf-8") == reference.page(), "run: make docs"


def test_every_command_has_a_line_of_help_that_ends_with_a_full_stop() -> None:
    for path, command, _ in reference.walk():
        first = (command.help or "").strip().partition("\n")[0]
        assert first.endswith("."), " ".join(path)


def test_every_option_says_what_it_does() -> None:
    for path, command, _ in reference.walk():
        for param in command.params:
            if isinstance(param, click.Option) and not param.hidden:
                assert param.help, f"{' '.join(path)} {param.opts[0]}"


def test_every_json_document_in_the_reference_belongs_to_a_command() -> None:
    assert set(reference.JSON) <= {" ".join(path) for path, _, _ in reference.walk()}


def sections() -> dict[str, type[BaseModel]]:
    """Return the model behind each section of the settings, under its heading on the page."""
    found: dict[str, type[BaseModel]] = {}
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found[name] = field.annotation
        else:
            found[f"{name}.NAME"] = get_args(field.annotation)[1]
    waiting = list(found.items())
    while waiting:
        section, model = waiting.pop()
        within = {f"{section}.{name}": inner for name, inner in inside(model).items()}
        within |= {f"{section}.{name}.NAME": inner for name, inner in several_inside(model).items()}
        found |= within
        waiting += within.items()
    return found


def inside(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the sections within a section."""
    kinds = {name: field.annotation for name, field in model.model_fields.items()}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def several_inside(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """Return the sections of which there may be several within a section, each under a name of its own."""
    kinds = {name: get_args(field.annotation) for name, field in model.model_fields.items()}
    found = {name: kind[1] for name, kind in kinds.items() if len(kind) == 2 and kind[0] is str}
    return {name: kind for name, kind in found.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}


def documented() -> dict[str, dict[str, str]]:
    """Return key and default of every row of docs/settings.md, by section."""
    found: dict[str, dict[str, str]] = {}
    section = ""
    for line in (ROOT / "docs" / "settings.md").read_text("utf-8").splitlines():
        if heading := re.match(r"## \[([\w.]+)\]", line):
            section = heading[1]
            found[section] = {}
        elif section and (row := re.match(r"\| `(\w+)` \| (?:`([^`]*)`)? ?\| \S", line)):
            found[section][row[1]] = row[2] or ""
    return found


def as_written(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        unit, size = next((u, s) for u, s in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)) if seconds % s == 0)
        return f"{seconds // size}{unit}"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, tuple):
        return ", ".join(value)
    return "" if value is None else str(value)


def test_every_setting_stands_on_its_page_with_its_default() -> None:
    expected = {
        section: {
            name: as_written(field.default)
            for name, field in model.model_fields.items()
            if name not in {*inside(model), *several_inside(model)}
        }
        for section, model in sections().items()
    }
    assert documented() == expected


def command_lines(page: Path) -> list[str]:
    """Return what a page tells the reader to type: indented or fenced lines, and words between backticks."""
    text = page.read_text("utf-8")
    lines = [
        line.strip().removeprefix("$ ") for line in text.splitlines() if line.startswith("    ") or "$ " in line[:2]
    ]
    lines += re.findall(r"`([^`\n]+)`", text)
    return [line for line in lines if re.match(r"(\S*/)?balintmail [a-z-]", line) or line.startswith("balintmail -C")]


def lookup(words: list[str]) -> tuple[click.Command, list[str]]:
    """Return the command that `words` call, and what is left of them."""
    command: click.Command = balintmail
    context = click.Context(balintmail)
    while isinstance(command, click.Group):
        while words and words[0].startswith("-"):
            words = words[2:] if words[0] in {"-C", "--by"} else words[1:]
        if not words:
            break
        inner = command.get_command(context, words[0])
        assert inner is not None, f"there is no command {words[0]}"
        command, words = inner, words[1:]
    return command, words


@pytest.mark.parametrize("page", BY_HAND, ids=lambda page: page.name)
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    for line in command_lines(page):
        plain = re.sub(r"\$\([^)]*\)", "X", re.split(r" # |\s{2,}\(|…", line)[0])
        command, rest = lookup(shlex.split(plain)[1:])
        known = {name for param in command.params for name in [*param.opts, *param.secondary_opts]} | {"--help", "-h"}
        for word in rest:
            if word.startswith("-") and word != "--":
                assert word.partition("=")[0] in known, f"{page.name}: {line}: {word}"


def test_every_make_target_on_a_page_exists() -> None:
    targets = set(re.findall(r"^([a-z][\w -]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))
    names = {name for target in targets for name in target.split()}
    for page in PAGES:
        for name in re.findall(r"(?:`|^ {4})make ([a-z][\w-]*)", page.read_text("utf-8"), re.M):
            assert name in names, f"{page.name}: make {name}"


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        text = re.sub(r"```.*?```|`[^`\n]*`|^ {4}[^\n]*$", "", page.read_text("utf-8"), flags=re.M | re.S)
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_flow_has_every_state_of_a_delivery_and_every_reason_to_skip() -> None:
    text = (ROOT / "docs" / "flow.md").read_text("utf-8")
    for state in DeliveryState:
        assert f"| `{state.value}` |" in text
    for word in ("not subscribed", "paused", "bounced", "suppressed", "erased", "address", "ground", "cancelled"):
        assert word in text
    assert len(SkipReason) == 9  # a new reason belongs into flow.md too


def test_glossary_has_every_state_of_a_mailing() -> None:
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    for state in MailingState:
        assert state.value in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_speak_plainly(page: Path) -> None:
    text = re.sub(r"`[^`]*`|```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for word in (r"\bplease\b", r"\bsuccessfully\b", r"\boops\b", r"[a-z]!(?:\s|$)"):
        assert not re.search(word, text, re.I), f"{page.name}: {word}"


def test_every_test_that_the_fault_plan_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "faults.md").read_text("utf-8")))
    files = (file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    there = {name for text in files for name in re.findall(r"def (test_\w+)", text)}
    assert named - there == set()


def test_every_page_that_is_named_is_there() -> None:
    files = [
        *PAGES,
        *(ROOT / "src").rglob("*.py"),
        *(ROOT / "templates").rglob("*.md"),
        *(ROOT / "templates").rglob("*.toml"),
    ]
    for file in files:
        for name in re.findall(r"\bdocs/([\w-]+\.md)\b", file.read_text("utf-8")):
            assert (ROOT / "docs" / name).exists(), f"{file.relative_to(ROOT)}: docs/{name}"


def test_readme_names_every_page() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert [page.name for page in (ROOT / "docs").glob("*.md") if f"docs/{page.name}" not in text] == []
