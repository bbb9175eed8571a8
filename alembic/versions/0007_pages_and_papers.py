"""Pages, documents, papers and the yearly calendar"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    _pages()
    _papers()
    _year()


def _pages() -> None:
    op.create_table(
        "page_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_page_versions")),
        sa.UniqueConstraint("name", "number", name=op.f("uq_page_versions_name_number")),
    )
    op.create_table(
        "documents",
        sa.Column("id", ID, nullable=False),
        sa.Column("slug", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        text("remark"),
        text("language"),
        sa.Column(
            "visibility",
            sa.Enum(
                "public",
                "members",
                "none",
                name="visibility_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="public",
            nullable=False,
        ),
        sa.Column("place", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("slug", name=op.f("uq_documents_slug")),
    )
    op.create_table(
        "document_versions",
        sa.Column("id", ID, nullable=False),
        sa.Column("document_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        text("label"),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("preview", sa.String(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f("fk_document_versions_document_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_versions")),
        sa.UniqueConstraint("document_id", "number", name=op.f("uq_document_versions_document_id_number")),
    )
    op.create_index(op.f("ix_document_versions_digest"), "document_versions", ["digest"], unique=False)


def _papers() -> None:
    op.create_table(
        "papers",
        sa.Column("id", ID, nullable=False),
        sa.Column("number", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("authors", sa.String(), nullable=False),
        text("abstract"),
        text("message"),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("envelope", sa.String(), nullable=False),
        sa.Column("address_key", sa.String(), nullable=False),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("door", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "received",
                "in_review",
                "accepted",
                "declined",
                "in_journal",
                "withdrawn",
                name="paperstate_known",
                native_enum=False,
                create_constraint=True,
                length=20,
            ),
            server_default="received",
            nullable=False,
        ),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("chased_at", TIME, nullable=True),
        sa.Column("decided_at", TIME, nullable=True),
        text("decided_by"),
        text("reason"),
        text("note"),
        sa.Column("journal_issue_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_papers_journal_issue_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_papers_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_papers")),
        sa.UniqueConstraint("number", name=op.f("uq_papers_number")),
    )
    op.create_index(op.f("ix_papers_address_key"), "papers", ["address_key"], unique=False)
    op.create_index(op.f("ix_papers_journal_issue_id"), "papers", ["journal_issue_id"], unique=False)
    op.create_index(
        "ix_papers_open",
        "papers",
        ["state", "due_on"],
        unique=False,
        sqlite_where=sa.text("state IN ('received', 'in_review')"),
        postgresql_where=sa.text("state IN ('received', 'in_review')"),
    )
    op.create_index(op.f("ix_papers_person_id"), "papers", ["person_id"], unique=False)
    op.create_table(
        "paper_files",
        sa.Column("id", ID, nullable=False),
        sa.Column("paper_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_paper_files_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_files")),
        sa.UniqueConstraint("paper_id", "position", name=op.f("uq_paper_files_paper_id_position")),
    )
    op.create_index(op.f("ix_paper_files_digest"), "paper_files", ["digest"], unique=False)
    op.create_table(
        "paper_readers",
        sa.Column("id", ID, nullable=False),
        sa.Column("paper_id", ID, nullable=False),
        sa.Column("person_id", ID, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("chased_at", TIME, nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        text("advice"),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_paper_readers_paper_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_paper_readers_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_readers")),
        sa.UniqueConstraint("paper_id", "person_id", name=op.f("uq_paper_readers_paper_id_person_id")),
    )
    op.create_index(op.f("ix_paper_readers_person_id"), "paper_readers", ["person_id"], unique=False)
    op.create_table(
        "paper_events",
        sa.Column("id", ID, nullable=False),
        sa.Column("paper_id", ID, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        text("remark"),
        sa.ForeignKeyConstraint(["paper_id"], ["papers.id"], name=op.f("fk_paper_events_paper_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_paper_events")),
    )
    op.create_index(op.f("ix_paper_events_paper_id"), "paper_events", ["paper_id"], unique=False)


def _year() -> None:
    op.create_table(
        "duties",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        text("remark"),
        sa.Column(
            "kind",
            sa.Enum(
                "remind", "newsletter", name="dutykind_known", native_enum=False, create_constraint=True, length=20
            ),
            server_default="remind",
            nullable=False,
        ),
        sa.Column("list_id", ID, nullable=True),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("every_months", sa.Integer(), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["list_id"], ["lists.id"], name=op.f("fk_duties_list_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
    )
    op.create_table(
        "duty_dates",
        sa.Column("id", ID, nullable=False),
        sa.Column("duty_id", ID, nullable=False),
        sa.Column("on_day", sa.Date(), nullable=False),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("chased_at", TIME, nullable=True),
        text("draft"),
        sa.Column("done_at", TIME, nullable=True),
        text("done_by"),
        text("remark"),
        sa.ForeignKeyConstraint(["duty_id"], ["duties.id"], name=op.f("fk_duty_dates_duty_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_dates")),
        sa.UniqueConstraint("duty_id", "on_day", name=op.f("uq_duty_dates_duty_id_on_day")),
    )
