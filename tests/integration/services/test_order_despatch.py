"""Paid orders go with the yearly run, each once, whether the run or somebody by hand posts them."""

import pytest

from balintmail.domain.despatches import CopyStanding, Doubt, OwedFor
from balintmail.domain.orders import OrderState
from balintmail.services import despatches, labels, orders
from balintmail.services.context import Context
from balintmail.services.despatches import Run
from balintmail.services.order_shown import shown
from tests.integration.services.test_orders import POSTAGE, shelf, with_orders
from tests.support import society
from tests.support.ordering import YEAR, order, pay, stock
from tests.support.readers import GB, reader


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    stock(context)
    stock(context, 5, "2024")
    return with_orders(context, postage=POSTAGE)


def state(ctx: Context, number: int) -> OrderState:
    with ctx.db.read() as tx:
        return shown(tx, number).order.state


def adds_up(run: Run) -> bool:
    return run.tally.paper + run.tally.email + run.tally.nobody == run.tally.owed == sum(run.tally.owed_for.values())


def test_paid_order_is_posted_with_the_run_and_unpaid_ones_are_not_in_it(ctx: Context) -> None:
    reader(ctx, "Paper", wanted="paper", post=GB)
    due, waits = pay(ctx, order(ctx, 3).order.id), order(ctx, address="x@example.net")
    run = despatches.plan(ctx, YEAR)
    assert (run.tally.owed, run.to_print, run.tally.people, run.tally.owed_for[OwedFor.ORDER]) == (4, 4, 2, 3)
    assert despatches.plan(ctx, YEAR).changed == 0
    despatches.freeze(ctx, YEAR)
    sheet = labels.as_csv(ctx, labels.addressed(ctx, YEAR)).decode("utf-8-sig").splitlines()
    (line,) = [row for row in sheet if row.startswith(due.reference)]
    assert line.endswith(",3")
    despatches.label(ctx, YEAR)
    run = despatches.post(ctx, YEAR)
    assert (run.posted, state(ctx, due.order.id), shelf(ctx)) == (2, OrderState.POSTED, (16, 1))
    assert adds_up(run)
    assert despatches.post(ctx, YEAR).changed == 0
    assert state(ctx, waits.order.id) is OrderState.OPEN
    back = despatches.returned(ctx, YEAR, [due.reference])
    assert (back.returned, shelf(ctx)) == (1, (19, 1))
    despatches.reissue(ctx, YEAR, [due.reference])
    assert despatches.post(ctx, YEAR, [due.reference]).posted == 3
    assert shelf(ctx) == (16, 1)


def test_order_posted_by_hand_is_not_posted_again_by_the_run(ctx: Context) -> None:
    early, late = (pay(ctx, order(ctx, address=f"{n}@example.org").order.id).order.id for n in "ab")
    despatches.plan(ctx, YEAR)
    orders.posted(ctx, early)  # while it is only planned
    assert despatches.report(ctx, YEAR).tally.owed == 1
    despatches.freeze(ctx, YEAR)
    orders.posted(ctx, late)
    despatches.label(ctx, YEAR)
    run = despatches.post(ctx, YEAR)
    assert (run.changed, run.tally.standing[CopyStanding.POSTED], run.posted, shelf(ctx)) == (0, 1, 1, (18, 0))
    assert adds_up(run)


def test_refunded_order_goes_to_nobody_and_its_copies_are_free(ctx: Context) -> None:
    number = pay(ctx, order(ctx, 2).order.id).order.id
    despatches.plan(ctx, YEAR)
    despatches.freeze(ctx, YEAR)
    orders.refund(ctx, number)
    run = despatches.report(ctx, YEAR)
    assert (run.tally.nobody, run.tally.doubts[Doubt.WITHDRAWN], shelf(ctx)) == (2, 2, (20, 0))
    assert adds_up(run)


def test_order_of_two_journal_issues_is_posted_when_both_have_gone(ctx: Context) -> None:
    made = orders.place(ctx, orders.Buyer(name="A", address="", post=GB), {YEAR: 1, "2024": 2})
    pay(ctx, made.order.id)
    for year, after in (("2024", OrderState.PAID), (YEAR, OrderState.POSTED)):
        despatches.plan(ctx, year)
        despatches.freeze(ctx, year)
        despatches.label(ctx, year)
        despatches.post(ctx, year)
        assert state(ctx, made.order.id) is after
    assert (shelf(ctx), shelf(ctx, "2024")) == ((19, 0), (3, 0))
