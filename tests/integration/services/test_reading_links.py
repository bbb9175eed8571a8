"""Links to what is not open to all: mailed to those who may read alone, ended by time, uses, membership, erasure."""

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from balintmail.db import journal_issues as rows
from balintmail.db import reading_links as link_rows
from balintmail.db.models import Notice
from balintmail.db.models_archive import ReadingLink
from balintmail.domain import tokens
from balintmail.domain.address import parse
from balintmail.domain.archive import ReadingKind, Target
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.services import caps, erasure, freeze, journal_articles, journal_issues, members, reading_links, release
from balintmail.services.context import Context
from balintmail.services.journal_articles import ArticleChanges
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.leaving import LinkBroken
from balintmail.services.reading_links import Standing
from balintmail.services.subscriptions import Joining, subscribe
from tests.conftest import MovableClock
from tests.support.readers import reader
from tests.support.society import found

ANNA, BEN = "anna@example.org", "ben@example.org"


@pytest.fixture
def ctx(context: Context) -> Context:
    """A society with a member, a reader who is none, and a newsletter for members."""
    found(context)
    subscribe(context, ["list@example.org"], Joining(name="Lea Example"))
    reader(context, "Anna Quellenreiter", email=ANNA)
    reader(context, "Ben Example", email=BEN, of=None)
    return context


def newsletter(ctx: Context, number: int = 85, visibility: str = "members") -> Target:
    path = ctx.folder / f"n{number}.md"
    path.write_text(f"---\ntitle: A word to us\nnumber: {number}\nvisibility: {visibility}\n---\nDear all.\n", "utf-8")
    row = release.release(ctx, release.plan(ctx, release.Intent(path)), start_at=ctx.clock.now())
    freeze.start_due(ctx, only=row.id)
    return Target(ReadingKind.NEWSLETTER, row.id)


def paper(ctx: Context, *, published: str = "2026-09-15", embargo: str = "2027-09-15") -> Target:
    file = ctx.folder / "paper.pdf"
    file.write_bytes(b"%PDF-1.7\n%%EOF\n")
    journal_issues.add(ctx, "2026", IssueChanges(published=published, embargo=embargo))
    journal_articles.add(ctx, "2026", ArticleChanges(title="The Doctor as a Drug", authors=("M. B.",), pdf=file))
    with ctx.db.read() as tx:
        issue = rows.by_label(tx, "2026")
        assert issue is not None
        return Target(ReadingKind.ARTICLE, rows.articles(tx, issue.id)[0].id)


def mailed(ctx: Context) -> list[tuple[str, Any]]:
    with ctx.db.read() as tx:
        query = sa.select(Notice.address, Notice.facts).where(Notice.template == "reading_link").order_by(Notice.id)
        return [(row[0], row[1]) for row in tx.execute(query)]


def token(ctx: Context) -> str:
    return str(mailed(ctx)[-1][1]["link_url"]).rpartition("/")[2]


def links(ctx: Context) -> int:
    with ctx.db.read() as tx:
        return tx.scalar(sa.select(sa.func.count()).select_from(ReadingLink)) or 0


def test_only_who_may_read_is_mailed_a_link(ctx: Context) -> None:
    for target in (newsletter(ctx), paper(ctx)):
        for address in (BEN, "nobody@example.net", ANNA):
            reading_links.ask(ctx, parse(address), target)
        assert [address for address, _ in mailed(ctx)].count(ANNA) == len(mailed(ctx))
    assert len(mailed(ctx)) == 2
    assert links(ctx) == 2  # what was done for nobody was taken back


def test_link_opens_its_own_target_alone_and_looking_counts_nothing_D8(ctx: Context) -> None:
    target, other = newsletter(ctx), newsletter(ctx, 86)
    reading_links.ask(ctx, parse(ANNA.upper()), target)
    link = token(ctx)
    assert reading_links.opens(ctx, link, target)
    assert not reading_links.opens(ctx, link, other)
    assert reading_links.look(ctx, link).name == "A word to us"
    assert reading_links.look(ctx, link).left == ctx.settings.copies.link_uses


def test_link_ends_on_its_day_and_after_its_uses_C5_C6(ctx: Context, clock: MovableClock) -> None:
    target = newsletter(ctx)
    reading_links.ask(ctx, parse(ANNA), target)
    link, most = token(ctx), ctx.settings.copies.link_uses
    assert [reading_links.use(ctx, link).standing for _ in range(most)] == [Standing.OPEN] * most
    used = reading_links.use(ctx, link)
    assert used.standing is Standing.USED_UP
    with ctx.db.write() as tx:  # of two at once the statement itself lets one be the last
        assert not link_rows.use(tx, used.row.id, now=clock.now())
    reading_links.ask(ctx, parse(ANNA), target)
    clock.forward(ctx.settings.copies.link_lasts)
    assert reading_links.use(ctx, token(ctx)).standing is Standing.RUN_OUT
    assert not reading_links.opens(ctx, token(ctx), target)
    clock.forward(reading_links.KEPT + timedelta(seconds=1))
    assert reading_links.tidy(ctx) == 2
    with pytest.raises(LinkBroken):
        reading_links.look(ctx, link)


def test_link_rests_on_membership_and_on_the_person(ctx: Context) -> None:
    target = newsletter(ctx)
    reading_links.ask(ctx, parse(ANNA), target)
    link = token(ctx)
    with ctx.db.write() as tx:
        anna = tx.scalar(sa.select(ReadingLink.person_id)) or 0
        members.declare(ctx, tx, anna, is_member=False)
    assert reading_links.look(ctx, link).standing is Standing.TAKEN_BACK
    erasure.erase(ctx, anna)
    with pytest.raises(LinkBroken):
        reading_links.look(ctx, link)


@pytest.mark.parametrize("forged", ["", "abc", "a" * 5000, "\x00", "é", "../files"])
def test_what_is_no_link_opens_nothing_C1_C2_C10(ctx: Context, forged: str) -> None:
    target = newsletter(ctx)
    reading_links.ask(ctx, parse(ANNA), target)
    link = token(ctx)
    other = tokens.make(TokenClaims(Purpose.COPY, 1, 1, 1), ctx.keyring.tokens)
    flipped = ("b" if link[0] == "a" else "a") + link[1:]
    for text in (forged, link[:-1], link + "a", flipped, other):
        assert not reading_links.opens(ctx, text, target)


def test_nobodys_mailbox_is_filled_and_no_network_asks_for_ever(ctx: Context, clock: MovableClock) -> None:
    target = newsletter(ctx)
    for _ in range(reading_links.MOST_LINKS + 3):
        reading_links.ask(ctx, parse(ANNA), target)
    assert links(ctx) == reading_links.MOST_LINKS
    assert len(mailed(ctx)) == 1  # the newest takes the place of one that waits
    clock.forward(timedelta(days=2))
    for _ in range(caps.MOST_ASKED):
        reading_links.ask(ctx, parse("x@example.net"), target, "192.0.2.0/24")
    reading_links.ask(ctx, parse(ANNA), target, "192.0.2.0/24")
    assert links(ctx) == reading_links.MOST_LINKS


@pytest.mark.parametrize(
    ("published", "embargo", "mails"),
    [
        ("2026-09-15", "2026-11-21", 0),  # open to all: no link is needed
        ("2026-09-15", "2026-11-22", 1),
        ("2026-11-22", "2027-11-22", 0),  # in the making
        ("", "", 0),
    ],
)
def test_papers_before_publication_and_after_their_embargo(
    ctx: Context, published: str, embargo: str, mails: int
) -> None:
    target = paper(ctx, published=published, embargo=embargo)
    reading_links.ask(ctx, parse(ANNA), target)
    assert len(mailed(ctx)) == mails


def test_what_is_not_there_mails_nobody_F9(ctx: Context) -> None:
    for kind in ReadingKind:
        reading_links.ask(ctx, parse(ANNA), Target(kind, 2**63 - 1))
    assert mailed(ctx) == []
