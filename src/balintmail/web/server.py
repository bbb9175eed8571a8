"""Serve the site over HTTP with uvicorn: within limits, without logs of its own, and with a graceful stop.

It believes no forwarded header by itself (web/visitor.py does, where the settings name a proxy) and encrypts nothing:
that is the proxy's in front of it (docs/serving.md).
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import anyio.to_thread
import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from balintmail.errors import BalintmailError

HEAD_SECONDS = 15.0  # for the first line and the headers, however they trickle in
IDLE_SECONDS = 10  # between two requests of one connection
STOP_SECONDS = 15  # that open requests get after a stop
MOST_CONNECTIONS = 500  # beyond them 503: a flood takes no memory from the rest of the machine
LARGEST_HEAD = 16 * 1024  # bytes
THREADS = 8  # at work in the database at a time; more only wait for each other there


class ServingRefused(BalintmailError):
    """The address cannot be listened on."""

    code = "serving"


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that gives up on a connection whose request does not come in whole."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._mind_the_time()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._mind_the_time()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _mind_the_time(self) -> None:
        """Let the time run while a request's head is incomplete, from its beginning and not from its last byte."""
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens there, on a free port for 0; raise ServingRefused when it cannot be had."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
        found.listen(socket.SOMAXCONN)  # from now on a visitor waits and is not turned away
    except OSError as exc:
        hint = "Is another server running there? Take another port: --port 8001"
        raise ServingRefused(f"Cannot listen on {host}, port {port}: {exc.strerror or exc}.", hint=hint) from exc
    return found


def server(app: FastAPI) -> uvicorn.Server:
    """Return the server of `app`, not running yet."""
    app.router.lifespan_context = _threads
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=PatientProtocol,
            ws="none",
            log_config=None,  # its own log would hold paths, and paths hold tokens
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_SECONDS,
            timeout_graceful_shutdown=STOP_SECONDS,
            limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=LARGEST_HEAD,
        )
    )


@contextlib.asynccontextmanager
async def _threads(_app: FastAPI) -> AsyncIterator[None]:
    anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
    yield
