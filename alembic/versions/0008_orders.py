"""Payments of orders of the Journal, and documents that are numbered without a gap"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
KINDS = ("invoice", "receipt", "credit_note")


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def known(name: str, values: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*values, name=f"{name}_known", native_enum=False, create_constraint=True, length=20)


def upgrade() -> None:
    _payments()
    _documents()


def _payments() -> None:
    op.create_table(
        "order_payments",
        sa.Column("id", ID, nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        text("how"),
        sa.Column("bank_line_id", ID, nullable=True),
        sa.Column("recorded_at", TIME, nullable=False),
        sa.Column("recorded_by", sa.String(), nullable=False),
        sa.CheckConstraint("amount <> 0", name=op.f("ck_order_payments_some_money")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("fk_order_payments_bank_line_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_payments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_payments")),
        sa.UniqueConstraint("bank_line_id", name=op.f("uq_order_payments_bank_line_id")),
    )
    op.create_index(op.f("ix_order_payments_order_id"), "order_payments", ["order_id"])
    op.create_index(op.f("ix_order_payments_paid_on"), "order_payments", ["paid_on"])


def _documents() -> None:
    op.create_table(
        "number_series",
        sa.Column("kind", known("documentkind", KINDS), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "year", name=op.f("pk_number_series")),
    )
    op.create_table(
        "numbered_documents",
        sa.Column("id", ID, nullable=False),
        sa.Column("kind", known("documentkind", KINDS), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("order_id", ID, nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("file", sa.String(), nullable=True),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_numbered_documents_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_numbered_documents")),
        sa.UniqueConstraint("kind", "year", "number", name=op.f("uq_numbered_documents_kind_year_number")),
    )
    op.create_index(op.f("ix_numbered_documents_order_id"), "numbered_documents", ["order_id"])
