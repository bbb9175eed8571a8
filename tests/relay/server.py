"""The fake relay's server: strict about the client, scripted about itself.

It never forwards anything. What it accepts is in its log, fsynced, before the 250 leaves.
"""

import asyncio
import ssl
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.relay.faults import Fault, Step
from tests.relay.log import Accepted, AcceptedLog
from tests.relay.session import Session


@dataclass(frozen=True, slots=True)
class Manners:
    """What the relay offers."""

    pipelining: bool = True
    smtputf8: bool = False
    eightbitmime: bool = False
    size: int | None = None
    starttls: ssl.SSLContext | None = None
    tls: ssl.SSLContext | None = None
    users: dict[str, str] = field(default_factory=dict)
    auth_methods: str = "PLAIN LOGIN"
    auth_required: bool = False
    extensions: tuple[str, ...] = ()
    data_without_recipients: bool = False  # answers 354 to DATA although every RCPT was refused (RFC 2920 section 3.1)


class Relay:
    """An SMTP server on a port of 127.0.0.1 (`port=0`: a free one)."""

    def __init__(self, manners: Manners | None = None, *faults: Fault, log: Path | None = None, port: int = 0) -> None:
        self.manners = manners or Manners()
        self.faults = list(faults)
        self.host = "127.0.0.1"
        self.port = port
        self.accepted: list[Accepted] = []
        self.data: deque[bytes] = deque(maxlen=2000)
        self.commands: deque[str] = deque(maxlen=100_000)
        self.violations: list[str] = []
        self.connections = 0
        self.stalled = 0  # connections that hear nothing more
        self.open_connections = 0
        self.most_connections = 0  # at once, ever
        self._struck: Counter[int] = Counter()
        self._seen: Counter[int] = Counter()
        self._each: set[tuple[int, str]] = set()
        self._log = AcceptedLog(log) if log else None
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self.manners.tls, limit=2**20, backlog=512
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and hang up on everybody; the log stays."""
        if self._server is not None:
            self._server.close()
        for task in list(self._sessions):
            task.cancel()
        await asyncio.gather(*self._sessions, return_exceptions=True)
        if self._log is not None:
            self._log.close()
            self._log = None

    def fault_at(self, step: Step, command: str, recipient: str, accepted: int, received: int = 0) -> Fault | None:
        """Return the fault that strikes now, and count it."""
        for number, fault in enumerate(self.faults):
            if fault.step is not step or fault.match not in command or accepted < fault.after_accepted:
                continue
            if step is Step.BODY and received < fault.at_bytes:
                continue
            self._seen[number] += 1
            if self._seen[number] <= fault.skip or self._struck[number] == fault.times:
                continue
            if fault.once_each:
                if (number, recipient) in self._each:
                    continue
                self._each.add((number, recipient))
            self._struck[number] += 1
            return fault
        return None

    def forget_faults(self) -> None:
        """Forget how often each fault has struck."""
        self._struck.clear()
        self._seen.clear()
        self._each.clear()

    def take(self, entry: Accepted, data: bytes) -> None:
        """Take responsibility for one copy."""
        if self._log is not None:
            self._log.add(entry)
        self.accepted.append(entry)
        self.data.append(data)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions.add(task)
        self.connections += 1
        self.open_connections += 1
        self.most_connections = max(self.most_connections, self.open_connections)
        try:
            await Session(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError, TimeoutError):
            pass
        finally:
            self.open_connections -= 1
            self._sessions.discard(task)
            writer.transport.abort()
