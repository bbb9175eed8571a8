"""smtp-sink, Postfix's test server, with its fault options; what it takes lies in one file a message.

Its faults are for always, so it is stopped and started anew on its port to be well again. See smtp-sink(1).
"""

import os
import shutil
from types import TracebackType
from typing import Self

from tests.support.servers import daemon
from tests.support.servers.delivered import Copy, read_copies
from tests.support.servers.postfix_settings import NOBODY


class SmtpSink:
    """A sink on a port of its own while the `with` block runs."""

    def __init__(self, *options: str) -> None:
        self._program = daemon.program("smtp-sink")
        self._options = list(options)
        [self.port] = daemon.free_ports(1)
        self.folder = daemon.folder("sink")

    def __enter__(self) -> Self:
        self.folder.chmod(0o755)
        taken = self.folder / "taken"
        taken.mkdir()
        if os.geteuid() == 0:
            os.chown(taken, NOBODY, -1)
        self._daemon = self._started(self._options)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._daemon.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def behave(self) -> None:
        """Be well from now on, on the same port."""
        self._daemon.stop()
        self._daemon = self._started([])

    def _started(self, options: list[str]) -> daemon.Daemon:
        privileges = ["-u", "nobody"] if os.geteuid() == 0 else []
        where = ["-d", f"{self.folder}/taken/", f"127.0.0.1:{self.port}", "100"]
        found = daemon.Daemon([self._program, *privileges, *options, *where], self.folder)
        found.until_it_listens(self.port)
        return found

    def forget(self) -> None:
        """Forget the files that it has written."""
        for file in (self.folder / "taken").iterdir():
            file.unlink()

    def copies(self) -> list[Copy]:
        """Return what it has taken; the file of a transaction that broke off before DATA holds no letter."""
        whole = [file for file in (self.folder / "taken").iterdir() if b"\nMessage-ID:" in file.read_bytes()]
        return read_copies(whole, "X-Rcpt-Args", "X-Mail-Args")
