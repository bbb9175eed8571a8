"""The rows of orders, their payments, and the documents that are numbered without a gap. Nothing is decided here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from balintmail.db.models_journal import DespatchCopy, JournalIssue
from balintmail.db.models_orders import NumberedDocument, NumberSeries, Order, OrderLine, OrderPayment
from balintmail.db.session import Tx
from balintmail.domain.orders import DocumentKind, OrderState

_O, _L, _P, _D = Order, OrderLine, OrderPayment, NumberedDocument


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One order; `post` are the parts of the postal address, amounts are pence."""

    id: int
    state: OrderState
    person_id: int | None
    name: str
    email: str
    envelope: str
    address_key: str
    language: str
    post: dict[str, Any]
    door: str
    zone: str
    currency: str
    postage: int
    total: int
    created_at: datetime
    pay_until: date
    reminded_at: datetime | None
    posted_on: date | None
    closed_at: datetime | None
    closed_by: str
    reason: str
    note: str
    forgotten_at: datetime | None


@dataclass(frozen=True, slots=True)
class LineRow:
    """So many copies of one journal issue, at the price of that day."""

    order_id: int
    journal_issue_id: int
    label: str  # of the journal issue
    copies: int
    price: int
    posted_on: date | None


@dataclass(frozen=True, slots=True)
class PaymentRow:
    """Money that came in for an order, or went back."""

    order_id: int
    amount: int
    currency: str
    paid_on: date
    how: str
    recorded_by: str


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """An invoice, receipt or credit note; `file` is None once its buyer was erased."""

    id: int
    kind: DocumentKind
    year: int
    number: int
    order_id: int
    issued_on: date
    amount: int
    currency: str
    file: str | None
    digest: str


_ORDER = [getattr(_O, name) for name in OrderRow.__dataclass_fields__]
_DOCUMENT = [getattr(_D, name) for name in DocumentRow.__dataclass_fields__]


def add(tx: Tx, values: dict[str, Any], lines: Sequence[tuple[int, int, int]]) -> int:
    """Add an order with its lines (journal issue, copies, price of one); return its number."""
    number: int = tx.execute(sa.insert(_O).values(**values).returning(_O.id)).scalar_one()
    rows = [
        {"order_id": number, "journal_issue_id": issue, "copies": copies, "price": price}
        for issue, copies, price in lines
    ]
    tx.execute(sa.insert(_L), rows)
    return number


def get(tx: Tx, number: int) -> OrderRow | None:
    """Return an order, or None."""
    row = tx.execute(select(*_ORDER).where(_O.id == number)).first()
    return OrderRow(*row) if row else None


def lock(tx: Tx, number: int) -> None:
    """Let nobody else take a step with this order until the transaction ends (SQLite has one writer anyway)."""
    tx.execute(select(_O.id).where(_O.id == number).with_for_update())


def in_states(tx: Tx, states: Sequence[OrderState], *, issue: int | None = None) -> list[OrderRow]:
    """Return the orders in these states, those of one journal issue alone where it is given, the oldest first."""
    query = select(*_ORDER).where(_O.state.in_(states)).order_by(_O.id)
    if issue is not None:
        query = query.where(_O.id.in_(select(_L.order_id).where(_L.journal_issue_id == issue)))
    return [OrderRow(*row) for row in tx.execute(query)]


def lines(tx: Tx, orders: Sequence[int]) -> dict[int, list[LineRow]]:
    """Return the lines of these orders, by the order's number."""
    found: dict[int, list[LineRow]] = {}
    query = (
        select(_L.order_id, _L.journal_issue_id, JournalIssue.label, _L.copies, _L.price, _L.posted_on)
        .join(JournalIssue, JournalIssue.id == _L.journal_issue_id)
        .where(_L.order_id.in_(orders))
        .order_by(_L.order_id, JournalIssue.year, JournalIssue.label)
    )
    for row in tx.execute(query):
        found.setdefault(row[0], []).append(LineRow(*row))
    return found


def move(tx: Tx, number: int, before: OrderState, after: OrderState, values: dict[str, Any]) -> bool:
    """Take an order from one state to another, with these columns; False when it is not in the first any more."""
    changed = sa.update(_O).where(_O.id == number, _O.state == before).values(state=after, **values)
    return tx.execute(changed).rowcount == 1


def to_post(tx: Tx, journal_issue_id: int, *, numbers: Sequence[int] | None = None) -> list[tuple[OrderRow, int]]:
    """Return the paid orders with how many copies of a journal issue they have yet to get, or those of `numbers`."""
    waits = (_L.journal_issue_id == journal_issue_id, _L.posted_on.is_(None), _O.state == OrderState.PAID)
    chosen = waits if numbers is None else (_L.journal_issue_id == journal_issue_id, _O.id.in_(numbers))
    query = select(*_ORDER, _L.copies).join(_L, _L.order_id == _O.id).where(*chosen).order_by(_O.id)
    return [(OrderRow(*row[:-1]), row[-1]) for row in tx.execute(query)]


def mark_posted(tx: Tx, line: LineRow, day: date) -> None:
    """Say that the copies of one line were posted on a day."""
    mine = (_L.order_id == line.order_id, _L.journal_issue_id == line.journal_issue_id)
    tx.execute(sa.update(_L).where(*mine).values(posted_on=day))


def open_at(tx: Tx, address_key: str) -> int:
    """Return how many orders of one address wait to be paid."""
    mine = (_O.address_key == address_key) & (_O.state == OrderState.OPEN)
    return tx.scalar(select(sa.func.count()).select_from(_O).where(mine)) or 0


def since(tx: Tx, address_key: str, moment: datetime, *, door: str) -> int:
    """Return how many orders of one address came by a door since a moment."""
    mine = (_O.address_key == address_key) & (_O.created_at > moment) & (_O.door == door)
    return tx.scalar(select(sa.func.count()).select_from(_O).where(mine)) or 0


def overdue(tx: Tx, today: date) -> list[OrderRow]:
    """Return the orders that nobody paid in time."""
    query = select(*_ORDER).where(_O.state == OrderState.OPEN, _O.pay_until < today).order_by(_O.id)
    return [OrderRow(*row) for row in tx.execute(query)]


def to_remind(tx: Tx, *, made_before: datetime) -> list[OrderRow]:
    """Return the unpaid orders that were made before a moment and whose buyer was not reminded yet."""
    due = (_O.state == OrderState.OPEN) & _O.reminded_at.is_(None) & (_O.created_at < made_before)
    return [OrderRow(*row) for row in tx.execute(select(*_ORDER).where(due).order_by(_O.id))]


def reminded(tx: Tx, number: int, *, now: datetime) -> None:
    """Keep that the buyer was reminded."""
    tx.execute(sa.update(_O).where(_O.id == number).values(reminded_at=now))


def note(tx: Tx, number: int, text: str) -> None:
    """Write the Secretary's note of an order."""
    tx.execute(sa.update(_O).where(_O.id == number).values(note=text))


def add_payment(tx: Tx, values: dict[str, Any]) -> None:
    """Write down money that came in, or went back."""
    tx.execute(sa.insert(_P).values(**values))


def payments(tx: Tx, orders: Sequence[int]) -> dict[int, list[PaymentRow]]:
    """Return the payments of these orders in the order in which they were recorded, by the order's number."""
    found: dict[int, list[PaymentRow]] = {}
    columns = [getattr(_P, name) for name in PaymentRow.__dataclass_fields__]
    for row in tx.execute(select(*columns).where(_P.order_id.in_(orders)).order_by(_P.id)):
        found.setdefault(row[0], []).append(PaymentRow(*row))
    return found


def named(tx: Tx, numbers: Sequence[int]) -> list[OrderRow]:
    """Return these orders."""
    return [OrderRow(*row) for row in tx.execute(select(*_ORDER).where(_O.id.in_(numbers)).order_by(_O.id))]


def paid_between(tx: Tx, first: date, last: date) -> list[PaymentRow]:
    """Return every payment of these days, both included."""
    columns = [getattr(_P, name) for name in PaymentRow.__dataclass_fields__]
    query = select(*columns).where(_P.paid_on.between(first, last)).order_by(_P.paid_on, _P.id)
    return [PaymentRow(*row) for row in tx.execute(query)]


def next_number(tx: Tx, kind: DocumentKind, year: int) -> int:
    """Take the next number of a kind and year; whoever else wants one waits until this transaction ends.

    The number goes back when the transaction does, so there is never a gap.
    """
    taken = (
        sa.update(NumberSeries)
        .where(NumberSeries.kind == kind, NumberSeries.year == year)
        .values(last=NumberSeries.last + 1)
        .returning(NumberSeries.last)
    )
    insert = postgresql.insert if tx.dialect.name == "postgresql" else sqlite.insert
    # Begun at the same moment by two, a series begins once.
    tx.execute(insert(NumberSeries).values(kind=kind, year=year, last=0).on_conflict_do_nothing())
    return int(tx.execute(taken).scalar_one())


def add_document(tx: Tx, values: dict[str, Any]) -> int:
    """Add a numbered document; return its row's number."""
    added: int = tx.execute(sa.insert(_D).values(**values).returning(_D.id)).scalar_one()
    return added


def documents(tx: Tx, orders: Sequence[int]) -> dict[int, list[DocumentRow]]:
    """Return the numbered documents of these orders in the order of their making, by the order's number."""
    found: dict[int, list[DocumentRow]] = {}
    for row in tx.execute(select(*_DOCUMENT).where(_D.order_id.in_(orders)).order_by(_D.id)):
        document = DocumentRow(*row)
        found.setdefault(document.order_id, []).append(document)
    return found


def documents_between(tx: Tx, first: date, last: date) -> list[DocumentRow]:
    """Return the numbered documents of these days, both included, by kind and number."""
    query = select(*_DOCUMENT).where(_D.issued_on.between(first, last)).order_by(_D.kind, _D.year, _D.number)
    return [DocumentRow(*row) for row in tx.execute(query)]


def document(tx: Tx, kind: DocumentKind, year: int, number: int) -> DocumentRow | None:
    """Return one numbered document, or None."""
    mine = (_D.kind == kind) & (_D.year == year) & (_D.number == number)
    row = tx.execute(select(*_DOCUMENT).where(mine)).first()
    return DocumentRow(*row) if row else None


def of_people(tx: Tx, people: Sequence[int], address_keys: Sequence[str]) -> list[OrderRow]:
    """Return the orders of these people, or of addresses that are theirs alone."""
    mine = _O.person_id.in_(people) | _O.address_key.in_([key for key in address_keys if key])
    return [OrderRow(*row) for row in tx.execute(select(*_ORDER).where(mine).order_by(_O.id))]


def reassign(tx: Tx, from_person: int, to_person: int) -> None:
    """Let the orders of one person be another's, who is the same."""
    tx.execute(sa.update(_O).where(_O.person_id == from_person).values(person_id=to_person))


def forget(tx: Tx, numbers: Sequence[int], *, whole: bool, now: datetime) -> None:
    """Take out of orders whatever says whose they are; amounts, days and the country stay, for the accounts.

    Unless `whole`, the name and the postal address stay: copies have yet to be posted there.
    """
    said = ("email", "envelope", "address_key", "reason", "note")
    values: dict[str, Any] = {**dict.fromkeys(said, ""), "person_id": None, "forgotten_at": now}
    tx.execute(sa.update(_O).where(_O.id.in_(numbers)).values(**values))
    if not whole:
        return
    envelope: dict[str, Any] = {"name": "", "address_lines": [], "country_code": "", "postal_code": "", "wrong": ""}
    tx.execute(sa.update(DespatchCopy).where(DespatchCopy.order_id.in_(numbers)).values(**envelope))
    for number, post in tx.execute(select(_O.id, _O.post).where(_O.id.in_(numbers))).all():
        bare = {"name": "", "post": {"country_code": dict(post).get("country_code", "")}}
        tx.execute(sa.update(_O).where(_O.id == number).values(**bare))


def to_forget(tx: Tx, *, unpaid_before: datetime, made_before: datetime) -> list[int]:
    """Return the orders whose buyers are to be forgotten: nobody paid them, or the years of the accounts are over."""
    unpaid = _O.state.in_((OrderState.EXPIRED, OrderState.CANCELLED)) & (_O.closed_at < unpaid_before)
    closed = _O.state.in_((OrderState.POSTED, OrderState.REFUNDED)) & (_O.created_at < made_before)
    known = _O.forgotten_at.is_(None)
    return list(tx.scalars(select(_O.id).where(known, unpaid | closed).order_by(_O.id)))


def old_files(tx: Tx, issued_before: date) -> list[str]:
    """Return the files of numbered documents that were issued before a day."""
    query = select(_D.file).where(_D.file.is_not(None), _D.issued_on < issued_before)
    return [one for one in tx.scalars(query) if one]


def drop_files(tx: Tx, issued_before: date) -> None:
    """Name the files of those documents no more; number, day, amount and digest stay."""
    tx.execute(sa.update(_D).where(_D.issued_on < issued_before).values(file=None))
