"""Tables of orders by those who are no members, and of the documents that are numbered without a gap.

Money is whole pence with an ISO 4217 code. When a buyer is forgotten, the rows stay for the accounts with nothing of
them in it; an invoice is kept unaltered for as long as the law on accounts wants it ([orders] keep_years).
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from balintmail.db.models import Base, FileHash, Id, _enum
from balintmail.domain.orders import DocumentKind, OrderState


class Order(Base):
    """One order. Its bank reference is made from `id` (domain/orders.py), its price is what was said when it came."""

    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    state: Mapped[OrderState] = mapped_column(_enum(OrderState))
    person_id: Mapped[int | None] = mapped_column(Id, ForeignKey("people.id"), index=True)
    name: Mapped[str]  # emptied by erasure, as is all that says who it was
    email: Mapped[str] = mapped_column(server_default="")
    envelope: Mapped[str] = mapped_column(server_default="")
    address_key: Mapped[str] = mapped_column(server_default="", index=True)
    language: Mapped[str]
    post: Mapped[dict[str, Any]]  # the parts of the postal address
    door: Mapped[str]  # "form" or "command"
    zone: Mapped[str]
    currency: Mapped[str]
    postage: Mapped[int]
    total: Mapped[int]
    created_at: Mapped[datetime]
    pay_until: Mapped[date]
    reminded_at: Mapped[datetime | None]
    posted_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]  # expired, cancelled or refunded
    closed_by: Mapped[str] = mapped_column(server_default="")
    reason: Mapped[str] = mapped_column(server_default="")  # told to the buyer
    note: Mapped[str] = mapped_column(server_default="")  # for the Secretary alone
    forgotten_at: Mapped[datetime | None]  # nothing of the buyer stays but what has yet to be posted
    __table_args__ = (
        CheckConstraint("postage >= 0 AND total >= postage", name="adds_up"),
        Index(
            "ix_orders_open",
            "state",
            "pay_until",
            sqlite_where=text("state IN ('open', 'paid')"),
            postgresql_where=text("state IN ('open', 'paid')"),
        ),
    )


class OrderLine(Base):
    """So many copies of one journal issue, each at the price of that day."""

    __tablename__ = "order_lines"
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), primary_key=True)
    journal_issue_id: Mapped[int] = mapped_column(Id, ForeignKey("journal_issues.id"), primary_key=True)
    copies: Mapped[int]
    price: Mapped[int]
    posted_on: Mapped[date | None]
    __table_args__ = (CheckConstraint("copies > 0 AND price >= 0", name="some_copies"),)


class OrderPayment(Base):
    """Money for an order: more than nothing that came in, less than nothing that went back. Only ever added to."""

    __tablename__ = "order_payments"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    amount: Mapped[int]
    currency: Mapped[str]
    paid_on: Mapped[date] = mapped_column(index=True)
    how: Mapped[str] = mapped_column(server_default="")  # bank, cheque, cash …
    bank_line_id: Mapped[int | None] = mapped_column(Id, ForeignKey("bank_lines.id"), unique=True)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[str]
    __table_args__ = (CheckConstraint("amount <> 0", name="some_money"),)


class NumberSeries(Base):
    """The last number that was given to a kind of document in a year; taken in the transaction that writes one."""

    __tablename__ = "number_series"
    kind: Mapped[DocumentKind] = mapped_column(_enum(DocumentKind), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]


class NumberedDocument(Base):
    """An invoice, receipt or credit note as it was issued; never changed afterwards.

    Once the years are over in which accounts are kept, the file goes and the row stays: the number, the day, the amount
    and the file's hash in `digest`.
    """

    __tablename__ = "numbered_documents"
    id: Mapped[int] = mapped_column(Id, primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(_enum(DocumentKind))
    year: Mapped[int]
    number: Mapped[int]
    order_id: Mapped[int] = mapped_column(Id, ForeignKey("orders.id"), index=True)
    issued_on: Mapped[date]
    amount: Mapped[int]
    currency: Mapped[str]
    file: Mapped[str | None] = mapped_column(FileHash)
    digest: Mapped[str]
    __table_args__ = (UniqueConstraint("kind", "year", "number"),)
