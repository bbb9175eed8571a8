"""The form to order the Journal and the page of one order: the same answer for everybody, nothing by GET."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from balintmail.db.models import Notice
from balintmail.db.models_orders import Order
from balintmail.domain.despatches import StockReason
from balintmail.domain.orders import OrderState
from balintmail.services import journal_issues, order_errands, order_mail, orders
from balintmail.services.context import Context
from balintmail.services.journal_issues import IssueChanges
from balintmail.setting_orders import Orders
from tests.conftest import MovableClock
from tests.support import ordering
from tests.support.readers import reader

PATH = "/journal/order"
FILLED = {
    "issue": ordering.YEAR, "copies": "2", "buyer": "Bálint Mihály", "address": "buyer@example.org",
    "street_address": "1 Example Road", "city": "London", "postal_code": "NW1 6XE", "country_code": "GB",
}  # fmt: skip


@pytest.fixture(autouse=True)
def shelf(client: TestClient, context: Context) -> None:
    ordering.stock(context, 8)
    given = Orders.model_validate({"postage": {"home": {"countries": ["GB", "HU"], "first": "2.50", "more": "1.00"}}})
    found = replace(context, settings=context.settings.model_copy(update={"orders": given}))
    client.app.state.site.ctx = found  # type: ignore[attr-defined]


def fill(client: TestClient, clock: MovableClock, wait: int = 30, **changes: Any) -> Any:
    page = client.get(PATH + ("?lang=" + changes.pop("lang") if "lang" in changes else ""))
    stamp = re.search(r'name="stamp" value="([^"]+)"', page.text)
    assert stamp is not None
    clock.forward(timedelta(seconds=wait))
    return client.post(PATH, data={**FILLED, "stamp": stamp[1], **changes})


def placed(ctx: Context) -> list[Any]:
    with ctx.db.read() as tx:
        return list(tx.execute(sa.select(Order.name, Order.total, Order.state, Order.door, Order.email)))


def test_order_by_the_form_is_kept_and_answered_with_what_comes_next(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    page = fill(client, clock)
    assert (page.status_code, "buyer@example.org" in page.text, "£13.50" in page.text) == (200, True, True)
    assert placed(context) == [("Bálint Mihály", 1350, OrderState.OPEN, "form", "buyer@example.org")]


def test_member_and_stranger_and_program_get_the_same_answer(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    reader(context, "Member", email="buyer@example.org")
    answers = [
        fill(client, clock).text,
        fill(client, clock, address="other@example.org").text.replace("other@", "buyer@"),
        fill(client, clock, website="http://spam.example").text,
    ]
    assert answers[0] == answers[1] == answers[2]
    assert len(placed(context)) == 2
    with context.db.read() as tx:
        mails = list(tx.scalars(sa.select(Notice.facts)))
    assert [{**facts, "order_url": "", "reference": ""} for facts in mails[:1]] == [
        {**facts, "order_url": "", "reference": ""} for facts in mails[1:]
    ]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"copies": "0"}, "copies"), ({"copies": "-2"}, "copies"), ({"copies": "1.5"}, "copies"),
        ({"copies": "11"}, "copies"), ({"copies": "²"}, "copies"), ({"copies": "9" * 400}, "copies"),
        ({"copies": "9"}, "copies"), ({"issue": ""}, "issue"), ({"issue": "1999"}, "issue"),
        ({"issue": "2025' OR 1=1--"}, "issue"), ({"buyer": " "}, "buyer"), ({"buyer": "A\r\nBcc: x"}, "buyer"),
        ({"address": "a@b,c@d"}, "address"), ({"address": ""}, "address"), ({"postal_code": "12345"}, "postal_code"),
        ({"street_address": ""}, "street_address"), ({"city": "x\x00"}, "city"),
    ],
)  # fmt: skip
def test_field_that_cannot_be_is_told_and_nothing_is_kept_A1_A15_A23_B1_F1(
    client: TestClient, context: Context, clock: MovableClock, changes: dict[str, Any], field: str
) -> None:
    page = fill(client, clock, **changes)
    assert page.status_code == 422
    assert f'href="#f-{field}"' in page.text
    assert f'id="e-{field}"' in page.text
    assert placed(context) == []


def test_country_decides_the_fields_and_one_without_a_zone_is_not_offered(client: TestClient) -> None:
    assert "Irányítószám" in client.get(f"{PATH}?country=HU&lang=hu").text
    page = client.get(f"{PATH}?country=other").text
    assert ('value="HU"' in page, 'value="NZ"' in page) == (True, False)
    for odd in ("NZ", "XX", "", "GB'--", "<script>"):
        answer = client.post(PATH, data={**FILLED, "country_code": odd})
        assert (answer.status_code, "<script>" in answer.text) == (422, False)


def test_form_that_came_too_fast_or_from_elsewhere_is_shown_again_filled_in(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    for page in (fill(client, clock, wait=0), client.post(PATH, data=FILLED), fill(client, clock, stamp="zz.zz")):
        assert (page.status_code, "Look over what you entered" in page.text) == (200, True)
        assert 'value="buyer@example.org"' in page.text
    assert placed(context) == []


def test_address_has_three_orders_a_day_and_a_network_so_many_an_hour(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    texts = {fill(client, clock, copies="1").text for _ in range(5)}
    assert (len(texts), len(placed(context))) == (1, 3)
    journal_issues.change_stock(context, ordering.YEAR, StockReason.PRINTED, 30)
    for number in range(15):
        fill(client, clock, copies="1", address=f"n{number}@example.org", wait=3)
    page = fill(client, clock, copies="1", address="late@example.org", wait=3)
    assert page.status_code == 422


def test_sold_out_is_said_and_a_shop_that_is_closed_says_so(
    client: TestClient, context: Context, clock: MovableClock
) -> None:
    ordering.order(context, 7)
    assert "only 1 copy left" in fill(client, clock).text
    ordering.order(context, 1, address="x@example.org")
    assert "Nothing can be ordered now" in client.get(PATH).text
    assert client.post(PATH, data=FILLED).status_code == 200


def test_order_of_a_journal_issue_that_comes_out_tomorrow_is_not_offered(client: TestClient, context: Context) -> None:
    journal_issues.add(context, "2027", IssueChanges(published="2026-11-22"))
    assert "2027" not in client.get(PATH).text


def test_page_of_an_order_shows_how_to_pay_and_gives_its_papers_and_ends_with_its_buyer(
    client: TestClient, context: Context
) -> None:
    number = ordering.order(context).order.id
    path = order_mail.PATH + order_mail.token_of(context, number)
    page = client.get(path)
    assert (page.status_code, "J00001B" in page.text, "Bálint" in page.text.replace("Balint", "")) == (200, True, False)
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    draft = client.post(path, data={"paper": "pro_forma"})
    assert (draft.headers["content-type"], draft.content[:5]) == ("application/pdf", b"%PDF-")
    ordering.pay(context, number)
    found = client.post(path, data={"paper": "INV-2026-0001"})
    assert found.content[:5] == b"%PDF-"
    ordering.pay(context, ordering.order(context, address="other@example.org").order.id)
    for odd in ("INV-2026-0002", "../../etc/passwd", "", "INV"):  # another's, and none
        assert client.post(path, data={"paper": odd}).status_code == 404
    orders.posted(context, number)
    order_errands.forget(context, number)
    assert (client.get(path).status_code, client.post(path, data={"paper": "INV-2026-0001"}).status_code) == (410, 410)


def test_link_of_an_order_that_was_tampered_with_opens_nothing_C1_C2_C3_C10(
    client: TestClient, context: Context
) -> None:
    token = order_mail.token_of(context, ordering.order(context).order.id)
    for broken in (token[:-1], "a" + token[1:], token * 5, "x", order_mail.token_of(context, 99)):
        assert client.get(f"/order/{broken}").status_code == 404
        assert client.post(f"/order/{broken}", data={"paper": "pro_forma"}).status_code == 404
