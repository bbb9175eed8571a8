"""Sender processes by the dozen: forked from one that is warm, killed where the test says."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support.sender import Errand
from tests.support.upgrading import Migrating

_ROOT = Path(__file__).parents[2]


class Child:
    """One sender."""

    def __init__(self, nursery: "Nursery", pid: int, errand: Errand | Migrating) -> None:
        self.pid = pid
        self.errand = errand
        self._nursery = nursery

    def kill(self) -> None:
        """End it with SIGKILL and wait until it has gone; it may have ended well before, but not badly."""
        os.kill(self.pid, signal.SIGKILL)
        status = self.wait()
        assert status in {0, -signal.SIGKILL}, f"the sender ended with {status}"

    def send(self, number: signal.Signals) -> None:
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Return its exit status: 0, 1 for an error that was foreseen, 70 for a bug, negative for a signal."""
        return int(self._nursery.ask(f"wait {self.pid}"))

    def kill_at_its_point(self, seconds: float = 60) -> None:
        """Kill it at the point of its errand."""
        self.until_its_point(seconds)
        self.kill()

    def kill_at_its_point_or_end(self, seconds: float = 60) -> None:
        """Kill it at the point of its errand, if it comes there before it ends."""
        deadline = time.monotonic() + seconds
        while not self.errand.reached.exists() and _lives(self.pid):
            assert time.monotonic() < deadline, f"{self.errand.stop_at} was not reached"
            time.sleep(0.003)
        self.errand.reached.unlink(missing_ok=True)
        self.kill()

    def until_its_point(self, seconds: float = 60) -> None:
        """Return when it stands at the point of its errand."""
        deadline = time.monotonic() + seconds
        while not self.errand.reached.exists():
            assert time.monotonic() < deadline, f"{self.errand.stop_at} was not reached"
            assert _lives(self.pid), f"the sender ended before {self.errand.stop_at}"
            time.sleep(0.003)
        self.errand.reached.unlink()


def _lives(pid: int) -> bool:
    state = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0]
    return state not in "ZX"


class Nursery:
    """A warm process that forks senders while the `with` block runs; whoever is left at its end is killed."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "tests.support.sender", "nursery"]
        self._process = subprocess.Popen(
            command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, errand: Errand | Migrating) -> Child:
        """Start a sender."""
        return Child(self, int(self.ask(errand.text())), errand)

    def ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()
