"""Take past papers into the Journal from lists: sixty years in one go, the dry run first, and again without doubling.

    lists (ops/importers/papers.py) ──► each paper checked ──► its journal issue ──► what is new or missing is written

All of it in one transaction; without `write` it is undone again. A paper that is there is known by its DOI, else by its
title and pages; what it has stays as it is, and only what it lacks is filled in. It publishes nothing that is in the
making and removes nothing.
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from balintmail.db import audit
from balintmail.db import journal_issues as rows
from balintmail.db.journal_issues import ArticleRow, AuthorRow, IssueRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.journal_import import Identity, Record, day_of, identity
from balintmail.domain.journal_issues import read_doi, read_issn, read_pages, slug
from balintmail.domain.times import YEARS
from balintmail.errors import BalintmailError
from balintmail.services import files
from balintmail.services.context import Context
from balintmail.services.journal_articles import LONGEST_ABSTRACT, MOST_AUTHORS
from balintmail.services.journal_issues import read_day, read_pdf

_YEAR = re.compile(r"\d{4}(?!\d)")
_PAGES = re.compile(r"^(?:pp?|s|seiten?|pages?)(?:\.\s*|\s+)(?=\S)|\s*\.?\s*(?:oldal|o)\.?$", re.IGNORECASE)
_FILLED = ("first_page", "last_page", "abstract", "doi", "language", "kind", "embargo_until", "pdf")
_CALLED = {"first_page": "pages", "last_page": "", "embargo_until": "embargo", "pdf": "PDF"}


class Result(StrEnum):
    """What became of one paper of a list."""

    NEW = "new"
    CHANGED = "changed"  # something that it lacked was filled in
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one line; `reason` says why it was refused, what was filled in, or what is missing."""

    origin: str
    result: Result
    label: str = ""
    title: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a list: each line, and the journal issues that are new."""

    taken: tuple[Taken, ...]
    added: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Paper:
    """A paper of a list, checked; `values` are its columns."""

    record: Record
    year: int
    volume: str
    number: str
    issn: str
    theme: str
    values: dict[str, Any]
    authors: tuple[AuthorRow, ...]
    own: Identity
    note: str

    @property
    def place(self) -> tuple[int, str, str]:
        return self.year, self.volume, self.number


@dataclass(slots=True)
class _Held:
    """A journal issue while papers come in: its row, and what is in it by now, with whence it came."""

    issue: IssueRow
    papers: list[tuple[Identity, ArticleRow | None, bool, str]] = field(default_factory=list)
    slugs: set[str] = field(default_factory=set)


def take_in(
    ctx: Context, records: Sequence[Record], pdf_of: Callable[[Record], Path | None], *, write: bool
) -> Outcome:
    """Take papers in, or with `write` off say what would become of each; `pdf_of` gives the file of one.

    One that cannot be right is refused with its reason, and the others go on.
    """
    taken: dict[int, Taken] = {}
    papers: list[tuple[int, _Paper]] = []
    stored: set[str] = set()
    for at, record in enumerate(records):
        try:
            paper = _checked(ctx, record, pdf_of(record), write=write)
        except (BalintmailError, ValueError) as exc:
            reason = exc.message if isinstance(exc, BalintmailError) else str(exc)
            taken[at] = Taken(record.origin, Result.REFUSED, title=record.title[:200], reason=reason.rstrip("."))
            continue
        papers.append((at, paper))
        if paper.values["pdf"]:
            stored.add(paper.values["pdf"])
    with ctx.db.write_much() as tx:
        trial = tx.begin_nested()
        desk = _Desk(ctx, tx, [paper for _, paper in papers])
        for at, paper in sorted(papers, key=lambda pair: desk.order(pair[1], pair[0])):
            taken[at] = desk.take(paper)
        added = tuple(desk.added)
        if write and any(one.result in {Result.NEW, Result.CHANGED} for one in taken.values()):
            counts = {result.value: sum(one.result is result for one in taken.values()) for result in Result}
            audit.note(tx, "papers imported", actor=ctx.actor, now=ctx.clock.now(), detail=counts)
        if write:
            trial.commit()
        else:
            trial.rollback()
    if write:
        files.discard(ctx, stored)
    return Outcome(tuple(taken[at] for at in range(len(records))), added)


class _Desk:
    """Finds or makes the journal issue of each paper, and enters what is new."""

    def __init__(self, ctx: Context, tx: Tx, papers: Sequence[_Paper]) -> None:
        self._ctx, self._tx = ctx, tx
        self._now = ctx.clock.now()
        self._held: dict[tuple[int, str, str], _Held] = {}
        self.added: list[str] = []
        self._every = {one.label: one for one in rows.every(tx)}
        for place in sorted({paper.place for paper in papers}, key=_natural):
            of_place = [paper for paper in papers if paper.place == place]
            there = self._found(place)
            issue = self._completed(there, of_place[0]) if there else self._made(place, of_place)
            self._held[place] = self._hold(issue)

    def order(self, paper: _Paper, at: int) -> tuple[Any, ...]:
        """Return where a paper stands among those that come in: by journal issue and page, else as the list has it."""
        first = paper.values["first_page"]
        page = int(first) if first.isdigit() else 0 if first else 10**6
        return (*_natural(paper.place), page, at)

    def take(self, paper: _Paper) -> Taken:
        """Enter one paper, fill in what it lacks, or leave it."""
        held = self._held[paper.place]
        same = next((one for one in held.papers if one[0].is_same(paper.own)), None)
        said = (paper.record.origin, held.issue.label, paper.values["title"])
        if same is not None:
            return self._beside(paper, held, same, said)
        doi = paper.values["doi"]
        other = rows.of_doi(self._tx, doi) if doi else None
        if other is not None:
            reason = f'the DOI {doi} is that of "{other.title}" already'
            return Taken(said[0], Result.REFUSED, said[1], said[2], reason)
        own = slug(paper.values["title"], held.slugs)
        values = {**paper.values, "journal_issue_id": held.issue.id, "slug": own, "position": len(held.papers) + 1}
        number = rows.add_article(self._tx, values, now=self._now)
        rows.set_authors(self._tx, number, paper.authors)
        held.slugs.add(own)
        held.papers.append((paper.own, None, bool(paper.authors), said[0]))
        return Taken(said[0], Result.NEW, said[1], said[2], paper.note)

    def _beside(
        self, paper: _Paper, held: _Held, same: "tuple[Identity, ArticleRow | None, bool, str]", said: tuple[str, ...]
    ) -> Taken:
        """Fill in what a paper lacks that is there; one that stands twice in the lists is left at its first line."""
        origin, label, title = said
        _, row, has_authors, first = same
        if row is None:
            return Taken(origin, Result.UNCHANGED, label, title, f"the same as {first}")
        lacking = {name: paper.values[name] for name in _FILLED if not getattr(row, name) and paper.values[name]}
        if lacking.get("doi") and rows.of_doi(self._tx, lacking["doi"]) is not None:
            lacking.pop("doi")
        if lacking or (paper.authors and not has_authors):
            rows.update_article(self._tx, row.id, lacking, now=self._now)
            named = [_CALLED.get(name, name) for name in lacking]
            if paper.authors and not has_authors:
                rows.set_authors(self._tx, row.id, paper.authors)
                named.append("authors")
            held.papers[held.papers.index(same)] = (same[0], None, True, origin)
            return Taken(origin, Result.CHANGED, label, title, f"filled in: {', '.join(filter(None, named))}")
        return Taken(origin, Result.UNCHANGED, label, title, paper.note)

    def _hold(self, issue: IssueRow) -> _Held:
        papers = rows.articles(self._tx, issue.id)
        authors = rows.authors(self._tx, [paper.id for paper in papers])
        held = _Held(issue, slugs={paper.slug for paper in papers})
        for paper in papers:
            names = [one.name for one in authors.get(paper.id, ())]
            own = identity(paper.title, paper.first_page, paper.doi, names)
            held.papers.append((own, paper, bool(names), "what is there"))
        return held

    def _found(self, place: tuple[int, str, str]) -> IssueRow | None:
        """Return the journal issue that is there: of the same volume and number, or the only one that it can be."""
        year, volume, number = place
        of_year = [one for one in self._every.values() if one.year == year]
        for one in of_year:
            if (one.volume, one.number) == (volume, number):
                return one
        able = [
            one for one in of_year
            if (not one.volume or not volume or one.volume == volume)
            and (not one.number or not number or one.number == number)
        ]  # fmt: skip
        return able[0] if len(able) == 1 else None

    def _completed(self, issue: IssueRow, paper: _Paper) -> IssueRow:
        """Fill in what a journal issue lacks; return it."""
        said = {"volume": paper.volume, "number": paper.number, "issn": paper.issn, "title": paper.theme}
        lacking: dict[str, Any] = {name: value for name, value in said.items() if value and not getattr(issue, name)}
        if not lacking:
            return issue
        rows.update(self._tx, issue.id, lacking, now=self._now)
        detail = {"journal": issue.label, "changed": sorted(lacking)}
        audit.note(self._tx, "journal issue changed", actor=self._ctx.actor, now=self._now, detail=detail)
        self._every[issue.label] = replace(issue, **lacking)
        return self._every[issue.label]

    def _made(self, place: tuple[int, str, str], papers: Sequence[_Paper]) -> IssueRow:
        year, volume, number = place
        label, part = str(year), 1
        while label in self._every:
            part += 1
            label = f"{year}-{part}"
        zone = self._ctx.settings.zone
        today = self._now.astimezone(zone).date()
        said = next((one.record.published for one in papers if one.record.published), "")
        values = {
            "label": label,
            "year": year,
            "volume": volume,
            "number": number,
            "issn": next((one.issn for one in papers if one.issn), ""),
            "title": next((one.theme for one in papers if one.theme), ""),
            "language": self._ctx.settings.society.languages[0],
            "published_on": day_of(said, year, today),
        }
        rows.add(self._tx, values, now=self._now)
        detail = {"journal": label}
        audit.note(self._tx, "journal issue added", actor=self._ctx.actor, now=self._now, detail=detail)
        made = rows.by_label(self._tx, label)
        if made is None:
            raise LookupError("a journal issue that was just written is not there")
        self._every[label] = made
        self.added.append(label)
        return made


def _checked(ctx: Context, record: Record, pdf: Path | None, *, write: bool) -> _Paper:
    """Return a paper with each value looked at, its PDF kept with `write`; raise what says why it cannot be right."""
    title = hygiene.one_line(record.title, what="the title", longest=500)
    if not title:
        raise ValueError("it has no title")
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    year = _year(record.year, today)
    published = day_of(record.published, year, today)
    if published > today:
        raise ValueError(f"{published.isoformat()} is still to come: past papers are taken in here")
    first, last = read_pages(_PAGES.sub("", record.pages.strip()))
    embargo = read_day(record.embargo, "the embargo")
    if len(record.authors) > MOST_AUTHORS:
        raise ValueError(f"it has more than {MOST_AUTHORS} authors")
    authors = tuple(
        AuthorRow(0, at, _line(printed, "the author's name"), _line(sorted_as, "the author's name"), "", None)
        for at, (printed, sorted_as) in enumerate(record.authors, start=1)
    )
    note = f'its file "{record.file[:100]}" is not in the folder' if record.file and pdf is None else ""
    values: dict[str, Any] = {
        "title": title,
        "first_page": first,
        "last_page": last,
        "abstract": hygiene.paragraphs(record.abstract, what="the abstract", longest=LONGEST_ABSTRACT),
        "doi": read_doi(record.doi),
        "language": hygiene.language(record.language) if record.language.strip() else "",
        "kind": hygiene.one_line(record.kind, what="the kind", longest=40),
        "embargo_until": embargo,
        "pdf": _kept(ctx, pdf, write=write) if pdf is not None else None,
    }
    return _Paper(
        record,
        year,
        hygiene.one_line(record.volume, what="the volume", longest=20),
        hygiene.one_line(record.number, what="the number", longest=20),
        read_issn(record.issn),
        hygiene.one_line(record.theme, what="the theme", longest=300),
        values,
        authors,
        identity(title, first, values["doi"], [one.name for one in authors]),
        note,
    )


def _kept(ctx: Context, pdf: Path, *, write: bool) -> str:
    content = read_pdf(pdf)
    return files.store(ctx, content).digest if write else hashlib.sha256(content).hexdigest()


def _year(text: str, today: date) -> int:
    found = _YEAR.match(text.strip())
    if found is None or int(found[0]) not in YEARS:
        raise ValueError(f'"{text[:20]}" is no year')
    if int(found[0]) > today.year:
        raise ValueError(f"{found[0]} is still to come: past papers are taken in here")
    return int(found[0])


def _line(text: str, what: str) -> str:
    return hygiene.one_line(text, what=what)


def _natural(place: tuple[int, str, str]) -> tuple[Any, ...]:
    """Return by what journal issues are put in order: numbers as numbers, and before words."""
    year, *others = place
    keys = [(0, int(one[:9]), one) if one.isdigit() and one.isascii() else (1, 0, one) for one in others]
    return (year, *keys)
