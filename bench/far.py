"""A proxy that puts a round trip's time between a client and a server on this machine.

`python -m bench.far LISTEN_PORT TARGET_PORT MILLISECONDS` passes bytes on half a round trip later, in both directions,
as fast as they come: it delays and never limits. It prints "ready" when it listens.
"""

import asyncio
import sys
from typing import cast


class _End(asyncio.Protocol):
    """One end of a passed-on connection."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        for data in self._early:
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._loop.call_later(self._delay, self._pass_on, data)

    def _pass_on(self, data: bytes) -> None:
        if self.other is None:
            return
        if self.other.transport is None:
            self.other._early.append(data)
        elif not self.other.transport.is_closing():
            self.other.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._loop.call_later(self._delay, self._close_other)

    def _close_other(self) -> None:
        if self.other is not None and self.other.transport is not None:
            self.other.transport.close()


class _Client(_End):
    """The end towards the client; it opens the other."""

    def __init__(self, delay: float, port: int) -> None:
        super().__init__(delay)
        self._port = port
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.other = _End(self._delay)
        self.other.other = self
        self._task = self._loop.create_task(self._open(self.other))

    async def _open(self, end: _End) -> None:
        await self._loop.create_connection(lambda: end, "127.0.0.1", self._port)


async def serve(listen: int, target: int, round_trip: float) -> None:
    """Pass on whatever connects, for ever; `round_trip` in seconds."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Client(round_trip / 2, target), "127.0.0.1", listen, backlog=512)
    print("ready", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
