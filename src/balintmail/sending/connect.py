"""Open a connection to a relay, encrypt it and authenticate, with aiosmtplib; hand the bare transport over.

It never falls back to plain text and never shows a password: without the TLS that the settings ask for there is no AUTH
and no mail. Sources: RFC 8314 section 3 (implicit TLS), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 5321 section 4.1.4.
Called by smtp.py; the dialogue goes on in smtp_lane.py.
"""

import asyncio
import base64
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import aiosmtplib

from balintmail.config import Security
from balintmail.domain.outcome import Outcome, Stage
from balintmail.domain.replies import ReplyReader
from balintmail.sending import outcomes
from balintmail.sending.commands import Offer, read_offer
from balintmail.sending.patience import TimeLimits
from balintmail.sending.transport import TransportDown

_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}
_HINT_NETWORK = (
    "Look at host and port of [relays.{name}]; many hosting companies close port 25. It is tried again later."
)
_HINT_TLS = "Look at host, port, security and ca_file of [relays.{name}]. Nothing was sent, and no password."
_HINT_AUTH = "Look at username in [relays.{name}] of balintmail.toml and password in secrets.toml."
_HINT_LATER = "It is tried again later."


@dataclass(frozen=True, slots=True)
class RelayTarget:
    """Which relay, and how it is spoken to. `ca_file` replaces the system's authorities."""

    name: str
    host: str
    port: int | None = None
    security: Security = Security.STARTTLS
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None

    @property
    def where(self) -> str:
        """`host:port`, with the usual port of its security where none is set."""
        return f"{self.host}:{self.port_number}"

    @property
    def port_number(self) -> int:
        return self.port or _PORTS[self.security]


class _Eavesdropper(asyncio.Protocol):
    """Reads along while the connection is in the clear, and counts: whatever comes unasked is somebody else's."""

    def __init__(self, inner: asyncio.Protocol) -> None:
        self._inner = inner
        self._reader = ReplyReader()
        self._replies = 0

    def has_heard(self, replies: int) -> bool:
        """Whether exactly so many whole replies came, and not a byte more."""
        return self._replies == replies and not self._reader.midway and not self._reader.fault

    def data_received(self, data: bytes) -> None:
        self._replies += len(self._reader.feed(data))
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        self._inner.resume_writing()


def tls_context(target: RelayTarget) -> ssl.SSLContext | None:
    """Return the context that verifies certificate and name, or None for security "none"; raise TransportDown."""
    if target.security is Security.NONE:
        return None
    try:
        return ssl.create_default_context(cafile=str(target.ca_file) if target.ca_file else None)
    except (OSError, ssl.SSLError) as exc:
        reason = "it is no certificate" if isinstance(exc, ssl.SSLError) else (exc.strerror or "it cannot be read")
        outcome = outcomes.misconfigured(Stage.LOCAL, f"ca_file {target.ca_file}: {reason}", target.name)
        raise _down(target, outcome, _HINT_TLS) from None


async def connect(
    target: RelayTarget, context: ssl.SSLContext | None, limits: TimeLimits
) -> tuple[asyncio.Transport, Offer]:
    """Return a connection on which MAIL may be said, and what the relay offers; raise TransportDown otherwise."""
    connection = await _dial(target, limits)
    client = aiosmtplib.SMTP(
        hostname=target.host,
        sock=connection,
        use_tls=target.security is Security.TLS,
        start_tls=False,
        tls_context=context,
        local_hostname=_our_name(connection),
        timeout=limits.greeting,
    )
    stage = Stage.GREETING
    try:
        await client.connect()
        _heed_cancelling()
        listening = _listen(client)
        await _hello(client, target, limits)
        _heed_cancelling()
        if target.security is Security.STARTTLS:
            stage = Stage.TLS
            await _start_tls(client, listening, target, limits)
            _heed_cancelling()
            await client.ehlo(timeout=limits.ehlo)
        if target.security is not Security.NONE and target.username:
            stage = Stage.AUTH
            _heed_cancelling()
            await _authenticate(client, target, limits)
        _heed_cancelling()
        return _ready(client), read_offer(client.esmtp_extensions)
    except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as exc:
        _forget(client, connection)
        raise _explain(exc, stage, target) from None
    except BaseException:
        _forget(client, connection)
        raise


def _heed_cancelling() -> None:
    """End here when this task was cancelled: before Python 3.12 `asyncio.wait_for` can swallow that (cpython#86296)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _ready(client: aiosmtplib.SMTP) -> asyncio.Transport:
    if client.transport is None or client.transport.is_closing():
        raise aiosmtplib.SMTPServerDisconnected("the connection was lost")
    return cast(asyncio.Transport, client.transport)


async def _dial(target: RelayTarget, limits: TimeLimits) -> socket.socket:
    """Return a TCP connection, trying every address of the host in turn."""
    loop = asyncio.get_running_loop()
    failure = "the name has no address"
    try:
        async with asyncio.timeout(limits.connect):
            found = await loop.getaddrinfo(target.host, target.port_number, type=socket.SOCK_STREAM)
            for family, kind, protocol, _, address in found:
                connection = socket.socket(family, kind, protocol)
                try:
                    connection.setblocking(False)  # noqa: FBT003  (the library's own signature)
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    await loop.sock_connect(connection, address)
                except OSError as exc:
                    connection.close()
                    failure = exc.strerror or "no connection"
                except BaseException:
                    connection.close()
                    raise
                else:
                    return connection
    except TimeoutError:
        failure = f"nobody answered within {limits.connect:g} seconds"
    except (socket.gaierror, UnicodeError):
        failure = "the name is not known"
    raise _down(target, outcomes.unreachable(Stage.CONNECT, failure, target.name), _HINT_NETWORK)


def _our_name(connection: socket.socket) -> str:
    """Return what EHLO says: our name where it is a full one, else the address literal (RFC 5321 section 4.1.4)."""
    name = socket.gethostname()
    if "." in name.strip(".") and name.isascii() and not name.endswith((".local", ".localdomain")):
        return name
    address = connection.getsockname()[0]
    return f"[IPv6:{address.partition('%')[0]}]" if connection.family is socket.AF_INET6 else f"[{address}]"


def _listen(client: aiosmtplib.SMTP) -> _Eavesdropper:
    if client.protocol is None or client.transport is None:
        raise aiosmtplib.SMTPServerDisconnected("the connection was lost")
    listening = _Eavesdropper(client.protocol)
    client.transport.set_protocol(listening)
    return listening


async def _hello(client: aiosmtplib.SMTP, target: RelayTarget, limits: TimeLimits) -> None:
    """Say EHLO, or HELO to a relay in the clear that knows no better."""
    try:
        await client.ehlo(timeout=limits.ehlo)
    except aiosmtplib.SMTPHeloError:
        if target.security is not Security.NONE:
            raise
        await client.helo(timeout=limits.ehlo)


async def _start_tls(
    client: aiosmtplib.SMTP, listening: _Eavesdropper, target: RelayTarget, limits: TimeLimits
) -> None:
    """Encrypt, or raise: a relay that stopped offering STARTTLS is refused, not spoken to in the clear (S30)."""
    if not client.supports_extension("starttls"):
        why = "it does not offer STARTTLS"
        raise _down(target, outcomes.misconfigured(Stage.TLS, why, target.name), _HINT_TLS)
    await client.starttls(timeout=limits.tls)
    # Greeting aside, two answers are due in the clear: to EHLO and to STARTTLS (RFC 3207 section 4.2, CVE-2026-55558).
    if not listening.has_heard(2):
        why = "somebody sent more in the clear before the encryption began"
        raise _down(target, outcomes.misconfigured(Stage.TLS, why, target.name), _HINT_TLS)


async def _authenticate(client: aiosmtplib.SMTP, target: RelayTarget, limits: TimeLimits) -> None:
    """Say the password once, by one method: a second try could lock the account."""
    offered = client.server_auth_methods
    if "plain" in offered:
        await client.auth_plain(target.username, target.password, timeout=limits.auth)
    elif "login" in offered:
        await client.auth_login(target.username, target.password, timeout=limits.auth)
    elif "cram-md5" in offered:
        await client.auth_crammd5(target.username, target.password, timeout=limits.auth)
    else:
        why = "it offers no way to authenticate" if not offered else "it offers AUTH only by methods we do not know"
        raise _down(target, outcomes.misconfigured(Stage.AUTH, why, target.name), _HINT_AUTH)


def _forget(client: aiosmtplib.SMTP, connection: socket.socket) -> None:
    if client.transport is not None:
        cast(asyncio.Transport, client.transport).abort()
    else:
        connection.close()
    client.close()


def _explain(exc: Exception, stage: Stage, target: RelayTarget) -> TransportDown:
    """Return what went wrong as TransportDown, without a secret in it."""
    cause: BaseException = exc
    while cause.__cause__ is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = f"its certificate is not valid for us: {cause.verify_message.rstrip('.')}"
        return _down(target, outcomes.misconfigured(Stage.TLS, why, target.name), _HINT_TLS)
    if isinstance(cause, ssl.SSLError):
        why = f"TLS failed: {(cause.reason or 'protocol error').replace('_', ' ').lower()}"
        return _down(target, outcomes.misconfigured(Stage.TLS, why, target.name), _HINT_TLS)
    if isinstance(exc, aiosmtplib.SMTPResponseException) and exc.code >= 200:
        outcome = outcomes.turned_away(stage, exc.code, _without_secrets(exc.message, target), target.name)
        return _down(target, outcome, _HINT_AUTH if stage is Stage.AUTH else _HINT_LATER)
    if isinstance(exc, TimeoutError):
        why = "it did not answer in time"
    elif isinstance(exc, aiosmtplib.SMTPResponseException):
        why = "its answer is no SMTP reply"
    else:
        why = "it hung up"
    return _down(target, outcomes.unreachable(stage, why, target.name), _HINT_LATER)


def _without_secrets(text: str, target: RelayTarget) -> str:
    """Blot our password out of a reply that quotes it, also as AUTH sent it."""
    if target.password:
        plain = f"\0{target.username}\0{target.password}"
        for secret in (_b64(plain), _b64(target.password), target.password):
            text = text.replace(secret, "(password)")
    return text


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _down(target: RelayTarget, outcome: Outcome, hint: str) -> TransportDown:
    words = f"{outcome.code} {outcome.reply}".strip() if outcome.code else outcome.reply
    message = f"The relay {target.name} ({target.where}) cannot be used ({outcome.stage}): {words}."
    return TransportDown(message, outcome, hint=hint.format(name=target.name))
