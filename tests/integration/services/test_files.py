"""Files by the hash of their content: kept once, found again, removed when no row names them."""

import hashlib
import stat
from io import BytesIO

import pytest
import sqlalchemy as sa

from balintmail.db import files as rows
from balintmail.db.models_journal import JournalIssue
from balintmail.services import files
from balintmail.services.context import Context

PAPER = b"%PDF-1.7 a paper"


def put_into_an_issue(ctx: Context, digest: str) -> None:
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        tx.execute(sa.insert(JournalIssue).values(label="2026", year=2026, pdf=digest, created_at=now, updated_at=now))


def test_it_is_kept_under_its_hash_and_nobody_else_reads_it_J9(context: Context) -> None:
    kept = files.store(context, BytesIO(PAPER))
    assert kept == files.Stored(hashlib.sha256(PAPER).hexdigest(), len(PAPER))
    found = files.path(context, kept.digest)
    assert found.is_relative_to(context.folder / "files")
    assert stat.S_IMODE(found.stat().st_mode) == 0o600
    assert files.read(context, kept.digest) == PAPER
    with files.open_file(context, kept.digest) as file:
        assert file.read() == PAPER


def test_the_same_content_is_kept_once(context: Context) -> None:
    assert files.store(context, PAPER) == files.store(context, BytesIO(PAPER))
    assert len([one for one in (context.folder / "files").rglob("*") if one.is_file()]) == 1


@pytest.mark.parametrize(("content", "why"), [(b"", "empty"), (b"x" * 2_000_001, "2 MB")])
def test_an_empty_file_and_one_too_large_leave_nothing_behind(context: Context, content: bytes, why: str) -> None:
    with pytest.raises(files.FileRefused, match=why):
        files.store(context, content, longest=2_000_000)
    assert [one for one in (context.folder / "files").rglob("*") if one.is_file()] == []


@pytest.mark.parametrize("digest", ["../../balintmail.db", "", "A" * 64, "0" * 64, "0" * 63 + "\n"])
def test_no_other_name_opens_anything_H9(context: Context, digest: str) -> None:
    (context.folder / "files").mkdir()
    with pytest.raises(files.FileMissing):
        files.path(context, digest)


def test_it_goes_only_when_no_row_names_it(context: Context) -> None:
    named, other = files.store(context, PAPER), files.store(context, b"nobody's")
    put_into_an_issue(context, named.digest)
    assert files.discard(context, [named.digest, other.digest, "../../x"]) == 1
    assert files.read(context, named.digest) == PAPER
    with context.db.write() as tx:
        tx.execute(sa.update(JournalIssue).values(pdf=None))
    assert files.discard(context, [named.digest]) == 1
    with pytest.raises(files.FileMissing):
        files.path(context, named.digest)


def test_every_column_of_the_journal_that_names_a_file_is_asked() -> None:
    assert {str(column) for column in rows.columns()} >= {
        "journal_issues.cover",
        "journal_issues.pdf",
        "journal_articles.pdf",
    }
