"""The fake relay in a thread with a loop of its own, for tests that are not async themselves."""

import asyncio
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.relay.faults import Fault
from tests.relay.log import Accepted
from tests.relay.server import Manners, Relay


class RelayThread:
    """A relay that listens while the `with` block runs. `relay` is the server itself; read it, don't await it."""

    def __init__(self, manners: Manners | None = None, *faults: Fault, log: Path | None = None, port: int = 0) -> None:
        self.relay = Relay(manners, *faults, log=log, port=port)
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="fake relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    @property
    def host(self) -> str:
        return self.relay.host

    @property
    def port(self) -> int:
        return self.relay.port

    @property
    def accepted(self) -> list[Accepted]:
        return list(self.relay.accepted)

    @property
    def data(self) -> deque[bytes]:
        return self.relay.data

    @property
    def violations(self) -> list[str]:
        return list(self.relay.violations)

    @property
    def commands(self) -> list[str]:
        return list(self.relay.commands)

    def behave(self, *faults: Fault) -> None:
        """Replace the faults from now on (none: it is well again)."""
        self._loop.call_soon_threadsafe(self._change, faults)

    def _change(self, faults: tuple[Fault, ...]) -> None:
        self.relay.forget_faults()
        self.relay.faults = list(faults)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self.relay.start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(self.relay.stop())
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
