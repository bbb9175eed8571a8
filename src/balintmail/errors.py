"""The one base class of every error that balintmail raises on purpose.

Each room derives a base of its own and a few leaves that carry data. Expected results (a refused recipient,
a missing consent) are returned as values and never raised.
"""

from typing import ClassVar


class BalintmailError(Exception):
    """Something a user can understand and mend.

    `message` says what happened and to which thing, `hint` what to do next; neither ends a log line with an
    address of a person. `code` is stable and appears in JSON; `exit_status` is the process's (docs/cli.md).
    """

    code: ClassVar[str] = "error"
    exit_status: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageRefused(BalintmailError):
    """The command cannot be carried out as it was written (exit status 2)."""

    code = "usage"
    exit_status = 2


class NotFound(BalintmailError):
    """A person, list, mailing or file that was named does not exist."""

    code = "not_found"


class Conflict(BalintmailError):
    """What was asked contradicts what is already recorded."""

    code = "conflict"
