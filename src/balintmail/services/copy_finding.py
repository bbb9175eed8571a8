"""Find what somebody asks a copy of: a newsletter that was sent, a journal issue or a paper that is published.

It says nothing of who may have it; services/reading_rights.py does.
"""

from dataclasses import dataclass

from balintmail.db import copies, lists, past
from balintmail.db import journal_issues as issues
from balintmail.db.journal_issues import IssueRow
from balintmail.db.session import Tx
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.copies import LATEST, Wanted, read_wanted
from balintmail.domain.journal_issues import JournalRefused, read_label
from balintmail.services import members
from balintmail.services.context import Context
from balintmail.services.journal_links import issue_words


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that copies are made of. `label` is how commands name it; `issue` the journal issue it is in."""

    target: Target
    label: str
    title: str
    issue: IssueRow | None = None
    pdf: str | None = None

    @property
    def free(self) -> int:
        """How many printed copies are there and free; papers are not kept alone."""
        whole = self.target.kind is ReadingKind.JOURNAL_ISSUE
        return self.issue.on_shelf - self.issue.reserved if whole and self.issue else 0


def find(ctx: Context, tx: Tx, text: str) -> Found | None:
    """Return what `text` names, as domain/copies.py reads it, or None."""
    for wanted in read_wanted(text, ctx.settings.journal.name):
        target = _journal(ctx, tx, wanted) if wanted.journal else _newsletter(tx, wanted)
        if target is not None:
            return found(ctx, tx, target)
    return None


def found(ctx: Context, tx: Tx, target: Target | None) -> Found | None:
    """Return a target with what it is called, or None for what is not there."""
    if target is None:
        return None
    if target.kind is ReadingKind.NEWSLETTER:
        newsletter = copies.issue(tx, target.id)
        kept = past.file(tx, target.id)
        return Found(target, newsletter.label, newsletter.title, pdf=kept[0] if kept else None) if newsletter else None
    if target.kind is ReadingKind.JOURNAL_ISSUE:
        whole = issues.by_id(tx, target.id)
        if whole is None:
            return None
        title = f"{ctx.settings.journal.name} {issue_words(whole)}"
        return Found(target, f"journal/{whole.label}", title, whole, whole.pdf)
    paper = issues.article_by_id(tx, target.id)
    whole = issues.by_id(tx, paper.journal_issue_id) if paper else None
    if paper is None or whole is None:
        return None
    return Found(target, f"journal/{whole.label}/{paper.slug}", paper.title, whole, paper.pdf)


def _newsletter(tx: Tx, wanted: Wanted) -> Target | None:
    every = lists.every(tx)
    chosen = [one for one in every if wanted.list.casefold() in {one.slug.casefold(), one.name.casefold()}]
    if wanted.list and not chosen:
        return None
    default = lists.default_list(tx)
    if wanted.number.casefold() == LATEST:
        of = chosen[0] if chosen else default
        newest = copies.latest(tx, of.id) if of is not None else None
        return Target(ReadingKind.NEWSLETTER, newest.id) if newest else None
    sent = copies.issues(tx, wanted.number)
    if wanted.list:
        sent = [one for one in sent if one.list_id == chosen[0].id]
    usual = [one for one in sent if default is not None and one.list_id == default.id]
    one = next(iter(usual or (sent if len(sent) == 1 else [])), None)
    return Target(ReadingKind.NEWSLETTER, one.id) if one else None


def _journal(ctx: Context, tx: Tx, wanted: Wanted) -> Target | None:
    """Return the published journal issue or paper; what is in the making is known to nobody."""
    today = members.today(ctx)
    if wanted.journal == LATEST:
        out = [one for one in issues.every(tx) if one.published_on is not None and one.published_on <= today]
        issue = max(out, key=lambda one: (one.published_on, one.id), default=None)
    else:
        try:
            issue = issues.by_label(tx, str(read_label(wanted.journal)))
        except JournalRefused:
            return None
    if issue is None or issue.published_on is None or issue.published_on > today:
        return None
    if not wanted.article:
        return Target(ReadingKind.JOURNAL_ISSUE, issue.id)
    paper = issues.article(tx, issue.id, wanted.article)
    return Target(ReadingKind.ARTICLE, paper.id) if paper else None
