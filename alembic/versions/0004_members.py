"""Members: classes, periods, dues and the yearly round of details"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def flag(name: str, value: "sa.True_ | sa.False_") -> "sa.Column[bool]":
    return sa.Column(name, sa.Boolean(), server_default=value, nullable=False)


def states(name: str, kind: str, *values: str, default: str | None = None) -> "sa.Column[str]":
    known = sa.Enum(*values, name=f"{kind}_known", native_enum=False, create_constraint=True, length=20)
    return sa.Column(name, known, server_default=default, nullable=False)


def upgrade() -> None:
    op.add_column("people", sa.Column("died_on", sa.Date(), nullable=True))
    _classes()
    _memberships()
    _dues()
    _rounds()
    _those_who_are_members()


def _classes() -> None:
    table = op.create_table(
        "member_classes",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("fee", sa.Integer(), server_default="0", nullable=False),
        sa.Column("currency", sa.String(), server_default="GBP", nullable=False),
        flag("counts", sa.true()),
        flag("paper", sa.true()),
        flag("pdf", sa.true()),
        flag("votes", sa.false()),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("archived_at", TIME, nullable=True),
        sa.CheckConstraint("fee >= 0", name=op.f("ck_member_classes_fee_not_negative")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_classes")),
        sa.UniqueConstraint("slug", name=op.f("uq_member_classes_slug")),
    )
    names = ("slug", "name", "counts", "votes", "position")
    rows = (
        ("full", "Full member", True, True, 1),
        ("student", "Student member", True, True, 2),
        ("retired", "Retired member", True, True, 3),
        ("honorary", "Honorary member", True, True, 4),
        ("library", "Library", False, False, 5),
        ("exchange", "Exchange partner", False, False, 6),
    )
    op.bulk_insert(table, [dict(zip(names, row, strict=True)) for row in rows])


def _memberships() -> None:
    op.create_table(
        "memberships",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("class_id", ID, nullable=False),
        sa.Column("since", sa.Date(), nullable=True),
        sa.Column("paid_until", sa.Date(), nullable=True),
        states("state", "membershipstate", "active", "lapsed", "resigned", "died", default="active"),
        sa.Column("ended_on", sa.Date(), nullable=True),
        text("remark"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.CheckConstraint("(state = 'active') = (ended_on IS NULL)", name=op.f("ck_memberships_ended_says_when")),
        sa.ForeignKeyConstraint(["class_id"], ["member_classes.id"], name=op.f("fk_memberships_class_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_memberships_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_person_id"), "memberships", ["person_id"])
    op.create_index("ix_memberships_paid_until", "memberships", ["paid_until"])
    open_ones = sa.text("ended_on IS NULL")
    op.create_index(
        "uq_memberships_active",
        "memberships",
        ["person_id"],
        unique=True,
        sqlite_where=open_ones,
        postgresql_where=open_ones,
    )
    op.create_table(
        "dues_reminders",
        sa.Column("membership_id", ID, nullable=False),
        sa.Column("paid_until", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sent_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name=op.f("fk_dues_reminders_membership_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("membership_id", "paid_until", "step", name=op.f("pk_dues_reminders")),
    )


def _dues() -> None:
    op.create_table(
        "bank_lines",
        sa.Column("id", ID, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        text("payer"),
        text("reference"),
        states("state", "linestate", "matched", "doubtful", "ignored"),
        sa.Column("person_id", ID, nullable=True),
        text("reason"),
        text("file"),
        sa.Column("line", sa.Integer(), server_default="0", nullable=False),
        sa.Column("imported_at", TIME, nullable=False),
        sa.Column("settled_at", TIME, nullable=True),
        text("settled_by"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_bank_lines_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bank_lines")),
        sa.UniqueConstraint("digest", name=op.f("uq_bank_lines_digest")),
    )
    op.create_index(op.f("ix_bank_lines_person_id"), "bank_lines", ["person_id"])
    doubtful = sa.text("state = 'doubtful'")
    op.create_index("ix_bank_lines_doubtful", "bank_lines", ["state"], sqlite_where=doubtful, postgresql_where=doubtful)
    op.create_table(
        "payments",
        sa.Column("id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("membership_id", ID, nullable=True),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("paid_on", sa.Date(), nullable=False),
        states("how", "how", "bank", "cash", "cheque", "card", "other"),
        text("reference"),
        sa.Column("bank_line_id", ID, nullable=True),
        sa.Column("covers_from", sa.Date(), nullable=True),
        sa.Column("covers_until", sa.Date(), nullable=True),
        text("note"),
        sa.Column("recorded_at", TIME, nullable=False),
        text("recorded_by"),
        sa.Column("cancelled_at", TIME, nullable=True),
        text("cancelled_by"),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount_above_nothing")),
        sa.CheckConstraint("(covers_from IS NULL) = (covers_until IS NULL)", name=op.f("ck_payments_covers_whole")),
        sa.ForeignKeyConstraint(["bank_line_id"], ["bank_lines.id"], name=op.f("fk_payments_bank_line_id")),
        sa.ForeignKeyConstraint(
            ["membership_id"], ["memberships.id"], name=op.f("fk_payments_membership_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_payments_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
        sa.UniqueConstraint("bank_line_id", name=op.f("uq_payments_bank_line_id")),
    )
    for column in ("membership_id", "paid_on", "person_id"):
        op.create_index(op.f(f"ix_payments_{column}"), "payments", [column])


def _rounds() -> None:
    op.create_table(
        "rounds",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        text("started_by"),
        sa.Column("closes_on", sa.Date(), nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        text("closed_by"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
        sa.UniqueConstraint("name", name=op.f("uq_rounds_name")),
    )
    op.create_table(
        "round_answers",
        sa.Column("id", ID, nullable=False),
        sa.Column("round_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        states("state", "answerstate", "waiting", "confirmed", "corrected", default="waiting"),
        sa.Column("mailed_at", TIME, nullable=True),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("elsewhere_at", TIME, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        text("answered_by"),
        text("note"),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_round_answers_person_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_answers_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_answers")),
        sa.UniqueConstraint("round_id", "person_id", name=op.f("uq_round_answers_round_id_person_id")),
    )
    op.create_index(op.f("ix_round_answers_person_id"), "round_answers", ["person_id"])


def _those_who_are_members() -> None:
    """Give a membership to everybody who was marked as a member: of the class "full"; nobody has said since when."""
    op.execute(
        "INSERT INTO memberships (person_id, class_id, state, created_at, updated_at)"
        " SELECT p.id, c.id, 'active', p.updated_at, p.updated_at"
        " FROM people p, member_classes c WHERE c.slug = 'full' AND p.member AND p.erased_at IS NULL"
        " AND p.merged_into IS NULL ORDER BY p.id"
    )
