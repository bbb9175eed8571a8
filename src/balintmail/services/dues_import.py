"""Take in a bank statement: whose dues each line is, once and never again; what is doubtful waits for the Secretary.

All of it in one transaction. Whose a line is decides domain/statements.py; payments are entered by services/dues.py.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from balintmail.db import bank_lines, people
from balintmail.db import members as rows
from balintmail.db.bank_lines import BankLineRow
from balintmail.db.session import Tx
from balintmail.domain.money import Money
from balintmail.domain.statements import BankEntry, LineState, Match, Payer, match
from balintmail.errors import Conflict, NotFound
from balintmail.services import dues, members
from balintmail.services.context import Context
from balintmail.services.people import by_id

EARLY = timedelta(days=120)  # dues that are paid for longer than that are hardly paid again


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one line of the file."""

    entry: BankEntry
    match: Match
    name: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: `lines` are new, `before` were known or stand twice in it, `out` is money out."""

    lines: tuple[Taken, ...]
    before: tuple[int, ...]
    out: int


def take_in(ctx: Context, entries: Iterable[BankEntry], file: str, *, write: bool) -> Outcome:
    """Match the lines of a statement and, with `write`, keep them and record the payments; without, change nothing."""
    lines: list[Taken] = []
    before: list[int] = []
    out = 0
    with ctx.db.write() as tx:
        people.lock(tx)
        trial = tx.begin_nested()
        payers = _payers(ctx, tx)
        for entry in entries:
            if entry.money.amount <= 0:
                out += 1
                continue
            digest = _digest(ctx, entry)
            if bank_lines.known(tx, digest):
                before.append(entry.line)
                continue
            lines.append(_take(ctx, tx, entry, payers, (digest, file)))
        if write:
            trial.commit()
        else:
            trial.rollback()
    return Outcome(tuple(lines), tuple(before), out)


def doubtful(ctx: Context) -> list[BankLineRow]:
    """Return the lines that wait for the Secretary."""
    with ctx.db.read() as tx:
        return bank_lines.doubtful(tx)


def settle(ctx: Context, line_id: int, person_id: int | None) -> BankLineRow:
    """Say whose dues a doubtful line is, None for nobody's; raise Conflict for one that is settled."""
    with ctx.db.write() as tx:
        people.lock(tx)
        row = bank_lines.get(tx, line_id) if 0 < line_id < 1 << 63 else None
        if row is None:
            raise NotFound(f"There is no line {line_id}.", hint="See: balintmail dues doubtful")
        if row.state is not LineState.DOUBTFUL:
            raise Conflict(f"Line {line_id} is {row.state.value} already.")
        settled = {"settled_at": ctx.clock.now(), "settled_by": ctx.actor}
        if person_id is None:
            bank_lines.settle(tx, row.id, {**settled, "state": LineState.IGNORED, "person_id": None})
        else:
            whom = by_id(tx, person_id)
            paid = dues.Paid(
                Money(row.amount, row.currency),
                row.paid_on,
                reference=row.reference[: dues.LONGEST_TEXT],
                bank_line=row.id,
            )
            dues.enter(ctx, tx, whom.id, paid)
            bank_lines.settle(tx, row.id, {**settled, "state": LineState.MATCHED, "person_id": whom.id})
        return bank_lines.get(tx, row.id) or row


def _take(ctx: Context, tx: Tx, entry: BankEntry, payers: list[Payer], source: tuple[bytes, str]) -> Taken:
    found = match(entry, payers)
    today = members.today(ctx)
    if found.state is LineState.MATCHED and found.person is not None:
        row = rows.current(tx, found.person, today)
        if entry.paid_on > today:
            found = Match(LineState.DOUBTFUL, found.person, "that day has not come yet")
        elif row is not None and row.paid_until is not None and row.paid_until > entry.paid_on + EARLY:
            found = Match(LineState.DOUBTFUL, found.person, f"dues are paid until {row.paid_until} already")
    digest, file = source
    line = bank_lines.add(
        tx,
        {
            "digest": digest,
            "paid_on": entry.paid_on,
            "amount": entry.money.amount,
            "currency": entry.money.currency,
            "payer": entry.payer,
            "reference": entry.reference,
            "state": found.state,
            "person_id": found.person,
            "reason": found.reason,
            "file": file,
            "line": entry.line,
            "imported_at": ctx.clock.now(),
        },
    )
    if found.state is LineState.MATCHED and found.person is not None:
        reference = entry.reference[: dues.LONGEST_TEXT]
        dues.enter(ctx, tx, found.person, dues.Paid(entry.money, entry.paid_on, reference=reference, bank_line=line))
    name = next((payer.name for payer in payers if payer.person == found.person), "")
    return Taken(entry, found, name)


def _payers(ctx: Context, tx: Tx) -> list[Payer]:
    """Return everybody whose membership has not ended, with a year's dues."""
    day = members.today(ctx)
    found = []
    for row in rows.entries(tx):
        if row.ended_on is None or row.ended_on > day:
            person = people.get(tx, row.person_id)
            if person is not None and person.died_on is None:
                found.append(Payer(person.id, person.name, Money(row.of.fee, row.of.currency)))
    return found


def _digest(ctx: Context, entry: BankEntry) -> bytes:
    """Return what makes two lines one: the bank's own number, else day, amount, payer and reference."""
    said = (entry.number,) if entry.number else (_plain(entry.payer), _plain(entry.reference))
    parts = (entry.paid_on.isoformat(), str(entry.money.amount), entry.money.currency, *said)
    return ctx.keyring.address_hash("bank line\n" + "\n".join(parts))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
