"""One dispatcher at a time: a lock of the operating system on a file, which no crash can leave behind.

On SQLite the file lies beside the database, so that two instances' folders cannot dispatch from one database; on
PostgreSQL, where workers share the ledger, it lies in the instance's folder and keeps cron from piling up. The file
holds nothing: the lock on it says that somebody dispatches, its time when cron last looked (`balintmail doctor`).
"""

import fcntl
import os
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType

from balintmail.services.context import Context

LOCK_FILE = "dispatch.lock"
_NEVER = 0  # the time of a lock file that only a `send` has made


class DispatchLock:
    """The lock of one instance; `take` it, and leave the block to give it back."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    @property
    def held(self) -> bool:
        return self._file is not None

    def beat(self, now: datetime) -> None:
        """Leave a sign that a dispatcher looked for what is due: the time of the file, which costs no commit."""
        os.close(self._open())
        os.utime(self._path, (now.timestamp(), now.timestamp()))

    def last_beat(self) -> datetime | None:
        """Return when a dispatcher last looked, or None when none ever did."""
        try:
            seconds = self._path.stat().st_mtime
        except OSError:
            return None
        return datetime.fromtimestamp(seconds, UTC) if seconds > _NEVER else None

    def take(self) -> bool:
        """Take the lock; False when another process has it."""
        if self._file is not None:
            return True
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def _open(self) -> int:
        try:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        os.utime(file, (_NEVER, _NEVER))
        return file

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
