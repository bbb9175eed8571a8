"""The sheet for the Treasurer: what came in and went back, for orders and dues, by month, and the numbered papers.

Sums are made in whole pence and written as figures: no cell is a formula, and none is made of what somebody typed (G1).
It changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any

from balintmail.db import dues, orders
from balintmail.db.dues import PaymentRow as DuesRow
from balintmail.db.orders import DocumentRow
from balintmail.domain.money import decimal
from balintmail.domain.orders import label, reference
from balintmail.services.context import Context

if TYPE_CHECKING:
    from balintmail.db.orders import PaymentRow

_MONEY = "#,##0.00;[Red]-#,##0.00"


@dataclass(slots=True)
class Sums:
    """What a month, or the whole time, comes to in one currency, in pence; `refunds` are below nothing."""

    copies: int = 0  # of orders, without postage; more than was asked for counts here
    postage: int = 0
    refunds: int = 0  # of copies and postage together, which are less by it
    dues: int = 0

    @property
    def orders(self) -> int:
        """What orders brought: copies and postage, refunds taken off."""
        return self.copies + self.postage

    @property
    def together(self) -> int:
        return self.orders + self.dues


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """One payment of an order, or one refund; `postage` is the part of it that is postage."""

    paid_on: date
    order: int
    name: str
    amount: int
    postage: int
    currency: str
    how: str


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything between two days, both included."""

    first: date
    last: date
    months: dict[tuple[str, str], Sums]  # (2026-11, GBP), in order
    totals: dict[str, Sums]
    orders: tuple[OrderMoney, ...]
    dues: tuple[DuesRow, ...]
    papers: tuple[DocumentRow, ...]


@dataclass(slots=True)
class _Gathered:
    months: dict[tuple[str, str], Sums] = field(default_factory=lambda: defaultdict(Sums))
    totals: dict[str, Sums] = field(default_factory=lambda: defaultdict(Sums))

    def both(self, day: date, currency: str) -> tuple[Sums, Sums]:
        return self.months[f"{day:%Y-%m}", currency], self.totals[currency]


def statement(ctx: Context, first: date, last: date) -> Statement:
    """Return what came in and went back between two days, both included."""
    with ctx.db.read() as tx:
        numbers = sorted({one.order_id for one in orders.paid_between(tx, first, last)})
        payments, rows = orders.payments(tx, numbers), {row.id: row for row in orders.named(tx, numbers)}
        paid = dues.listed(tx, dues.Wanted(first=first, last=last))
        papers = orders.documents_between(tx, first, last)
    moved = [
        OrderMoney(one.paid_on, one.order_id, rows[one.order_id].name, one.amount, postage, one.currency, one.how)
        for number in numbers
        for one, postage in _with_postage(payments[number], rows[number].postage)
        if first <= one.paid_on <= last
    ]
    moved.sort(key=lambda one: (one.paid_on, one.order))
    found = _Gathered()
    for one in moved:
        for sums in found.both(one.paid_on, one.currency):
            sums.copies += one.amount - one.postage
            sums.postage += one.postage
            sums.refunds += min(one.amount, 0)
    for row in paid:
        for sums in found.both(row.paid_on, row.currency):
            sums.dues += row.amount
    months = dict(sorted(found.months.items()))
    return Statement(first, last, months, dict(sorted(found.totals.items())), tuple(moved), tuple(paid), tuple(papers))


def as_xlsx(of: Statement) -> bytes:
    """Return the statement as a workbook of four sheets."""
    from openpyxl import Workbook  # noqa: PLC0415  (150 ms; only workbooks need it)

    book = Workbook(write_only=True)
    head = ("month", "currency", "copies", "postage", "orders together", "of which refunds", "dues", "together")
    months = [(month, currency, *_figures(sums, currency)) for (month, currency), sums in of.months.items()]
    totals = [("total", currency, *_figures(sums, currency)) for currency, sums in of.totals.items()]
    _sheet(book, "Months", (head, *months, *totals), (12, 10, *[16] * 6))
    money = [
        (
            one.paid_on,
            reference(one.order),
            one.name,
            _figure(one.amount - one.postage, one.currency),
            _figure(one.postage, one.currency),
            _figure(one.amount, one.currency),
            one.currency,
            one.how,
        )
        for one in of.orders
    ]
    head = ("day", "order", "name", "copies", "postage", "amount", "currency", "how")
    _sheet(book, "Orders", (head, *money), (12, 12, 34, 12, 12, 12, 10, 14))
    paid = [
        (row.paid_on, str(row.id), row.name, _figure(row.amount, row.currency), row.currency, row.how.value)
        for row in of.dues
    ]
    _sheet(book, "Dues", (("day", "payment", "name", "amount", "currency", "how"), *paid), (12, 12, 34, 12, 10, 14))
    papers = [
        (label(one.kind, one.year, one.number), one.issued_on, reference(one.order_id),
         _figure(one.amount, one.currency), one.currency)
        for one in of.papers
    ]  # fmt: skip
    _sheet(book, "Papers", (("number", "day", "order", "amount", "currency"), *papers), (18, 12, 12, 12, 10))
    raw = BytesIO()
    book.save(raw)
    return raw.getvalue()


def _with_postage(payments: "Sequence[PaymentRow]", postage: int) -> "Iterable[tuple[PaymentRow, int]]":
    """Yield each payment with the part of it that is postage: it is paid first and goes back last."""
    received = before = 0
    for one in payments:
        received += one.amount
        held = min(postage, max(received, 0))
        yield one, held - before
        before = held


def _figures(sums: Sums, currency: str) -> tuple[Decimal, ...]:
    parts = (sums.copies, sums.postage, sums.orders, sums.refunds, sums.dues, sums.together)
    return tuple(_figure(amount, currency) for amount in parts)


def _figure(amount: int, currency: str) -> Decimal:
    return Decimal(decimal(amount, currency))


def _sheet(book: Any, title: str, rows: Iterable[Sequence[Any]], widths: Sequence[int]) -> None:
    from openpyxl.cell import WriteOnlyCell  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    sheet = book.create_sheet(title)
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    sheet.freeze_panes = "A2"
    for row in rows:
        cells = []
        for value in row:
            cell = WriteOnlyCell(sheet, value=value)
            if isinstance(value, Decimal):
                cell.number_format = _MONEY
            elif isinstance(value, str):
                cell.data_type, cell.number_format = "s", "@"  # or a name that begins with "=" would be calculated
            cells.append(cell)
        sheet.append(cells)
