"""Hold the ledger against the journal, and keep sending off until both agree (P7).

A database that is older than its journal (a restored backup) would send to people who have their letter already.
It is noticed by two numbers when a dispatcher starts; `reconcile` then gives every open row the journal's answer, or
`unknown`, and blocks mailings that the journal knows and the database does not. It sends nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from balintmail.db import audit, catching_up, meta, receipts
from balintmail.db.catching_up import Known
from balintmail.db.session import Tx
from balintmail.domain.states import DeliveryState
from balintmail.errors import BalintmailError, NotFound
from balintmail.services.context import Context
from balintmail.services.journal import FOLDER, Entry, JournalError, journal_instance, last_turns, read_journal

OLDER = "the database is older than its journal"


class SendingBlocked(BalintmailError):
    """Sending is off until `reconcile` has been satisfied."""

    code = "sending_blocked"


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """What the journal taught the ledger. `blocked` names mailings that only the journal knew."""

    lines: int = 0
    answered: int = 0  # rows that took the journal's answer
    unknown: int = 0  # rows whose dot may have left and whose answer nobody knows
    blocked: tuple[str, ...] = ()
    unplaced: int = 0  # lines of mailings without a number that the database does not know (tests, notices)


def instance_id(ctx: Context) -> str:
    """Return this database's own id; an old one without it is given one."""
    with ctx.db.read() as tx:
        found = meta.fact(tx, meta.INSTANCE_ID)
    if found is None:
        with ctx.db.write() as tx:
            found = meta.put_once(tx, meta.INSTANCE_ID, uuid4().hex)
    return found


def block_sending(tx: Tx, why: str) -> None:
    """Turn sending off until `reconcile`; `why` completes "Sending is off: …"."""
    meta.put(tx, meta.SENDING_BLOCKED, why)


def why_blocked(ctx: Context) -> str | None:
    """Return why nothing may be sent, or None; it only reads."""
    with ctx.db.read() as tx:
        why = meta.fact(tx, meta.SENDING_BLOCKED)
        behind = why is None and any(
            turn > int(meta.fact(tx, key) or 0) for key, turn in last_turns(ctx.folder / FOLDER).items()
        )
    return OLDER if behind else why


def require_permission(ctx: Context) -> None:
    """Raise SendingBlocked when sending is off, or when the database proves to be older than its journal."""
    why = why_blocked(ctx)
    if why == OLDER:
        with ctx.db.write() as tx:
            block_sending(tx, why)
    if why is not None:
        raise SendingBlocked(f"Sending is off: {why}.", hint="Run: balintmail reconcile   (nobody has been mailed)")


def settle_by_journal(ctx: Context) -> int:
    """Give rows in doubt the answer that the journal holds and the database did not get; return how many."""
    with ctx.db.read() as tx:
        doubtful = set(receipts.unknown(tx))
    ours = (entry for entry in read_journal(ctx.folder / FOLDER) if entry.delivery in doubtful)
    last, _ = _last_words(ours)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        return sum(
            catching_up.learn(tx, entry.delivery, _known(entry), now=now)
            for entry in last.values()
            if entry.state is not DeliveryState.AT_RISK
        )


def reconcile(ctx: Context, journal: Path | None = None) -> ReconcileReport:
    """Bring the ledger up to `journal` (default: the instance's own) and turn sending on again."""
    folder = journal or ctx.folder / FOLDER
    if not folder.is_dir():
        raise NotFound(f"There is no journal in {folder}.", hint="Name the folder with --journal DIR.")
    last, lines = _last_words(read_journal(folder))
    of = journal_instance(folder)
    if of is not None and of != instance_id(ctx):
        raise JournalError("That journal belongs to another database.", hint="Name the journal of this register.")
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        answered = unknown = unplaced = 0
        missing: dict[tuple[str, str], list[Known]] = {}
        for entry in last.values():
            known = _known(entry)
            row = catching_up.place(tx, known)
            if row is None:
                missing.setdefault((entry.list, entry.number), []).append(known)
            elif catching_up.learn(tx, row, known, now=now):
                answered += known.state is not DeliveryState.UNKNOWN
                unknown += known.state is DeliveryState.UNKNOWN
        blocked = []
        for (list_slug, number), rows in sorted(missing.items()):
            if number and catching_up.block(tx, list_slug, number, rows, now=now):
                blocked.append(f"{list_slug}/{number}")
            else:
                unplaced += len(rows)
        for where in {folder, ctx.folder / FOLDER}:
            for key, turn in last_turns(where).items():
                meta.put(tx, key, str(max(turn, int(meta.fact(tx, key) or 0))))
        meta.drop(tx, meta.SENDING_BLOCKED)
        detail = {"lines": lines, "answered": answered, "unknown": unknown, "blocked": blocked, "unplaced": unplaced}
        audit.note(tx, "reconciled", actor=ctx.actor, now=now, detail=detail)
    return ReconcileReport(lines, answered, unknown, tuple(blocked), unplaced)


def _last_words(entries: Iterable[Entry]) -> tuple[dict[tuple[int, int, int], Entry], int]:
    """Return the last line about each delivery, and how many lines there were; a 250 is never taken back."""
    last: dict[tuple[int, int, int], Entry] = {}
    lines = 0
    for entry in entries:
        lines += 1
        key = (entry.mailing, entry.person, entry.delivery)
        before = last.get(key)
        if before is None or (before.state is not DeliveryState.ACCEPTED and _is_later(entry, before)):
            last[key] = entry
    return last, lines


def _is_later(entry: Entry, before: Entry) -> bool:
    """Say whether a line that was read after another was also written after it.

    One process wrote its lines in their order, whatever its clock did meanwhile; of two processes' lines, whose files
    are read one after the other, the time decides.
    """
    return entry.writer == before.writer or entry.at >= before.at


def _known(entry: Entry) -> Known:
    """Return what a delivery's last line means today: a dot without an answer is a doubt."""
    state = DeliveryState.UNKNOWN if entry.state is DeliveryState.AT_RISK else entry.state
    return Known(entry.mailing, entry.list, entry.number, entry.person, entry.delivery, state, entry.code, entry.stage)
