"""Run a program of the system on a file that somebody gave: without a shell, in a folder and within limits of its own.

It says whether the program did what it was told and keeps nothing. Whatever it has begun itself ends with it.
"""

import os
import resource
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

MEMORY = 4 << 30  # bytes of address space; LibreOffice takes two
LARGEST = 200_000_000  # octets of a file that it writes


def run(command: list[str], folder: Path, *, seconds: int) -> bool:
    """Run a program in `folder` for at most so many seconds; say whether it did what it was told."""
    surroundings = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
    }
    nothing = subprocess.DEVNULL

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))

    try:
        process = subprocess.Popen(  # noqa: S603  (no shell; the path is ours, the name a hash)
            command,
            cwd=folder,
            env=surroundings,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
            preexec_fn=limit,  # noqa: PLW1509  (a command has no other thread)
        )
    except OSError:
        return False
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and whatever it has begun itself
        process.wait()
