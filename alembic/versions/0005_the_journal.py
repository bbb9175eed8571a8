"""The Journal: journal issues, articles, orders, stock and the yearly despatch"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(JSONB(), "postgresql")


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    _issues()
    _orders()
    _despatches()


def _issues() -> None:
    op.create_table(
        "journal_issues",
        sa.Column("id", ID, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        text("volume"),
        text("number"),
        text("issn"),
        text("title"),
        sa.Column("language", sa.String(), server_default="en", nullable=False),
        sa.Column("published_on", sa.Date(), nullable=True),
        sa.Column("embargo_until", sa.Date(), nullable=True),
        sa.Column("print_run", sa.Integer(), nullable=True),
        sa.Column("cover", sa.String(), nullable=True),
        sa.Column("pdf", sa.String(), nullable=True),
        sa.Column("on_shelf", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("reserved >= 0 AND on_shelf >= reserved", name=op.f("ck_journal_issues_stock_is_there")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_issues")),
        sa.UniqueConstraint("label", name=op.f("uq_journal_issues_label")),
    )
    op.create_index(op.f("ix_journal_issues_year"), "journal_issues", ["year"], unique=False)
    op.create_table(
        "journal_articles",
        sa.Column("id", ID, nullable=False),
        sa.Column("journal_issue_id", ID, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        text("kind"),
        sa.Column("title", sa.String(), nullable=False),
        text("first_page"),
        text("last_page"),
        text("abstract"),
        text("doi"),
        text("language"),
        sa.Column("pdf", sa.String(), nullable=True),
        sa.Column("embargo_until", sa.Date(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_journal_articles_journal_issue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_articles")),
        sa.UniqueConstraint("journal_issue_id", "slug", name=op.f("uq_journal_articles_journal_issue_id_slug")),
    )
    op.create_index(
        "uq_journal_articles_doi",
        "journal_articles",
        ["doi"],
        unique=True,
        sqlite_where=sa.text("doi <> ''"),
        postgresql_where=sa.text("doi <> ''"),
    )
    op.create_table(
        "journal_authors",
        sa.Column("id", ID, nullable=False),
        sa.Column("article_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        text("sort_name"),
        text("affiliation"),
        sa.Column("person_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["article_id"], ["journal_articles.id"], name=op.f("fk_journal_authors_article_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_journal_authors_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_journal_authors")),
        sa.UniqueConstraint("article_id", "position", name=op.f("uq_journal_authors_article_id_position")),
    )
    op.create_index(op.f("ix_journal_authors_person_id"), "journal_authors", ["person_id"], unique=False)
    op.create_index(op.f("ix_journal_authors_sort_name"), "journal_authors", ["sort_name"], unique=False)


def _orders() -> None:
    op.create_table(
        "orders",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "paid",
                "posted",
                "expired",
                "cancelled",
                "refunded",
                name="orderstate_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        text("email"),
        text("envelope"),
        text("address_key"),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("post", JSON, nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("postage", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("pay_until", sa.Date(), nullable=False),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        text("closed_by"),
        text("reason"),
        text("note"),
        sa.Column("forgotten_at", TIME, nullable=True),
        sa.CheckConstraint("postage >= 0 AND total >= postage", name=op.f("ck_orders_adds_up")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_orders_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
    )
    op.create_index(op.f("ix_orders_person_id"), "orders", ["person_id"])
    op.create_index(op.f("ix_orders_address_key"), "orders", ["address_key"])
    op.create_index(
        "ix_orders_open",
        "orders",
        ["state", "pay_until"],
        sqlite_where=sa.text("state IN ('open', 'paid')"),
        postgresql_where=sa.text("state IN ('open', 'paid')"),
    )
    op.create_table(
        "order_lines",
        sa.Column("order_id", ID, nullable=False),
        sa.Column("journal_issue_id", ID, nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("price", sa.Integer(), nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.CheckConstraint("copies > 0 AND price >= 0", name=op.f("ck_order_lines_some_copies")),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_order_lines_journal_issue_id")
        ),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.PrimaryKeyConstraint("order_id", "journal_issue_id", name=op.f("pk_order_lines")),
    )


def _despatches() -> None:
    op.create_table(
        "despatches",
        sa.Column("id", ID, nullable=False),
        sa.Column("journal_issue_id", ID, nullable=False),
        sa.Column("standing_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "planned",
                "frozen",
                "done",
                name="despatchstate_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("planned_at", TIME, nullable=False),
        sa.Column("frozen_at", TIME, nullable=True),
        text("frozen_by"),
        sa.Column("done_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_despatches_journal_issue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_despatches")),
        sa.UniqueConstraint("journal_issue_id", name=op.f("uq_despatches_journal_issue_id")),
    )
    op.create_table(
        "despatch_copies",
        sa.Column("id", ID, nullable=False),
        sa.Column("despatch_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("order_id", ID, nullable=True),
        sa.Column("copies", sa.Integer(), server_default="1", nullable=False),
        sa.Column(
            "way",
            sa.Enum("paper", "pdf", name="way_known", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column(
            "owed_for",
            sa.Enum(
                "member",
                "library",
                "exchange",
                "author",
                "order",
                "gift",
                name="owedfor_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        text("remark"),
        sa.Column(
            "standing",
            sa.Enum(
                "owed",
                "labelled",
                "posted",
                "returned",
                "emailed",
                "nobody",
                name="copystanding_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column(
            "doubt",
            sa.Enum(
                "no_post",
                "no_email",
                "not_reached",
                "address",
                "erased",
                "died",
                "withdrawn",
                name="doubt_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=True,
        ),
        text("wrong"),
        text("name"),
        sa.Column("address_lines", JSON, server_default=sa.text("'[]'"), nullable=False),
        text("country_code"),
        text("postal_code"),
        sa.Column("posted_times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("posted_on", sa.Date(), nullable=True),
        sa.Column("returned_times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("link_until", TIME, nullable=True),
        sa.Column("opened_times", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.CheckConstraint(
            "returned_times >= 0 AND returned_times <= posted_times",
            name=op.f("ck_despatch_copies_returned_was_posted"),
        ),
        sa.CheckConstraint("(person_id IS NULL) <> (order_id IS NULL)", name=op.f("ck_despatch_copies_goes_to_one")),
        sa.CheckConstraint("copies > 0", name=op.f("ck_despatch_copies_some_copies")),
        sa.ForeignKeyConstraint(["despatch_id"], ["despatches.id"], name=op.f("fk_despatch_copies_despatch_id")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_despatch_copies_order_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_despatch_copies_mailing_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_despatch_copies_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_despatch_copies")),
        sa.UniqueConstraint(
            "despatch_id", "person_id", "way", name=op.f("uq_despatch_copies_despatch_id_person_id_way")
        ),
        sa.UniqueConstraint("despatch_id", "order_id", name=op.f("uq_despatch_copies_despatch_id_order_id")),
    )
    op.create_index(op.f("ix_despatch_copies_person_id"), "despatch_copies", ["person_id"], unique=False)
    op.create_index(op.f("ix_despatch_copies_order_id"), "despatch_copies", ["order_id"], unique=False)
    op.create_index("ix_despatch_copies_standing", "despatch_copies", ["despatch_id", "standing"], unique=False)
    op.create_table(
        "stock_moves",
        sa.Column("id", ID, nullable=False),
        sa.Column("journal_issue_id", ID, nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "printed",
                "despatched",
                "returned",
                "sold",
                "given",
                "lost",
                "found",
                "reserved",
                "released",
                name="stockreason_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("on_shelf", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved", sa.Integer(), server_default="0", nullable=False),
        sa.Column("despatch_id", ID, nullable=True),
        text("note"),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["despatch_id"], ["despatches.id"], name=op.f("fk_stock_moves_despatch_id")),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_stock_moves_journal_issue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_moves")),
    )
    op.create_index(op.f("ix_stock_moves_journal_issue_id"), "stock_moves", ["journal_issue_id"], unique=False)
