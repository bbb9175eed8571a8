"""No command imports what it does not use. How long it takes is measured by bench/startup.py and not here."""

from pathlib import Path

import pytest

from bench.startup import outside_parts
from tests.support.command import SOCIETY, call

WEB = {"fastapi", "starlette", "uvicorn", "httpx", "itsdangerous", "webauthn", "python_multipart", "anyio", "h11"}
SMTP = {"aiosmtplib", "smtplib", "uvloop", "asyncio", "dkim"}
LETTERS = {"mjml", "css_inline", "jinja2", "markdown_it", "mdit_py_plugins", "yaml", "babel"}
DATA = {"sqlalchemy", "alembic", "psycopg", "pydantic", "pydantic_settings", "openpyxl", "email_validator"}


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["-h"], []])
def test_help_imports_click_and_nothing_else(args: list[str]) -> None:
    assert outside_parts(args) <= {"balintmail", "click"}


def test_subscribe_imports_no_part_of_web_smtp_or_letters(tmp_path: Path) -> None:
    call("init", tmp_path, *SOCIETY)
    found = outside_parts(["-C", str(tmp_path), "subscribe", "reader@example.org"])
    assert "sqlalchemy" in found  # it really ran
    assert not found & (WEB | SMTP | LETTERS | {"alembic", "openpyxl", "rich"})


def test_completing_a_commands_name_imports_none_of_them() -> None:
    import os
    import subprocess
    import sys

    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print('parts', *sorted({n.partition('.')[0] for n in sys.modules})))\n"
        "from balintmail.cli.main import main\n"
        "sys.argv = ['balintmail']\n"
        "main()\n"
    )
    env = {**os.environ, "_BALINTMAIL_COMPLETE": "bash_complete", "COMP_WORDS": "balintmail m", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    completed, _, parts = done.stdout.partition("parts")
    assert completed.split() == ["plain,mailings", "plain,members", "plain,migrate"]
    assert not set(parts.split()) & (WEB | LETTERS | DATA)
