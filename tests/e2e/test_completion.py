"""Completion in the shells themselves; a shell that is not installed is skipped."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import call

BIN = str(Path(sys.executable).parent)


def shell(name: str, script: str) -> list[str]:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"}
    done = subprocess.run([found, "-c", script], env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["balintmail", "mail"], ["mailings"]),
        (["balintmail", "config", ""], ["show", "check"]),
        (["balintmail", "-C", "x", "mig"], ["migrate"]),
        (["balintmail", "init", "--sec"], ["--secretary-name", "--secretary-address"]),
        (["balintmail", "completion", "z"], ["zsh"]),
    ],
)
def test_bash_completes(words: list[str], expected: list[str]) -> None:
    quoted = " ".join(f"'{word}'" for word in words)
    script = (
        'eval "$(balintmail completion bash)"\n'
        f"COMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n"
        "_balintmail_completion balintmail\n"
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    assert sorted(shell("bash", script)) == sorted(expected)


def test_fish_completes() -> None:
    script = "balintmail completion fish | source; complete -C 'balintmail mail' | string split -f1 \\t"
    assert shell("fish", script) == ["mailings"]


def test_zsh_accepts_the_script() -> None:
    script = (
        'autoload -Uz compinit && compinit -D; eval "$(balintmail completion zsh)"; whence -w _balintmail_completion'
    )
    assert shell("zsh", script) == ["_balintmail_completion:", "function"]


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_script_says_where_it_belongs(name: str) -> None:
    done = call("completion", name)
    assert done.status == 0
    assert done.out.startswith(("# Add to", "# Run:"))
    assert "_BALINTMAIL_COMPLETE" in done.out


def test_other_shells_are_refused_by_name() -> None:
    done = call("completion", "csh")
    assert done.status == 2
    assert "bash" in done.err
