"""What comes back: messages that came in, what they said of addresses, mailboxes, copy requests, mailed drafts"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    _messages()
    _returns()
    _copies_and_drafts()
    _addresses()


def _messages() -> None:
    op.create_table(
        "mailboxes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("folder", sa.String(), nullable=False),
        sa.Column("uidvalidity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), nullable=True),
        sa.Column("read_at", TIME, nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        text("error"),
        sa.PrimaryKeyConstraint("name", "folder", name=op.f("pk_mailboxes")),
    )
    op.create_table(
        "inbound_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("mailbox", sa.String(), nullable=False),
        text("place"),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "new",
                "done",
                "waiting",
                "set_aside",
                name="inboundstate_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="new",
            nullable=False,
        ),
        text("kind"),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        text("remark"),
        text("sender"),
        text("sender_key"),
        text("subject"),
        text("message_id"),
        sa.Column("robot", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("delivery_id", ID, nullable=True),
        sa.Column("assigned_to", ID, nullable=True),
        sa.Column("forwarded_at", TIME, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        text("closed_by"),
        sa.ForeignKeyConstraint(["assigned_to"], ["people.id"], name=op.f("fk_inbound_messages_assigned_to")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_inbound_messages_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_messages")),
        sa.UniqueConstraint("digest", name=op.f("uq_inbound_messages_digest")),
    )
    op.create_index(
        "ix_inbound_messages_open",
        "inbound_messages",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('new', 'waiting', 'set_aside')"),
        postgresql_where=sa.text("state IN ('new', 'waiting', 'set_aside')"),
    )
    op.create_index("ix_inbound_messages_person_id", "inbound_messages", ["person_id"], unique=False)
    op.create_index("ix_inbound_messages_received_at", "inbound_messages", ["received_at"], unique=False)
    op.create_index("ix_inbound_messages_sender_key", "inbound_messages", ["sender_key"], unique=False)


def _returns() -> None:
    op.create_table(
        "return_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("message_id", ID, nullable=False),
        text("address"),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("delivery_id", ID, nullable=True),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("sentence", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        text("status"),
        text("evidence"),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        text("outcome"),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_return_events_mailing_id")),
        sa.ForeignKeyConstraint(["message_id"], ["inbound_messages.id"], name=op.f("fk_return_events_message_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_return_events_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_return_events")),
        sa.UniqueConstraint("message_id", "address_key", name=op.f("uq_return_events_message_id_address_key")),
    )
    op.create_index("ix_return_events_address", "return_events", ["address_key", "at"], unique=False)
    op.create_index("ix_return_events_at", "return_events", ["at"], unique=False)
    op.create_index("ix_return_events_person_id", "return_events", ["person_id"], unique=False)


def _copies_and_drafts() -> None:
    op.create_table(
        "copy_requests",
        sa.Column("id", ID, nullable=False),
        sa.Column("wanted", sa.String(), nullable=False),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("envelope", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        text("name"),
        sa.Column("language", sa.String(), nullable=True),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column("inbound_id", ID, nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "waiting",
                "quoted",
                "answered",
                "declined",
                "expired",
                name="copystate_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            nullable=False,
        ),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        text("decided_by"),
        text("reason"),
        text("note"),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound_messages.id"], name=op.f("fk_copy_requests_inbound_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_copy_requests_mailing_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_copy_requests_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copy_requests")),
    )
    op.create_index("ix_copy_requests_address_key", "copy_requests", ["address_key"], unique=False)
    op.create_index(
        "ix_copy_requests_open",
        "copy_requests",
        ["state"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'waiting', 'quoted')"),
        postgresql_where=sa.text("state IN ('pending', 'waiting', 'quoted')"),
    )
    op.create_index("ix_copy_requests_person_id", "copy_requests", ["person_id"], unique=False)
    op.create_table(
        "awaited_replies",
        sa.Column("delivery_id", ID, autoincrement=False, nullable=False),
        sa.Column("purpose", sa.Integer(), nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_awaited_replies")),
    )
    op.create_index("ix_awaited_replies_expires_at", "awaited_replies", ["expires_at"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("id", ID, nullable=False),
        sa.Column("list_id", ID, nullable=True),
        sa.Column("officer_id", ID, nullable=False),
        sa.Column("inbound_id", ID, nullable=True),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("closed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["inbound_id"], ["inbound_messages.id"], name=op.f("fk_drafts_inbound_id")),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_drafts_list_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_drafts_mailing_id")),
        sa.ForeignKeyConstraint(["officer_id"], ["people.id"], name=op.f("fk_drafts_officer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )


def _addresses() -> None:
    op.add_column("addresses", text("trouble"))
    op.add_column("addresses", sa.Column("probes", sa.Integer(), server_default="0", nullable=False))
    op.add_column("addresses", sa.Column("probe_at", TIME, nullable=True))
    op.add_column("addresses", sa.Column("trial_until", TIME, nullable=True))
    op.add_column("addresses", sa.Column("trusted_at", TIME, nullable=True))
    op.add_column("addresses", sa.Column("handled_at", TIME, nullable=True))
    op.add_column("addresses", text("handled_by"))
    op.create_index(
        "ix_addresses_probe_at",
        "addresses",
        ["probe_at"],
        unique=False,
        sqlite_where=sa.text("probe_at IS NOT NULL"),
        postgresql_where=sa.text("probe_at IS NOT NULL"),
    )
    op.create_index(
        "ix_addresses_trial_until",
        "addresses",
        ["trial_until"],
        unique=False,
        sqlite_where=sa.text("trial_until IS NOT NULL"),
        postgresql_where=sa.text("trial_until IS NOT NULL"),
    )
