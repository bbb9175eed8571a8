"""Two processes order the last copies at the same moment: one gets them, and the shelf never goes below nothing."""

import multiprocessing
from multiprocessing.synchronize import Barrier
from pathlib import Path

from balintmail.config import Settings, Society
from balintmail.db import journal_issues
from balintmail.db.session import Database
from balintmail.domain.keys import Keyring
from balintmail.domain.orders import OrderState
from balintmail.errors import Conflict
from balintmail.services import order_shown
from balintmail.services.context import Context
from balintmail.services.orders import paid
from tests.conftest import MovableClock
from tests.support import society
from tests.support.ordering import YEAR, order, stock

ORDERS = 6  # each process tries so many
COPIES = 7  # in all


def _buy(url: str, clock: MovableClock, start: Barrier, who: int, folder: str) -> None:
    database = Database(Database.parse(url))
    settings = Settings(society=Society(name="Example", url="https://balint.example.org"))
    keyring = Keyring(tokens=bytes(range(32)), erasure=bytes(range(32, 64)))
    ctx = Context(database, clock, keyring, settings, "the Secretary", Path(folder))
    start.wait(30)
    for number in range(ORDERS):
        try:
            made = order(ctx, address=f"b{who}x{number}@example.org")
        except Conflict:
            continue
        paid(ctx, made.order.id)
    database.close()


def test_two_processes_never_sell_a_copy_twice_and_leave_no_gap(context: Context, clock: MovableClock) -> None:
    society.found(context)
    stock(context, COPIES)
    url = context.db.url.render_as_string(hide_password=False)
    context.db.engine.dispose()
    many = multiprocessing.get_context("spawn")
    start = many.Barrier(2)
    each = [many.Process(target=_buy, args=(url, clock, start, who, str(context.folder))) for who in range(2)]
    for process in each:
        process.start()
    for process in each:
        process.join(60)
        assert process.exitcode == 0
    with context.db.read() as tx:
        row = journal_issues.by_label(tx, YEAR)
        found = order_shown.listed(tx, tuple(OrderState))
    assert row is not None
    assert (row.on_shelf, row.reserved, len(found)) == (COPIES, COPIES, COPIES)
    numbers = sorted(one.number for of in found for one in of.documents if one.kind.value == "invoice")
    assert numbers == list(range(1, COPIES + 1))
