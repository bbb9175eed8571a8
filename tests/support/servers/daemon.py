"""A server as a process of this test run: started, waited for, stopped, and gone with whoever started it.

Called by the launchers beside it. It never touches a process that it did not start.
"""

import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.support.postgresql import RUN_FOLDER

UNPACKED = Path(__file__).parents[3] / ".cache" / "servers"  # where system.sh puts what may not be installed
# Reads process groups from a pipe and ends them, and removes their folder, as soon as the test process, and its end of
# the pipe, has gone.
_WATCH = (
    'while read -r one; do groups="$groups $one"; done;'
    ' for one in $groups; do kill -TERM -"$one"; done; sleep 2; for one in $groups; do kill -KILL -"$one"; done;'
    ' rm -rf "$1"'
)


_ROOM = 1 << 30  # octets
_BLOCK = 64
_FIRST = 10_000 + os.getpid() % 340 * _BLOCK
_PORTS = itertools.cycle(range(_FIRST, _FIRST + _BLOCK))


class Missing(Exception):
    """A server that is not on this machine, and what would bring it."""


def program(name: str) -> str:
    """Return the path of an installed program; raise Missing otherwise."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/libexec/postfix")
    if found is None:
        raise Missing(f"{name} is not installed: sudo apt install postfix")
    return found


def unpacked(package: str, path: str) -> Path:
    """Return a file of an unpacked package; raise Missing otherwise."""
    found = UNPACKED / path
    if not found.exists():
        raise Missing(f"{package} is not unpacked in .cache/servers: sudo sh tests/support/system.sh parts")
    return found


def must_be_root(name: str) -> None:
    """Raise Missing unless the tests run as root."""
    if os.geteuid() != 0:
        raise Missing(f"{name} changes its user while it works, so these tests run as root only")


def folder(name: str) -> Path:
    """Make a folder that other users may pass through, for this process's server of that name."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=os.environ[RUN_FOLDER]))


def swift_folder(name: str) -> Path:
    """Make such a folder for thousands of files: in memory, where there is room."""
    memory = Path("/dev/shm")
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _ROOM:
        found = Path(tempfile.mkdtemp(prefix=f"balintmail-{name}-", dir=memory))
        found.chmod(0o755)
        return found
    return folder(name)


def free_ports(number: int) -> list[int]:
    """Return so many different ports that nobody listens on and nobody is likely to take before a server does.

    They lie below those that the kernel gives away by itself, in a block for each process.
    """
    found: list[int] = []
    for port in _PORTS:
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == number:
            break
    return found


def until(true: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Return when `true()`; fail with `what` after so many seconds."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


class Daemon:
    """A running server: the process, and whoever it starts, also in sessions of their own."""

    def __init__(self, command: Sequence[str | Path], folder: Path, *, env: Mapping[str, str] | None = None) -> None:
        self.log = folder / "out"
        clean = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
        self._command = [str(part) for part in command]
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self._command,
                cwd="/",
                env={**clean, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._sessions = {self._process.pid}
        self._watcher = subprocess.Popen(
            ["sh", "-c", _WATCH, "watch", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            text=True,
        )
        self._watch({self._process.pid})

    def until_it_listens(self, *ports: int) -> None:
        """Return when it accepts connections on every port."""
        until(lambda: self._process.poll() is not None or all(map(answers, ports)), f"nobody listens on {ports}")
        assert self._process.poll() is None, self.log.read_text("utf-8", "replace")
        self._learn_its_sessions()

    def members(self) -> dict[int, str]:
        """Return its living processes with their names."""
        return {one.pid: one.name for one in _processes() if one.session in self._sessions}

    def stop(self, signal_number: signal.Signals = signal.SIGTERM) -> None:
        """End it and everything it started; return when all are gone."""
        self._learn_its_sessions()
        self._signal(signal_number)
        with suppress(AssertionError):
            until(self._is_gone, "it does not end", 5)
        self._signal(signal.SIGKILL)
        until(self._is_gone, f"{self._command} does not end")
        self._watcher.kill()
        self._watcher.communicate()

    def _signal(self, number: signal.Signals) -> None:
        for pid in self.members():
            with suppress(ProcessLookupError):
                os.kill(pid, number)

    def _is_gone(self) -> bool:
        return self._process.poll() is not None and not self.members()

    def _learn_its_sessions(self) -> None:
        """Note the sessions of its descendants: Postfix's master(8) begins one of its own."""
        found = _processes()
        known = self._sessions
        children = {one.pid for one in found if one.session in known}
        while more := {one.pid for one in found if one.parent in children} - children:
            children |= more
        self._sessions = known | {one.session for one in found if one.pid in children}
        self._watch({one.group for one in found if one.session in self._sessions})

    def _watch(self, groups: set[int]) -> None:
        assert self._watcher.stdin is not None
        self._watcher.stdin.write("".join(f"{group}\n" for group in groups))
        self._watcher.stdin.flush()


@dataclass(frozen=True, slots=True)
class _Process:
    pid: int
    name: str
    parent: int
    group: int
    session: int


def _processes() -> list[_Process]:
    """Return everybody who lives."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, rest = stat.read_text("utf-8", "replace").partition("(")[2].rpartition(")")
            state, parent, group, session = rest.split()[:4]
            if state not in "ZX":
                found.append(_Process(int(stat.parent.name), name, int(parent), int(group), int(session)))
    return found
