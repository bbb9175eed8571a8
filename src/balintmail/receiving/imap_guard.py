"""Read a server's answers with limits, below IMAPClient: of octets for one command, of one literal, and of time.

Without them a server that announces two gigabytes, or goes on and on about what nobody asked, would have us read it all
(H33). What goes past a limit ends the connection, for nobody knows any more where the next answer begins.
"""

import contextlib
import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

from imapclient import IMAPClient, SocketTimeout

CHATTER = 4 << 20  # octets that one command's answer may have besides the messages asked for


class OverLimit(imaplib.IMAP4.abort):
    """The server sent, or announced, more than it was asked for."""


class _Guarded(imaplib.IMAP4):
    """imaplib over a connection of our own, its reading counted."""

    def __init__(self, host: str, port: int, seconds: float, context: ssl.SSLContext | None) -> None:
        self.allowed = CHATTER  # octets left for the command that runs
        self._seconds = seconds
        self._context = context
        self._dialled: socket.socket | None = None
        clock = _clock(seconds, self._cut_dialled)  # a greeting that trickles in is as good as none
        try:
            super().__init__(host, port, timeout=seconds)
        finally:
            clock.cancel()

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        self._dialled = socket.create_connection((self.host, self.port), timeout or self._seconds)
        if self._context is None:
            return self._dialled
        try:
            wrapped = self._context.wrap_socket(self._dialled, server_hostname=self.host, do_handshake_on_connect=False)
            self._dialled = wrapped
            wrapped.do_handshake()
        except BaseException:
            self._dialled.close()
            raise
        return wrapped

    def _cut_dialled(self) -> None:
        with contextlib.suppress(OSError):
            if self._dialled is not None:
                self._dialled.shutdown(socket.SHUT_RDWR)

    def read(self, size: int) -> bytes:
        """Return a literal; fewer octets than announced are the end of the connection."""
        self._take(size)
        data = super().read(size)
        if len(data) < size:
            raise imaplib.IMAP4.abort("the connection ended in the middle of a message")
        return data

    def readline(self) -> bytes:
        line = super().readline()
        self._take(len(line))
        return line

    def _take(self, octets: int) -> None:
        self.allowed -= octets
        if self.allowed < 0:
            raise OverLimit("the server sent more than it was asked for")


class GuardedClient(IMAPClient):  # type: ignore[misc]  # it has no types
    """IMAPClient over guarded reading."""

    def __init__(self, host: str, port: int, context: ssl.SSLContext | None, *, seconds: float) -> None:
        """Connect within `seconds`; with `context` over TLS from the first octet."""
        self._seconds = seconds
        super().__init__(
            host, port, ssl=context is not None, ssl_context=context, timeout=SocketTimeout(seconds, seconds)
        )

    def _create_IMAP4(self) -> imaplib.IMAP4:  # noqa: N802  (IMAPClient's name)
        return _Guarded(self.host, self.port, self._seconds, self.ssl_context)

    @contextlib.contextmanager
    def command(self, *, octets: int = 0, seconds: float) -> Iterator[None]:
        """Let the answers within the block have so many octets of messages, and take so long; then they are cut off."""
        self._imap.allowed = CHATTER + octets
        clock = _clock(seconds, self.cut)
        try:
            yield
        finally:
            clock.cancel()

    def cut(self) -> None:
        """End the connection at once, whoever waits for it."""
        with contextlib.suppress(OSError):
            self.socket().shutdown(socket.SHUT_RDWR)


def _clock(seconds: float, then: Callable[[], None]) -> threading.Timer:
    clock = threading.Timer(seconds, then)
    clock.daemon = True
    clock.start()
    return clock
