"""Keep the papers of a journal issue: title, authors, pages, abstract, DOI, language and PDF.

An author who is on the register is linked to the printed name, so that the despatch owes them a copy. It never changes
an article's web address once it is there.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from balintmail.db import audit
from balintmail.db import journal_issues as rows
from balintmail.db.journal_issues import ArticleRow, AuthorRow, IssueRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.journal_issues import JournalRefused, read_doi, read_pages, slug, sort_name
from balintmail.errors import Conflict, NotFound
from balintmail.services import files
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.journal_issues import keep_pdf, named, read_day

LONGEST_ABSTRACT = 8000  # characters; long ones have 3,000
MOST_AUTHORS = 200
_LINKED = re.compile(r"(?P<name>.*\S)\s*<(?P<who>[^<>]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleChanges:
    """What to say of a paper, as it is typed; None leaves a thing alone, "" empties it.

    An author is written `Michael Balint`, or `Michael Balint <12>` or `<m@example.org>` for somebody on the register.
    `position` 1 puts it first.
    """

    title: str | None = None
    authors: tuple[str, ...] | None = None
    pages: str | None = None
    abstract: str | None = None
    doi: str | None = None
    language: str | None = None
    kind: str | None = None
    embargo: str | None = None
    pdf: Path | None = None
    position: int | None = None


@dataclass(frozen=True, slots=True)
class Contents:
    """A journal issue with its papers in their order, each with its authors."""

    issue: IssueRow
    papers: tuple[tuple[ArticleRow, tuple[AuthorRow, ...]], ...]


def contents(tx: Tx, label: str) -> Contents:
    """Return a journal issue with its papers; raise NotFound."""
    issue = named(tx, label)
    papers = rows.articles(tx, issue.id)
    authors = rows.authors(tx, [paper.id for paper in papers])
    return Contents(issue, tuple((paper, tuple(authors.get(paper.id, ()))) for paper in papers))


def add(ctx: Context, label: str, changes: ArticleChanges) -> ArticleRow:
    """Add a paper at the end of a journal issue, or where `position` says; return it."""
    if not changes.title or not changes.title.strip():
        raise JournalRefused("A paper needs a title.")
    values = _values(ctx, changes)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue = named(tx, label)
        others = rows.articles(tx, issue.id)
        _doi_is_free(tx, values.get("doi", ""), None)
        own = slug(values["title"], {paper.slug for paper in others})
        place = {"journal_issue_id": issue.id, "slug": own, "position": len(others) + 1}
        number = rows.add_article(tx, {**place, **values}, now=now)
        language = values.get("language") or issue.language
        rows.set_authors(tx, number, _authors(tx, changes.authors or (), language))
        _arrange(tx, issue.id, own, changes.position)
        audit.note(tx, "paper added", actor=ctx.actor, now=now, detail={"journal": issue.label, "paper": own})
        return _paper(tx, issue, own)


def edit(ctx: Context, label: str, which: str, changes: ArticleChanges) -> ArticleRow:
    """Change the paper that its place in the journal issue (1, 2 …) or its slug names; return it."""
    if changes.title is not None and not changes.title.strip():
        raise JournalRefused("A paper needs a title.")
    values = _values(ctx, changes)
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue = named(tx, label)
        before = _paper(tx, issue, which)
        _doi_is_free(tx, values.get("doi", ""), before.id)
        rows.update_article(tx, before.id, values, now=now)
        if changes.authors is not None:
            language = values.get("language", before.language) or issue.language
            rows.set_authors(tx, before.id, _authors(tx, changes.authors, language))
        _arrange(tx, issue.id, before.slug, changes.position)
        detail = {"journal": issue.label, "paper": before.slug}
        audit.note(tx, "paper changed", actor=ctx.actor, now=now, detail=detail)
        after = _paper(tx, issue, before.slug)
    files.discard(ctx, {one for one in (before.pdf,) if one} - {after.pdf})
    return after


def remove(ctx: Context, label: str, which: str) -> ArticleRow:
    """Take a paper out of a journal issue that is not published yet; return what it was."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue = named(tx, label)
        gone = _paper(tx, issue, which)
        if issue.published_on is not None and issue.published_on <= now.astimezone(ctx.settings.zone).date():
            hint = "Correct it: balintmail journal articles edit"
            raise Conflict(
                f"The Journal {issue.label} is published; its papers stay where readers find them.", hint=hint
            )
        rows.remove_article(tx, gone.id)
        _arrange(tx, issue.id, gone.slug, None)
        detail = {"journal": issue.label, "paper": gone.slug}
        audit.note(tx, "paper removed", actor=ctx.actor, now=now, detail=detail)
    files.discard(ctx, [gone.pdf] if gone.pdf else [])
    return gone


def _paper(tx: Tx, issue: IssueRow, which: str) -> ArticleRow:
    papers = rows.articles(tx, issue.id)
    for place, paper in enumerate(papers, start=1):
        if which in {paper.slug, str(place)}:
            return paper
    raise NotFound(
        f"The Journal {issue.label} has no paper {which}.", hint=f"See: balintmail journal show {issue.label}"
    )


def _arrange(tx: Tx, journal_issue_id: int, moved: str, position: int | None) -> None:
    """Number the papers from 1 on, the moved one at `position`."""
    papers = rows.articles(tx, journal_issue_id)
    if position is not None:
        chosen = [paper for paper in papers if paper.slug == moved]
        papers = [paper for paper in papers if paper.slug != moved]
        papers[max(0, position - 1) : max(0, position - 1)] = chosen
    for place, paper in enumerate(papers, start=1):
        if paper.position != place:
            rows.update_article(tx, paper.id, {"position": place}, now=paper.updated_at)


def _doi_is_free(tx: Tx, doi: str, own: int | None) -> None:
    held = rows.of_doi(tx, doi) if doi else None
    if held is not None and held.id != own:
        raise Conflict(f'The DOI {doi} is that of "{held.title}" already.', hint="A DOI names one paper.")


def _authors(tx: Tx, said: Sequence[str], language: str) -> list[AuthorRow]:
    """Return the authors, each with the person on the register whom the brackets name."""
    if len(said) > MOST_AUTHORS:
        raise JournalRefused(f"A paper has at most {MOST_AUTHORS} authors.")
    found = []
    for position, text in enumerate(said, start=1):
        linked = _LINKED.fullmatch(text.strip())
        name = hygiene.one_line(linked["name"] if linked else text, what="the author's name")
        if not name:
            raise JournalRefused("An author needs a name.")
        person = register.find_one(tx, linked["who"]).id if linked else None
        found.append(AuthorRow(0, position, name, sort_name(name, language), "", person))
    return found


def _values(ctx: Context, changes: ArticleChanges) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if changes.title is not None:
        values["title"] = hygiene.one_line(changes.title, what="the title", longest=500)
    if changes.kind is not None:
        values["kind"] = hygiene.one_line(changes.kind, what="the kind", longest=40)
    if changes.pages is not None:
        values["first_page"], values["last_page"] = read_pages(changes.pages)
    if changes.abstract is not None:
        values["abstract"] = hygiene.paragraphs(changes.abstract, what="the abstract", longest=LONGEST_ABSTRACT)
    if changes.doi is not None:
        values["doi"] = read_doi(changes.doi)
    if changes.language is not None:
        values["language"] = hygiene.language(changes.language) if changes.language.strip() else ""
    if changes.embargo is not None:
        values["embargo_until"] = read_day(changes.embargo, "--embargo")
    if changes.pdf is not None:
        values["pdf"] = keep_pdf(ctx, changes.pdf)
    return values
