"""Have messages read in a process of their own, with limits of time, memory and size, so that none can take us along.

`Child` is the parent's side, `serve` the child's. The child gets each message as eight octets of length and its octets,
and answers in one line. A child that dies or takes too long is replaced, and the run goes on.
"""

import contextlib
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

SECONDS = 20.0  # for one message; a real one takes milliseconds
MEMORY = 768 << 20  # octets of address space for the child
LARGEST_ANSWER = 64 << 20


class ChildGone(Exception):
    """The child did not answer; the words say why."""


class _ChildDied(Exception):
    why = "the reader stopped over it: too much memory, or damage"


class Child:
    """Hands messages to the child that runs `module`, one by one; made for a `with` block."""

    module = ""

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def _answer(self, raw: bytes) -> bytes:
        """Return the child's answer; raise ChildGone when there is none.

        A child that had served others may have died of them, or of age: then a fresh one is asked once more.
        """
        fresh = self._child is None
        try:
            return self._once(raw)
        except _ChildDied as died:
            if fresh:
                raise ChildGone(died.why) from None
        try:
            return self._once(raw)
        except _ChildDied as died:
            raise ChildGone(died.why) from None

    def _once(self, raw: bytes) -> bytes:
        child = self._child or self._begin()
        ends_at = time.monotonic() + self._seconds
        clock = threading.Timer(self._seconds, child.kill)
        clock.start()
        try:
            return _ask(child, raw)
        except (OSError, EOFError):
            self._end()
            if time.monotonic() >= ends_at:
                raise ChildGone(f"the reader was not done with it after {self._seconds:.0f} seconds") from None
            raise _ChildDied from None
        finally:
            clock.cancel()

    def _begin(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", self.module, str(self._memory)]
        self._child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # noqa: S603
        return self._child

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        for pipe in (child.stdin, child.stdout):
            with contextlib.suppress(OSError):
                if pipe is not None:
                    pipe.close()
        child.wait()


def serve(memory: int, answer: Callable[[bytes], bytes]) -> None:
    """Answer messages until the parent closes the pipe; `answer` returns one line without its end."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(8):
        raw = source.read(int.from_bytes(head, "big"))
        target.write(answer(raw) + b"\n")
        target.flush()


def _ask(child: subprocess.Popen[bytes], raw: bytes) -> bytes:
    """Return the child's answer; raise OSError or EOFError when it is gone."""
    if child.stdin is None or child.stdout is None:
        raise EOFError
    child.stdin.write(len(raw).to_bytes(8, "big") + raw)
    child.stdin.flush()
    answer = child.stdout.readline(LARGEST_ANSWER)
    if not answer.endswith(b"\n"):
        raise EOFError
    return answer
