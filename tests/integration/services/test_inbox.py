"""One message's way from store to settled: whose business it is, what breaks, what is tried again, what is proven."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from balintmail.db import inbox as messages
from balintmail.db.inbox import Arrival
from balintmail.db.models import InboundMessage, Notice
from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.domain.returns import Kind
from balintmail.domain.states import InboundState
from balintmail.domain.tokens import Purpose, TokenClaims, make
from balintmail.receiving.event import Event
from balintmail.receiving.process import Reader
from balintmail.services import correspondence, inbox, mail_commands, officers_replies, returned
from balintmail.services.context import Context

S = InboundState
AT = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)


def letter(number: int, more: str = "") -> bytes:
    return f"From: ada{number}@example.net\r\nSubject: Letter {number}\r\n{more}\r\nHello there\r\n".encode()


def put(ctx: Context, raw: bytes) -> int:
    with ctx.db.write() as tx:
        found = messages.store(tx, Arrival(mailbox="pipe", place="", raw=raw, size=len(raw), received_at=AT))
    assert found is not None
    return found


def run(ctx: Context) -> inbox.Processed:
    with Reader() as reader:
        return inbox.process(ctx, reader)


def rows(ctx: Context) -> list[InboundMessage]:
    with ctx.db.read() as tx:
        return list(tx.execute(select(InboundMessage.__table__).order_by(InboundMessage.id)))  # type: ignore[arg-type]


@pytest.fixture
def handled(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let every handler only write down which messages it got."""
    seen: list[tuple[str, int]] = []

    def note(name: str) -> Callable[..., Done]:
        def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
            seen.append((name, message.id))
            return Done(S.DONE, name)

        return act

    for module in (returned, officers_replies, mail_commands, correspondence):
        monkeypatch.setattr(module, "act", note(module.__name__.rpartition(".")[2]))
    return seen


def test_message_is_stored_once_whatever_repeats(context: Context) -> None:
    arrival = Arrival(mailbox="pipe", place="", raw=letter(1), size=50, received_at=AT)
    assert inbox.store(context, arrival)
    assert not inbox.store(context, arrival)
    assert len(rows(context)) == 1


def test_messages_are_given_to_whose_business_they_are(
    context: Context, monkeypatch: pytest.MonkeyPatch, handled: list[tuple[str, int]]
) -> None:
    report = (
        b"From: MAILER-DAEMON@mx.example.net\r\nTo: office@balint.example.org\r\nSubject: Undeliverable\r\n\r\n"
        b"<balint@example.net>: 550 5.1.1 User unknown\r\n"
    )
    ids = [put(context, report), *(put(context, letter(number)) for number in range(3))]
    monkeypatch.setattr(officers_replies, "concerns", lambda ctx, tx, message, event, proof: message.id == ids[1])
    monkeypatch.setattr(mail_commands, "concerns", lambda ctx, tx, message, event, proof: message.id == ids[2])
    assert run(context).read == 4
    assert handled == [
        ("returned", ids[0]),
        ("officers_replies", ids[1]),
        ("mail_commands", ids[2]),
        ("correspondence", ids[3]),
    ]
    assert [row.state for row in rows(context)] == [S.DONE] * 4


def test_what_a_message_says_is_kept_beside_it(context: Context, handled: list[tuple[str, int]]) -> None:
    put(context, letter(1, "Message-ID: <one@example.net>\r\nAuto-Submitted: auto-replied\r\n"))
    run(context)
    [row] = rows(context)
    assert (row.sender, row.sender_key, row.subject) == ("ada1@example.net", "ada1@example.net", "Letter 1")
    assert (row.message_id, row.robot, row.kind) == ("<one@example.net>", True, Kind.AUTO_REPLY.value)


def test_message_is_acted_on_once(context: Context, handled: list[tuple[str, int]]) -> None:
    put(context, letter(1))
    run(context)
    run(context)
    assert len(handled) == 1


def test_handler_that_raises_leaves_no_trace_and_stops_no_other(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = put(context, letter(1))
    put(context, letter(2))

    def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
        tx.execute(text("INSERT INTO meta (key, value) VALUES (:key, 'x')"), {"key": f"seen {message.id}"})
        if message.id == bad:
            raise RuntimeError("a bug with ada@example.net in it")
        return WAITS

    monkeypatch.setattr(mail_commands, "concerns", lambda *_: False)
    monkeypatch.setattr(correspondence, "act", act)
    done = run(context)
    assert (done.read, done.set_aside) == (2, 1)
    first, second = rows(context)
    assert (first.state, second.state) == (S.SET_ASIDE, S.WAITING)
    assert first.remark == "acting on it failed: RuntimeError"
    with context.db.read() as tx:
        assert list(tx.scalars(text("SELECT key FROM meta WHERE key LIKE 'seen %'"))) == [f"seen {second.id}"]


def test_handler_that_breaks_a_rule_of_the_database_stops_no_other(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = put(context, letter(1))
    put(context, letter(2))

    def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
        if message.id == bad:
            for _ in range(2):
                tx.execute(text("INSERT INTO meta (key, value) VALUES ('twice', 'x')"))
        return WAITS

    monkeypatch.setattr(correspondence, "act", act)
    run(context)
    assert [row.state for row in rows(context)] == [S.SET_ASIDE, S.WAITING]


def test_trouble_of_the_database_leaves_all_for_the_next_run(
    context: Context, monkeypatch: pytest.MonkeyPatch, handled: list[tuple[str, int]]
) -> None:
    for number in range(3):
        put(context, letter(number))
    noted = correspondence.act

    def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    monkeypatch.setattr(correspondence, "act", act)
    with pytest.raises(OperationalError):
        run(context)
    assert [row.state for row in rows(context)] == [S.NEW] * 3
    monkeypatch.setattr(correspondence, "act", noted)
    assert run(context).read == 3
    assert len(handled) == 3


def test_message_that_breaks_the_reader_is_set_aside_with_the_reason(
    context: Context, monkeypatch: pytest.MonkeyPatch, handled: list[tuple[str, int]]
) -> None:
    put(context, letter(1))
    put(context, letter(2, "X-Poison: yes\r\n"))
    put(context, letter(3))
    with Reader() as reader:
        original = reader.read

        def read(raw: bytes) -> tuple[Event, str]:
            if b"X-Poison" in raw:
                return Event(Kind.BROKEN, (), (), "", "", "", robot=True), "the reader stopped over it"
            return original(raw)

        monkeypatch.setattr(reader, "read", read)
        done = inbox.process(context, reader)
    assert (done.read, done.set_aside) == (3, 1)
    found = rows(context)
    assert [row.state for row in found] == [S.DONE, S.SET_ASIDE, S.DONE]
    assert found[1].remark == "the reader stopped over it"
    assert found[1].raw == letter(2, "X-Poison: yes\r\n")


def test_message_that_ends_the_process_is_found_out_and_set_aside(
    context: Context, monkeypatch: pytest.MonkeyPatch, handled: list[tuple[str, int]]
) -> None:
    """As kill -9 would: nothing after the commit of `begin` happens for the messages of that batch."""
    ids = [put(context, letter(number)) for number in range(5)]

    class Killed(Exception):
        pass

    def killing(ctx: Context, understood: list[tuple[object, Event, str]]) -> int:
        if any(one.id == ids[2] for one, _, _ in understood):  # type: ignore[attr-defined]
            raise Killed
        return settled(ctx, understood)  # type: ignore[arg-type]

    settled = inbox._act_on
    monkeypatch.setattr(inbox, "_act_on", killing)
    for _ in range(inbox.MOST_ATTEMPTS + 5):
        try:
            run(context)
        except Killed:
            continue
        break
    found = rows(context)
    assert [row.state for row in found] == [S.DONE, S.DONE, S.SET_ASIDE, S.DONE, S.DONE]
    assert "never finished" in found[2].remark
    assert sorted(number for _, number in handled) == [ids[0], ids[1], ids[3], ids[4]]


def test_somebody_who_stops_us_blames_no_message(
    context: Context, monkeypatch: pytest.MonkeyPatch, handled: list[tuple[str, int]]
) -> None:
    put(context, letter(1))

    def stop(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(inbox, "_act_on", stop)
        for _ in range(3):
            with pytest.raises(KeyboardInterrupt):
                run(context)
    assert [row.attempts for row in rows(context)] == [0]
    assert run(context).read == 1


def test_two_processes_act_on_a_message_once(context: Context, handled: list[tuple[str, int]]) -> None:
    put(context, letter(1))
    with Reader() as reader:
        batch = inbox._next(context)
        understood = [(one, *reader.read(one.raw)) for one in batch]
        assert inbox._act_on(context, understood) == 0
        assert inbox._act_on(context, understood) == 0
    assert len(handled) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00",
        b"From: a\x00da@example.net\r\nSubject: \x00\r\n\r\n\x00",
        b"Subject: =?utf-8?b?7aCA?=\r\nFrom: \xff\xfe@example.net\r\n\r\n\xff",
        b"From: ada@example.net\r\nMessage-ID: <[\r\nDate: 99999\r\nSubject: \xed\xa0\x80\r\n\r\n",
        b"Subject: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
def test_octets_that_are_no_text_are_stored_and_settled_A15_A16_H11_H15(context: Context, raw: bytes) -> None:
    put(context, raw)
    run(context)
    [row] = rows(context)
    assert row.state is not S.NEW
    assert row.raw == raw


def token(purpose: Purpose, key: bytes, **claims: int) -> str:
    return make(TokenClaims(purpose, **claims), key)


def test_tokens_of_ours_prove_and_no_others_do(context: Context) -> None:
    key = context.keyring.tokens
    leave = token(Purpose.LEAVE, key, person=3, list=1)
    forged = token(Purpose.LEAVE, bytes(32), person=3, list=1)
    huge = token(Purpose.LEAVE, key, person=2**70, list=1)
    flipped = leave[:-1] + ("a" if leave[-1] != "a" else "b")
    with context.db.read() as tx:
        proof = inbox.prove(context, tx, [forged, flipped, huge, "x" * 40, leave])
    assert [one.text for one in proof.ours] == [leave]
    assert proof.of(Purpose.LEAVE) is not None
    assert proof.of(Purpose.CONFIRM) is None
    assert (proof.about, proof.delivery) == (None, 0)


def test_token_of_a_delivery_that_is_not_in_the_ledger_is_about_nothing_H19(context: Context) -> None:
    bounce = token(Purpose.BOUNCE, context.keyring.tokens, delivery=4711)
    with context.db.read() as tx:
        proof = inbox.prove(context, tx, [bounce])
    assert proof.about is None
    assert len(proof.ours) == 1


def test_nothing_is_mailed_by_reading(context: Context) -> None:
    put(context, letter(1))
    run(context)
    with context.db.read() as tx:
        assert list(tx.scalars(select(Notice.id))) == []
