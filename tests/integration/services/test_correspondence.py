"""Letters that came in: kept, filed, sent on, taken on, put away, and forgotten in time."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Row, insert, select, update

from balintmail.db import correspondence as rows
from balintmail.db import inbox as stored
from balintmail.db.correspondence import MessageRow, Wanted
from balintmail.db.inbox import Arrival
from balintmail.db.models import InboundMessage, Notice, Officer
from balintmail.domain.states import InboundState, Role
from balintmail.errors import Conflict, NotFound
from balintmail.receiving.process import Reader
from balintmail.services import correspondence, inbox
from balintmail.services.context import Context
from balintmail.services.people import portrait
from balintmail.setting_inbox import Inbox
from tests.conftest import MovableClock
from tests.support.register import NOW, a_person, a_secretary

LETTER = (
    b"From: Ada <Ada@example.net>\nTo: office@balint.example.org\nSubject: Tea =?utf-8?q?=E2=80=AE=1B[31m?=\n"
    b"Message-ID: <1@example.net>\n\n"
    b"Dear Secretary,\n\nwe have a room for thirty people, with a garden and a stair,\nand could keep it.\n\n"
    b"12 Example Street\nLeeds\n"
)
AWAY = b"From: ada@example.net\nAuto-Submitted: auto-replied\nSubject: Away\n\nI am away.\n"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


@pytest.fixture
def come(context: Context, reader: Reader) -> Callable[..., MessageRow]:
    """Let a message come in and be acted on."""

    def act(raw: bytes = LETTER, mailbox: str = "office", ctx: Context = context) -> MessageRow:
        now = ctx.clock.now()
        inbox.store(ctx, Arrival(mailbox=mailbox, place="", raw=raw, size=len(raw), received_at=now))
        inbox.process(ctx, reader)
        with ctx.db.read() as tx:
            return rows.listed(tx, Wanted())[-1]

    return act


def with_forwarding(ctx: Context) -> Context:
    sections = {"office": Inbox(host="imap.example.org", forward=True)}
    return replace(ctx, settings=ctx.settings.model_copy(update={"inbox": sections}))


def waiting(ctx: Context) -> "list[Row[*tuple[Any, ...]]]":
    with ctx.db.read() as tx:
        return list(tx.execute(select(Notice.facts, Notice.person_id, Notice.template).order_by(Notice.id)))


def test_letter_waits_under_whoever_has_the_address_it_names(context: Context, come: Callable[..., MessageRow]) -> None:
    with context.db.write() as tx:
        ada = a_person(tx, "ada@example.net", name="Ada Example")
    found = come()
    assert (found.state, found.kind, found.sender) == (InboundState.WAITING, "letter", "Ada@example.net")
    assert (found.person, found.person_name, found.kept) == (ada, "Ada Example", True)
    with context.db.read() as tx:
        [moment] = portrait(tx, ada).timeline
    assert moment.what.startswith(f'message {found.id} "Tea')
    assert moment.by == "Ada@example.net"
    assert not waiting(context)


def test_letter_of_a_shared_address_is_nobodys_and_says_so(context: Context, come: Callable[..., MessageRow]) -> None:
    with context.db.write() as tx:
        first, second = (a_person(tx, "ada@example.net") for _ in range(2))
    found = come()
    assert (found.person, found.remark) == (0, f"people {first}, {second} share the address")


def test_letters_whose_from_is_no_address_or_a_strangers_wait_too(come: Callable[..., MessageRow]) -> None:
    for sender in (b"undisclosed", b"x@unknown.example.net", b"", b"<@>", b"a@b@c"):
        found = come(LETTER.replace(b"Ada <Ada@example.net>", sender))
        assert (found.state, found.person) == (InboundState.WAITING, 0), sender


def test_machines_answer_is_done_and_stands_on_the_timeline(context: Context, come: Callable[..., MessageRow]) -> None:
    with context.db.write() as tx:
        ada = a_person(tx, "ada@example.net")
    found = come(AWAY, ctx=with_forwarding(context))
    assert (found.state, found.kind, found.person) == (InboundState.DONE, "auto_reply", ada)
    assert not waiting(context)


def test_letter_is_sent_on_in_words_that_cannot_harm(context: Context, come: Callable[..., MessageRow]) -> None:
    ctx = with_forwarding(context)
    with ctx.db.write() as tx:
        secretary = a_secretary(tx)
        ada = a_person(tx, "ada@example.net", name="Ada Example")
    found = come(ctx=ctx)
    assert found.forwarded_at == NOW
    [(facts, person, template)] = waiting(ctx)
    assert (person, template) == (secretary, "letter")
    assert facts["subject"] == "Tea [31m"
    assert [one["row"]["text"] for one in facts["lines"]] == [
        "Dear Secretary,",
        "we have a room for thirty people, with a garden and a stair, and could keep it.",
        "12 Example Street",
        "Leeds",
    ]
    assert (facts["person"], facts["name"], facts["number"]) == (str(ada), "Ada Example", str(found.id))


@pytest.mark.parametrize("mailbox", ["bounces", "pipe"])
def test_other_mailboxes_send_nothing_on(context: Context, come: Callable[..., MessageRow], mailbox: str) -> None:
    ctx = with_forwarding(context)
    with ctx.db.write() as tx:
        a_secretary(tx)
    assert come(mailbox=mailbox, ctx=ctx).forwarded_at is None
    assert not waiting(ctx)


def test_flood_is_listed_and_not_sent_on(
    context: Context, come: Callable[..., MessageRow], monkeypatch: pytest.MonkeyPatch, clock: MovableClock
) -> None:
    monkeypatch.setattr(correspondence, "MOST_A_DAY", 2)
    ctx = with_forwarding(context)
    with ctx.db.write() as tx:
        a_secretary(tx)
    found = [come(LETTER + b"%d" % number, ctx=ctx) for number in range(3)]
    assert [one.forwarded_at is not None for one in found] == [True, True, False]
    assert "too many letters in a day" in found[2].remark
    clock.forward(timedelta(days=2))
    assert come(LETTER + b"later", ctx=ctx).forwarded_at is not None


def test_letter_is_taken_on_by_officers_alone(context: Context, come: Callable[..., MessageRow]) -> None:
    with context.db.write() as tx:
        a_secretary(tx)
        ben = a_person(tx, "ben@example.org", name="Ben Example")
        tx.execute(insert(Officer).values(person_id=ben, role=Role.TREASURER, since=NOW))
        a_person(tx, "cleo@example.org")
    found = come()
    for who in ("treasurer", "ben@example.org", str(ben)):
        assert correspondence.assign(context, found.id, who)[1] == "Ben Example"
    with pytest.raises(Conflict):
        correspondence.assign(context, found.id, "cleo@example.org")
    with pytest.raises(NotFound):
        correspondence.assign(context, found.id, "editor")
    with context.db.read() as tx:
        assert [one.id for one in rows.listed(tx, Wanted(assigned=ben))] == [found.id]
    assert correspondence.forward(context, found.id, "words").person == ben
    assert correspondence.forward(context, found.id, "words", who="secretary").address == "secretary@example.org"
    assert correspondence.assign(context, found.id, "")[1] == ""
    with context.db.read() as tx:
        assert not rows.listed(tx, Wanted(assigned=ben))


def test_letter_is_put_away_once_and_opened_again(context: Context, come: Callable[..., MessageRow]) -> None:
    found = come()
    assert [correspondence.close(context, found.id) for _ in range(2)] == [True, False]
    with context.db.read() as tx:
        row = correspondence.shown(tx, found.id)
    assert (row.state, row.closed_at, row.closed_by) == (InboundState.DONE, NOW, "the Secretary")
    with pytest.raises(Conflict):
        correspondence.assign(context, found.id, "secretary")
    assert [correspondence.reopen(context, found.id) for _ in range(2)] == [True, False]
    with context.db.read() as tx:
        row = correspondence.shown(tx, found.id)
    assert (row.state, row.closed_at, row.closed_by) == (InboundState.WAITING, None, "")


def test_message_that_was_not_read_yet_is_not_done(context: Context) -> None:
    with context.db.write() as tx:
        number = stored.store(tx, Arrival(mailbox="office", place="", raw=b"x", size=1, received_at=NOW))
    assert number is not None
    with pytest.raises(Conflict):
        correspondence.close(context, number)


@pytest.mark.parametrize("number", [0, -1, 12, 2**63, 10**30])
def test_message_that_there_is_none_of_is_not_found_F9(context: Context, number: int) -> None:
    for act in (correspondence.close, correspondence.reopen, correspondence.read_again):
        with pytest.raises(NotFound):
            act(context, number)


def test_what_was_set_aside_is_read_again_and_nothing_else_is(
    context: Context, come: Callable[..., MessageRow], reader: Reader
) -> None:
    found = come()
    with pytest.raises(Conflict):
        correspondence.read_again(context, found.id)
    with context.db.write() as tx:
        aside = {"state": InboundState.SET_ASIDE, "remark": "acting on it failed", "attempts": 3}
        tx.execute(update(InboundMessage).values(**aside))
    correspondence.read_again(context, found.id)
    assert inbox.process(context, reader).read == 1
    with context.db.read() as tx:
        row = correspondence.shown(tx, found.id)
    assert (row.state, row.remark) == (InboundState.WAITING, "")


def test_octets_go_in_time_once_done_and_strangers_with_them(
    context: Context, come: Callable[..., MessageRow], clock: MovableClock
) -> None:
    with context.db.write() as tx:
        a_person(tx, "ada@example.net")
    known, stranger, open_one = come(), come(LETTER.replace(b"Ada@", b"eve@")), come(LETTER + b"again")
    for one in (known, stranger):
        correspondence.close(context, one.id)
    clock.forward(timedelta(days=365))
    assert correspondence.forget_old(context) == 0
    clock.forward(timedelta(days=2))
    assert correspondence.forget_old(context) == 2
    assert correspondence.forget_old(context) == 0
    with context.db.read() as tx:
        found = {one.id: one for one in rows.listed(tx, Wanted())}
        assert [found[one.id].kept for one in (known, stranger, open_one)] == [False, False, True]
        assert (found[known.id].sender, found[stranger.id].sender) == ("Ada@example.net", "")
        with pytest.raises(Conflict):
            correspondence.raw(tx, known.id)
        assert correspondence.raw(tx, open_one.id).startswith(b"From: Ada")
    again = come()  # the same octets once more
    assert len(found) == 3
    assert again.id == open_one.id


def test_keep_of_nought_keeps_for_ever(context: Context, come: Callable[..., MessageRow], clock: MovableClock) -> None:
    letters = context.settings.letters.model_copy(update={"keep": timedelta(0)})
    ctx = replace(context, settings=context.settings.model_copy(update={"letters": letters}))
    correspondence.close(ctx, come(ctx=ctx).id)
    clock.forward(timedelta(days=4000))
    assert correspondence.forget_old(ctx) == 0
