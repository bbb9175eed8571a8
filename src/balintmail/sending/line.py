"""The lower half of an SMTP connection: bytes out, replies in, time limits, the end. It knows nothing of mail.

It never reconnects and never decides what a reply means: the dialogue above it (smtp_lane.py) does.
The connection comes ready from connect.py, over TLS or not, on asyncio's own loop or on uvloop.
"""

import asyncio
from abc import ABC, abstractmethod

from balintmail.domain.replies import Reply, ReplyReader
from balintmail.sending.patience import Deadline

_HIGH_WATER = 1  # octets: tell us about every byte the kernel did not take at once


class Line(asyncio.Protocol, ABC):
    """One connection. A dialogue derives from it and is called when something comes, is late, or ends."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._deadline = Deadline(self._loop, self._too_late)
        self._ended = False
        self._more_behind = False  # bytes of the same read lie behind the reply in hand
        self._read: list[Reply] = []  # the replies of the read in hand
        self._writing_paused = False
        self._unwritten = 0  # octets of a large write that the kernel had not taken at the last look
        self._block_seconds = 0.0
        self._gone: asyncio.Future[None] = self._loop.create_future()

    @abstractmethod
    def _take(self, reply: Reply) -> None:
        """Deal with one reply."""

    @abstractmethod
    def _break(self, why: str) -> None:
        """End the dialogue: the relay fell silent or spoke nonsense."""

    @abstractmethod
    def _lose(self, why: str) -> None:
        """End the dialogue: the connection was lost."""

    @abstractmethod
    def _drained(self) -> None:
        """Go on: all that `_write_slowly` was given has left."""

    def take_over(self, transport: asyncio.Transport) -> None:
        """Become the protocol of a connection on which EHLO, TLS and AUTH are done."""
        self._transport = transport
        transport.set_protocol(self)
        transport.set_write_buffer_limits(high=_HIGH_WATER)

    @property
    def gone(self) -> bool:
        """Whether the connection itself has ended, goodbye included."""
        return self._gone.done()

    async def ended(self) -> None:
        """Return when the connection itself has ended."""
        await asyncio.shield(self._gone)

    @property
    def _wire(self) -> asyncio.Transport:
        if self._transport is None:
            raise RuntimeError("the lane has no connection yet")
        return self._transport

    def _ends_with(self, code: int) -> bool:
        """Say whether nothing but one whole reply with `code` lies behind the reply in hand."""
        whole = not self._reader.midway and not self._reader.fault
        return whole and [one.code for one in self._read[1:]] == [code]

    def _write_slowly(self, data: bytes, block_seconds: float) -> bool:
        """Write `data`; return True when all of it has left, else call `_drained` later.

        While some of it is left, the relay has `block_seconds` to take the next piece.
        """
        self._wire.write(data)
        if not self._writing_paused:
            return True
        self._unwritten = max(1, self._wire.get_write_buffer_size())
        self._block_seconds = block_seconds
        self._deadline.within(block_seconds)
        return False

    def _hang_up(self) -> None:
        """End the connection at once; nothing that comes after it is read."""
        self._ended = True
        self._deadline.stop_timer()
        self._wire.abort()

    def _too_late(self) -> None:
        if self._unwritten and (unwritten := self._wire.get_write_buffer_size()) < self._unwritten:
            self._unwritten = unwritten
            self._deadline.within(self._block_seconds)  # slow, but it moves: RFC 5321 section 4.5.3.2.5, each block
        else:
            self._break("the relay did not answer in time")

    # What the event loop calls

    def data_received(self, data: bytes) -> None:
        if self._ended:
            return
        reader = self._reader
        self._read = replies = reader.feed(data)
        left = len(replies)
        for reply in replies:
            left -= 1
            self._more_behind = left > 0 or reader.midway or bool(reader.fault)
            self._take(reply)
            if self._ended:
                return
        self._more_behind = False
        if reader.fault:
            self._break(f"the relay's answer is no SMTP reply: {reader.fault}")

    def eof_received(self) -> None:
        """Let the transport close itself; `connection_lost` follows."""

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended:
            cause = f": {exc.strerror}" if isinstance(exc, OSError) and exc.strerror else ""
            self._lose(f"the connection was lost{cause}")
        self._deadline.stop_timer()
        if not self._gone.done():
            self._gone.set_result(None)

    def pause_writing(self) -> None:
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        if self._unwritten and not self._ended:
            self._unwritten = 0
            self._drained()
