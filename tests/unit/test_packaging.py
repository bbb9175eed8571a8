"""What a clean machine installs: pinned, complete, from nowhere but the registry that is set."""

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]


def project() -> dict[str, Any]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        found: dict[str, Any] = tomllib.load(file)["project"]
    return found


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def test_constraints_are_names_and_versions_and_nothing_else() -> None:
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+", line), line
    assert "balintmail" not in pinned()


def test_every_direct_dependency_is_pinned_within_its_range() -> None:
    versions = pinned()
    wanted = [*project()["dependencies"], *project()["optional-dependencies"]["test"]]
    for text in wanted:
        need = Requirement(text)
        version = versions.get(canonicalize_name(need.name))
        assert version is not None, need.name
        assert need.specifier.contains(version), text


def test_build_server_runs_make_test_and_nothing_else() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert script[-1] == "exec make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100
