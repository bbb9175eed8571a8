"""System mails: put what waits into the queue, and make mailings of what is due.

Whoever changes something calls `put` in the transaction that changes it; the mail is written later, by dispatch, so a
page answers in the same time whether or not a mail follows. Notices of one letter, language and list become one mailing
of kind notice in the ledger, and go the way of all letters; the rows that waited go in the same transaction, so a crash
leaves each of them in one place. Which mails there are and what each may say: domain/notices.py.
"""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from balintmail.composing.facts import Shape, shape_of, written
from balintmail.db import addresses, lists, meta, people, subscriptions, suppressions
from balintmail.db import notices as rows
from balintmail.db.ledger import Addressee
from balintmail.db.mailings import MailingRow
from balintmail.db.notices import Batch, DueNotice, NewNotice
from balintmail.db.officers import secretary
from balintmail.db.session import Tx
from balintmail.domain.address import Address, parse
from balintmail.domain.notices import NOTICES, Fact, from_stored, to_stored
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import Ground, MailingKind
from balintmail.errors import BalintmailError
from balintmail.services.context import Context
from balintmail.services.lists import named
from balintmail.services.notice_letters import NoticeLetter, NoticeLetters
from balintmail.services.one_off import Frozen, release_to

AT_ONCE = 1000  # notices of one mailing: one transaction, and not much to do again after a crash
WELCOME = "welcome"
STUCK = "notices_stuck"  # the fact that says why notices cannot be written; absent while they can
_NAME, _FIRST_NAME = "person.name", "person.first_name"  # of somebody who is on no register, among the stored facts


@dataclass(frozen=True, slots=True, kw_only=True)
class To:
    """Whom a notice goes to. `person` is none for somebody who is on no register yet; then the names are said here."""

    address: Address
    person: int | None = None
    name: str = ""
    first_name: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One system mail to one person.

    `template` is a name of domain/notices.py and `facts` are what it lists there: texts, numbers, moments, lists; they
    are written in the reader's language when the mail is. `language` "" is the person's own, else the list's, else the
    society's first. `key` names the mail: a second one with the same key takes the place of one that still waits.
    `due_at` none is now.
    """

    template: str
    to: To
    ground: Ground
    language: str = ""
    list_id: int | None = None
    facts: Mapping[str, Fact] = field(default_factory=dict)
    key: str | None = None
    due_at: datetime | None = None


def put(ctx: Context, tx: Tx, waiting: Waiting) -> None:
    """Let a mail wait until dispatch writes it; whether its reader may be mailed is asked then, and before the dot.

    Raises ValueError for a mail or a fact that domain/notices.py does not know: that is a bug.
    """
    kind = NOTICES.get(waiting.template)
    if kind is None:
        raise ValueError(f"there is no system mail {waiting.template}")
    if strange := waiting.facts.keys() - kind.facts.keys():
        raise ValueError(f"the mail {waiting.template} has no fact {', '.join(sorted(strange))}")
    to, now = waiting.to, ctx.clock.now()
    facts = to_stored(waiting.facts)
    if to.person is None and not kind.strangers:
        facts |= {_NAME: to.name, _FIRST_NAME: to.first_name}
    new = NewNotice(
        template=waiting.template,
        language=waiting.language or to.language or _language_of(ctx, tx, waiting.list_id),
        person=to.person,
        address=to.address.text,
        envelope=to.address.envelope,
        address_key=to.address.key,
        ground=waiting.ground,
        due_at=waiting.due_at or now,
        list_id=waiting.list_id,
        facts=facts,
        key=waiting.key,
    )
    rows.put(tx, new, now=now)


def to_person(tx: Tx, person_id: int) -> To | None:
    """Return a person at their preferred address; None for somebody erased or without an address."""
    row, held = people.get(tx, person_id), addresses.of_person(tx, person_id)
    if row is None or row.erased_at is not None or not held:
        return None
    address = parse(held[0].email)
    return To(address=address, person=person_id, language=row.language or "")


def to_secretary(tx: Tx) -> To | None:
    """Return the Secretary in office, for mails on the ground OFFICER; None where there is none with an address."""
    found = secretary(tx)
    return to_person(tx, found.person_id) if found is not None else None


def anything_due(ctx: Context, tx: Tx) -> bool:
    """Say whether a notice waits for dispatch."""
    return rows.anything_due(tx, ctx.clock.now())


def release_due(ctx: Context) -> int:
    """Make mailings of the notices whose time has come; return how many notices were taken out of the queue.

    Those that cannot be written (there is no Secretary to write in the name of) go on waiting; the fact `notices_stuck`
    says why.
    """
    with ctx.db.read() as tx:
        due, stuck_before = rows.due(tx, ctx.clock.now()), meta.fact(tx, STUCK)
    if not due:
        return 0
    letters, taken, stuck = NoticeLetters(ctx), 0, ""
    for batch in due:
        try:
            while number := _release_some(ctx, letters, batch):
                taken += number
        except BalintmailError as exc:
            stuck = f"{batch.template}: {exc.message}"
    if stuck != (stuck_before or ""):
        with ctx.db.write() as tx:
            meta.put(tx, STUCK, stuck)
    return taken


def welcome(ctx: Context, list_slug: str, persons: Sequence[int]) -> list[MailingRow]:
    """Release the welcome of a list to people who have just joined it, at once; one mailing for each language.

    Whoever may not be mailed is left out.
    """
    letters, released, now = NoticeLetters(ctx), [], ctx.clock.now()
    with ctx.db.write() as tx:
        list_id = named(tx, list_slug).id
        for person in dict.fromkeys(persons):
            to, standing = to_person(tx, person), subscriptions.get(tx, person, list_id)
            if to is not None and standing is not None:
                put(ctx, tx, Waiting(template=WELCOME, to=to, ground=standing.ground, list_id=list_id))
        for batch in rows.due(tx, now):
            if (batch.template, batch.list_id) == (WELCOME, list_id):
                taken = rows.take(tx, batch, limit=len(persons), now=now)
                released += release(ctx, tx, letters, batch, taken)
    return released


def _release_some(ctx: Context, letters: NoticeLetters, batch: Batch) -> int:
    """Make mailings of the oldest notices of a batch; return how many were taken."""
    if not _has_lists(batch.template):  # compiled before the lock is taken, where the facts cannot change the text
        with contextlib.suppress(BalintmailError), ctx.db.read() as tx:
            letters.get(tx, batch.template, batch.list_id, batch.language)
    with ctx.db.write() as tx:
        taken = rows.take(tx, batch, limit=AT_ONCE, now=ctx.clock.now())
        release(ctx, tx, letters, batch, taken)
    return len(taken)


def release(ctx: Context, tx: Tx, letters: NoticeLetters, batch: Batch, taken: Sequence[DueNotice]) -> list[MailingRow]:
    """Write the mailings of these notices, one for each text, without those who may not be mailed."""
    kind = NOTICES[batch.template]
    groups: dict[Shape, list[tuple[DueNotice, dict[str, Fact]]]] = defaultdict(list)
    for one in _mailable(ctx, tx, taken):
        facts = from_stored(one.facts)
        groups[shape_of(kind, facts)].append((one, facts))
    released = []
    for shape, members in groups.items():
        letter = letters.get(tx, batch.template, batch.list_id, batch.language, shape)
        chosen = [_addressee(ctx, letter, one, facts) for one, facts in members]
        raw, content = letter.compiled.dump(), letter.compiled.content_hash
        frozen = Frozen(batch.list_id, MailingKind.NOTICE, letter.title, letter.source, raw, content)
        released.append(release_to(ctx, tx, frozen, chosen))
    return released


def _mailable(ctx: Context, tx: Tx, taken: Sequence[DueNotice]) -> list[DueNotice]:
    """Return those who may be mailed; the others said no, or were erased, since their mail was put in (D6, D7)."""
    hashes = {one.id: ctx.keyring.address_hash(one.address_key) for one in taken if one.refused is None}
    barred = suppressions.among(tx, list(hashes.values()))
    return [one for one in taken if one.id in hashes and hashes[one.id] not in barred]


def _addressee(ctx: Context, letter: NoticeLetter, one: DueNotice, facts: dict[str, Fact]) -> Addressee:
    name, first_name = str(facts.pop(_NAME, one.name)), str(facts.pop(_FIRST_NAME, one.first_name))
    said = {**one.fields, **written(facts, letter.language, ctx.settings.zone)}
    data = PersonData(name, first_name, letter.language, one.member, said)
    return Addressee(one.person, one.address, one.envelope, one.address_key, one.ground, encode(data))


def _has_lists(template: str) -> bool:
    kind = NOTICES.get(template)
    return kind is None or bool(shape_of(kind, kind.facts))


def _language_of(ctx: Context, tx: Tx, list_id: int | None) -> str:
    mailing_list = lists.by_id(tx, list_id) if list_id is not None else None
    return mailing_list.language if mailing_list else ctx.settings.society.languages[0]
