"""Mailings to one person or a few, by name: tests, the second copy that somebody asked for, notices.

Each is a mailing of its own with a ground of its own, and goes through the same ledger and the same dispatch as ten
thousand. It never goes round an erasure, a suppression or a bounced address (D6, D7).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from balintmail.composing.compile import compile_letter
from balintmail.composing.compiled import Compiled
from balintmail.composing.letter import Letter
from balintmail.db import addresses, audit, ledger, mailings, subscriptions, suppressions
from balintmail.db.ledger import Addressee
from balintmail.db.lists import MailingListRow
from balintmail.db.mailings import MailingRow, NewMailing
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain.address import Address, AddressRefused, parse
from balintmail.domain.grounds import SKIP_WORDS, Standing, may_mail
from balintmail.domain.recipient import PersonData, encode
from balintmail.domain.states import (
    AddressHealth,
    Ground,
    MailingKind,
    MailingState,
    SubscriptionState,
    SuppressionReason,
    Visibility,
)
from balintmail.errors import BalintmailError, Conflict, NotFound, UsageRefused
from balintmail.services import checking, dkim
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.reconcile import require_permission
from balintmail.services.release import existing_mailing, refuse_stops, stopped

_STRANGER = "A Reader"  # the name in a test to an address that is on no register


class MayNotBeMailed(BalintmailError):
    """Somebody who was named may not be mailed on any ground."""

    code = "may_not_be_mailed"


class HasLeft(Conflict):
    """Somebody who was named has left the list; only a person may say that they want this one letter all the same."""

    code = "has_left"


class Although(StrEnum):
    """What the Secretary knows and wants a second copy in spite of."""

    NOTHING = "nothing"
    LEFT = "left"  # they have left the list since


@dataclass(frozen=True, slots=True)
class SecondCopy:
    """A second copy of a letter: whose, by address or id, and of which list (empty: the letter's own)."""

    who: str
    list: str = ""
    person: int | None = None
    although: Although = Although.NOTHING


@dataclass(frozen=True, slots=True)
class Frozen:
    """A letter ready to be released to people by name."""

    list_id: int | None
    kind: MailingKind
    title: str
    source: str
    compiled: bytes
    content_hash: str
    again_of: int | None = None


def release_test(ctx: Context, path: Path, to: Sequence[str], *, list_slug: str = "") -> MailingRow:
    """Release the letter to these addresses only, marked as a test; return the mailing.

    It takes no number and counts as nothing sent. Stops other than a number that is taken are refused as for a send.
    """
    require_permission(ctx)
    report = checking.check(ctx, path, checking.Wanted(list_slug))
    refuse_stops(path, report, but=frozenset({"number_taken"}))
    if report.letter is None or report.surroundings is None or report.mailing_list is None:
        raise stopped(path, report.findings)
    compiled = compile_letter(report.letter, replace(report.surroundings, kind=MailingKind.TEST))
    frozen = _freeze(report.letter, compiled, report.mailing_list)
    with ctx.db.write() as tx:
        people = [_tested(ctx, tx, report.mailing_list, address) for address in _distinct(to)]
        return release_to(ctx, tx, frozen, _each_person_once(people))


def release_again(ctx: Context, path: Path, copy: SecondCopy) -> MailingRow:
    """Release a second copy of a letter that was sent to somebody who asked for it by name; return the mailing.

    Raises Conflict unless exactly this content was sent under its number, and HasLeft when they have left the list.
    """
    require_permission(ctx)
    report = checking.check(ctx, path, checking.Wanted(copy.list))
    first = existing_mailing(ctx, report)
    if report.letter is None or report.compiled is None or report.mailing_list is None:
        raise stopped(path, report.findings)
    label = f"{report.mailing_list.slug}/{report.letter.number}"
    if first is None or first.may_be_rewritten:
        raise Conflict(
            f"{label} has not been sent yet, so nobody can have it again.", hint=f"Run: balintmail send {path}"
        )
    if first.content_hash != report.compiled.content_hash:
        raise Conflict(f"{path.name} differs from {label} as it was sent.", hint="Take the file that was sent.")
    with ctx.db.write() as tx:
        found = register.find_one(tx, copy.who, person=copy.person)
        held = addresses.of_person(tx, found.id)
        if not held:
            raise MayNotBeMailed(f"Person {found.id} has no address.")
        named = copy.who.strip().casefold()
        text = next((row.email for row in held if row.email.casefold() == named), held[0].email)
        left = _has_left(tx, found.id, report.mailing_list)
        if left and copy.although is not Although.LEFT:
            raise HasLeft(
                f"{text} has left {report.mailing_list.slug} since. Nobody has been mailed.",
                hint="If they want this one letter all the same: --yes. They stay off the list.",
            )
        frozen = Frozen(
            first.list_id,
            first.kind,
            first.title,
            mailings.source(tx, first.id),
            mailings.compiled(tx, first.id),
            first.content_hash,
            again_of=first.id,
        )
        one = addressee(ctx, tx, report.mailing_list, (parse(text), found), Ground.REQUESTED)
        row = release_to(ctx, tx, frozen, [one])
        if left:
            detail = {"people": [found.id]}
            audit.note_mailing(
                tx, row.id, "sent again to somebody who has left", actor=ctx.actor, now=ctx.clock.now(), detail=detail
            )
        return row


def _has_left(tx: Tx, person: int, mailing_list: MailingListRow) -> bool:
    standing = subscriptions.get(tx, person, mailing_list.id)
    return standing is not None and standing.state is SubscriptionState.UNSUBSCRIBED


def release_to(ctx: Context, tx: Tx, frozen: Frozen, people: Sequence[Addressee]) -> MailingRow:
    """Write the mailing and its rows; dispatch finds them at once."""
    now = ctx.clock.now()
    new = NewMailing(
        list_id=frozen.list_id,
        kind=frozen.kind,
        title=frozen.title,
        content_hash=frozen.content_hash,
        state=MailingState.SCHEDULED,
        again_of=frozen.again_of,
        visibility=Visibility.NONE,
        released_by=ctx.actor,
        start_at=now,
        redirected_to=ctx.settings.send.redirect_all_to,
    )
    mailing = mailings.add(tx, new, now=now)
    mailings.keep_content(tx, mailing, source=frozen.source, compiled=frozen.compiled)
    ledger.enrol_each(tx, mailing, people, now=now)
    mailings.begin(tx, mailing, content_hash=frozen.content_hash, start_at=now, now=now)
    dkim.freeze(ctx, tx, mailing)
    mailings.set_audience(tx, mailing, len(people))
    detail = {"kind": frozen.kind.value, "again_of": frozen.again_of, "people": [who.person for who in people]}
    audit.note_mailing(tx, mailing, "released", actor=ctx.actor, now=now, detail=detail)
    row = mailings.by_id(tx, mailing)
    if row is None:
        raise LookupError("a mailing that was just written is not there")
    return row


def _freeze(letter: Letter, compiled: Compiled, mailing_list: MailingListRow) -> Frozen:
    raw, content = compiled.dump(), compiled.content_hash
    return Frozen(mailing_list.id, compiled.kind, letter.title, letter.source, raw, content)


def _distinct(texts: Sequence[str]) -> list[Address]:
    """Return the addresses, each once; raise UsageRefused for one that is none."""
    found: dict[str, Address] = {}
    for text in texts:
        try:
            address = parse(text)
        except AddressRefused as exc:
            raise UsageRefused(f"{text} is not an address: {exc.reason}.") from exc
        found.setdefault(address.key, address)
    return list(found.values())


def _tested(ctx: Context, tx: Tx, mailing_list: MailingListRow, address: Address) -> Addressee:
    try:
        people = register.find(tx, address.text)
    except NotFound:
        people = []
    return addressee(ctx, tx, mailing_list, (address, people[0] if people else None), Ground.TEST)


def _each_person_once(people: Sequence[Addressee]) -> list[Addressee]:
    """Let a person's further addresses stand for themselves: a mailing has one row per person."""
    seen: set[int | None] = set()
    distinct = []
    for one in people:
        distinct.append(replace(one, person=None) if one.person in seen else one)
        seen.add(one.person)
    return distinct


def addressee(
    ctx: Context, tx: Tx, mailing_list: MailingListRow, whom: tuple[Address, PersonRow | None], ground: Ground
) -> Addressee:
    """Return the row of one person at one address; raise MayNotBeMailed with the reason why not."""
    address, person = whom
    require_mailable(ctx, tx, address, person, ground)
    data = PersonData(_STRANGER if ground is Ground.TEST else "", "", mailing_list.language)
    if person is not None:
        language = person.language or mailing_list.language
        data = PersonData(person.name, person.first_name, language, person.member, person.fields)
    number = person.id if person is not None else None
    return Addressee(number, address.text, address.envelope, address.key, ground, encode(data))


def require_mailable(ctx: Context, tx: Tx, address: Address, person: PersonRow | None, ground: Ground) -> None:
    """Raise MayNotBeMailed with the reason why one person at one address, or whoever is there, may not be mailed."""
    held = suppressions.of_address(tx, ctx.keyring.address_hash(address.key), address.domain)
    erased = held is not None and held.reason is SuppressionReason.ERASED
    bounced = person is not None and any(
        row.key == address.key and row.health is AddressHealth.BOUNCED for row in addresses.of_person(tx, person.id)
    )
    stopped = held is not None or (person is not None and person.died_on is not None)
    standing = Standing(ground, None, erased=erased, suppressed=stopped, bounced=bounced)
    if (reason := may_mail(standing)) is not None:
        raise MayNotBeMailed(f"{address.text} may not be mailed: {SKIP_WORDS[reason]}.", hint="Nobody has been mailed.")
