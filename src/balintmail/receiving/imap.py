"""Speak IMAP with one server: log in, list what is new in a folder, take it, and flag, move or delete it there.

It knows no database, and changes nothing in a mailbox unless it is told which messages: whoever stores them says so
afterwards. Sources: RFC 9051 and RFC 3501, RFC 2177 (IDLE), RFC 6851 (MOVE), RFC 4315 (UIDPLUS), and what Gmail and
Dovecot do. A server's answers are read with limits (imap_guard.py).
"""

import contextlib
import imaplib
import ipaddress
import re
import ssl
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from imapclient.exceptions import IMAPClientError, LoginError, ProtocolError

from balintmail.config import Security
from balintmail.receiving.imap_guard import GuardedClient
from balintmail.receiving.mailbox import Dropped, Folder, LoginRefused, MailboxDown, MailboxRefused, Waiting

CONNECT_SECONDS = 15.0
COMMAND_SECONDS = 60.0  # for one command, and one second more for each SLOWEST octets of messages
SLOWEST = 20_000  # octets a second
MOST_LISTED = 50_000  # messages of a folder that are searched at once: imaplib takes lines of a million octets
_LARGEST_UID = 2**32 - 1
_LATER = "It is tried again later."
_PASSING = re.compile(r"\[(?:UNAVAILABLE|INUSE|LIMIT|SERVERBUG|THROTTLED)\]", re.IGNORECASE)  # RFC 5530, Gmail
_PORTS = {Security.TLS: 993, Security.STARTTLS: 143, Security.NONE: 143}


@dataclass(frozen=True, slots=True)
class Account:
    """Which server, and how it is spoken to. `name` is the NAME of [inbox.NAME]; `ca_file` replaces the system's."""

    name: str
    host: str
    port: int | None = None
    security: Security = Security.TLS
    username: str = ""
    ca_file: Path | None = None

    @property
    def where(self) -> str:
        """`host:port`, with the usual port of its security where none is set."""
        return f"{self.host}:{self.port_number}"

    @property
    def port_number(self) -> int:
        return self.port or _PORTS[self.security]


@dataclass(frozen=True, slots=True)
class Credential:
    """What we log in with: a password, or an access token for XOAUTH2."""

    secret: str = field(repr=False)
    is_token: bool = False


class Session:
    """A connection on which somebody is logged in; made for a `with` block.

    Every method raises MailboxRefused for what only somebody can mend, Dropped when the connection is gone, and
    MailboxDown for the rest.
    """

    def __init__(self, account: Account, credential: Credential) -> None:
        self._account = account
        self._credential = credential
        self._client: GuardedClient | None = None

    def __enter__(self) -> "Session":
        with self._explained("connecting"):
            client = self._client = GuardedClient(
                self._account.host,
                self._account.port_number,
                self._tls() if self._account.security is Security.TLS else None,
                seconds=CONNECT_SECONDS,
            )
        try:
            with self._command("logging in"):
                self._log_in(client)
        except BaseException:
            self._drop()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        client = self._client
        if client is not None and kind is None:
            with contextlib.suppress(Exception), client.command(seconds=5.0):
                client.logout()
        self._drop()

    def open(self, name: str, *, readonly: bool = False) -> Folder:
        """Open a folder, whatever its name, for reading and, unless `readonly`, for flagging."""
        with self._command(f'opening the folder "{name}"', refusal=True) as client:
            said = client.select_folder(name, readonly)
            validity, next_uid = said.get(b"UIDVALIDITY", 0), said.get(b"UIDNEXT", 0)
            return Folder(name, int(validity), int(said[b"EXISTS"]), int(next_uid))

    def listed(self, folder: Folder, *, after: int, since: date | None = None) -> list[int]:
        """Return the numbers of the messages behind the number `after`, in their order."""
        if not folder.messages or (folder.next_uid and folder.next_uid <= after + 1):
            return []
        found: set[int] = set()
        # "n:*" always names the last message, which may lie before n.
        criteria = ["UID", f"{after + 1}:*", *(["SINCE", since] if since else [])]
        for first in range(1, folder.messages + 1, MOST_LISTED):
            window = [] if folder.messages <= MOST_LISTED else [f"{first}:{first + MOST_LISTED - 1}"]
            with self._command("listing messages") as client:
                found.update(client.search([*window, *criteria]))
        return sorted(uid for uid in found if after < uid <= _LARGEST_UID)

    def described(self, uids: Sequence[int]) -> list[Waiting]:
        """Return size and day of messages; one that the server does not know any more is left out."""
        with self._command("asking for sizes") as client:
            client.normalise_times = False
            answer = client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        return [Waiting(uid, _size(answer[uid]), _moment(answer[uid])) for uid in uids if uid in answer]

    def taken(self, uids: Sequence[int], *, octets: int) -> dict[int, bytes]:
        """Return messages whole, without marking them as read; raise Dropped when they are more than `octets`.

        One that the server names but does not give is b"".
        """
        with self._command("reading messages", octets=octets) as client:
            answer = client.fetch(uids, ["BODY.PEEK[]"])
        return {uid: _body(answer[uid], b"BODY[]") or b"" for uid in uids if uid in answer}

    def beginning(self, uid: int, *, octets: int) -> bytes | None:
        """Return the first `octets` of a message; None when the server gives none."""
        with self._command("reading a message", octets=octets) as client:
            answer = client.fetch([uid], [f"BODY.PEEK[]<0.{octets}>"])
        return _body(answer.get(uid, {}), b"BODY[]<0>")

    def mark(self, uids: Sequence[int]) -> None:
        """Mark messages as read."""
        with self._command("marking messages as read") as client:
            client.add_flags(uids, [b"\\Seen"], silent=True)

    def move(self, uids: Sequence[int], target: str) -> None:
        """Move messages to another folder, and make it when it is missing."""
        with self._command("marking messages as read") as client:
            client.add_flags(uids, [b"\\Seen"], silent=True)
        with self._command(f'moving messages to "{target}"', refusal=True) as client:
            try:
                self._move(client, uids, target)
            except imaplib.IMAP4.abort:
                raise
            except IMAPClientError:
                client.create_folder(target)
                self._move(client, uids, target)

    def delete(self, uids: Sequence[int]) -> None:
        """Delete messages. Without UIDPLUS they are only flagged: EXPUNGE would take what others flagged along."""
        with self._command("deleting messages") as client:
            client.add_flags(uids, [b"\\Seen", b"\\Deleted"], silent=True)
            if client.has_capability("UIDPLUS"):
                client.uid_expunge(uids)

    def can_wait(self) -> bool:
        """Say whether the server tells of new mail by itself (IDLE)."""
        with self._command("asking what it can do") as client:
            return bool(client.has_capability("IDLE"))

    def wait(self, seconds: float) -> bool:
        """Wait until something happens in the open folder, at most so long; say whether it did."""
        with self._command("waiting for mail", seconds=seconds + COMMAND_SECONDS) as client:
            client.idle()
            heard = bool(client.idle_check(timeout=seconds))
            _, late = client.idle_done()
            return heard or bool(late)

    def cut(self) -> None:
        """End the connection at once, from another thread."""
        if self._client is not None:
            self._client.cut()

    @staticmethod
    def _move(client: Any, uids: Sequence[int], target: str) -> None:
        if client.has_capability("MOVE"):
            client.move(uids, target)
            return
        client.copy(uids, target)
        client.add_flags(uids, [b"\\Deleted"], silent=True)
        if client.has_capability("UIDPLUS"):
            client.uid_expunge(uids)

    def _log_in(self, client: Any) -> None:
        if self._account.security is Security.STARTTLS:
            client.starttls(self._tls())
        elif self._account.security is Security.NONE and not _is_on_this_machine(client):
            raise MailboxRefused(
                f"[inbox.{self._account.name}] security is none, and {self._account.host} is not this machine.",
                hint='Set security = "tls"; no password was sent.',
            )
        secret = self._credential.secret
        if self._credential.is_token:
            client.oauth2_login(self._account.username, secret)
        elif self._account.username.isascii() and secret.isascii():
            client.login(self._account.username, secret)
        else:
            client.plain_login(self._account.username, secret)  # LOGIN takes ASCII alone

    def _tls(self) -> ssl.SSLContext:
        ca_file = self._account.ca_file
        try:
            return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        except (OSError, ssl.SSLError) as exc:
            hint = f"Look at ca_file of [inbox.{self._account.name}]. No password was sent."
            raise MailboxRefused(f"ca_file {ca_file} holds no certificates that can be used.", hint=hint) from exc

    @contextlib.contextmanager
    def _command(
        self, doing: str, *, octets: int = 0, seconds: float = COMMAND_SECONDS, refusal: bool = False
    ) -> Iterator[Any]:
        client = self._client
        if client is None:
            raise Dropped(f"{self._account.where}: the connection is closed.", hint=_LATER)
        with self._explained(doing, refusal=refusal), client.command(octets=octets, seconds=seconds + octets / SLOWEST):
            yield client

    @contextlib.contextmanager
    def _explained(self, doing: str, *, refusal: bool = False) -> Iterator[None]:
        """Turn whatever ends a command into our own words; an answer that makes no sense ends the connection."""
        account = self._account
        try:
            yield
        except ssl.SSLError as exc:
            hint = f"Look at host, port, security and ca_file of [inbox.{account.name}]. No password was sent."
            raise MailboxRefused(f"{account.where}: no safe connection: {_reason(exc)}.", hint=hint) from exc
        except LoginError as exc:
            if isinstance(exc.__context__, imaplib.IMAP4.abort) or _PASSING.search(str(exc)):
                self._drop()
                raise Dropped(f"{account.where}, {doing}: {_words(exc)}", hint=_LATER) from exc
            hint = f"Look at username and password of [inbox.{account.name}]."
            raise LoginRefused(f"{account.where} does not let us in: {_words(exc)}", hint=hint) from exc
        except imaplib.IMAP4.readonly as exc:
            self._drop()
            hint = f'Set after = "keep" under [inbox.{account.name}], or let us write there.'
            raise MailboxRefused(f"{account.where}, {doing}: it may only be read.", hint=hint) from exc
        except imaplib.IMAP4.abort as exc:
            self._drop()
            raise Dropped(f"{account.where}, {doing}: the connection ended: {_words(exc)}", hint=_LATER) from exc
        except imaplib.IMAP4.error as exc:
            if isinstance(exc, ProtocolError):
                self._drop()
                raise Dropped(f"{account.where}, {doing}: an answer that is no IMAP.", hint=_LATER) from exc
            kind = MailboxRefused if refusal else MailboxDown
            raise kind(f"{account.where}, {doing}: {_words(exc)}", hint=_LATER if not refusal else "") from exc
        except OSError as exc:
            self._drop()
            raise Dropped(f"{account.where}, {doing}: {_reason(exc)}.", hint=_LATER) from exc
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError) as exc:
            self._drop()
            raise Dropped(f"{account.where}, {doing}: an answer that is no IMAP.", hint=_LATER) from exc

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.shutdown()


def _size(answer: dict[bytes, Any]) -> int:
    size = answer.get(b"RFC822.SIZE")
    return size if isinstance(size, int) and size >= 0 else 0


def _moment(answer: dict[bytes, Any]) -> datetime | None:
    found = answer.get(b"INTERNALDATE")
    return found if isinstance(found, datetime) and found.tzinfo is not None else None


def _body(answer: dict[bytes, Any], key: bytes) -> bytes | None:
    """Return a message out of an answer, as a literal or as a quoted text; a number is one that is all digits."""
    found = answer.get(key)
    if isinstance(found, int):
        return str(found).encode("ascii")
    return found if isinstance(found, bytes) else None


def _is_on_this_machine(client: Any) -> bool:
    peer = client.socket().getpeername()
    return bool(ipaddress.ip_address(peer[0].partition("%")[0]).is_loopback)


def _reason(exc: OSError) -> str:
    if isinstance(exc, ssl.SSLCertVerificationError):
        return str(exc.verify_message).rstrip(".")
    if isinstance(exc, TimeoutError):
        return "no answer in time"
    return str(exc.strerror or exc.args[0] if exc.args else exc).rstrip(".")


def _words(exc: Exception) -> str:
    """Return the server's words as one short line without control characters."""
    text = str(exc.args[0] if exc.args else exc)
    if text[:2] in {"b'", 'b"'}:
        text = text[2:-1]
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(clean.split())[:300].rstrip(".") + "."
