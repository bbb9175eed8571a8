"""Wait beside the mailboxes and read them as soon as something comes: `inbox fetch --watch`.

A thread for each IMAP mailbox sits in IDLE (RFC 2177) on its first folder and says when something happened; reading is
done by whoever called, so that one process and one lock do it. Where there is no IDLE, and as a safety everywhere, the
mailboxes are read from time to time anyway. It stores nothing itself.
"""

import contextlib
import threading
from collections.abc import Callable, Sequence

from balintmail.receiving.imap import Session
from balintmail.receiving.mailbox import MailboxError
from balintmail.services import fetching
from balintmail.services.context import Context
from balintmail.services.fetching import Round
from balintmail.setting_inbox import InboxKind

IDLE_SECONDS = 540.0  # Gmail ends an IDLE after ten minutes, RFC 2177 allows servers thirty
LOOK_SECONDS = 60.0  # between two readings of what nobody tells about: Maildirs, further folders, other servers
PAUSES = (5.0, 30.0, 120.0, 300.0)  # seconds, growing, after an IDLE that failed
ROUND_SECONDS = 300.0  # that one reading may take before it begins anew
PATIENCE = 60.0  # seconds to wait for another process that reads


class Watch:
    """Reads again and again until `stop` is called."""

    def __init__(self, ctx: Context, names: Sequence[str], *, look: float = LOOK_SECONDS) -> None:
        self._ctx = ctx
        self._names = names
        self._look = look
        self._news = threading.Event()
        self._stopped = threading.Event()
        self._sessions: dict[str, Session] = {}

    def run(self, tell: Callable[[Round], None]) -> None:
        """Read now, and whenever something comes; `tell` gets what each reading did."""
        threads = [
            threading.Thread(target=self._sit, args=(name,), name=f"idle {name}", daemon=True)
            for name, box in self._ctx.settings.inbox.items()
            if box.kind is InboxKind.IMAP and (not self._names or name in self._names)
        ]
        for thread in threads:
            thread.start()
        try:
            while not self._stopped.is_set():
                self._news.clear()
                tell(fetching.fetch(self._ctx, self._names, patience=PATIENCE, seconds=ROUND_SECONDS))
                self._news.wait(self._look)
        finally:
            self.stop()
            for thread in threads:
                thread.join(5.0)

    def stop(self) -> None:
        """End the waiting; a reading that runs is finished first."""
        self._stopped.set()
        self._news.set()
        for session in list(self._sessions.values()):
            session.cut()

    def _sit(self, name: str) -> None:
        """Wait in IDLE for news of one mailbox; what fails here is told by the reading."""
        failures = 0
        while not self._stopped.is_set():
            try:
                if not self._idle(name):
                    return
                failures = 0
            except MailboxError:
                failures += 1
                self._stopped.wait(PAUSES[min(failures, len(PAUSES)) - 1])
            finally:
                self._sessions.pop(name, None)

    def _idle(self, name: str) -> bool:
        """Sit until the connection ends; False where the server knows no IDLE."""
        folder = fetching.folders(self._ctx.settings.inbox[name])[0]
        with contextlib.closing(_Seen()) as seen, fetching.opened(self._ctx, name) as session:
            self._sessions[name] = session
            if not session.can_wait():
                return False
            while not self._stopped.is_set():
                state = session.open(folder, readonly=True)
                if seen.is_news((state.validity, state.messages, state.next_uid)) or session.wait(IDLE_SECONDS):
                    self._news.set()
        return True


class _Seen:
    """What a folder looked like when the last reading was asked for: what came between two IDLEs is news too."""

    def __init__(self) -> None:
        self._state: tuple[int, int, int] | None = None

    def is_news(self, state: tuple[int, int, int]) -> bool:
        before, self._state = self._state, state
        return before != state  # the first look too: something may have come since the reading that began the watch

    def close(self) -> None:
        self._state = None
