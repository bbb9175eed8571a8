"""Copies by mail alone: the Journal asked for in a mail, a price agreed to by a reply; H23, S46."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from balintmail.config import BounceStyle
from balintmail.db.models import InboundMessage
from balintmail.domain.address import parse
from balintmail.domain.money import Money
from balintmail.domain.states import CopyState
from balintmail.services import copies, copy_answers, copy_requests, journal_issues
from balintmail.services.context import Context
from balintmail.services.copies import Wish
from balintmail.services.journal_issues import IssueChanges
from balintmail.services.notice_mailings import release_due
from tests.support.answering import letters, reply, with_bounces
from tests.support.coming_back import Post
from tests.support.copy_desk import letters as waiting

ADA = "ada@example.net"


@pytest.fixture
def ctx(context: Context, tmp_path: Path) -> Context:
    found = with_bounces(context, BounceStyle.PLUS)
    pdf = tmp_path / "j.pdf"
    pdf.write_bytes(b"%PDF-1.7\n%%EOF\n")
    out = IssueChanges(published="2026-09-15", embargo="2027-09-15", pdf=pdf)
    journal_issues.add(found, "2026", out)
    return found


def asks(post: Post, words: str) -> None:
    raw = f"From: Ada Example <{ADA}>\r\nTo: bounces@example.org\r\nSubject: {words}\r\nMessage-ID: <1@x>\r\n\r\n"
    post.comes(raw.encode())


@pytest.mark.parametrize("words", ["copy journal 2026", "Copy of the Journal 2026, please", "copy journal/2026"])
def test_journal_asked_for_by_mail_waits_for_the_secretary_where_it_is_under_embargo(ctx: Context, words: str) -> None:
    post = Post.of(ctx)
    post.reader(ADA)
    asks(post, words)
    ((_, facts),) = waiting(ctx, "copy_request")
    assert (facts["label"], facts["known"]) == ("journal/2026", "reader")


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ("Yes, thank you", CopyState.WAITING),
        ("igen", CopyState.WAITING),
        ("", CopyState.QUOTED),  # silence is no agreement to a price
        ("Can I pay by cheque?", CopyState.QUOTED),
        ("No, that is too much", CopyState.QUOTED),
    ],
)
def test_price_is_agreed_to_by_a_reply_that_begins_with_yes(ctx: Context, words: str, state: CopyState) -> None:
    post = Post.of(ctx)
    post.reader(ADA)
    with ctx.db.write() as tx:
        _, number = copies.ask(ctx, tx, Wish(wanted="journal/2026", address=parse(ADA), at=ctx.clock.now()))
        copy_answers.quote(ctx, tx, number, Money(500), by="Enid")
    release_due(ctx)
    (letter,) = [one for one in letters(ctx, ADA) if "5.00" in one]
    post.comes(reply(letter, words, sender=ADA))
    with ctx.db.read() as tx:
        assert copy_requests.shown(tx, number).state is state
        kept = tx.scalar(sa.select(InboundMessage.state).order_by(InboundMessage.id.desc()).limit(1))
    assert kept is not None
    assert (kept.value == "done") is (state is CopyState.WAITING)
