"""Past papers come in from lists: the dry run changes nothing, and a second run doubles nothing."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.db import journal_issues as rows
from balintmail.db import searched
from balintmail.domain.archive import TextState
from balintmail.domain.journal_import import Record
from balintmail.services import journal_articles, journal_import, journal_issues, pdf_texts, search, search_index
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges, contents
from balintmail.services.journal_import import Outcome, Result
from balintmail.services.journal_issues import IssueChanges
from tests.support.society import found
from tests.support.volumes import pdf

FIRST = Record(
    origin="a.csv, line 2", title="The Doctor as a Drug", year="1973", volume="1", number="1", pages="pp. 3-12",
    authors=(("Michael Balint", "Balint, Michael"),), doi="10.1234/A", issn="0141-8033",
)  # fmt: skip
LIST = (
    FIRST,
    replace(FIRST, origin="a.csv, line 3", title="Editorial", pages="1", doi="", authors=()),
    replace(FIRST, origin="a.csv, line 4", title="Editorial", pages="99", doi="", authors=()),
    replace(FIRST, origin="a.csv, line 5"),  # the same line twice
    replace(FIRST, origin="a.csv, line 6", number="2", doi="", published="1973-11-05", title="Six Minutes"),
    replace(FIRST, origin="a.csv, line 7", year="1974/75", volume="2", doi="", pages=""),
)


@pytest.fixture
def ctx(context: Context) -> Context:
    found(context)
    return context


def nothing(_: Record) -> Path | None:
    return None


def take(
    ctx: Context, *records: Record, write: bool = True, pdf_of: Callable[[Record], Path | None] = nothing
) -> Outcome:
    return journal_import.take_in(ctx, records, pdf_of, write=write)


def tables(ctx: Context) -> list[int]:
    with ctx.db.read() as tx:
        names = ("journal_issues", "journal_articles", "journal_authors", "audit_events")
        return [tx.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names]


def test_list_comes_in_once_with_its_journal_issues_and_again_without_doubling(ctx: Context) -> None:
    before = tables(ctx)
    dry = take(ctx, *LIST, write=False)
    assert tables(ctx) == before
    done = take(ctx, *LIST)
    assert [one.result for one in done.taken] == [one.result for one in dry.taken] == [
        Result.NEW, Result.NEW, Result.NEW, Result.UNCHANGED, Result.NEW, Result.NEW,
    ]  # fmt: skip
    assert done.taken[3].reason == "the same as a.csv, line 2"
    assert done.added == dry.added == ("1973", "1973-2", "1974")
    with ctx.db.read() as tx:
        first = contents(tx, "1973")
        second, third = (journal_issues.named(tx, label) for label in ("1973-2", "1974"))
    assert [paper.title for paper, _ in first.papers] == ["Editorial", "The Doctor as a Drug", "Editorial"]
    assert (first.papers[1][0].first_page, first.papers[1][0].last_page, first.papers[1][0].doi) == (
        "3",
        "12",
        "10.1234/a",
    )
    assert first.papers[1][1][0].sort_name == "Balint, Michael"
    assert str(first.issue.published_on) == "1973-09-01"
    assert (str(second.published_on), second.number, third.volume) == ("1973-11-05", "2", "2")
    counted = tables(ctx)
    again = take(ctx, *LIST)
    assert {one.result for one in again.taken} == {Result.UNCHANGED}
    assert tables(ctx) == counted


def test_what_is_there_stays_and_what_it_lacks_is_filled_in(ctx: Context) -> None:
    journal_issues.add(ctx, "1973", IssueChanges(published="1973-10-01"))
    journal_articles.add(ctx, "1973", ArticleChanges(title="The doctor as a drug", pages="3-11", abstract="Ours."))
    said = replace(FIRST, abstract="Theirs.", pages="3-12", language="en")
    (done,) = take(ctx, said).taken
    assert (done.result, done.reason) == (Result.CHANGED, "filled in: doi, language, authors")
    with ctx.db.read() as tx:
        found = contents(tx, "1973")
    (paper, authors) = found.papers[0]
    assert (paper.title, paper.last_page, paper.abstract, paper.doi) == (
        "The doctor as a drug",
        "11",
        "Ours.",
        "10.1234/a",
    )
    assert [one.name for one in authors] == ["Michael Balint"]
    assert (found.issue.volume, found.issue.number, str(found.issue.published_on)) == ("1", "1", "1973-10-01")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"title": ""}, "no title"), ({"title": "A\nB"}, "line break"), ({"title": "x" * 501}, "longer"),
        ({"year": "73"}, "no year"), ({"year": "2027"}, "still to come"), ({"year": "0000"}, "no year"),
        ({"pages": "12-11"}, "before"), ({"doi": "x"}, "no DOI"), ({"issn": "0141-8034"}, "check digit"),
        ({"published": "1973-02-30"}, ""), ({"published": "2026-12-24"}, "to come"), ({"language": "<b>"}, "language"),
        ({"embargo": "soon"}, "no day"), ({"authors": (("a\0", "a"),)}, "control"),
        ({"authors": (("a", "a"),) * 201}, "authors"), ({"abstract": "x" * 8001}, "longer"),
    ],
)  # fmt: skip
def test_line_that_cannot_be_right_is_refused_and_the_others_go_on(
    ctx: Context, said: dict[str, str], reason: str
) -> None:
    wrong, good = take(ctx, replace(FIRST, **said), LIST[4]).taken  # type: ignore[arg-type]
    assert wrong.result is Result.REFUSED
    assert reason in wrong.reason
    assert good.result is Result.NEW


def test_pdfs_are_kept_once_read_and_searched_and_those_that_cannot_be_are_refused(
    ctx: Context, tmp_path: Path
) -> None:
    contents_of = {
        "1": pdf("The seventh sense of a general practitioner, page by page, in words."),
        "2": b"%PDF-1.7 cut short",
        "3": b"%PDF-1.7\n/Encrypt 1 0 R\n%%EOF",
        "4": b"MZ no PDF",
        "5": pdf("", ""),
    }
    records = [
        replace(FIRST, origin=name, title=f"Paper {name}", doi="", pages="", file=f"{name}.pdf") for name in contents_of
    ]
    for name, content in contents_of.items():
        (tmp_path / f"{name}.pdf").write_bytes(content)

    def beside(record: Record) -> Path | None:
        return tmp_path / record.file

    results = [one.result for one in take(ctx, *records, pdf_of=beside).taken]
    assert results == [Result.NEW, Result.REFUSED, Result.REFUSED, Result.REFUSED, Result.NEW]
    assert {row.state for row in pdf_texts.read_waiting(ctx)} == {TextState.READ, TextState.SCAN}
    assert pdf_texts.waiting(ctx) == 0
    search_index.keep_in_step(ctx)
    (hit,) = search.find(ctx, "general practitioner").hits
    assert hit.paper is not None
    assert hit.paper.slug == "paper-1"
    kept = sorted(path.name for path in (ctx.folder / "files").rglob("*") if path.is_file())
    assert len(kept) == 2
    take(ctx, *records, pdf_of=beside)
    assert sorted(path.name for path in (ctx.folder / "files").rglob("*") if path.is_file()) == kept


def test_dispatch_s_look_reads_what_waits_and_a_missing_file_is_told_once(ctx: Context) -> None:
    file = ctx.folder / "a.pdf"
    file.write_bytes(pdf("Words of a paper that was added by hand, enough of them."))
    journal_issues.add(ctx, "2020", IssueChanges(published="2020-09-15"))
    kept = journal_articles.add(ctx, "2020", ArticleChanges(title="A", pdf=file)).pdf
    assert kept is not None
    (ctx.folder / "files" / kept[:2] / kept).unlink()
    assert (pdf_texts.glance(ctx), pdf_texts.glance(ctx)) == (1, 0)
    with ctx.db.read() as tx:
        row = searched.text(tx, kept)
        assert rows.of_doi(tx, "x") is None
    assert row is not None
    assert (row.state, "missing" in row.remark) == (TextState.BROKEN, True)
