"""Orders of the Journal by those who are no members: what an order may become, what it costs, how banks refer to it.

Pure values and sums; amounts are whole pence. Stock, invoices and mails are services/orders.py's.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

ANYWHERE = "*"  # among the countries of a zone: all that no other zone names
MOST_LINES = 20  # journal issues in one order
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXY"  # 23 of them, a prime: no slip of one digit and no swap of two goes unseen
_REFERENCE = re.compile(r"(?<![A-Z0-9])J[\s.-]*((?:\d[\s.-]?){5,12})([A-HJ-NP-Y])(?![A-Z0-9])", re.IGNORECASE)


class OrderState(StrEnum):
    """Where an order stands."""

    OPEN = "open"  # waits to be paid; its copies are set aside
    PAID = "paid"
    POSTED = "posted"
    EXPIRED = "expired"  # nobody paid in time; its copies are free again
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


NEXT: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.OPEN: frozenset({OrderState.PAID, OrderState.EXPIRED, OrderState.CANCELLED}),
    OrderState.PAID: frozenset({OrderState.POSTED, OrderState.REFUNDED}),
    OrderState.POSTED: frozenset({OrderState.REFUNDED}),
    OrderState.EXPIRED: frozenset({OrderState.PAID}),  # money that came late, as long as there are copies
    OrderState.CANCELLED: frozenset(),
    OrderState.REFUNDED: frozenset(),
}


class DocumentKind(StrEnum):
    """What is numbered without a gap, each kind and year on its own."""

    INVOICE = "invoice"
    RECEIPT = "receipt"
    CREDIT_NOTE = "credit_note"


PREFIX: Mapping[DocumentKind, str] = {
    DocumentKind.INVOICE: "INV",
    DocumentKind.RECEIPT: "REC",
    DocumentKind.CREDIT_NOTE: "CN",
}


@dataclass(frozen=True, slots=True)
class Rate:
    """What one zone pays for postage: the first copy, and each further one."""

    first: int
    more: int


@dataclass(frozen=True, slots=True)
class Line:
    """So many copies of one journal issue, at one price, posted at one rate."""

    issue: int
    copies: int
    each: int
    rate: Rate


@dataclass(frozen=True, slots=True)
class Cost:
    """What an order costs, in pence."""

    copies: int
    postage: int

    @property
    def total(self) -> int:
        return self.copies + self.postage


def cost(lines: Sequence[Line]) -> Cost:
    """Return what these lines cost in one envelope: the dearest first copy once, every other copy as a further one."""
    copies = sum(line.copies * line.each for line in lines)
    if not lines:
        return Cost(0, 0)
    dearest = max(range(len(lines)), key=lambda place: lines[place].rate.first)
    further = (line.rate.more * (line.copies - (place == dearest)) for place, line in enumerate(lines))
    return Cost(copies, lines[dearest].rate.first + sum(further))


def zone_of(country: str, zones: Mapping[str, Sequence[str]]) -> str:
    """Return the name of the zone that a country (ISO 3166-1 alpha-2) is in, "" when nothing is posted there."""
    named = (name for name, countries in zones.items() if country in countries)
    others = (name for name, countries in zones.items() if ANYWHERE in countries)
    return next(named, "") or next(others, "")


def reference(number: int) -> str:
    """Return what a payer writes on the transfer: the order's number, and a letter that shows a slip in it."""
    return f"J{number:05}{_LETTERS[number % len(_LETTERS)]}"


def references_in(text: str) -> list[int]:
    """Return the numbers of the orders that a text refers to, such as a line of a bank statement; each once."""
    found = ((int(re.sub(r"\D", "", match[1])), match[2].upper()) for match in _REFERENCE.finditer(text))
    return list(dict.fromkeys(number for number, letter in found if _LETTERS[number % len(_LETTERS)] == letter))


def label(kind: DocumentKind, year: int, number: int) -> str:
    """Return what a numbered document is called: INV-2026-0042."""
    return f"{PREFIX[kind]}-{year}-{number:04}"
