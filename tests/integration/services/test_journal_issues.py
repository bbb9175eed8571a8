"""Issues of the Journal, their papers and their stock, on both databases."""

from pathlib import Path
from threading import Barrier, Thread

import pytest

from balintmail.db import journal_issues as rows
from balintmail.db import people
from balintmail.domain.despatches import StockReason
from balintmail.domain.journal_issues import JournalRefused
from balintmail.errors import Conflict, NotFound
from balintmail.services import files
from balintmail.services import journal_articles as papers
from balintmail.services import journal_issues as service
from balintmail.services.context import Context
from balintmail.services.files import FileRefused
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def a_file(folder: Path, name: str, content: bytes) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def person(ctx: Context, name: str) -> int:
    with ctx.db.write() as tx:
        return people.insert(tx, {"name": name}, now=ctx.clock.now())


def test_a_journal_issue_is_added_once_and_changed(context: Context, tmp_path: Path) -> None:
    said = IssueChanges(volume="53", number="1", issn="2049-3630", published="2026-09-15", embargo="2027-09-15")
    added = service.add(context, "2026", said)
    assert (added.label, added.volume, added.number, added.issn, added.language) == (
        "2026",
        "53",
        "1",
        "2049-3630",
        "en",
    )
    with pytest.raises(Conflict, match="There is a Journal 2026 already"):
        service.add(context, "2026", IssueChanges())
    changed = service.edit(
        context, "2026", IssueChanges(print_run="1,200", embargo="", pdf=a_file(tmp_path, "j.pdf", PDF))
    )
    assert (changed.print_run, changed.embargo_until, changed.volume) == (1200, None, "53")
    assert changed.pdf is not None
    assert files.read(context, changed.pdf) == PDF


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (IssueChanges(issn="2049-3631"), "check digit"),
        (IssueChanges(published="2026-02-30"), "is no day"),
        (IssueChanges(published="20260915"), "is no day"),
        (IssueChanges(published="2026-09-15", embargo="2026-09-14"), "before the Journal is published"),
        (IssueChanges(print_run="-5"), "no print run"),
        (IssueChanges(print_run="10000000"), "no print run"),
        (IssueChanges(print_run="4½"), "no print run"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(context: Context, said: IssueChanges, why: str) -> None:
    with pytest.raises(JournalRefused, match=why):
        service.add(context, "2026", said)
    with context.db.read() as tx:
        assert rows.every(tx) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is no PDF"),
        (b"PK\x03\x04 a zip", "is no PDF"),
        (PDF[:-8], "cut short"),
        (PDF.replace(b"<</Root", b"<</Encrypt 4 0 R/Root"), "wants a password"),
    ],
)
def test_a_broken_or_locked_pdf_is_refused(context: Context, tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(FileRefused, match=why):
        service.add(context, "2026", IssueChanges(pdf=a_file(tmp_path, "j.pdf", content)))
    with pytest.raises(FileRefused, match="neither a PNG nor a JPEG"):
        service.add(context, "2026", IssueChanges(cover=a_file(tmp_path, "cover.svg", b"<svg/>")))


def test_a_file_that_nothing_names_any_more_goes(context: Context, tmp_path: Path) -> None:
    first = service.add(context, "2026", IssueChanges(cover=a_file(tmp_path, "a.png", PNG)))
    service.add(context, "2027", IssueChanges(cover=a_file(tmp_path, "a.png", PNG)))
    other = a_file(tmp_path, "b.png", PNG + b"x")
    service.edit(context, "2026", IssueChanges(cover=other))
    assert first.cover is not None
    assert files.read(context, first.cover) == PNG  # 2027 has it still
    service.edit(context, "2027", IssueChanges(cover=other))
    with pytest.raises(files.FileMissing):
        files.read(context, first.cover)


def test_papers_keep_their_order_and_their_addresses(context: Context) -> None:
    service.add(context, "2026", IssueChanges())
    enid = person(context, "Enid Example")
    papers.add(context, "2026", ArticleChanges(title="The Basic Fault", authors=("Michael Balint",), pages="3-12"))
    last = papers.add(
        context, "2026", ArticleChanges(title="Editorial", authors=(f"Enid Example <{enid}>",), position=1)
    )
    assert (last.slug, last.position) == ("editorial", 1)
    papers.edit(context, "2026", "editorial", ArticleChanges(title="From the Editor"))
    with context.db.read() as tx:
        found = papers.contents(tx, "2026")
        assert rows.author_people(tx, found.issue.id) == [enid]
    assert [(paper.position, paper.slug, paper.title) for paper, _ in found.papers] == [
        (1, "editorial", "From the Editor"),
        (2, "the-basic-fault", "The Basic Fault"),
    ]
    assert [who[0].sort_name for _, who in found.papers] == ["Example, Enid", "Balint, Michael"]
    assert papers.remove(context, "2026", "1").slug == "editorial"
    with context.db.read() as tx:
        assert [paper.position for paper, _ in papers.contents(tx, "2026").papers] == [1]


def test_a_published_paper_stays_and_a_doi_names_one(context: Context) -> None:
    service.add(context, "2025", IssueChanges(published="2025-09-15"))
    papers.add(context, "2025", ArticleChanges(title="One", doi="10.1234/a"))
    with pytest.raises(Conflict, match="is published"):
        papers.remove(context, "2025", "1")
    with pytest.raises(Conflict, match='that of "One" already'):
        papers.add(context, "2025", ArticleChanges(title="Two", doi="https://doi.org/10.1234/A"))
    papers.edit(context, "2025", "1", ArticleChanges(doi="10.1234/a"))


def test_an_author_in_brackets_is_on_the_register(context: Context) -> None:
    service.add(context, "2026", IssueChanges())
    with pytest.raises(NotFound):
        papers.add(context, "2026", ArticleChanges(title="One", authors=("Nobody <77>",)))
    with pytest.raises(JournalRefused, match="needs a title"):
        papers.add(context, "2026", ArticleChanges(title=" "))
    with pytest.raises(NotFound, match="has no paper 1"):
        papers.edit(context, "2026", "1", ArticleChanges(title="x"))


def test_stock_is_the_sum_of_its_moves_and_never_below_nothing(context: Context) -> None:
    service.add(context, "2026", IssueChanges())
    service.change_stock(context, "2026", StockReason.PRINTED, 5)
    service.change_stock(context, "2026", StockReason.LOST, 2, note="wet")
    with pytest.raises(Conflict, match="3 are on the shelf"):
        service.change_stock(context, "2026", StockReason.GIVEN, 4)
    for wrong in (0, -1, service.LARGEST_RUN + 1):
        with pytest.raises(JournalRefused, match="no number of copies"):
            service.change_stock(context, "2026", StockReason.PRINTED, wrong)
    with context.db.read() as tx:
        issue = service.named(tx, "2026")
        moves = rows.moves(tx, issue.id)
    assert (issue.on_shelf, sum(move.on_shelf for move in moves)) == (3, 3)
    assert [move.note for move in moves] == ["", "wet"]


def test_two_at_once_never_take_the_last_copy_twice(context: Context) -> None:
    service.add(context, "2026", IssueChanges())
    service.change_stock(context, "2026", StockReason.PRINTED, 1)
    both, refused = Barrier(2), []

    def give() -> None:
        both.wait()
        try:
            service.change_stock(context, "2026", StockReason.GIVEN, 1)
        except Conflict as exc:
            refused.append(exc)

    givers = [Thread(target=give) for _ in range(2)]
    for giver in givers:
        giver.start()
    for giver in givers:
        giver.join()
    assert len(refused) == 1
    with context.db.read() as tx:
        assert service.named(tx, "2026").on_shelf == 0
