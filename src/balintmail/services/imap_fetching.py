"""Take what is new out of one folder of an IMAP mailbox: store and commit first, then flag, move or delete there.

A connection that ends in the middle is opened anew, and goes on behind what is stored. A message over which it ends
again and again is put down by its place and tried later, so that it holds up no other. Nothing is understood here.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from balintmail.db import inbox as messages
from balintmail.db import mailboxes
from balintmail.db.inbox import Arrival
from balintmail.receiving.imap import Session
from balintmail.receiving.mailbox import Dropped, Folder, MailboxError, Waiting
from balintmail.services.context import Context
from balintmail.setting_inbox import After, Inbox

AT_ONCE = 50  # messages that are asked for together
OCTETS_AT_ONCE = 4 << 20
LISTED_AT_ONCE = 500  # messages whose sizes are asked for together
BEGINNING = 1 << 20  # octets that are kept of a message larger than the settings allow: a report says all in them
MOST_CONNECTIONS = 20  # for one folder and run
LATER_TRIES = 5  # messages that were not given before and are tried again, in one run
TRIED_FOR = timedelta(days=3)

Dial = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Source:
    """Which folder of which mailbox, and how it is opened."""

    name: str
    inbox: Inbox
    folder: str
    dial: Dial


class FolderRun:
    """One reading of one folder."""

    def __init__(self, ctx: Context, source: Source, *, ends_at: float) -> None:
        """Prepare a run that begins no further group of messages after `ends_at`, of the monotonic clock."""
        self.stored = 0
        self._ctx = ctx
        self._source = source
        self._ends_at = ends_at
        self._asked: list[int] = []  # the messages that are being read right now
        self._alone: set[int] = set()  # read one by one, for one of them ended the connection
        self._strikes: Counter[int] = Counter()
        self._trouble: MailboxError | None = None  # with flagging, which stops no reading

    def run(self) -> None:
        """Read the folder to its end, or as far as the time goes; raise MailboxError when that fails."""
        idle = 0  # connections in a row that ended before anything was stored
        for connection in range(1, MOST_CONNECTIONS + 1):
            before = (self.stored, len(self._alone), self._strikes.total())
            try:
                with self._source.dial() as session:
                    self._work(session)
                break
            except Dropped:
                self._blame()
                idle = idle + 1 if before == (self.stored, len(self._alone), self._strikes.total()) else 0
                if idle > 1 or connection == MOST_CONNECTIONS or self._is_over():
                    raise
        if self._trouble is not None:
            raise self._trouble

    def _is_over(self) -> bool:
        return self._ctx.clock.monotonic() > self._ends_at

    def _blame(self) -> None:
        """Remember over which messages the connection ended."""
        if len(self._asked) == 1:
            self._strikes[self._asked[0]] += 1
        self._alone.update(self._asked)
        self._asked = []

    def _work(self, session: Session) -> None:
        source = self._source
        folder = session.open(source.folder, readonly=source.inbox.after is After.KEEP)
        self._try_again(session, folder)
        last = self._last(folder)
        uids = session.listed(folder, after=last, since=source.inbox.since)
        behind = last  # everything up to it is stored, and dealt with in the mailbox
        for first in range(0, len(uids), LISTED_AT_ONCE):
            part = uids[first : first + LISTED_AT_ONCE]
            known = {one.uid: one for one in session.described(part)}
            for group in self._groups([known[uid] for uid in part if uid in known]):
                if self._is_over():
                    return
                settled = self._take(session, folder, group)
                if settled and self._trouble is None:
                    behind = group[-1].uid
                    self._reached(folder, behind)
            if self._trouble is None and part[-1] > behind:  # the last ones may have gone from the server meanwhile
                self._reached(folder, part[-1])

    def _groups(self, listed: Sequence[Waiting]) -> Iterator[list[Waiting]]:
        group: list[Waiting] = []
        octets = 0
        for one in listed:
            single = one.uid in self._alone or one.size > min(self._source.inbox.largest, OCTETS_AT_ONCE)
            if group and (single or len(group) >= AT_ONCE or octets + one.size > OCTETS_AT_ONCE):
                yield group
                group, octets = [], 0
            group.append(one)
            octets += one.size
            if single:
                yield group
                group, octets = [], 0
        if group:
            yield group

    def _take(self, session: Session, folder: Folder, group: Sequence[Waiting]) -> bool:
        """Store a group, then do with it in the mailbox what the settings say; False when that did not work."""
        self._asked = [one.uid for one in group]
        arrivals = self._read(session, folder, group)
        self._asked = []
        with self._ctx.db.write() as tx:
            for uid, arrival in arrivals.items():
                place = _place(folder, uid)
                if not arrival.raw:
                    messages.store_place(tx, arrival)
                else:
                    self.stored += messages.store(tx, arrival) is not None
                    if uid in self._strikes or uid in self._alone:
                        messages.given_after_all(tx, self._source.name, place)
        return self._dispose(session, arrivals)

    def _read(self, session: Session, folder: Folder, group: Sequence[Waiting]) -> dict[int, Arrival]:
        """Return what the server gives of each message: all of it, its beginning, or nothing but its place."""
        one = group[0]
        if len(group) == 1 and (one.size > self._source.inbox.largest or self._strikes[one.uid]):
            return {one.uid: self._read_beginning(session, folder, one)}
        octets = self._source.inbox.largest if len(group) == 1 else 2 * sum(each.size for each in group)
        bodies = session.taken([each.uid for each in group], octets=octets)
        missing = [each.uid for each in group if each.uid not in bodies]
        still_there = {each.uid for each in session.described(missing)} if missing else set()
        return {
            each.uid: self._arrival(folder, each, bodies.get(each.uid, b""))
            for each in group
            if each.uid in bodies or each.uid in still_there
        }

    def _read_beginning(self, session: Session, folder: Folder, one: Waiting) -> Arrival:
        largest = self._source.inbox.largest
        raw = session.beginning(one.uid, octets=BEGINNING) if self._strikes[one.uid] < 2 else None
        remark = f"larger than {largest:,} octets: the beginning is kept here, all of it in the mailbox"
        if one.size <= largest:
            remark = "the server did not give all of it: what it gave is kept here"
        is_whole = raw is not None and len(raw) < BEGINNING
        return self._arrival(folder, one, raw or b"", "" if is_whole else remark)

    def _arrival(self, folder: Folder, one: Waiting, raw: bytes, remark: str = "") -> Arrival:
        now = self._ctx.clock.now()
        return Arrival(
            mailbox=self._source.name,
            place=_place(folder, one.uid),
            raw=raw,
            size=max(one.size, len(raw)) if remark else len(raw),
            received_at=_believable(one.came_at, now),
            remark=remark if raw else "the server did not give it; it is tried again for some days",
        )

    def _dispose(self, session: Session, arrivals: dict[int, Arrival]) -> bool:
        """Flag, move or delete what is stored; what is not whole here is neither moved nor deleted."""
        inbox = self._source.inbox
        whole = [uid for uid, one in arrivals.items() if one.raw and not one.remark]
        parts = [uid for uid, one in arrivals.items() if one.raw and one.remark]
        try:
            match inbox.after:
                case After.KEEP:
                    pass
                case After.SEEN:
                    _apply(session.mark, whole + parts)
                case After.MOVE:
                    _apply(session.mark, parts)
                    _apply(lambda uids: session.move(uids, inbox.move_to), whole)
                case After.DELETE:
                    _apply(session.mark, parts)
                    _apply(session.delete, whole)
        except Dropped:
            raise
        except MailboxError as exc:
            self._trouble = self._trouble or exc
            return False
        return True

    def _last(self, folder: Folder) -> int:
        with self._ctx.db.read() as tx:
            row = mailboxes.get(tx, self._source.name, folder.name)
        return row.last_uid if row is not None and folder.validity and row.validity == folder.validity else 0

    def _reached(self, folder: Folder, uid: int) -> None:
        with self._ctx.db.write() as tx:
            mailboxes.reached(tx, self._source.name, folder.name, validity=folder.validity, uid=uid)

    def _try_again(self, session: Session, folder: Folder) -> None:
        """Ask once more for what the server did not give at an earlier run."""
        since = self._ctx.clock.now() - TRIED_FOR
        with self._ctx.db.read() as tx:
            places = messages.not_given(tx, self._source.name, _place(folder, ""), since=since)
        uids = [int(place.rpartition(";")[2]) for place in places]
        fresh = [uid for uid in uids if uid not in self._alone][:LATER_TRIES]
        if not fresh:
            return
        self._alone.update(fresh)
        for one in session.described(fresh):
            self._take(session, folder, [one])


def _apply(action: Callable[[Sequence[int]], None], uids: Sequence[int]) -> None:
    if uids:
        action(uids)


def _place(folder: Folder, uid: int | str) -> str:
    return f"{folder.name};{folder.validity};{uid}"


def _believable(moment: datetime | None, now: datetime) -> datetime:
    """Return when a message came, as far as the server's word can be right (H12)."""
    return moment if moment is not None and datetime(1990, 1, 1, tzinfo=now.tzinfo) < moment < now else now
