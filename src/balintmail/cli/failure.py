"""Turn whatever ended a command into words, JSON and an exit status.

No traceback ever reaches a user: our own bugs become one line and a report file (exit 70), in which addresses are
blotted out.
"""

import errno
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

EXIT_BUG = 70  # sysexits.h: EX_SOFTWARE
_AGAIN = "Mend that and run the command again."
_RIGHTS = "Run the command as the user to whom the society's folder belongs."
_ADDRESS = re.compile(r"[^\s<>\"'()\[\],;:]+@[^\s<>\"'()\[\],;:]+")
_CLICKS_NO_COMMAND = "Missing command."
_CLICKS_NUMBER = "is not a valid integer range"  # what click calls a number that may not be too small


def report(exc: BaseException, options: Globals) -> int:
    """Say what went wrong and return the exit status."""
    if isinstance(exc, click.exceptions.Exit):
        return exc.exit_code
    if isinstance(exc, SystemExit):
        return exc.code if isinstance(exc.code, int) else 1
    if isinstance(exc, KeyboardInterrupt | click.Abort):
        return _say(options, code="interrupted", message="Stopped.", hint="", status=1)
    if isinstance(exc, click.ClickException):
        return _misused(exc, options)
    if isinstance(exc, BalintmailError):
        return _say(options, code=exc.code, message=exc.message, hint=exc.hint, status=exc.exit_status)
    if (known := operational(exc)) is not None:
        return _say(options, code="system", message=known[0], hint=known[1], status=1)
    message = "This is a fault of balintmail itself; nothing half-done was kept."
    try:
        hint = f"The report for its makers: {_write_report(exc)}"
    except OSError as full:
        hint = f"No report could be written: {full.strerror}. It was {type(exc).__name__}."
    return _say(options, code="bug", message=message, hint=hint, status=EXIT_BUG)


def operational(exc: BaseException) -> tuple[str, str] | None:
    """Return what happened and what to do: full disks, missing rights, a database that is away."""
    if isinstance(exc, OSError) and exc.strerror:
        return _system(exc)
    if "sqlalchemy" in sys.modules:
        from sqlalchemy.exc import DatabaseError, OperationalError  # noqa: PLC0415  (loaded already, or not needed)

        if isinstance(exc, OperationalError):
            words = _ADDRESS.sub("(address)", str(exc.orig)).splitlines()[0]
            if "readonly" in words:
                return "The database may only be read, and every command writes to it.", _RIGHTS
            if "locked" in words:
                return f"The database is busy: {words}.", "Another command writes. Run this one again in a minute."
            return f"The database does not answer: {words}.", _AGAIN
        if type(exc) is DatabaseError:  # its heirs are our own mistakes, it itself is a file that is no database
            words = _ADDRESS.sub("(address)", str(exc.orig)).splitlines()[0]
            return f"The database is damaged: {words}.", "Take the last backup: balintmail restore FILE DIR"
    return None


def explained(exc: Exception) -> str:
    """Return what went wrong as one sentence, for a log."""
    if isinstance(exc, BalintmailError):
        return exc.message
    known = operational(exc)
    return known[0] if known else f"{type(exc).__name__}."


def _system(exc: OSError) -> tuple[str, str]:
    name = str(exc.filename or "")
    if isinstance(exc, FileNotFoundError) and name:
        folder = Path(name).parent
        if not folder.is_dir():
            return f"There is no folder {folder}.", "Make it first, or name another."
        return f"There is no file {name}.", "Look at how it is written."
    message = f"{name}: {exc.strerror}." if name else f"{exc.strerror}."
    if exc.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return message, _RIGHTS
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return message, "Make room on the disk and run the command again."
    return message, _AGAIN


def _misused(exc: click.ClickException, options: Globals) -> int:
    """Say what is wrong with the command as it was written; show a noun's commands where it stood alone."""
    ctx = exc.ctx if isinstance(exc, click.UsageError) else None
    alone = isinstance(exc, click.exceptions.NoArgsIsHelpError)
    if ctx is not None and alone and not options.json:
        print(ctx.get_help(), file=sys.stderr)
        return 2
    message = " ".join(exc.format_message().split()).replace(_CLICKS_NUMBER, "is not a whole number")
    if ctx is not None and (alone or message == _CLICKS_NO_COMMAND):
        message = f"{ctx.command_path} wants one of its commands."
    hint = f"See: {ctx.command_path} --help" if ctx is not None else ""
    return _say(options, code="usage", message=message, hint=hint, status=2)


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
