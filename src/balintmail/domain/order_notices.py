"""The system mail to whoever ordered the Journal: one letter that knows each step. Part of domain/notices.py."""

from collections.abc import Mapping
from datetime import date

from balintmail.domain.facts import NoticeKind, Row
from balintmail.domain.money import Money

_COPIES: tuple[Row, ...] = ({"issue": "2026", "copies": 2},)
_PAY: tuple[Row, ...] = ({"line": "The Example Balint Society"}, {"line": "sort code 00-00-00, account 00000000"})

ORDERS: Mapping[str, NoticeKind] = {
    # `step` is placed, free, reminded, paid, posted, cancelled, expired or refunded; `pay` says where to pay, `back` is
    # what was given back last, `invoice` the number of the invoice, "" before there is one. Nothing in it was typed by
    # whoever ordered.
    "order": NoticeKind(
        facts={
            "step": "placed",
            "reference": "J00042V",
            "journal": "Journal of the Balint Society",
            "copies": _COPIES,
            "postage": Money(250),
            "total": Money(1250),
            "back": Money(1250),
            "pay": _PAY,
            "pay_url": "https://pay.example.org/J00042V",
            "pay_until": date(2026, 12, 12),
            "placed_on": date(2026, 11, 21),
            "posted_on": date(2026, 11, 28),
            "invoice": "",
            "order_url": "https://balint.example.org/order/abc",
            "reason": "",
        },
        strangers=True,
        named_by="reference",
    ),
}
