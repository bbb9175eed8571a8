"""Run `balintmail` as a test needs it: inside this process, fast, or as a process of its own, real."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balintmail.cli.main import run
from tests.support.postgresql import RUN_FOLDER

SOCIETY = (
    "--yes",
    "--society",
    "The Example Balint Society",
    "--secretary-name",
    "Rose Ormond",
    "--secretary-address",
    "secretary@balint.example.org",
)


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command left: its exit status and what it said."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def said(self) -> str:
        return self.out + self.err


def call(*args: str | Path) -> Finished:
    """Run the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    before = os.umask(0o077)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = run([str(arg) for arg in args])
    finally:
        os.umask(before)
    return Finished(status, out.getvalue(), err.getvalue())


def founded(folder: Path, *more: str) -> None:
    """Found the example society in `folder`, in earnest the first time and by a copy of that from then on."""
    if more not in _FOUNDED:
        place = Path(tempfile.mkdtemp(prefix="founded-", dir=os.environ[RUN_FOLDER])) / "i"
        done = call("init", place, *SOCIETY, *more)
        assert done.status == 0, done.said
        _FOUNDED[more] = place
    assert not folder.is_dir() or not any(folder.iterdir()), "only `init` knows what to do with what is there"
    shutil.copytree(_FOUNDED[more], folder, dirs_exist_ok=True)


_FOUNDED: dict[tuple[str, ...], Path] = {}  # by the options


def process(
    *args: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None, stdin: str = ""
) -> Finished:
    """Run the command line as a process of its own, with `env` on top of a small clean environment."""
    clean = {"PATH": os.environ.get("PATH", ""), "HOME": os.environ.get("HOME", "/"), "LANG": "C.UTF-8"}
    found = subprocess.run(
        [sys.executable, "-m", "balintmail", *map(str, args)],
        cwd=cwd,
        env={**clean, **(env or {})},
        input=stdin.encode(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    return Finished(found.returncode, found.stdout.decode("utf-8", "replace"), found.stderr.decode("utf-8", "replace"))
