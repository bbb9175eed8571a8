"""The wheel carries everything: installed alone, in an empty folder, it founds a society and sends to it."""

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
LETTER = """\
---
title: From the wheel
number: 1
---

Dear {{ person.first_name | default("colleague") }},

this came out of an installed wheel.
"""


def run(*args: str | Path, cwd: Path) -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "BALINTMAIL_"))}
    done = subprocess.run([str(arg) for arg in args], cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{args}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT, cwd=out)
    (built,) = out.glob("balintmail-*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel's balintmail, and lends everything else from this one."""
    home = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", "env", cwd=home)
    python = home / "env" / "bin" / "python"
    packages = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=home).strip())
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python))
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", wheel, cwd=home)
    # A .pth of lent packages comes after the environment's own, and an editable balintmail is not followed from there.
    (packages / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n" + sysconfig.get_path("platlib") + "\n")
    return home / "env" / "bin"


def test_wheel_has_templates_migrations_and_types_and_nothing_of_the_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for folder in ("templates", "alembic"):
        shipped = {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*") if path.is_file()}
        shipped = {name for name in shipped if "__pycache__" not in name}
        assert {f"balintmail/_data/{name}" for name in shipped} <= set(names)
    assert "balintmail/py.typed" in names
    assert not any(name.startswith(("tests", "bench", "docs", "examples")) or ".pyc" in name for name in names)


def test_installed_wheel_sends_in_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import balintmail; print(balintmail.__file__)", cwd=tmp_path)
    assert str(installed.parent) in where
    society = ("--yes", "--society", "S", "--secretary-name", "Rose Ormond", "--secretary-address", "s@example.org")
    run(installed / "balintmail", "init", "i", *society, cwd=tmp_path)
    (tmp_path / "newsletter.md").write_text(LETTER)
    run(installed / "balintmail", "-C", "i", "subscribe", "reader@example.net", "--name", "Ágnes", cwd=tmp_path)
    run(installed / "balintmail", "-C", "i", "send", "newsletter.md", "--yes", cwd=tmp_path)
    (message,) = (tmp_path / "i" / "outbox" / "new").iterdir()
    raw = message.read_bytes()
    assert b"From the wheel" in raw
    assert b"multipart/alternative" in raw


def test_installed_wheel_serves_its_pages(installed: Path, tmp_path: Path) -> None:
    society = ("--yes", "--society", "S", "--secretary-name", "Rose Ormond", "--secretary-address", "s@example.org")
    run(installed / "balintmail", "init", "i", *society, cwd=tmp_path)
    command = [str(installed / "balintmail"), "-C", "i", "serve", "--port", "0", "--no-dispatch", "--json"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        said = "".join(serving.stdout.readline() for _ in range(4))
        try:
            page = httpx.get(f"{json.loads(said)['url']}?lang=hu", timeout=30)
            sheet = httpx.get(f"{json.loads(said)['url']}assets/site.css", timeout=30)
        finally:
            serving.terminate()
    assert 'lang="hu"' in page.text
    assert sheet.headers["content-type"].startswith("text/css")


def test_python_m_balintmail_is_the_same_command(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "python", "-m", "balintmail", "--version", cwd=tmp_path) == run(
        installed / "balintmail", "--version", cwd=tmp_path
    )
