"""The mailings' rows and their frozen content; the people of a mailing are in db/ledger.py.

A state is changed only from one that domain/deliveries.py allows, in the statement itself, so that of two processes
that want to start, pause or cancel the same mailing one wins and the other is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update

from balintmail.db.models import Mailing as _Mailing
from balintmail.db.models import MailingContent, MailingList
from balintmail.db.ready import Ready, among, ids
from balintmail.db.session import Tx
from balintmail.domain.deliveries import mailing_sources
from balintmail.domain.states import MailingKind, MailingState, Visibility

_NOT_BEGUN = (MailingState.DRAFT, MailingState.SCHEDULED, MailingState.CANCELLED)
# Notices and tests are few and somebody waits for them; they never stand behind ten thousand newsletters.
_FIRST = (MailingKind.NOTICE, MailingKind.TEST)


@dataclass(frozen=True, slots=True)
class MailingRow:
    """One mailing. `list` is the list's slug, "" for a notice of no list; `number` is none for tests and notices."""

    id: int
    list_id: int | None
    list: str
    kind: MailingKind
    number: str | None
    again_of: int | None
    title: str
    state: MailingState
    state_reason: str
    content_hash: str
    where: str
    exclude: tuple[str, ...]
    audience: int
    released_by: str
    created_at: datetime
    start_at: datetime | None
    frozen_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime | None = None
    redirected_to: str = ""
    relay: str = ""  # the relay that its list tries first

    @property
    def label(self) -> str:
        """Return how a command names it: `newsletter/84`, or the id where there is no number."""
        return f"{self.list}/{self.number}" if self.list and self.number else str(self.id)

    @property
    def may_be_rewritten(self) -> bool:
        """Whether nobody has been enrolled yet, so that number and content are still free."""
        return self.frozen_at is None and self.state in _NOT_BEGUN

    @property
    def is_aside(self) -> bool:
        """Say whether it is a test or a notice, which goes to no list."""
        return self.kind in {MailingKind.TEST, MailingKind.NOTICE}


@dataclass(frozen=True, slots=True)
class NewMailing:
    """What is known of a mailing before it has an id."""

    list_id: int | None
    kind: MailingKind
    title: str
    content_hash: str
    state: MailingState
    number: str | None = None
    again_of: int | None = None
    visibility: Visibility = Visibility.PUBLIC
    where: str = ""
    exclude: tuple[str, ...] = ()
    released_by: str = ""
    start_at: datetime | None = None
    deadline_at: datetime | None = None
    redirected_to: str = ""


_M = _Mailing
_COLUMNS = (
    _M.id,
    _M.list_id,
    func.coalesce(MailingList.slug, ""),
    _M.kind,
    _M.number,
    _M.again_of,
    _M.title,
    _M.state,
    _M.state_reason,
    _M.content_hash,
    _M.audience_filter,
    _M.audience,
    _M.released_by,
    _M.created_at,
    _M.start_at,
    _M.frozen_at,
    _M.finished_at,
    _M.deadline_at,
    _M.redirected_to,
    func.coalesce(MailingList.relay, ""),
)
_QUERY = select(*_COLUMNS).outerjoin(MailingList, MailingList.id == _M.list_id)


def _row(found: Any) -> MailingRow:
    chosen: dict[str, Any] = found[10]
    values: list[Any] = [*found[:10], chosen.get("where", ""), tuple(chosen.get("exclude", ())), *found[11:]]
    return MailingRow(*values)


def by_id(tx: Tx, mailing_id: int) -> MailingRow | None:
    """Return the mailing of that id, or None."""
    found = tx.execute(_QUERY.where(_M.id == mailing_id)).first()
    return _row(found) if found else None


def by_number(tx: Tx, list_slug: str, number: str) -> MailingRow | None:
    """Return the mailing of that number or slug on a list, or None."""
    found = tx.execute(_QUERY.where(MailingList.slug == list_slug, _M.number == number)).first()
    return _row(found) if found else None


def every(tx: Tx) -> list[MailingRow]:
    """Return all mailings, the newest first."""
    return [_row(found) for found in tx.execute(_QUERY.order_by(_M.id.desc()))]


def in_state(tx: Tx, *states: MailingState) -> list[MailingRow]:
    """Return the mailings in one of `states`: notices and tests first, then in the order they were made."""
    rows = [_row(found) for found in tx.execute(_QUERY.where(_M.state.in_(states)).order_by(_M.id))]
    return sorted(rows, key=lambda row: row.kind not in _FIRST)


def due(tx: Tx, now: datetime) -> list[MailingRow]:
    """Return the scheduled mailings whose time has come, the earliest first."""
    query = _QUERY.where(_M.state == MailingState.SCHEDULED, _M.start_at <= now).order_by(_M.start_at, _M.id)
    return [_row(found) for found in tx.execute(query)]


def newest(tx: Tx, list_id: int, *, most: int = 20) -> list[MailingRow]:
    """Return the public newsletters that a list has sent or is sending, the newest first, without second copies."""
    begun = _M.state.in_((MailingState.SENDING, MailingState.SENT))
    mine = (_M.list_id == list_id, _M.kind == MailingKind.NEWSLETTER, _M.number.is_not(None), _M.again_of.is_(None))
    query = _QUERY.where(*mine, begun, _M.visibility == Visibility.PUBLIC).order_by(_M.frozen_at.desc(), _M.id.desc())
    return [_row(found) for found in tx.execute(query.limit(most))]


def states(tx: Tx, mailing_ids: Sequence[int]) -> dict[int, MailingState]:
    """Return the present state of each of these mailings."""
    rows = _STATES.rows(tx, {"ids": ids(tx, mailing_ids)})
    return {mailing: MailingState(state) for mailing, state in rows}


_STATES = Ready(lambda dialect: select(_M.id, _M.state).where(among(dialect, _M.id, "ids")))


def hold(tx: Tx, mailing_ids: Sequence[int]) -> dict[int, MailingState]:
    """Return the states and keep them as they are until this transaction ends (a pause or cancel waits for it)."""
    rows = tx.execute(select(_M.id, _M.state).where(_M.id.in_(mailing_ids)).order_by(_M.id).with_for_update(read=True))
    return {row[0]: row[1] for row in rows}


def add(tx: Tx, new: NewMailing, *, now: datetime) -> int:
    """Enter a mailing and return its id."""
    statement = insert(_M).values(**_values(new), created_at=now)
    added: int = tx.execute(statement.returning(_M.id)).scalar_one()
    return added


def rewrite(tx: Tx, mailing_id: int, new: NewMailing) -> bool:
    """Put `new` in the place of a mailing that has not begun; False when it has."""
    statement = update(_M).where(_M.id == mailing_id, _M.state.in_(_NOT_BEGUN), _M.frozen_at.is_(None))
    return tx.execute(statement.values(**_values(new), state_reason="", finished_at=None)).rowcount == 1


def _values(new: NewMailing) -> dict[str, Any]:
    return {
        "list_id": new.list_id,
        "kind": new.kind,
        "title": new.title,
        "content_hash": new.content_hash,
        "state": new.state,
        "number": new.number,
        "again_of": new.again_of,
        "visibility": new.visibility,
        "audience_filter": {"where": new.where, "exclude": list(new.exclude)},
        "released_by": new.released_by,
        "start_at": new.start_at,
        "deadline_at": new.deadline_at,
        "redirected_to": new.redirected_to,
    }


def keep_content(tx: Tx, mailing_id: int, *, source: str, compiled: bytes) -> None:
    """Freeze what a mailing says: its text as written and the compiled letter (P6)."""
    statement = update(MailingContent).where(MailingContent.mailing_id == mailing_id)
    if tx.execute(statement.values(source=source, compiled=compiled)).rowcount == 0:
        tx.execute(insert(MailingContent).values(mailing_id=mailing_id, source=source, compiled=compiled))


def compiled(tx: Tx, mailing_id: int) -> bytes:
    """Return the frozen letter of a mailing."""
    found: bytes = tx.execute(
        select(MailingContent.compiled).where(MailingContent.mailing_id == mailing_id)
    ).scalar_one()
    return found


def source(tx: Tx, mailing_id: int) -> str:
    """Return the frozen text of a mailing as it was written."""
    found: str = tx.execute(select(MailingContent.source).where(MailingContent.mailing_id == mailing_id)).scalar_one()
    return found


def change(tx: Tx, mailing_id: int, new: MailingState, *, reason: str = "") -> bool:
    """Bring a mailing to `new`; False when its present state does not allow it."""
    statement = update(_M).where(_M.id == mailing_id, _M.state.in_(mailing_sources(new)))
    return tx.execute(statement.values(state=new, state_reason=reason)).rowcount == 1


def begin(tx: Tx, mailing_id: int, *, content_hash: str, start_at: datetime | None, now: datetime) -> bool:
    """Start a scheduled mailing; False when somebody else was first, or has released it anew since it was read.

    Each release has a content and a time of its own; by these two the caller says which one it has read.
    """
    same = (_M.content_hash == content_hash, _M.start_at == start_at)
    statement = update(_M).where(_M.id == mailing_id, _M.state == MailingState.SCHEDULED, *same)
    return tx.execute(statement.values(state=MailingState.SENDING, frozen_at=now)).rowcount == 1


def set_audience(tx: Tx, mailing_id: int, audience: int) -> None:
    """Write down how many rows the freeze made."""
    tx.execute(update(_M).where(_M.id == mailing_id).values(audience=audience))


def finish(tx: Tx, mailing_id: int, *, now: datetime) -> bool:
    """Call a mailing sent; the caller has seen that every row is final (D2)."""
    statement = update(_M).where(_M.id == mailing_id, _M.state.in_(mailing_sources(MailingState.SENT)))
    return tx.execute(statement.values(state=MailingState.SENT, finished_at=now)).rowcount == 1


def close_cancelled(tx: Tx, mailing_id: int, *, now: datetime) -> None:
    """Note when the last open row of a cancelled mailing became final."""
    statement = update(_M).where(_M.id == mailing_id, _M.state == MailingState.CANCELLED, _M.finished_at.is_(None))
    tx.execute(statement.values(finished_at=now))
