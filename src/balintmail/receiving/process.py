"""Read messages in a process of its own, with limits of time, memory and size, so that none can take us along.

`Reader` is the parent's side. The child is `python -m balintmail.receiving.process`: it gets each message as eight
octets of length and its octets, and answers in one line of JSON. A child that dies or takes too long is replaced, and
its message is `broken` with the reason; the run goes on.
"""

import contextlib
import json
import resource
import subprocess
import sys
import threading
import time
from types import TracebackType

from balintmail.domain.returns import Judged, Kind, Reason, Sentence
from balintmail.receiving.mail import LARGEST
from balintmail.receiving.read import Event, read
from balintmail.receiving.report import Found

SECONDS = 20.0  # for one message; a real one takes milliseconds
MEMORY = 768 << 20  # octets of address space for the child
LARGEST_ANSWER = 32 << 20


class Reader:
    """Hands messages to the child, one by one; made for a `with` block."""

    def __init__(self, *, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._end()

    def read(self, raw: bytes) -> tuple[Event, str]:
        """Return what `raw` is, and why it is broken if the reader broke over it."""
        child = self._child or self._begin()
        ends_at = time.monotonic() + self._seconds
        clock = threading.Timer(self._seconds, child.kill)
        clock.start()
        try:
            answer = _ask(child, raw[:LARGEST])
        except (OSError, EOFError):
            self._end()
            if time.monotonic() >= ends_at:
                return _broken(), f"the reader was not done with it after {self._seconds:.0f} seconds"
            return _broken(), "the reader stopped over it: too much memory, or damage"
        finally:
            clock.cancel()
        return _event(json.loads(answer)), ""

    def _begin(self) -> subprocess.Popen[bytes]:
        words = [sys.executable, "-m", "balintmail.receiving.process", str(self._memory)]
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


def _broken() -> Event:
    return Event(Kind.BROKEN, (), (), "", "", "", robot=True)


def _document(event: Event) -> list[object]:
    results = [(one.address, *_judged(one.judged), one.evidence) for one in event.results]
    return [event.kind, results, event.tokens, event.sender, event.subject, event.message_id, event.robot]


def _judged(judged: Judged) -> tuple[str, str, str]:
    return judged.sentence.value, judged.reason.value, judged.status


def _event(document: list[object]) -> Event:
    kind, results, tokens, sender, subject, message_id, robot = document
    found = tuple(
        Found(address, Judged(Sentence(sentence), Reason(reason), status), evidence)
        for address, sentence, reason, status, evidence in results  # type: ignore[attr-defined]
    )
    return Event(
        Kind(str(kind)),
        found,
        tuple(tokens),  # type: ignore[arg-type]
        str(sender),
        str(subject),
        str(message_id),
        robot=bool(robot),
    )


def _serve(memory: int) -> None:
    """Answer messages until the parent closes the pipe."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    while head := source.read(8):
        raw = source.read(int.from_bytes(head, "big"))
        # A lone surrogate stands for an octet that is no text; escaped here, it is shown as what it was.
        text = json.dumps(_document(read(raw)), ensure_ascii=True)
        target.write(text.encode("ascii") + b"\n")
        target.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
