"""What can go wrong with a mailbox, in the words that the Secretary reads; where a message lay, and what was got of it.

It opens nothing; imap.py and maildir.py do.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from balintmail.errors import BalintmailError


class MailboxError(BalintmailError):
    """A mailbox could not be read, or not to the end."""

    code: ClassVar[str] = "mailbox"


class MailboxDown(MailboxError):
    """The server was not reached, or the connection ended; it is tried again."""


class MailboxRefused(MailboxError):
    """The server does not let us in, or there is no such folder: only somebody can mend that."""


class LoginRefused(MailboxRefused):
    """The server does not believe who we are."""


class Dropped(MailboxDown):
    """The connection ended, or had to be ended, in the middle of an answer."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message as a mailbox lists it: `size` in octets and `came_at` are what it says, and it may lie."""

    uid: int
    size: int
    came_at: datetime | None


@dataclass(frozen=True, slots=True)
class Folder:
    """An opened folder. Numbers of messages (UIDs) mean the same as long as `validity` does (RFC 9051 section 2.3.1.1).

    `next_uid` is 0 where the server does not say.
    """

    name: str
    validity: int
    messages: int
    next_uid: int
