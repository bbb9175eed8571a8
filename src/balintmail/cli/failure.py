"""Turn whatever ended a command into words, JSON and an exit status.

No traceback ever reaches a user: our own bugs become one line and a report file (exit 70), in which addresses are
blotted out.
"""

import json
import re
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click

from balintmail import __version__
from balintmail.cli.command import Globals
from balintmail.cli.output import printable
from balintmail.errors import BalintmailError

EXIT_INTERRUPTED = 4
EXIT_BUG = 70  # sysexits.h: EX_SOFTWARE
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")


def report(exc: BaseException, options: Globals) -> int:
    """Say what went wrong and return the exit status."""
    if isinstance(exc, click.exceptions.Exit):
        return exc.exit_code
    if isinstance(exc, SystemExit):
        return exc.code if isinstance(exc.code, int) else 1
    if isinstance(exc, KeyboardInterrupt | click.Abort):
        return _say(options, code="interrupted", message="Stopped.", hint="", status=1)
    if isinstance(exc, click.ClickException):
        hint = ""
        if isinstance(exc, click.UsageError) and exc.ctx is not None:
            hint = f"See: {exc.ctx.command_path} --help"
        return _say(options, code="usage", message=exc.format_message(), hint=hint, status=2)
    if isinstance(exc, BalintmailError):
        return _say(options, code=exc.code, message=exc.message, hint=exc.hint, status=exc.exit_status)
    if (known := _operational(exc)) is not None:
        return _say(options, code="system", message=known, hint="Mend that and run the command again.", status=1)
    message = "This is a fault of balintmail itself; nothing half-done was kept."
    try:
        hint = f"The report for its makers: {_write_report(exc)}"
    except OSError as full:
        hint = f"No report could be written: {full.strerror}. It was {type(exc).__name__}."
    return _say(options, code="bug", message=message, hint=hint, status=EXIT_BUG)


def _operational(exc: BaseException) -> str | None:
    """Return a line for what a machine does to every program: full disks, missing rights, a database that is away."""
    if isinstance(exc, OSError) and exc.strerror:
        named = f"{exc.filename}: " if exc.filename else ""
        return f"{named}{exc.strerror}."
    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import DatabaseError, OperationalError  # noqa: PLC0415  (loaded already, or not needed)

        if isinstance(exc, OperationalError):
            return f"The database does not answer: {_ADDRESS.sub('(address)', str(exc.orig)).splitlines()[0]}."
        if type(exc) is DatabaseError:  # its heirs are our own mistakes, it itself is a file that is no database
            return f"The database is damaged: {_ADDRESS.sub('(address)', str(exc.orig)).splitlines()[0]}."
    return None


def _say(options: Globals, *, code: str, message: str, hint: str, status: int) -> int:
    if options.json:
        print(json.dumps({"error": {"code": code, "message": message, "hint": hint}}, ensure_ascii=False, indent=2))
    else:
        print(printable(message), file=sys.stderr)
        if hint:
            print(printable(hint), file=sys.stderr)
    return status


def _write_report(exc: BaseException) -> Path:
    text = _ADDRESS.sub("(address)", "".join(traceback.format_exception(exc)))
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    handle, name = tempfile.mkstemp(prefix=f"balintmail-report-{stamp}-", suffix=".txt")
    with open(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"balintmail {__version__}, Python {sys.version}\n{text}")
    return Path(name)
