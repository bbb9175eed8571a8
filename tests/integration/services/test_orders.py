"""Orders of the Journal: copies set aside and freed, money, numbered papers, mails, and nothing twice."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from pypdf import PdfReader

from balintmail.config import Settings
from balintmail.db import journal_issues
from balintmail.db.models import Notice
from balintmail.domain.orders import DocumentKind, OrderState
from balintmail.errors import BalintmailError, Conflict
from balintmail.services import files, held, invoices, order_errands, orders
from balintmail.services.context import Context
from balintmail.services.erasure import erase
from balintmail.services.merging import merge
from balintmail.services.order_shown import number_of, shown
from balintmail.services.order_statement import statement
from balintmail.services.orders import Buyer, Payment
from balintmail.services.postal import PostalRefused
from balintmail.setting_orders import Orders
from tests.conftest import MovableClock
from tests.support import society
from tests.support.ordering import POST, YEAR, order, pay, stock
from tests.support.readers import reader

POSTAGE = {
    "home": {"countries": ["GB"], "first": "2.50", "more": "1.00"},
    "world": {"countries": "*", "first": "9.00", "more": "4.00"},
}


@pytest.fixture
def ctx(context: Context) -> Context:
    society.found(context)
    stock(context)
    return with_orders(context, postage=POSTAGE)


def with_orders(ctx: Context, **given: object) -> Context:
    settings: Settings = ctx.settings.model_copy(update={"orders": Orders.model_validate(given)})
    return replace(ctx, settings=settings)


def shelf(ctx: Context, label: str = YEAR) -> tuple[int, int]:
    with ctx.db.read() as tx:
        row = journal_issues.by_label(tx, label)
    assert row is not None
    return row.on_shelf, row.reserved


def letters(ctx: Context) -> list[str]:
    with ctx.db.read() as tx:
        return [str(facts["step"]) for facts in tx.scalars(sa.select(Notice.facts).order_by(Notice.id))]


def refused(call: Callable[[], object], ctx: Context) -> str:
    before = (shelf(ctx), letters(ctx))
    with pytest.raises(BalintmailError) as caught:
        call()
    assert (shelf(ctx), letters(ctx)) == before
    return str(caught.value)


def test_order_is_priced_set_aside_paid_and_posted_each_step_once(ctx: Context) -> None:
    made = order(ctx, 2)
    assert (made.order.state, made.order.total, made.order.postage) == (OrderState.OPEN, 1350, 350)
    assert (shelf(ctx), letters(ctx)) == ((20, 2), ["placed"])
    done = pay(ctx, made.order.id)
    assert (done.order.state, done.received) == (OrderState.PAID, 1350)
    assert [one.kind for one in done.documents] == [DocumentKind.INVOICE, DocumentKind.RECEIPT]
    assert "cannot become paid" in refused(lambda: pay(ctx, made.order.id), ctx)
    gone = orders.posted(ctx, made.order.id)
    assert (gone.order.state, gone.order.posted_on, shelf(ctx)) == (OrderState.POSTED, date(2026, 11, 21), (18, 0))
    assert "cannot become posted" in refused(lambda: orders.posted(ctx, made.order.id), ctx)
    assert "is paid" in refused(lambda: orders.cancel(ctx, made.order.id), ctx)
    assert letters(ctx) == ["posted"]  # a letter that waits gives way to the next


def test_cancelled_and_expired_orders_free_their_copies_and_late_money_sets_them_aside_again(
    ctx: Context, clock: MovableClock
) -> None:
    first, second = order(ctx, 3), order(ctx, 1, address="other@example.net")
    orders.cancel(ctx, first.order.id, reason="You asked us to.")
    assert shelf(ctx) == (20, 1)
    clock.forward(timedelta(days=11))
    order_errands.tidy(ctx)
    order_errands.tidy(ctx)
    assert letters(ctx) == ["cancelled", "reminded"]
    clock.forward(timedelta(days=11))
    order_errands.tidy(ctx)
    assert (shelf(ctx), letters(ctx)) == ((20, 0), ["cancelled", "expired"])
    assert "cannot become paid" in refused(lambda: pay(ctx, first.order.id), ctx)
    assert pay(ctx, second.order.id).order.state is OrderState.PAID
    assert shelf(ctx) == (20, 1)


def test_money_goes_back_in_part_and_then_whole_and_never_more_than_came(ctx: Context) -> None:
    number = order(ctx, 2).order.id
    assert "more than nothing" in refused(lambda: pay(ctx, number, 0), ctx)
    pay(ctx, number)
    assert orders.refund(ctx, number, Payment(amount=500)).order.state is OrderState.PAID
    assert "cannot go back" in refused(lambda: orders.refund(ctx, number, Payment(amount=851)), ctx)
    assert "cannot go back" in refused(lambda: orders.refund(ctx, number, Payment(amount=-1)), ctx)
    done = orders.refund(ctx, number, reason="Sent back unread.")
    assert (done.order.state, done.received, shelf(ctx)) == (OrderState.REFUNDED, 0, (20, 0))
    assert [one.amount for one in done.documents if one.kind is DocumentKind.CREDIT_NOTE] == [500, 850]


def test_numbers_have_no_gap_and_papers_are_never_altered(ctx: Context, clock: MovableClock) -> None:
    paid = [pay(ctx, order(ctx, address=f"b{n}@example.org").order.id) for n in range(2)]
    refused(lambda: orders.paid(ctx, paid[0].order.id), ctx)  # takes no number
    clock.forward(timedelta(days=60))  # the next year begins anew
    paid.append(pay(ctx, order(ctx).order.id))
    numbers = [(one.kind.value, one.year, one.number) for of in paid for one in of.documents]
    assert numbers == [
        (kind, year, n) for year, n in ((2026, 1), (2026, 2), (2027, 1)) for kind in ("invoice", "receipt")
    ]
    document = paid[0].documents[0]
    before = invoices.file_of(ctx, document).read_bytes()
    assert before.startswith(b"%PDF")
    assert hashlib.sha256(before).hexdigest() == document.digest
    orders.refund(ctx, paid[0].order.id)
    with ctx.db.read() as tx:
        assert shown(tx, paid[0].order.id).documents[0] == document
    assert files.read(ctx, document.digest) == before


def test_invoice_before_payment_is_taken_back_when_the_order_ends_and_a_new_one_issued_for_late_money(
    ctx: Context, clock: MovableClock
) -> None:
    number = order(ctx).order.id
    assert orders.invoice(ctx, number) == orders.invoice(ctx, number)
    clock.forward(timedelta(days=30))
    order_errands.tidy(ctx)
    done = pay(ctx, number)
    kinds = [(one.kind.value, one.number) for one in done.documents]
    assert kinds == [("invoice", 1), ("credit_note", 1), ("invoice", 2), ("receipt", 1)]
    assert done.invoice is not None
    assert done.invoice.number == 2


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({}, "one journal issue"),
        ({YEAR: 0}, "no number of copies"),
        ({YEAR: -3}, "no number of copies"),
        ({YEAR: 1001}, "no number of copies"),
        ({YEAR: 21}, "20 copies"),
        ({"2099": 1}, "no Journal 2099"),
        ({"'; DROP": 1}, "names no issue"),
        ({"2027": 1}, "is not sold"),
        ({"1999": 1}, "out of print"),
    ],
)
def test_what_cannot_be_ordered_is_refused_and_changes_nothing(ctx: Context, wanted: dict[str, int], said: str) -> None:
    stock(ctx, 0, "1999")
    stock(ctx, 5, "2027")  # comes out in a year
    buyer = Buyer(name="A", address="a@example.org", post=POST)
    assert said in refused(lambda: orders.place(ctx, buyer, wanted), ctx)


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""}, {"name": "A\r\nBcc: x@example.org"}, {"name": "A" * 5000}, {"address": "a@b,c@d"},
        {"address": "a@example.org\n"}, {"post": {**POST, "postal_code": "12345"}}, {"post": {"country_code": "XX"}},
        {"post": {**POST, "street_address": "=cmd|'/C calc'!A0\x00"}}, {"language": "../../etc"},
    ],
)  # fmt: skip
def test_buyer_that_cannot_be_right_is_refused_A1_A15_B1_G1(ctx: Context, changes: dict[str, object]) -> None:
    given: dict[str, object] = {"name": "A", "address": "a@example.org", "post": POST, **changes}
    try:
        refused(lambda: orders.place(ctx, Buyer(**given), {YEAR: 1}), ctx)  # type: ignore[arg-type]
    except PostalRefused:
        raise AssertionError from None


@pytest.mark.parametrize("day", [date(2026, 11, 22), date(2025, 1, 1)])
def test_payment_on_a_day_that_cannot_be_is_refused_J1(ctx: Context, day: date) -> None:
    number = order(ctx).order.id
    refused(lambda: pay(ctx, number, on=day), ctx)


@pytest.mark.parametrize("text", ["", "-1", "J00042A", "9" * 30, "J", "1 OR 1=1", "J00001B J00002C"])
def test_what_names_no_order_is_refused_F9(text: str) -> None:
    with pytest.raises(BalintmailError):
        number_of(text)


def test_free_order_is_paid_at_once_and_asks_for_nothing(context: Context) -> None:
    society.found(context)
    stock(context)
    ctx = with_orders(context, price="0.00")
    made = order(ctx)
    assert (made.order.state, letters(ctx), made.documents) == (OrderState.PAID, ["free"], ())
    assert orders.posted(ctx, made.order.id).order.state is OrderState.POSTED


def test_address_with_five_unpaid_orders_waits(ctx: Context) -> None:
    for _ in range(orders.OPEN_AT_MOST):
        order(ctx)
    assert "wait to be paid" in refused(lambda: order(ctx), ctx)


def test_country_that_no_zone_names_is_not_posted_to(ctx: Context) -> None:
    home = with_orders(ctx, postage={"home": POSTAGE["home"]})
    post = {"country_code": "HU", "street_address": "Fő utca 1.", "city": "Budapest", "postal_code": "1011"}
    buyer = Buyer(name="A", address="a@example.org", post=post)
    assert "Nothing is posted to HU" in refused(lambda: orders.place(home, buyer, {YEAR: 1}), ctx)
    assert orders.place(ctx, buyer, {YEAR: 1, " 2025 ": 1}).order.total == 1000 + 900 + 400


def test_nothing_that_was_typed_stands_in_the_letter(ctx: Context) -> None:
    orders.place(ctx, Buyer(name="Buy now https://x.example", address="b@example.org", post=POST), {YEAR: 1})
    with ctx.db.read() as tx:
        (facts,) = tx.scalars(sa.select(Notice.facts))
    assert "x.example" not in str(facts)


def test_unpaid_orders_are_forgotten_after_three_months_and_papers_when_their_years_are_over(
    ctx: Context, clock: MovableClock
) -> None:
    unpaid, paid = order(ctx), pay(ctx, order(ctx, address="other@example.org").order.id)
    orders.posted(ctx, paid.order.id)
    orders.cancel(ctx, unpaid.order.id)
    clock.forward(timedelta(days=91))
    order_errands.tidy(ctx)

    def at(number: int) -> tuple[str, str, dict[str, object]]:
        with ctx.db.read() as tx:
            row = shown(tx, number).order
        return row.name, row.email, row.post

    assert at(unpaid.order.id) == ("", "", {"country_code": "GB"})
    assert at(paid.order.id)[0] == "Bálint Mihály"
    digest = paid.documents[0].digest
    clock.moment = clock.moment.replace(year=2032, month=12, day=31, hour=12)
    order_errands.tidy(ctx)
    assert files.path(ctx, digest).exists()
    clock.forward(timedelta(days=1))
    order_errands.tidy(ctx)
    assert at(paid.order.id)[0] == ""
    with pytest.raises(BalintmailError):
        files.path(ctx, digest)
    with ctx.db.read() as tx:
        assert shown(tx, paid.order.id).documents[0].number == 1


def test_order_that_waits_cannot_be_forgotten_and_one_that_is_over_can(ctx: Context) -> None:
    number = order(ctx).order.id
    with pytest.raises(Conflict):
        order_errands.forget(ctx, number)
    orders.cancel(ctx, number)
    order_errands.forget(ctx, number)


def test_erasure_empties_orders_keeps_invoices_and_lets_what_is_paid_be_posted_S45(ctx: Context) -> None:
    post = reader(ctx, "Mária Example", email="buyer@example.org", of=None)
    waits, due = order(ctx), pay(ctx, order(ctx).order.id)
    assert [each.reference for each in held.of_person(ctx, post).orders] == [waits.reference, due.reference]
    assert erase(ctx, post).papers == 2
    with ctx.db.read() as tx:
        gone, left = shown(tx, waits.order.id), shown(tx, due.order.id)
    assert (gone.order.state, gone.order.name, gone.order.email) == (OrderState.CANCELLED, "", "")
    assert (left.order.name, left.order.email, left.order.person_id) == ("Bálint Mihály", "", None)
    orders.posted(ctx, due.order.id)
    with ctx.db.read() as tx:
        done = shown(tx, due.order.id)
    assert (done.order.name, done.order.post) == ("", {"country_code": "GB"})
    assert invoices.file_of(ctx, done.documents[0]).exists()
    assert shelf(ctx) == (19, 0)


def test_merged_person_has_the_orders_of_both(ctx: Context) -> None:
    keep, other = reader(ctx, "Mária", of=None), reader(ctx, "Maria", email="buyer@example.org", of=None)
    made = order(ctx)
    merge(ctx, keep, other)
    with ctx.db.read() as tx:
        assert shown(tx, made.order.id).order.person_id == keep


@pytest.mark.parametrize(
    ("name", "post"),
    [
        ("李 明", {"country_code": "CN", "country_area": "北京市", "city": "朝阳区", "street_address": "建国路1号",
                  "postal_code": "100022"}),
        ("Δρ. Ελένη Παπαδοπούλου", {"country_code": "GR", "street_address": "Ερμού 1", "city": "Αθήνα",
                                    "postal_code": "105 63"}),
        ("عمر الخيام", {"country_code": "EG", "street_address": "شارع ١", "city": "مدينة نصر",
                        "country_area": "القاهرة"}),
        ("Анна Каренина", {"country_code": "BG", "street_address": "ул. Раковски 1", "city": "София",
                           "postal_code": "1000"}),
        ("Bálint Mihály", {"country_code": "HU", "street_address": "Fő utca 1.", "city": "Budapest",
                           "postal_code": "1011"}),
    ],
)  # fmt: skip
def test_addresses_in_five_scripts_are_taken_and_printed(ctx: Context, name: str, post: dict[str, str]) -> None:
    made = orders.place(ctx, Buyer(name=name, address="a@example.org", post=post), {YEAR: 1})
    document = pay(ctx, made.order.id).documents[0]
    text = PdfReader(invoices.file_of(ctx, document)).pages[0].extract_text()
    plain = "".join(text.split())
    assert "".join(name.split()) in plain or "script,asintheorder" in plain


@pytest.mark.parametrize(
    ("moment", "year"),
    [("2026-12-31T10:59:00+00:00", 2026), ("2026-12-31T11:00:00+00:00", 2027), ("2028-02-29T10:00:00+00:00", 2028)],
)
def test_year_of_a_paper_is_the_societys_own_at_the_turn_and_on_29_february_J1_J2(
    ctx: Context, clock: MovableClock, moment: str, year: int
) -> None:
    society_of = ctx.settings.society.model_copy(update={"timezone": "Pacific/Auckland"})
    there = replace(ctx, settings=ctx.settings.model_copy(update={"society": society_of}))
    clock.moment = datetime.fromisoformat(moment)
    done = pay(there, order(there).order.id)
    assert [one.year for one in done.documents] == [year] * 2
    assert (
        done.documents[0].issued_on == done.payments[0].paid_on == clock.moment.astimezone(there.settings.zone).date()
    )
    order_errands.tidy(there)
    assert len(statement(there, date(year, 1, 1), date(year, 12, 31)).papers) == 2
