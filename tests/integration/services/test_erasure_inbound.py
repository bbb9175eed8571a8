"""Erasing a person takes them out of all that came in: letters, reports, requests, others' mail (S45)."""

import base64

import pytest
import sqlalchemy as sa

from balintmail.db import meta
from balintmail.db.models import AwaitedReply, Base, CopyRequest, Draft, InboundMessage, ReturnEvent
from balintmail.domain.states import CopyState, InboundState
from balintmail.domain.tokens import Purpose
from balintmail.services.context import Context
from balintmail.services.erasure import SWEEP_DUE, erase
from balintmail.services.merging import merge
from tests.support.coming_back import FULL, Post

ADDRESS, OTHER = "zsuzsanna@example.org", "maria@example.net"
TRACE = "zsuzsanna"


@pytest.fixture
def post(context: Context) -> Post:
    return Post.of(context)


def letter(sender: str, body: str, number: int = 1, encoding: str = "") -> bytes:
    field = f"Content-Transfer-Encoding: {encoding}\r\n" if encoding else ""
    head = f"From: {sender}\r\nTo: secretary@balint.example.org\r\nSubject: A question\r\n"
    return f"{head}Message-ID: <{number}@mail.example.org>\r\n{field}\r\n{body}\r\n".encode()


def everything(ctx: Context) -> str:
    """Return all rows of all tables as one text in small letters."""
    with ctx.db.read() as tx:
        return "\n".join(str(list(tx.execute(sa.select(table)))) for table in Base.metadata.sorted_tables).lower()


def messages(ctx: Context) -> list[tuple[InboundState, bytes | None, str]]:
    m = InboundMessage
    with ctx.db.read() as tx:
        return [(row[0], row[1], row[2]) for row in tx.execute(sa.select(m.state, m.raw, m.subject).order_by(m.id))]


def test_nothing_that_came_in_keeps_a_trace(post: Post) -> None:
    person = post.reader(ADDRESS, name="Zsuzsanna Example")
    other = post.reader(OTHER)
    report = post.dsn(post.sent(person, ADDRESS), ADDRESS, FULL)
    both = post.dsn(post.sent(other, OTHER), OTHER, FULL, also=(ADDRESS,))
    post.comes(
        report,
        post.dsn(0, ADDRESS, token=""),
        both,
        letter(f"Zsuzsanna Example <{ADDRESS}>", "I am Zsuzsanna.", 1),
        letter(OTHER, f"Write to {ADDRESS.upper()} and to not{ADDRESS} instead.", 2),
        letter(OTHER, "Returned as bounce-zsuzsanna=example.org@example.net, or zsuzsanna=40example.org.", 3),
        letter(OTHER, base64.encodebytes(f"x Write to {ADDRESS} instead.".encode()).decode(), 4, "base64"),
    )
    with post.ctx.db.write() as tx:
        now = post.ctx.clock.now()
        asked = {"wanted": f"84 for {ADDRESS}", "door": "mail", "state": CopyState.WAITING, "created_at": now}
        own = {"email": ADDRESS, "envelope": ADDRESS, "address_key": ADDRESS, "person_id": person}
        others = {"email": OTHER, "envelope": OTHER, "address_key": OTHER, "person_id": other}
        tx.execute(sa.insert(CopyRequest), [{**asked, **own}, {**asked, **others}])
        tx.execute(sa.update(ReturnEvent).where(ReturnEvent.person_id == other).values(evidence=f"said <{ADDRESS}>"))
    assert TRACE in everything(post.ctx)
    erase(post.ctx, person)
    left = everything(post.ctx).replace(f"not{ADDRESS}", "")
    assert TRACE not in left
    assert base64.b64encode(ADDRESS.encode()).decode().lower()[2:-4] not in left
    with post.ctx.db.read() as tx:
        assert list(tx.scalars(sa.select(CopyRequest.wanted))) == ["84 for (erased)"]
        assert list(tx.scalars(sa.select(ReturnEvent.person_id))) == [other]
    states = messages(post.ctx)
    assert [raw is None for _, raw, _ in states] == [True, True, False, True, False, False, True]
    assert b"not" + ADDRESS.encode() in (states[4][1] or b"")


def test_a_letter_of_theirs_that_waited_waits_no_more_and_others_do(post: Post) -> None:
    person, other = post.reader(ADDRESS), post.reader(OTHER)
    post.comes(letter(ADDRESS, "Where do we meet?"), letter(OTHER, "Where do we meet?", 2))
    assert [state for state, _, _ in messages(post.ctx)] == [InboundState.WAITING] * 2
    erase(post.ctx, person)
    assert messages(post.ctx)[0] == (InboundState.DONE, None, "")
    assert messages(post.ctx)[1][0] is InboundState.WAITING
    assert other


def test_a_message_that_nobody_has_read_yet_goes_too(post: Post) -> None:
    person = post.reader(ADDRESS)
    with post.ctx.db.write() as tx:
        raw = letter(f"Zsuzsanna Example <{ADDRESS}>", "Where do we meet?")
        row = {"mailbox": "x", "digest": b"1" * 32, "raw": raw, "size": len(raw), "state": InboundState.NEW}
        tx.execute(sa.insert(InboundMessage).values(**row, received_at=post.ctx.clock.now()))
    erase(post.ctx, person)
    assert TRACE not in everything(post.ctx)


def test_merging_moves_what_waits_of_mail(post: Post) -> None:
    keep, gone = post.reader(OTHER), post.reader(ADDRESS)
    post.comes(letter("stranger@example.net", "Where do we meet?"))
    now = post.ctx.clock.now()
    with post.ctx.db.write() as tx:
        own = {"email": ADDRESS, "envelope": ADDRESS, "address_key": ADDRESS, "person_id": gone}
        asked = {"wanted": "84", "door": "mail", "state": CopyState.WAITING, "created_at": now}
        tx.execute(sa.insert(CopyRequest).values(**asked, **own))
        tx.execute(sa.update(InboundMessage).values(assigned_to=gone))
        tx.execute(sa.insert(Draft).values(officer_id=gone, source="x", created_at=now, expires_at=now))
        waits = {"delivery_id": 7, "purpose": 6, "person_id": gone, "stamp": 0, "number": 1, "expires_at": now}
        tx.execute(sa.insert(AwaitedReply).values(**waits))
    merge(post.ctx, keep, gone)
    with post.ctx.db.read() as tx:
        columns = (CopyRequest.person_id, InboundMessage.assigned_to, Draft.officer_id, AwaitedReply.person_id)
        assert [tx.scalar(sa.select(column)) for column in columns] == [keep] * 4


def test_what_comes_in_late_about_the_erased_leaves_no_trace(post: Post) -> None:
    person, other = post.reader(ADDRESS, name="Zsuzsanna Example"), post.reader(OTHER)
    delivery, others = post.sent(person, ADDRESS), post.sent(other, OTHER)
    leaves = post.token(0, Purpose.LEAVE, person=person, list=1)
    token = post.token(delivery).encode()
    erase(post.ctx, person)
    post.comes(
        post.dsn(delivery, ADDRESS),
        post.dsn(0, ADDRESS, token=""),
        post.arf(delivery, ADDRESS),
        letter(ADDRESS, "I am away.", 7).replace(
            b"To: secretary", b"Auto-Submitted: auto-replied\r\nTo: bounces+" + token
        ),
        letter(ADDRESS, "", 8).replace(b"A question", f"leave {leaves}".encode()),
        post.dsn(others, OTHER, FULL),
    )
    left = everything(post.ctx)
    assert TRACE not in left
    assert leaves not in left
    assert [raw is None for _, raw, _ in messages(post.ctx)] == [True] * 5 + [False]
    assert {state for state, _, _ in messages(post.ctx)} == {InboundState.DONE}
    assert [event.address_key for event in post.events()] == [OTHER]
    with post.ctx.db.read() as tx:
        assert (meta.fact(tx, SWEEP_DUE) == "yes") == post.ctx.db.is_sqlite


def test_a_letter_that_the_erased_write_of_their_own_accord_waits(post: Post) -> None:
    person = post.reader(ADDRESS, name="Zsuzsanna Example")
    erase(post.ctx, person)
    post.comes(letter(ADDRESS, "I would like to know what you still hold of me."))
    ((state, raw, _),) = messages(post.ctx)
    assert (state, raw is None) == (InboundState.WAITING, False)
