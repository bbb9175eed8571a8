"""Several postal addresses of one person, each from a day on and until another; on both databases."""

from datetime import date, timedelta

import pytest

from balintmail.db import postal
from balintmail.errors import NotFound, UsageRefused
from balintmail.services import postal_book
from balintmail.services.context import Context
from balintmail.services.postal import PostalRefused
from tests.support import society

TODAY = date(2026, 11, 21)
HOME = {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1Y 8SY"}
SUMMER = {"country_code": "GR", "street_address": "Ακαδημίας 1", "city": "Αθήνα", "postal_code": "106 71"}
NEW = {"country_code": "CN", "street_address": "中关村大街1号", "city": "海淀区", "country_area": "北京市",
       "postal_code": "100080"}  # fmt: skip


@pytest.fixture
def anna(context: Context) -> int:
    society.found(context)
    with context.db.write() as tx:
        return society.enter(context, tx, "Anna Example")


def on(ctx: Context, person: int, *days: date) -> list[str]:
    with ctx.db.read() as tx:
        rows = [postal.at(tx, person, day) for day in days]
    return [row.country_code if row else "" for row in rows]


def test_an_address_between_two_days_leaves_the_others_before_and_after_it(context: Context, anna: int) -> None:
    june, august, moved = date(2027, 6, 1), date(2027, 8, 31), date(2028, 2, 29)
    day = timedelta(days=1)
    postal_book.put(context, anna, HOME, (None, None))
    postal_book.put(context, anna, SUMMER, (june, august))
    held = postal_book.put(context, anna, NEW, (moved, None))
    assert on(context, anna, TODAY, june - day, june, august, august + day, moved - day, moved) == [
        "GB", "GB", "GR", "GR", "GB", "GB", "CN",
    ]  # fmt: skip
    assert [(each.row.valid_from, each.row.valid_until, each.now) for each in held] == [
        (None, june - day, True), (june, august, False), (august + day, moved - day, False), (moved, None, False),
    ]  # fmt: skip
    postal_book.put(context, anna, SUMMER, (june - day, moved + day))  # over all of them
    assert on(context, anna, june - day, moved + day, moved + 2 * day) == ["GR", "GR", "CN"]
    assert [each.row.country_code for each in postal_book.put(context, anna, HOME, (None, None))] == ["GB"]


def test_what_cannot_be_is_refused_and_changes_nothing(context: Context, anna: int) -> None:
    postal_book.put(context, anna, HOME, (None, None))
    for parts, days in (
        ({**HOME, "postal_code": "xx"}, (None, None)),
        ({**HOME, "city": ""}, (None, None)),
        ({**HOME, "country_code": "XX"}, (None, None)),
    ):
        with pytest.raises(PostalRefused):
            postal_book.put(context, anna, parts, days)
    for first, last in (
        (date(2027, 3, 1), date(2027, 2, 28)),
        (None, TODAY - timedelta(days=1)),
        (date(1, 1, 1), None),
    ):
        with pytest.raises(UsageRefused):
            postal_book.put(context, anna, NEW, (first, last))
    with pytest.raises(NotFound):
        postal_book.remove(context, anna, 999)
    with context.db.read() as tx:
        (held,) = postal_book.listed(context, tx, anna)
    assert held.lines == ("Anna Example", "1 High Street", "London", "EC1Y 8SY")
    assert postal_book.remove(context, anna, held.row.id) == []
