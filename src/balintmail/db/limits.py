"""How much each relay was given in the last second, minute, hour and day, and until when it is left in peace (D5).

The rows make limits hold across processes, restarts and cron runs. It counts and decides nothing: what a count means is
sending/limits.py. Whoever takes permits holds the relay's row until the end of the transaction, so two processes cannot
both take the last one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models import RelayState, RelayUsage
from balintmail.db.session import Tx

_R = RelayState
_U = RelayUsage


@dataclass(frozen=True, slots=True)
class RelayRow:
    """One relay's state. `rests` counts the rests in a row without a message taken between them."""

    name: str
    first_used_at: datetime | None = None
    resting_until: datetime | None = None
    rests: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """So many messages to a relay in one slot; `domain` is the recipients', "" for all."""

    domain: str
    span: int
    slot: int
    number: int


def relays(tx: Tx) -> dict[str, RelayRow]:
    """Return the state of every relay that has one."""
    rows = tx.execute(select(_R.name, _R.first_used_at, _R.resting_until, _R.rests, _R.reason))
    return {row[0]: RelayRow(*row) for row in rows}


def hold(tx: Tx, relay: str) -> RelayRow:
    """Return a relay's state and keep everybody else from changing it or its usage until this transaction ends."""
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    tx.execute(insert(_R).values(name=relay).on_conflict_do_nothing())
    query = select(_R.name, _R.first_used_at, _R.resting_until, _R.rests, _R.reason).where(_R.name == relay)
    return RelayRow(*tx.execute(query.with_for_update()).one())


def usage(tx: Tx, relay: str, domains: Iterable[str] | None = ("",)) -> dict[tuple[str, int], dict[int, int]]:
    """Return what was taken, by domain ("": all of them) and span, each by slot; of every domain for None."""
    query = select(_U.domain, _U.span, _U.slot, _U.taken).where(_U.relay == relay)
    if domains is not None:
        query = query.where(_U.domain.in_(set(domains)))
    found: dict[tuple[str, int], dict[int, int]] = {}
    for domain, span, slot, taken in tx.execute(query):
        found.setdefault((domain, span), {})[slot] = taken
    return found


def add(tx: Tx, relay: str, taken: Iterable[Taken]) -> None:
    """Count messages; a negative number gives permits back that were not used."""
    rows = [
        {"relay": relay, "domain": one.domain, "span": one.span, "slot": one.slot, "taken": one.number}
        for one in taken
        if one.number
    ]
    if not rows:
        return
    insert = sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
    statement = insert(_U)
    more = statement.on_conflict_do_update(
        index_elements=["relay", "domain", "span", "slot"], set_={"taken": _U.taken + statement.excluded.taken}
    )
    tx.execute(more, rows)


def first_used(tx: Tx, relay: str, *, now: datetime) -> None:
    """Note the first message ever given to a relay; its warm-up begins there."""
    tx.execute(update(_R).where(_R.name == relay, _R.first_used_at.is_(None)).values(first_used_at=now))


def forget(tx: Tx, relay: str, older_than: Mapping[int, int]) -> None:
    """Drop the slots below these numbers, by span: they count no more."""
    if older_than:
        old = or_(*((_U.span == span) & (_U.slot < slot) for span, slot in older_than.items()))
        tx.execute(delete(_U).where(_U.relay == relay, old))


def rest(tx: Tx, relay: str, *, until: datetime, reason: str) -> None:
    """Leave a relay in peace until then; `reason` completes "main rests: …"."""
    hold(tx, relay)
    tx.execute(update(_R).where(_R.name == relay).values(resting_until=until, rests=_R.rests + 1, reason=reason[:300]))


def wake(tx: Tx, relay: str | None = None) -> None:
    """End the rest of a relay, or of all, and forget how many there were."""
    statement = update(_R).where(or_(_R.rests > 0, _R.resting_until.is_not(None)))
    if relay is not None:
        statement = statement.where(_R.name == relay)
    tx.execute(statement.values(resting_until=None, rests=0, reason=""))
