"""A way to PostgreSQL that can be cut at a COMMIT: before the server hears it, or before its answer comes back.

Either way the client knows the same: nothing. It passes on bytes and understands only as much of the protocol as it
takes to see a COMMIT.
"""

import contextlib
import select
import socket
import threading
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

import sqlalchemy as sa

PORT = ".s.PGSQL.5432"


class Cut(StrEnum):
    """Where the line ends."""

    BEFORE = "before the server hears of the commit"
    AFTER = "after the commit, before its answer"


class CuttingLine:
    """Listens on a socket of its own in `folder` and passes on to the server of `url` while the `with` block runs."""

    def __init__(self, url: str, folder: Path) -> None:
        parsed = sa.make_url(url)
        self._server = f"{parsed.query['host']}/{PORT}"
        self._folder = folder
        self.url = parsed.set(query={"host": str(folder)}).render_as_string(hide_password=False)
        self.commits = 0  # COMMITs seen
        self.cuts = 0
        self._cut: Cut | None = None
        self._at = 0
        self._listener = socket.socket(socket.AF_UNIX)

    def __enter__(self) -> Self:
        self._listener.bind(str(self._folder / PORT))
        self._listener.listen(32)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def cut_at(self, where: Cut, commit: int) -> None:
        """Cut the line at the COMMIT that is so many away: 1 is the next."""
        self._cut, self._at = where, self.commits + commit

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        with contextlib.suppress(OSError), client, server:
            server.connect(self._server)
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if server in ready:
                    if not (data := server.recv(65536)):
                        return
                    client.sendall(data)
                elif data := client.recv(65536):
                    where = self._meets(data)
                    if where is not Cut.BEFORE:
                        server.sendall(data)
                    if where is Cut.AFTER:
                        _until_idle(server)
                    if where is not None:
                        return
                else:
                    return

    def _meets(self, data: bytes) -> Cut | None:
        """Count the COMMIT in what the client says; return where to cut, if here."""
        if b"COMMIT\0" not in data:  # the statement, and not the isolation level READ COMMITTED
            return None
        self.commits += 1
        if self._cut is None or self.commits != self._at:
            return None
        self.cuts += 1
        return self._cut


def _until_idle(server: socket.socket) -> None:
    """Wait for ReadyForQuery outside a transaction: the commit is done."""
    said = b""
    while not said.endswith(b"Z\x00\x00\x00\x05I"):
        if not (more := server.recv(65536)):
            return
        said += more
