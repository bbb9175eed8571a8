"""The digital archive of the Journal as everybody reads it: volumes, one year, one paper, authors, titles, files.

A journal issue is seen from its day of publication on. A paper's file is open when its embargo, or that of its journal
issue, has ended in the society's time zone; its abstract always is. It changes nothing and knows nobody who reads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from balintmail.db import journal_issues as rows
from balintmail.db import journal_shelves as shelves
from balintmail.db.journal_issues import ArticleRow, AuthorRow, IssueRow
from balintmail.db.journal_shelves import Line
from balintmail.db.session import Tx
from balintmail.domain.citations import Cited
from balintmail.domain.indexes import OTHERS, initial, sorting_title
from balintmail.domain.journal_issues import JournalRefused, Label, read_label
from balintmail.domain.search import folded
from balintmail.errors import NotFound
from balintmail.services import files
from balintmail.services.context import Context
from balintmail.services.journal_issues import picture_kind


@dataclass(frozen=True, slots=True)
class Volume:
    """A journal issue on the shelf, and how many papers it has."""

    issue: IssueRow
    papers: int

    @property
    def decade(self) -> int:
        return self.issue.year // 10 * 10


@dataclass(frozen=True, slots=True)
class Listed:
    """A paper in a list, with its authors as printed; `closed_until` is the day on which it opens, where it is not."""

    line: Line
    authors: tuple[str, ...]
    closed_until: date | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A journal issue with its contents; `whole` says whether all of it may be had as one file."""

    issue: IssueRow
    papers: tuple[Listed, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class Paper:
    """One paper with all that its page says. `size` is that of its file in octets, 0 for none that all may read."""

    issue: IssueRow
    article: ArticleRow
    language: str
    authors: tuple[AuthorRow, ...]
    closed_until: date | None
    size: int
    before: Line | None
    after: Line | None

    @property
    def has_file(self) -> bool:
        return self.article.pdf is not None


@dataclass(frozen=True, slots=True)
class Index:
    """One letter of an index: all letters that have something, the one that is shown, and what stands under it."""

    letters: tuple[str, ...]
    letter: str
    entries: tuple[tuple[str, tuple[Listed, ...]], ...]


def volumes(ctx: Context) -> list[Volume]:
    """Return every journal issue that is out, the newest first."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        papers = shelves.counts(tx, today)
        return [Volume(one, papers.get(one.id, 0)) for one in shelves.published(tx, today)]


def of_label(ctx: Context, label: str) -> list[Opened]:
    """Return what `2026` names, every journal issue of that year, or `2026-2`, that one; raise NotFound.

    Where the two of a year are `2026` and `2026-2`, the first has no address that is not its year's, too.
    """
    wanted, today = _label(label), _today(ctx)
    with ctx.db.read() as tx:
        year = shelves.published(tx, today, year=wanted.year)
        found = [one for one in year if not wanted.part or one.label == str(wanted)]
        if not found:
            raise NotFound(f"There is no Journal {label[:20]} here.")
        lines = _listed(tx, shelves.of_issues(tx, [one.id for one in found]), today)
    return [_opened(one, [paper for paper in lines if paper.line.journal_issue_id == one.id], today) for one in found]


def paper(ctx: Context, label: str, slug: str) -> Paper:
    """Return the paper at that end of a journal issue's address; raise NotFound."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        issue, article = _paper(tx, label, slug, today)
        authors = tuple(rows.authors(tx, [article.id]).get(article.id, ()))
        lines = shelves.of_issues(tx, [issue.id])
    at = next(place for place, line in enumerate(lines) if line.id == article.id)
    closed = _closed_until(lines[at], today)
    return Paper(
        issue,
        article,
        lines[at].language,
        authors,
        closed,
        0 if closed or article.pdf is None else _size(ctx, article.pdf),
        lines[at - 1] if at else None,
        lines[at + 1] if at + 1 < len(lines) else None,
    )


def file(ctx: Context, label: str, slug: str) -> str | None:
    """Return the hash of a paper's file that all may read, None where it is not open yet; raise NotFound for none."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        issue, article = _paper(tx, label, slug, today)
        (line,) = [one for one in shelves.of_issues(tx, [issue.id]) if one.id == article.id]
    if article.pdf is None:
        raise NotFound("There is no file of that paper here.")
    return None if _closed_until(line, today) else article.pdf


def whole_file(ctx: Context, label: str) -> tuple[str, IssueRow]:
    """Return the hash of the file of a whole journal issue, once nothing in it is closed; raise NotFound."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        issue = _issue(tx, label, today)
        papers = _listed(tx, shelves.of_issues(tx, [issue.id]), today)
    if issue.pdf is None or not _opened(issue, papers, today).whole:
        raise NotFound("There is no such file here.")
    return issue.pdf, issue


def cover(ctx: Context, label: str) -> tuple[str, bytes]:
    """Return the type and the octets of the picture of a cover; raise NotFound."""
    with ctx.db.read() as tx:
        issue = _issue(tx, label, _today(ctx))
    content = files.read(ctx, issue.cover) if issue.cover else b""
    kind = picture_kind(content)
    if kind is None:
        raise NotFound("There is no picture of that cover here.")
    return kind, content


def cited(ctx: Context, of: Paper) -> Cited:
    """Return what a citation of a paper says; its address is the one on this site."""
    issue, article, journal = of.issue, of.article, ctx.settings.journal
    url = ctx.settings.society.url.rstrip("/")
    return Cited(
        title=article.title,
        authors=tuple(one.sort_name or one.name for one in of.authors),
        journal=journal.name,
        year=issue.year,
        published=issue.published_on.isoformat() if issue.published_on else "",
        issn=issue.issn or journal.issn,
        volume=issue.volume,
        number=issue.number,
        first_page=article.first_page,
        last_page=article.last_page,
        doi=article.doi,
        url=f"{url}/journal/{issue.label}/{article.slug}" if url else "",
        abstract=article.abstract,
        language=of.language,
        publisher=ctx.settings.society.name,
    )


def authors(ctx: Context, letter: str) -> Index:
    """Return the authors whose names begin with a letter, each with their papers, the newest first."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        every = shelves.names(tx, today)
        letters, shown = _letters({initial(one.sort_name) for one in every}, letter)
        wanted: dict[str, set[int]] = {}
        for one in every:
            if initial(one.sort_name) == shown:
                wanted.setdefault(one.sort_name, set()).add(one.article_id)
        numbers = set().union(*wanted.values())
        papers = _listed(tx, [line for line in shelves.titles(tx, today) if line.id in numbers], today)
    entries = [
        (name, tuple(paper for paper in papers if paper.line.id in wanted[name]))
        for name in sorted(wanted, key=lambda name: (folded(name), name))
    ]
    return Index(letters, shown, tuple(entries))


def titles(ctx: Context, letter: str) -> Index:
    """Return the papers whose titles begin with a letter, articles at the beginning left out."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        by_key = [(sorting_title(line.title, line.language), line) for line in shelves.titles(tx, today)]
        letters, shown = _letters({initial(key) for key, _ in by_key}, letter)
        wanted = sorted(
            ((key, line) for key, line in by_key if initial(key) == shown), key=lambda pair: (pair[0], -pair[1].year)
        )
        papers = _listed(tx, [line for _, line in wanted], today)
    return Index(letters, shown, tuple((paper.line.title, (paper,)) for paper in papers))


def _letters(found: set[str], wanted: str) -> tuple[tuple[str, ...], str]:
    """Return all letters in their order, and the one to show: the first where none is asked for; raise NotFound."""
    letters = tuple(sorted(found, key=lambda one: (one == OTHERS, one)))
    if wanted and wanted not in found:
        raise NotFound("Nothing begins with that letter here.")
    return letters, wanted or (letters[0] if letters else "")


def _label(label: str) -> Label:
    try:
        found = read_label(label)
    except JournalRefused as exc:
        raise NotFound("There is no such journal issue here.") from exc
    if str(found) != label:
        raise NotFound("There is no such journal issue here.")
    return found


def _issue(tx: Tx, label: str, today: date) -> IssueRow:
    issue = rows.by_label(tx, str(_label(label)))
    if issue is None or issue.published_on is None or issue.published_on > today:
        raise NotFound(f"There is no Journal {label[:20]} here.")
    return issue


def _paper(tx: Tx, label: str, slug: str, today: date) -> tuple[IssueRow, ArticleRow]:
    issue = _issue(tx, label, today)
    article = rows.article(tx, issue.id, slug)
    if article is None:
        raise NotFound("There is no such paper here.")
    return issue, article


def _listed(tx: Tx, lines: Sequence[Line], today: date) -> list[Listed]:
    written = rows.authors(tx, [line.id for line in lines])
    return [
        Listed(line, tuple(author.name for author in written.get(line.id, ())), _closed_until(line, today))
        for line in lines
    ]


def _opened(issue: IssueRow, papers: Iterable[Listed], today: date) -> Opened:
    papers = tuple(papers)
    closed = (issue.embargo_until is not None and issue.embargo_until > today) or any(
        paper.closed_until for paper in papers
    )
    return Opened(issue, papers, whole=issue.pdf is not None and not closed)


def _closed_until(line: Line, today: date) -> date | None:
    return line.open_on if line.open_on is not None and line.open_on > today else None


def _size(ctx: Context, digest: str) -> int:
    try:
        return files.path(ctx, digest).stat().st_size
    except files.FileMissing:
        return 0


def _today(ctx: Context) -> date:
    return ctx.clock.now().astimezone(ctx.settings.zone).date()
