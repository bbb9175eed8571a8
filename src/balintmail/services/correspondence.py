"""Letters: everything that came in and is no report, no command and no officer's answer. Each waits for a person.

It is filed under whoever has the address that it says it is from, which proves nothing, and sent on to the Secretary
where [inbox.NAME] forward says so. Nothing that a stranger wrote is rendered or run, and no machine is answered.
"""

import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import quote

from balintmail.db import audit, correspondence, officers, people, throttles
from balintmail.db.correspondence import MessageRow
from balintmail.db.session import Tx
from balintmail.domain.address import AddressRefused, parse
from balintmail.domain.inbox import Done, Inbound, Proof
from balintmail.domain.notices import Fact
from balintmail.domain.returns import Kind
from balintmail.domain.states import Ground, InboundState, Role
from balintmail.errors import Conflict, NotFound
from balintmail.receiving.event import Event
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import To, Waiting
from balintmail.services.people import LARGEST_ID, find_one

TEMPLATE = "letter"
MOST_A_DAY = 100  # letters that are sent on by themselves; a flood waits in the list
LONGEST = 20_000  # characters of a letter that is sent on
MOST_LINES = 200  # the same in paragraphs
_FULL = 55  # characters from which on a line was broken by a program, and goes on in the next
AT_ONCE = 500  # messages that are forgotten in one transaction
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Forwarded:
    """To whom a letter goes on."""

    message: int
    person: int
    name: str
    address: str


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Keep a letter until somebody has dealt with it; what a machine wrote in somebody's name waits for nobody."""
    person, remark = whose(tx, event.sender)
    if event.kind is Kind.AUTO_REPLY:
        return Done(InboundState.DONE, remark or "a machine wrote it", person)
    if (twin := _twin(tx, message, event)) is not None:
        return Done(InboundState.DONE, f"the same letter as message {twin.id}, which came by {twin.mailbox}", person)
    if _forwards(ctx, message) and (to := notices.to_secretary(tx)) is not None:
        if _is_flood(ctx, tx):
            remark = remark or "too many letters in a day to send each on"
        else:
            _put(ctx, tx, to, _Letter(message.id, event.sender, event.subject, event.text, person), received=message)
            correspondence.forwarded(tx, message.id, now=ctx.clock.now())
    return Done(InboundState.WAITING, remark, person)


def _twin(tx: Tx, message: Inbound, event: Event) -> MessageRow | None:
    """Return the letter that is this one, written to several of our addresses and come by another way (H31).

    Only the way's own fields at the top may differ: a Message-ID alone is soon copied.
    """
    try:
        key = parse(event.sender).key
    except AddressRefused:
        return None
    earlier = correspondence.letters_like(tx, key, event.message_id, before=message.id) if event.message_id else []
    return next((row for row, raw in earlier if _body(raw) == _body(message.raw)), None)


def _body(raw: bytes) -> bytes:
    return raw.replace(b"\r\n", b"\n").partition(b"\n\n")[2]


def whose(tx: Tx, sender: str) -> tuple[int, str]:
    """Return the one living person who has the address, or 0 and why there is none to name."""
    try:
        found = people.at_address(tx, parse(sender).key)
    except AddressRefused:
        return 0, ""
    if len(found) > 1:
        return 0, f"people {', '.join(str(row.id) for row in found)} share the address"
    return (found[0].id, "") if found else (0, "")


def shown(tx: Tx, number: int) -> MessageRow:
    """Return a message by its number; raise NotFound."""
    row = correspondence.get(tx, number) if 0 < number <= LARGEST_ID else None
    if row is None:
        raise NotFound(f"There is no message {number}.", hint="See: balintmail inbox list --all")
    return row


def raw(tx: Tx, number: int) -> bytes:
    """Return a message as it came; raise NotFound, Conflict when it is kept no longer."""
    row = shown(tx, number)
    found = correspondence.raw(tx, number)
    if found is None:
        when = "Nobody was told to keep it longer ([letters] keep), or its writer was erased."
        raise Conflict(f"Message {row.id} is known, but its text is gone.", hint=when)
    return found


def assign(ctx: Context, number: int, who: str) -> tuple[MessageRow, str]:
    """Give a message to an officer, named by office, number or address; "" takes it from whoever has it.

    Returns the message and the officer's name. Raises NotFound; Conflict for one that is done, and for somebody who
    holds no office: letters are private.
    """
    with ctx.db.write() as tx:
        row = _held(tx, number)
        if row.state is InboundState.DONE:
            raise Conflict(
                f"Message {row.id} is done.", hint=f"Open it again first: balintmail inbox done {row.id} --undo"
            )
        if not who:
            correspondence.assign(tx, row.id, None)
            return row, ""
        person, name = _officer(tx, who)
        correspondence.assign(tx, row.id, person)
        _note(ctx, tx, row, "message assigned", person)
    return row, name


def close(ctx: Context, number: int) -> bool:
    """Put a message away as dealt with; False when it is already. Raises NotFound, Conflict for one not yet read."""
    with ctx.db.write() as tx:
        row = _held(tx, number)
        if row.state is InboundState.NEW:
            raise Conflict(f"Message {row.id} has not been read yet.", hint="Run: balintmail inbox fetch")
        if row.state is InboundState.DONE and row.closed_at is not None:
            return False
        already = row.state is InboundState.DONE
        correspondence.close(tx, row.id, by=ctx.actor, now=ctx.clock.now())
    return not already


def reopen(ctx: Context, number: int) -> bool:
    """Let a message wait for a person again, whoever closed it; False when it waits already."""
    with ctx.db.write() as tx:
        row = _held(tx, number)
        if row.state is not InboundState.DONE:
            return False
        state = InboundState.SET_ASIDE if row.kind == Kind.BROKEN else InboundState.WAITING
        correspondence.reopen(tx, row.id, state)
    return True


def read_again(ctx: Context, number: int) -> None:
    """Let a message that was set aside be read anew, as after an update; raise NotFound, Conflict for any other.

    What was set aside changed nothing when it was read, so nothing is done twice.
    """
    with ctx.db.write() as tx:
        row = _held(tx, number)
        if row.state is not InboundState.SET_ASIDE:
            raise Conflict(f"Message {row.id} was not set aside: reading it twice could act on it twice.")
        if not row.kept:
            raise Conflict(f"Message {row.id} is known, but its text is gone.")
        correspondence.reopen(tx, row.id, InboundState.NEW)


def forward(ctx: Context, number: int, text: str, *, who: str = "") -> Forwarded:
    """Send a message on to an officer: the one named, else whoever it is assigned to, else the Secretary.

    `text` are its words. Raises NotFound; Conflict for somebody without office or address.
    """
    with ctx.db.write() as tx:
        row = _held(tx, number)
        if who:
            person, _ = _officer(tx, who)
            to = notices.to_person(tx, person)
        else:
            taken = row.assigned if row.assigned and officers.roles(tx, row.assigned) else 0
            to = notices.to_person(tx, taken) if taken else notices.to_secretary(tx)
        if to is None or to.person is None:
            raise Conflict("There is nobody with an address to send it to.", hint="See: balintmail officers list")
        received = Inbound(row.id, b"", row.mailbox, row.received_at)
        _put(ctx, tx, to, _Letter(row.id, row.sender, row.subject, text, row.person), received=received)
        correspondence.forwarded(tx, row.id, now=ctx.clock.now())
        _note(ctx, tx, row, "message forwarded", to.person)
        found = people.get(tx, to.person)
    return Forwarded(row.id, to.person, found.name if found else "", to.address.text)


def forget_old(ctx: Context) -> int:
    """Let the octets of messages go that were dealt with and are older than [letters] keep; return how many."""
    keep = ctx.settings.letters.keep
    if not keep:
        return 0
    before, gone = ctx.clock.now() - keep, 0
    while True:
        with ctx.db.read() as tx:
            ids = correspondence.old(tx, before=before, limit=AT_ONCE)
        if not ids:
            return gone
        with ctx.db.write() as tx:
            correspondence.forget(tx, ids)
        gone += len(ids)


@dataclass(frozen=True, slots=True)
class _Letter:
    """What is sent on."""

    number: int
    sender: str
    subject: str
    text: str
    person: int


def _put(ctx: Context, tx: Tx, to: To, letter: _Letter, *, received: Inbound) -> None:
    writer = people.get(tx, letter.person) if letter.person else None
    lines = _lines(letter.text[:LONGEST])
    facts: dict[str, Fact] = {
        "number": str(letter.number),
        "sender": _plain(letter.sender),
        "subject": _plain(letter.subject),
        "received_at": received.received_at,
        "person": str(letter.person) if writer else "",
        "name": writer.name if writer else "",
        "answer_url": _answer_url(letter),
        "lines": [{"text": line} for line in lines[:MOST_LINES]],
        "cut": "yes" if len(letter.text) > LONGEST or len(lines) > MOST_LINES else "",
    }
    key = f"letter {letter.number} {to.person}"
    notices.put(ctx, tx, Waiting(template=TEMPLATE, to=to, ground=Ground.OFFICER, facts=facts, key=key))


def _answer_url(letter: _Letter) -> str:
    """Return the link that begins an answer (RFC 6068); "" where no mail can reach the writer."""
    try:
        address = parse(letter.sender).envelope
    except AddressRefused:
        return ""
    subject = _plain(letter.subject)
    subject = subject if subject.casefold().startswith("re:") else f"Re: {subject}"
    return f"mailto:{quote(address, safe='@+')}?subject={quote(subject, safe='')}"


def _lines(text: str) -> list[str]:
    """Return what stands on lines of its own: paragraphs whole, and each line of an address or a list."""
    found: list[str] = []
    goes_on = False
    for line in map(_plain, text.splitlines()):
        if line and goes_on:
            found[-1] += f" {line}"
        elif line:
            found.append(line)
        goes_on = len(line) >= _FULL
    return found


def _plain(text: str) -> str:
    """Return a stranger's text as one line of letters that are seen."""
    return " ".join("".join(" " if unicodedata.category(one)[0] == "C" else one for one in text).split())


def _forwards(ctx: Context, message: Inbound) -> bool:
    mailbox = ctx.settings.inbox.get(message.mailbox)
    return ctx.settings.letters.forward_piped if mailbox is None else mailbox.forward


def _is_flood(ctx: Context, tx: Tx) -> bool:
    """Count a letter that is sent on, and say whether there were too many today."""
    key, now = ctx.keyring.address_hash("\nletters sent on"), ctx.clock.now()
    throttles.add(tx, key, now=now)
    return throttles.taken(tx, key, DAY, now=now) > MOST_A_DAY


def _held(tx: Tx, number: int) -> MessageRow:
    """Return a message and hold it until the transaction ends."""
    if 0 < number <= LARGEST_ID:
        correspondence.lock(tx, number)
    return shown(tx, number)


def _officer(tx: Tx, who: str) -> tuple[int, str]:
    """Return number and name of an officer, named by office, number or address."""
    if who in set(Role):
        held = officers.holders(tx, Role(who))
        if not held:
            raise NotFound(f"Nobody is {who}, or nobody with an address.", hint="See: balintmail officers list")
        return held[0].person_id, held[0].name
    row = find_one(tx, who)
    if not officers.roles(tx, row.id):
        hint = "Letters are private: they go to officers. See: balintmail officers list"
        raise Conflict(f"Person {row.id} holds no office.", hint=hint)
    return row.id, row.name


def _note(ctx: Context, tx: Tx, row: MessageRow, action: str, to: int) -> None:
    audit.note(tx, action, actor=ctx.actor, now=ctx.clock.now(), detail={"message": row.id, "to": to})
