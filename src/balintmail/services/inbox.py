"""What comes back, from the mailbox to the register: read top to bottom, it is the story of one message.

store → begin → read it in a process of its own → hold its tokens against our keys → one transaction: act, settle.
A message that breaks its reader or its handler is set aside with the reason, and the run goes on; none is lost and none
is acted on twice. What each kind does is its handler's: services/returned.py, officers_replies.py, mail_commands.py,
correspondence.py. It sends nothing: answers wait as notices.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError

from balintmail.db import drafts, meta
from balintmail.db import inbox as messages
from balintmail.db.inbox import Arrival, Settled, Unread
from balintmail.db.session import Tx
from balintmail.domain import tokens
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.inbox import Done, Inbound, Ours, Proof
from balintmail.domain.returns import Kind
from balintmail.domain.states import InboundState
from balintmail.domain.tokens import Purpose
from balintmail.receiving.event import Event
from balintmail.receiving.process import Reader
from balintmail.services import correspondence, late_mail, mail_commands, officers_replies, returned, settling
from balintmail.services.context import Context

AT_ONCE = 20  # messages that share two commits
MOST_ATTEMPTS = 8  # to read one message, when each time the whole process ended over it, or beside it
_LARGEST_ID = 2**63 - 1
_LETTERS = (Purpose.REPLY, Purpose.BOUNCE, Purpose.MESSAGE_ID, Purpose.LEAVE)  # these name a delivery


@dataclass(frozen=True, slots=True)
class Processed:
    """How many messages were read, and how many of them set aside."""

    read: int = 0
    set_aside: int = 0


def store(ctx: Context, arrival: Arrival) -> bool:
    """Keep a message before anything else happens to it; False when it is here already."""
    with ctx.db.write() as tx:
        return messages.store(tx, arrival) is not None


def anything_to_read(ctx: Context) -> bool:
    """Say whether mail is to be read without anybody asking for it: there is a mailbox, or something stored waits.

    Not in a sandbox that sends nothing, nor in a restored copy that may not send: that mail is another's to read.
    """
    with ctx.db.read() as tx:
        is_ours = not ctx.settings.send.dry and meta.fact(tx, meta.SENDING_BLOCKED) is None
        waits = bool(ctx.settings.inbox) or messages.anything_new(tx) or drafts.any_unread(tx)
        return is_ours and waits


def process(ctx: Context, reader: Reader) -> Processed:
    """Read and act on every stored message that nobody has read."""
    read = aside = 0
    while batch := _next(ctx):
        try:
            aside += _act_on(ctx, [(one, *reader.read(one.raw)) for one in batch])
        except (KeyboardInterrupt, SystemExit):
            # Somebody stops us: no message is to blame for it.
            with contextlib.suppress(SQLAlchemyError), ctx.db.write() as tx:
                messages.leave(tx, [one.id for one in batch])
            raise
        read += len(batch)
    return Processed(read, aside + _give_up(ctx))


def _next(ctx: Context) -> list[Unread]:
    """Return the next messages, and put down that they are being read.

    Those that were begun before are read one by one, so that the one which ended a run is known by its count.
    """
    with ctx.db.read() as tx:
        found = messages.unread(tx, limit=AT_ONCE, most_attempts=MOST_ATTEMPTS)
    fresh = [one for one in found if not one.attempts]
    batch = fresh or found[:1]
    if batch:
        with ctx.db.write() as tx:
            messages.begin(tx, [one.id for one in batch])
    return batch


def _act_on(ctx: Context, understood: Sequence[tuple[Unread, Event, str]]) -> int:
    """Act on messages in one transaction, each behind a savepoint; return how many were set aside."""
    aside = 0
    with ctx.db.write() as tx:
        for one, event, why in understood:
            if not messages.claim(tx, one.id):
                continue
            settled = _settle(ctx, tx, one, event, why)
            messages.settle(tx, one.id, settled)
            aside += settled.state is InboundState.SET_ASIDE
    return aside


def _settle(ctx: Context, tx: Tx, one: Unread, event: Event, why: str) -> Settled:
    proof = Proof()
    if event.kind is Kind.BROKEN:
        done = Done(InboundState.SET_ASIDE, why or "nothing in it could be read")
    else:
        proof = prove(ctx, tx, event.tokens)
        message = Inbound(one.id, one.raw, one.mailbox, one.received_at, event.to)
        try:
            with tx.begin_nested():
                done = _handle(ctx, tx, message, event, proof)
        except (OperationalError, InterfaceError):
            raise  # the database's own trouble: nothing of the batch was done, and the next run does it
        except Exception as exc:
            done = Done(InboundState.SET_ASIDE, f"acting on it failed: {type(exc).__name__}")
        if done.state is InboundState.DONE and late_mail.is_of_the_erased(ctx, tx, event, proof):
            return late_mail.without_trace(ctx, tx, event, done, proof)
    return Settled(
        state=done.state,
        kind=event.kind.value,
        remark=done.remark,
        sender=_storable(event.sender),
        sender_key=_key(event.sender),
        subject=_storable(event.subject),
        message_id=_storable(event.message_id),
        robot=event.robot,
        person=done.person or None,
        delivery=proof.delivery or None,
    )


def _handle(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Give a message to whose business it is."""
    if event.kind in {Kind.BOUNCE, Kind.COMPLAINT}:
        return returned.act(ctx, tx, message, event, proof)
    settling.by_proof(ctx, tx, proof.delivery, because="an answer to it came", actor=returned.ACTOR)
    if officers_replies.concerns(ctx, tx, message, event, proof):
        return officers_replies.act(ctx, tx, message, event, proof)
    if mail_commands.concerns(ctx, tx, message, event, proof):
        return mail_commands.act(ctx, tx, message, event, proof)
    return correspondence.act(ctx, tx, message, event, proof)


def prove(ctx: Context, tx: Tx, candidates: Sequence[str]) -> Proof:
    """Hold what may be tokens against our keys, and find the letter that the first of them is about."""
    ours = tuple(
        Ours(text, claims)
        for text in candidates
        for purpose in Purpose
        if (claims := tokens.read(text, purpose, ctx.keyring.verifying)) is not None
        and max(claims.person, claims.list, claims.delivery) <= _LARGEST_ID
    )
    named = (one.claims.delivery for one in ours if one.claims.purpose in _LETTERS and one.claims.delivery)
    letters = (messages.about(tx, delivery) for delivery in named)
    return Proof(ours, next((one for one in letters if one is not None), None))


def _give_up(ctx: Context) -> int:
    """Set aside what ended the process each time it was read."""
    with ctx.db.read() as tx:
        worn = messages.worn_out(tx, most_attempts=MOST_ATTEMPTS)
    if worn:
        remark = f"reading it was begun {MOST_ATTEMPTS} times and never finished"
        with ctx.db.write() as tx:
            for one in worn:
                if messages.claim(tx, one):
                    settled = Settled(state=InboundState.SET_ASIDE, kind=Kind.BROKEN.value, remark=remark)
                    messages.settle(tx, one, settled)
    return len(worn)


def _key(address: str) -> str:
    try:
        return parse(address).key
    except AddressRefused:
        return ""


def _storable(text: str) -> str:
    """Return `text` as both databases take it: no NUL, and escapes for octets that were no text."""
    return text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
