"""Make mailings of the system mails that wait, and nothing else: dispatch calls it and sends them like any other.

Notices of one letter, language and list become one mailing of kind notice; the rows that waited go in the same
transaction, so that after a crash each of them is in one place. Whether somebody may be mailed is asked here, and by
the ledger again before the dot. They are put in by services/notices.py.
"""

import contextlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from balintmail.composing.facts import Reader, Shape, shape_of, written
from balintmail.db import meta, subscriptions, suppressions
from balintmail.db import notices as rows
from balintmail.db.ledger import Addressee
from balintmail.db.mailings import MailingRow
from balintmail.db.notices import Batch, DueNotice
from balintmail.db.session import Tx
from balintmail.domain.notices import NOTICES, Fact, NoticeKind, from_stored
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import MailingKind
from balintmail.errors import BalintmailError
from balintmail.services import answers, latest
from balintmail.services.context import Context
from balintmail.services.lists import named
from balintmail.services.notice_letters import NoticeLetters
from balintmail.services.notices import ANSWER, FIRST_NAME, NAME, WELCOME, Waiting, put, to_person
from balintmail.services.one_off import Frozen, release_to

AT_ONCE = 1000  # notices of one mailing: one transaction, and not much to do again after a crash
STUCK = "notices_stuck"  # the fact that says why notices cannot be written; empty while they can

_Group = tuple[Shape, str, int]  # the text, what receipts call it, and the how manieth notice to the same person
_Member = tuple[DueNotice, dict[str, Fact]]
# Facts that say nothing of anybody, whatever the letter: what receipts call its mailing by may hold them.
_OF_NOBODY = frozenset({"about", "count", "issue", "journal", "label", "late", "number", "reminds", "state", "step"})


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

    The latest newsletter follows in a mailing of its own where the list says so. Whoever may not be mailed is left out.
    """
    letters, released = NoticeLetters(ctx), []
    with ctx.db.write() as tx:
        of = named(tx, list_slug)
        list_id, welcomed = of.id, []
        row = latest.of_list(tx, list_id) if of.sends_latest else None
        facts = latest.facts(ctx, row) if row is not None else {}
        for person in dict.fromkeys(persons):
            to, standing = to_person(tx, person), subscriptions.get(tx, person, list_id)
            if to is not None and standing is not None:
                put(ctx, tx, Waiting(template=WELCOME, to=to, ground=standing.ground, list_id=list_id, facts=facts))
                welcomed.append(person)
        now = ctx.clock.now()  # not before what was just put is due
        for batch in rows.due(tx, now):
            if (batch.template, batch.list_id) == (WELCOME, list_id):
                taken = rows.take(tx, batch, limit=len(persons), now=now)
                released += release(ctx, tx, letters, batch, taken)
        if row is not None and (copy := latest.send(ctx, tx, row, of, welcomed)) is not None:
            released.append(copy)
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
    """Write the mailings of these notices, one for each text, without those who may not be mailed.

    A person has one row in a mailing (D1), so whoever gets the same letter twice gets it in two.
    """
    kind = NOTICES[batch.template]
    released = []
    for (shape, title, _), members in _grouped(ctx, tx, letters, batch, taken).items():
        letter = letters.get(tx, batch.template, batch.list_id, batch.language, shape)
        reader = letters.reader(letter.language)
        meant = [str(facts.pop(ANSWER, "")) for _, facts in members]
        chosen = [_addressee(reader, one, facts, strangers=kind.strangers) for one, facts in members]
        raw, content = letter.compiled.dump(), letter.compiled.content_hash
        frozen = Frozen(batch.list_id, MailingKind.NOTICE, title, letter.source, raw, content)
        released.append(release_to(ctx, tx, frozen, chosen))
        answers.expect(ctx, tx, released[-1].id, [pair for pair in zip(chosen, meant, strict=True) if pair[1]])
    return released


def _grouped(
    ctx: Context, tx: Tx, letters: NoticeLetters, batch: Batch, taken: Sequence[DueNotice]
) -> dict[_Group, list[_Member]]:
    """Return those who may be mailed by what becomes one mailing."""
    kind = NOTICES[batch.template]
    groups: dict[_Group, list[_Member]] = defaultdict(list)
    seen: Counter[int | None] = Counter()
    for one in _mailable(ctx, tx, taken):
        facts = from_stored(one.facts)
        shape = shape_of(kind, facts)
        letter = letters.get(tx, batch.template, batch.list_id, batch.language, shape)
        title = letter.title(told(kind, facts, letters.reader(letter.language)))
        label = str(facts.get(kind.named_by, ""))
        groups[shape, title if label in title else f"{title} ({label})", seen[one.person]].append((one, facts))
        if one.person is not None:
            seen[one.person] += 1
    return groups


def told(kind: NoticeKind, facts: Mapping[str, Fact], reader: Reader) -> dict[str, str]:
    """Return those of the facts, written, that receipts may hold: they say nothing of anybody."""
    return written({name: facts[name] for name in facts if name in _OF_NOBODY or name == kind.named_by}, reader)


def _mailable(ctx: Context, tx: Tx, taken: Sequence[DueNotice]) -> list[DueNotice]:
    """Return those who may be mailed; the others said no, or were erased, since their mail was put in (D6, D7)."""
    hashes = {one.id: ctx.keyring.address_hash(one.address_key) for one in taken if one.refused is None}
    barred = suppressions.among(tx, list(hashes.values()))
    return [one for one in taken if one.id in hashes and hashes[one.id] not in barred]


def _addressee(reader: Reader, one: DueNotice, facts: dict[str, Fact], *, strangers: bool) -> Addressee:
    name, first_name = str(facts.pop(NAME, one.name)), str(facts.pop(FIRST_NAME, one.first_name))
    if strangers:
        name = first_name = ""
    data = PersonData(name, first_name, reader.language, one.member, {**one.fields, **written(facts, reader)})
    return Addressee(one.person, one.address, one.envelope, one.address_key, one.ground, encode(data))


def _has_lists(template: str) -> bool:
    kind = NOTICES.get(template)
    return kind is None or bool(shape_of(kind, kind.facts))
