"""What a relay has taken responsibility for, on disk before its 250 leaves.

One JSON object a line: message_id, recipient, sender, size. It is the judge in every test about doubles, so it never
depends on what the client thinks.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Accepted:
    """One copy that was taken."""

    message_id: str
    recipient: str
    sender: str
    size: int


class AcceptedLog:
    """Append-only, fsynced line by line; several relays one after another may use the same file."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, entry: Accepted) -> None:
        os.write(self._handle, json.dumps(asdict(entry)).encode() + b"\n")
        os.fsync(self._handle)

    def close(self) -> None:
        os.close(self._handle)


def read_log(path: Path) -> list[Accepted]:
    """Return every copy in the log; a last line cut short by a kill was never answered and is left out."""
    if not path.exists():
        return []
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [Accepted(**json.loads(line)) for line in whole.split(b"\n") if line]
