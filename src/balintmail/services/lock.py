"""One dispatcher at a time: a lock of the operating system on a file, which no crash can leave behind.

On SQLite the file lies beside the database, so that two instances' folders cannot dispatch from one database; on
PostgreSQL, where workers share the ledger, it lies in the instance's folder and keeps cron from piling up. The file
itself means nothing; only the lock on it does.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType

from balintmail.services.context import Context

LOCK_FILE = "dispatch.lock"


class DispatchLock:
    """The lock of one instance; `take` it, and leave the block to give it back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def take(self) -> bool:
        """Take the lock; False when another process has it."""
        if self._file is not None:
            return True
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def __enter__(self) -> "DispatchLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None


def dispatch_lock(ctx: Context) -> DispatchLock:
    """Return the lock of an instance, not taken yet."""
    database = ctx.db.url.database
    if ctx.db.is_sqlite and database:
        real = Path(database).resolve()
        return DispatchLock(real.with_name(f"{real.name}.lock"))
    return DispatchLock(ctx.folder / LOCK_FILE)
