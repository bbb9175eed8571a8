"""The Treasurer's sheet adds up to the pence, whatever was paid, refunded and when."""

from datetime import date, timedelta
from io import BytesIO

import pytest
from openpyxl import load_workbook

from balintmail.domain.money import Money
from balintmail.services import dues, orders
from balintmail.services.context import Context
from balintmail.services.order_statement import as_xlsx, statement
from balintmail.services.orders import Payment
from tests.conftest import MovableClock
from tests.integration.services.test_orders import POSTAGE, with_orders
from tests.support import society
from tests.support.ordering import order, pay, stock
from tests.support.readers import reader


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    stock(context)
    return with_orders(context, postage=POSTAGE)


def test_months_totals_and_sheets_say_the_same_to_the_pence(ctx: Context, clock: MovableClock) -> None:
    first = pay(ctx, order(ctx, 2).order.id, on=date(2026, 10, 31)).order.id  # 1000 and 350 postage
    pay(ctx, order(ctx).order.id, 801)  # a penny more
    person = reader(ctx, "Mária", post=None)
    dues.record(ctx, person, dues.Paid(Money(3001), date(2026, 11, 2)))
    orders.refund(ctx, first, Payment(amount=599, on=date(2026, 11, 21)))
    clock.forward(timedelta(days=60))
    orders.refund(ctx, first)  # next year: the rest, postage too
    found = statement(ctx, date(2026, 1, 1), date(2026, 12, 31))
    assert {month: (s.copies, s.postage, s.refunds, s.dues, s.together) for month, s in found.months.items()} == {
        ("2026-10", "GBP"): (1000, 350, 0, 0, 1350),
        ("2026-11", "GBP"): (551 - 599, 250, -599, 3001, 801 - 599 + 3001),
    }
    total = found.totals["GBP"]
    assert total.together == 1350 + 801 - 599 + 3001
    book = load_workbook(BytesIO(as_xlsx(found)))
    sums = [row[7].value for row in book["Months"].iter_rows(min_row=2)]
    pence = [round(float(str(value)) * 100) for value in sums]
    assert pence[-1] == sum(pence[:-1]) == total.together
    rows = [round(float(str(row[5].value)) * 100) for row in book["Orders"].iter_rows(min_row=2)]
    assert sum(rows) == total.orders
    numbers = [row[0].value for row in book["Papers"].iter_rows(min_row=2)]
    assert numbers == ["CN-2026-0001", "INV-2026-0001", "INV-2026-0002", "REC-2026-0001", "REC-2026-0002"]
    later = statement(ctx, date(2027, 1, 1), date(2027, 12, 31)).totals["GBP"]
    assert (later.copies, later.postage, later.together) == (599 - 1000, -350, -751)


def test_time_without_money_is_an_empty_sheet(ctx: Context) -> None:
    found = statement(ctx, date(1999, 1, 1), date(1999, 12, 31))
    assert (found.months, found.totals) == ({}, {})
    assert as_xlsx(found)
