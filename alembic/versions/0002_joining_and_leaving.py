"""Joining, staying and leaving: what the forms ask, what waits to be mailed, links that were mailed, the post"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
TIME = sa.DateTime(timezone=True)


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    op.add_column("people", sa.Column("journal_format", sa.String(), nullable=True))
    op.add_column("lists", sa.Column("questions", JSON, server_default=sa.text("'[]'"), nullable=False))
    op.add_column("lists", sa.Column("sends_latest", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("subscriptions", sa.Column("answers", JSON, server_default=sa.text("'{}'"), nullable=False))
    _requests()
    _post_and_words()
    _waiting_mail()


def _requests() -> None:
    for column in (
        text("envelope"),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("batch", ID, nullable=True),
        sa.Column("answers", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("evidence", JSON, server_default=sa.text("'{}'"), nullable=False),
        text("held"),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("reminded_at", TIME, nullable=True),
        text("reason"),
        text("note"),
    ):
        op.add_column("join_requests", column)
    op.create_index("ix_join_requests_batch", "join_requests", ["batch"], unique=False)
    op.create_index(
        "ix_join_requests_open",
        "join_requests",
        ["state", "expires_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'confirmed')"),
        postgresql_where=sa.text("state IN ('pending', 'confirmed')"),
    )


def _post_and_words() -> None:
    op.create_table(
        "postal_addresses",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("country_code", sa.String(), nullable=False),
        text("name"),
        text("company_name"),
        text("street_address"),
        text("city_area"),
        text("city"),
        text("country_area"),
        text("postal_code"),
        text("sorting_code"),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_postal_addresses_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postal_addresses")),
    )
    op.create_index("ix_postal_addresses_person_id", "postal_addresses", ["person_id"], unique=False)
    op.create_table(
        "wordings",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_wordings_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wordings")),
        sa.UniqueConstraint("list_id", "language", "version", name=op.f("uq_wordings_list_id_language_version")),
    )


def _waiting_mail() -> None:
    op.create_table(
        "notices",
        sa.Column("id", ID, nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("list_id", ID, nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("envelope", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column(
            "ground",
            sa.Enum(
                "consent",
                "membership",
                "soft_opt_in",
                "requested",
                "officer",
                "test",
                name="ground_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("facts", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("due_at", TIME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_notices_list_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_notices_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("key", name=op.f("uq_notices_key")),
    )
    for column in ("person_id", "address_key", "due_at"):
        op.create_index(f"ix_notices_{column}", "notices", [column], unique=False)
    op.create_table(
        "mailed_links",
        sa.Column("id", ID, nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("payload", JSON, server_default=sa.text("'{}'"), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_mailed_links_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailed_links")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_mailed_links_secret_hash")),
    )
    for column in ("person_id", "expires_at"):
        op.create_index(f"ix_mailed_links_{column}", "mailed_links", [column], unique=False)
    op.create_table(
        "throttles",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("span", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "span", "slot", name=op.f("pk_throttles")),
    )
