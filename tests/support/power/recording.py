"""Let a sender run to its end under the recorder, and say which letters had left at each moment."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support.power.disk import Event, read_record
from tests.support.sender import Errand

_ROOT = Path(__file__).parents[3]
_SOURCE = Path(__file__).with_name("recorder.c")
_DOT = b"\r\n.\r\n"
_RCPT = re.compile(rb"RCPT TO:<([^>]*)>")


def recorder() -> Path:
    """Return the compiled recorder; skip the test where there is no compiler."""
    built = _ROOT / ".cache" / f"recorder-{sha256(_SOURCE.read_bytes()).hexdigest()[:12]}.so"
    if not built.exists():
        compiler = shutil.which("gcc") or shutil.which("cc")
        if compiler is None:
            pytest.skip("No C compiler is installed: apt install gcc libc6-dev")
        built.parent.mkdir(exist_ok=True)
        draft = built.with_suffix(f".{os.getpid()}")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", draft, _SOURCE, "-lpthread"], check=True)
        draft.rename(built)
    return built


@dataclass(frozen=True, slots=True)
class Recording:
    """What a sender did, event by event, and `left`: after so many events the letter of this address had left."""

    before: Path  # the folder as it was
    events: list[Event]
    left: list[tuple[int, str]]

    def copies(self, events: int) -> list[str]:
        """Return whose letters may have been taken by the relay when this many events had happened."""
        return [address for number, address in self.left if number <= events]


def record(errand: Errand, where: Path) -> Recording:
    """Run an errand on the files of its folder; keep a copy of the folder from before in `where`."""
    folder = Path(errand.folder)
    where.mkdir()
    before = where / "before"
    shutil.copytree(folder, before)
    preload = {"LD_PRELOAD": str(recorder()), "RECORD_FOLDER": str(folder), "RECORD_TO": str(where / "record")}
    command = [sys.executable, "-m", "tests.support.sender", errand.text()]
    subprocess.run(command, cwd=_ROOT, env={**os.environ, **preload}, check=True, timeout=120)
    # What the sender calls its folder is called `before` from now on.
    events = [_moved(event, str(folder).encode(), str(before).encode()) for event in read_record(where / "record")]
    return Recording(before, events, list(_letters(events)))


def _moved(event: Event, old: bytes, new: bytes) -> Event:
    if event.what not in "OURLD":
        return event
    names = [new + name[len(old) :] if name.startswith(old) else name for name in event.data.split(b"\0")]
    return Event(event.what, event.file, event.where, b"\0".join(names))


def _letters(events: list[Event]) -> list[tuple[int, str]]:
    """Return after how many events each closing dot was on its way."""
    streams: dict[int, bytes] = {}
    found = []
    for number, event in enumerate(events, 1):
        if event.what != "N":
            continue
        fresh = event.data.startswith((b"EHLO", b"ehlo"))
        stream = event.data if fresh else streams.get(event.file, b"") + event.data
        while (end := stream.find(_DOT)) >= 0:
            recipients = _RCPT.findall(stream[:end])
            found.append((number, recipients[-1].decode()))
            stream = stream[end + len(_DOT) :]
        streams[event.file] = stream
    return found
