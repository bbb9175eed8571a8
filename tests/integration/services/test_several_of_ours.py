"""H31: one mail to several of our addresses is acted on once, in whichever of our mailboxes it is found."""

import pytest
import sqlalchemy as sa

from balintmail.config import BounceStyle
from balintmail.db.models import InboundMessage
from balintmail.domain.states import InboundState, RequestState, SubscriptionState
from balintmail.domain.tokens import Purpose
from balintmail.services.context import Context
from balintmail.services.notice_mailings import release_due
from balintmail.services.requests import confirm
from tests.support import joining
from tests.support.answering import arrives, letters, reply, with_bounces
from tests.support.coming_back import FULL, Post

ADA = "ada@example.net"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(with_bounces(context, BounceStyle.PLUS))


def mail(to: str, subject: str, text: str = "", way: str = "") -> bytes:
    head = f"From: Ada <{ADA}>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <1@example.net>\r\n"
    return f"{way}{head}\r\n{text}\r\n".encode()


def rows(ctx: Context) -> list[tuple[InboundState, str]]:
    query = sa.select(InboundMessage.state, InboundMessage.remark).order_by(InboundMessage.id)
    with ctx.db.read() as tx:
        return [(state, remark) for state, remark in tx.execute(query)]


OURS = "bounces@example.org, office@balint.example.org, Draft <draft@balint.example.org>"
ELSEWHERE = "Delivered-To: office@balint.example.org\r\n"


def test_command_to_several_of_ours_is_answered_once_H31(post: Post) -> None:
    arrives(post.ctx, mail(OURS, "help"), mailbox="bounces")
    arrives(post.ctx, mail(OURS, "help", way=ELSEWHERE), mailbox="office")
    assert len(joining.waiting(post.ctx, "help")) == 1


def test_mail_that_leaves_two_lists_leaves_both_H31(post: Post) -> None:
    ada = post.reader(ADA, "newsletter", "courses")
    tokens = [post.token(post.sent(ada, ADA, list_id=one), Purpose.LEAVE, person=ada, list=one) for one in (1, 2)]
    arrives(post.ctx, mail(", ".join(f"bounces+{token}@example.org" for token in tokens), ""))
    assert set(post.standing(ada).values()) == {SubscriptionState.UNSUBSCRIBED}


def test_reply_to_two_requests_at_once_decides_neither_H31(post: Post) -> None:
    asked = []
    for address in ("maria@example.org", "bela@example.org"):
        joining.ask(post.ctx, address)
        confirm(post.ctx, joining.token(post.ctx))
        release_due(post.ctx)
        joining.flush(post.ctx)
        asked.append(letters(post.ctx)[-1])
    other = asked[0].partition("Reply-To: ")[2].partition("\r\n")[0]
    row = arrives(post.ctx, reply(asked[1], "ok", Cc=other))
    assert row.state is InboundState.WAITING
    assert {one.state for one in joining.rows(post.ctx)} == {RequestState.CONFIRMED}


def test_report_in_two_mailboxes_counts_once_H31(post: Post) -> None:
    report = post.dsn(post.sent(post.reader(ADA), ADA), ADA, FULL)
    arrives(post.ctx, report, mailbox="bounces")
    arrives(post.ctx, ELSEWHERE.encode() + report, mailbox="office")
    assert post.mailed(ADA)


def test_letter_in_two_mailboxes_waits_once_H31(post: Post) -> None:
    arrives(post.ctx, mail(OURS, "Tea", "Would you come?"), mailbox="bounces")
    arrives(post.ctx, mail(OURS, "Tea", "Would you come?", way=ELSEWHERE), mailbox="office")
    arrives(post.ctx, mail(OURS, "Tea", "Something else, under a Message-ID that was used before."), mailbox="office")
    assert rows(post.ctx) == [
        (InboundState.WAITING, ""),
        (InboundState.DONE, "the same letter as message 1, which came by bounces"),
        (InboundState.WAITING, ""),
    ]
