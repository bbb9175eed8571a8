"""The archive: search, errata, newsletters of earlier years, texts of PDFs, links to read by"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = sa.DateTime(timezone=True)
WORDS = sa.Text().with_variant(TSVECTOR(), "postgresql")

# The ASCII tokenizer takes what db/search.py has parted by blanks as it stands: every letter beyond ASCII is one.
FTS5 = (
    "CREATE VIRTUAL TABLE search_words USING fts5("
    "head, words, content='search_entries', content_rowid='id', tokenize='ascii')"
)
ADDED = "INSERT INTO search_words(rowid, head, words) VALUES (new.id, new.head, new.words);"
TAKEN = "INSERT INTO search_words(search_words, rowid, head, words) VALUES ('delete', old.id, old.head, old.words);"


def text(name: str) -> "sa.Column[str]":
    return sa.Column(name, sa.String(), server_default="", nullable=False)


def upgrade() -> None:
    """Add the tables of this part."""
    _newsletters()
    _search()
    _index_words()
    _copies()


def _newsletters() -> None:
    op.create_table(
        "errata",
        sa.Column("id", ID, nullable=False),
        sa.Column("mailing_id", ID, nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        text("actor"),
        sa.Column("withdrawn_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_errata_mailing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_errata")),
    )
    op.create_index(op.f("ix_errata_mailing_id"), "errata", ["mailing_id"])
    op.create_table(
        "past_newsletters",
        sa.Column("mailing_id", ID, autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        text("file_name"),
        sa.Column("file", sa.String(), nullable=True),
        sa.Column("imported_at", TIME, nullable=False),
        text("imported_by"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_past_newsletters_mailing_id")),
        sa.PrimaryKeyConstraint("mailing_id", name=op.f("pk_past_newsletters")),
        sa.UniqueConstraint("digest", name=op.f("uq_past_newsletters_digest")),
    )


def _search() -> None:
    states = ("read", "recognised", "scan", "locked", "broken")
    op.create_table(
        "pdf_texts",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(*states, name="textstate_known", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        text("remark"),
        sa.Column("pages", sa.Integer(), server_default="0", nullable=False),
        text("words"),
        sa.Column("read_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_pdf_texts")),
    )
    op.create_table(
        "search_entries",
        sa.Column("id", ID, nullable=False),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("article_id", ID, nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("open_from", TIME, nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=False),
        text("language"),
        sa.Column("title", sa.String(), nullable=False),
        text("authors"),
        text("summary"),
        text("body"),
        sa.Column("head", WORDS, nullable=False),
        sa.Column("words", WORDS, nullable=False),
        sa.CheckConstraint("(mailing_id IS NULL) <> (article_id IS NULL)", name=op.f("ck_search_entries_is_of_one")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_search_entries_mailing_id")),
        sa.ForeignKeyConstraint(["article_id"], ["journal_articles.id"], name=op.f("fk_search_entries_article_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_search_entries")),
        sa.UniqueConstraint("mailing_id", name=op.f("uq_search_entries_mailing_id")),
        sa.UniqueConstraint("article_id", name=op.f("uq_search_entries_article_id")),
    )


def _index_words() -> None:
    """Index the words in the way that each database has."""
    if op.get_bind().dialect.name != "sqlite":
        for column in ("head", "words"):
            op.execute(f"CREATE INDEX search_words_{column} ON search_entries USING gin ({column})")
        return
    op.execute(FTS5)
    op.execute(f"CREATE TRIGGER search_words_added AFTER INSERT ON search_entries BEGIN {ADDED} END")
    op.execute(f"CREATE TRIGGER search_words_taken AFTER DELETE ON search_entries BEGIN {TAKEN} END")
    op.execute(
        f"CREATE TRIGGER search_words_changed AFTER UPDATE OF head, words ON search_entries BEGIN {TAKEN} {ADDED} END"
    )


def _copies() -> None:
    op.create_table(
        "copy_terms",
        sa.Column("request_id", ID, autoincrement=False, nullable=False),
        sa.Column("journal_issue_id", ID, nullable=True),
        sa.Column("article_id", ID, nullable=True),
        sa.Column("paper", sa.Boolean(), server_default=sa.false(), nullable=False),
        text("post"),
        sa.Column("price_pence", sa.Integer(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        text("words"),
        sa.Column("quoted_at", TIME, nullable=True),
        sa.Column("agreed_at", TIME, nullable=True),
        sa.CheckConstraint("price_pence IS NULL OR price_pence >= 0", name=op.f("ck_copy_terms_price_not_negative")),
        sa.CheckConstraint("(price_pence IS NULL) = (currency IS NULL)", name=op.f("ck_copy_terms_price_has_currency")),
        sa.ForeignKeyConstraint(["request_id"], ["copy_requests.id"], name=op.f("fk_copy_terms_request_id")),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_copy_terms_journal_issue_id")
        ),
        sa.ForeignKeyConstraint(["article_id"], ["journal_articles.id"], name=op.f("fk_copy_terms_article_id")),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_copy_terms")),
    )
    kinds = ("newsletter", "article", "journal_issue")
    op.create_table(
        "reading_links",
        sa.Column("id", ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(*kinds, name="readingkind_known", native_enum=False, create_constraint=True, length=20),
            nullable=False,
        ),
        sa.Column("person_id", ID, nullable=True),
        sa.Column("request_id", ID, nullable=True),
        sa.Column("mailing_id", ID, nullable=True),
        sa.Column("article_id", ID, nullable=True),
        sa.Column("journal_issue_id", ID, nullable=True),
        sa.Column("for_members", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("most_uses", sa.Integer(), nullable=False),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.CheckConstraint("uses >= 0 AND uses <= most_uses", name=op.f("ck_reading_links_uses_are_few")),
        sa.CheckConstraint(
            "(CASE WHEN mailing_id IS NULL THEN 0 ELSE 1 END) + (CASE WHEN article_id IS NULL THEN 0 ELSE 1 END)"
            " + (CASE WHEN journal_issue_id IS NULL THEN 0 ELSE 1 END) = 1",
            name=op.f("ck_reading_links_leads_to_one"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reading_links_person_id")),
        sa.ForeignKeyConstraint(["request_id"], ["copy_requests.id"], name=op.f("fk_reading_links_request_id")),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name=op.f("fk_reading_links_mailing_id")),
        sa.ForeignKeyConstraint(["article_id"], ["journal_articles.id"], name=op.f("fk_reading_links_article_id")),
        sa.ForeignKeyConstraint(
            ["journal_issue_id"], ["journal_issues.id"], name=op.f("fk_reading_links_journal_issue_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_links")),
    )
    for column in ("person_id", "request_id", "expires_at"):
        op.create_index(op.f(f"ix_reading_links_{column}"), "reading_links", [column])
