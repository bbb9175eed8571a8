"""Take what is new out of one folder of a Maildir: store and commit first, then mark, move or delete there.

What was taken is known by its name, so a message that somebody has read meanwhile is not missed, and one whose marking
was interrupted is marked at the next run. Nothing is understood here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from balintmail.db import inbox as messages
from balintmail.db.inbox import Arrival
from balintmail.receiving.mailbox import MailboxError
from balintmail.receiving.maildir import Content, Maildir, Piece, make
from balintmail.services.context import Context
from balintmail.services.imap_fetching import BEGINNING
from balintmail.setting_inbox import After, Inbox

AT_ONCE = 50
OCTETS_AT_ONCE = 8 << 20


@dataclass(frozen=True, slots=True)
class Taken:
    """What was read of one file."""

    piece: Piece
    content: Content


class MaildirRun:
    """One reading of one folder of a Maildir."""

    def __init__(self, ctx: Context, name: str, folder: str, *, ends_at: float) -> None:
        """Prepare a run that begins no further group of messages after `ends_at`, of the monotonic clock."""
        self.stored = 0
        self._ctx = ctx
        self._name = name
        self._inbox: Inbox = ctx.settings.inbox[name]
        self._folder = folder
        self._ends_at = ends_at
        self._trouble: MailboxError | None = None

    def run(self) -> None:
        """Read the folder; raise MailboxError when that fails."""
        path = self._ctx.folder / Path(self._inbox.path).expanduser()
        box = Maildir(path, self._folder)
        target = make(path, self._inbox.move_to) if self._inbox.after is After.MOVE else None
        with self._ctx.db.read() as tx:
            known = messages.places(tx, self._name)
        for group in self._groups(box, known, target):
            with self._ctx.db.write() as tx:
                for one in group:
                    self.stored += messages.store(tx, self._arrival(one)) is not None
            for one in group:
                self._dispose(box, one.piece, target, size=one.content.size)
            if self._ctx.clock.monotonic() > self._ends_at:
                break
        if self._trouble is not None:
            raise self._trouble

    def _groups(self, box: Maildir, known: set[str], target: Maildir | None) -> Iterator[list[Taken]]:
        group: list[Taken] = []
        octets = 0
        for piece in box.pieces():
            if self._place(piece) in known:
                self._dispose(box, piece, target, size=None)
                continue
            try:
                content = box.content(piece, largest=self._inbox.largest, beginning=BEGINNING)
            except MailboxError as exc:
                self._trouble = self._trouble or exc
                continue
            if content is None:
                continue
            group.append(Taken(piece, content))
            octets += len(content.raw)
            if len(group) >= AT_ONCE or octets >= OCTETS_AT_ONCE:
                yield group
                group, octets = [], 0
        if group:
            yield group

    def _arrival(self, one: Taken) -> Arrival:
        now = self._ctx.clock.now()
        cut = len(one.content.raw) < one.content.size
        remark = f"larger than {self._inbox.largest:,} octets: the beginning is kept here, all of it in the mailbox"
        return Arrival(
            mailbox=self._name,
            place=self._place(one.piece),
            raw=one.content.raw,
            size=one.content.size,
            received_at=min(one.content.came_at, now),
            remark=remark if cut else "",
        )

    def _dispose(self, box: Maildir, piece: Piece, target: Maildir | None, *, size: int | None) -> None:
        """Mark, move or delete a stored message; one that is not whole here stays. `size` none: it was known before."""
        try:
            octets = piece.path.stat().st_size if size is None else size
            whole = octets <= self._inbox.largest
            if whole and target is not None:
                box.move(piece, target)
            elif whole and self._inbox.after is After.DELETE:
                box.delete(piece)
            elif self._inbox.after is not After.KEEP and piece.path.parent.name == "new":
                box.mark(piece)
        except FileNotFoundError:
            return
        except MailboxError as exc:
            self._trouble = self._trouble or exc

    def _place(self, piece: Piece) -> str:
        return f"{self._folder}/{piece.name}"
