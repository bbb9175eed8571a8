"""Say who may read what is not open to all: newsletters for members, papers and journal issues under embargo.

One rule for every door: a page's "mail me a link", a request for a copy, a link that is opened. It changes nothing.
"""

from datetime import date

from balintmail.db import copies
from balintmail.db import journal_issues as issues
from balintmail.db import reading_links as rows
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.states import Visibility
from balintmail.services import members
from balintmail.services.context import Context


def is_there(ctx: Context, tx: Tx, target: Target) -> bool:
    """Say whether there is something to read: a newsletter that was sent, a PDF of something that is published."""
    if target.kind is ReadingKind.NEWSLETTER:
        return copies.issue(tx, target.id) is not None
    found = _of_the_journal(tx, target)
    return found is not None and found.pdf is not None and _has_come(found.published_on, members.today(ctx))


def is_open(ctx: Context, tx: Tx, target: Target) -> bool:
    """Say whether everybody may read it today."""
    if target.kind is ReadingKind.NEWSLETTER:
        newsletter = copies.issue(tx, target.id)
        return newsletter is not None and newsletter.visibility is Visibility.PUBLIC
    found, today = _of_the_journal(tx, target), members.today(ctx)
    if found is None or not _has_come(found.published_on, today):
        return False
    return found.open_on is None or found.open_on <= today


def may_read(ctx: Context, tx: Tx, person: PersonRow | None, target: Target) -> bool:
    """Say whether somebody may read it today without asking the Secretary; None is somebody on no register.

    Members may read what is for members, and the Journal before its embargo ends; whoever got a newsletter, wrote a
    paper, or was owed a copy of a journal issue may read that.
    """
    if is_open(ctx, tx, target):
        return True
    if person is None or person.erased_at is not None or person.died_on is not None:
        return False
    if target.kind is ReadingKind.NEWSLETTER:
        found = copies.issue(tx, target.id)
        if found is None:
            return False
        for_members = found.visibility is Visibility.MEMBERS and person.member
        return for_members or copies.had(tx, target.id, person.id)
    of = _of_the_journal(tx, target)
    if of is None or not _has_come(of.published_on, members.today(ctx)):
        return False
    if person.member:
        return True
    if target.kind is ReadingKind.JOURNAL_ISSUE:
        return rows.was_owed(tx, target.id, person.id)
    paper = issues.article_by_id(tx, target.id)
    owed = paper is not None and rows.was_owed(tx, paper.journal_issue_id, person.id)
    return owed or rows.wrote(tx, target.id, person.id)


def _of_the_journal(tx: Tx, target: Target) -> rows.OpenFrom | None:
    if target.kind is ReadingKind.ARTICLE:
        return rows.article(tx, target.id)
    return rows.journal_issue(tx, target.id)


def _has_come(day: date | None, today: date) -> bool:
    return day is not None and day <= today
