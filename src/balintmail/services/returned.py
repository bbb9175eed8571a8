"""Act on bounces and complaints: what a report proves, what it says, what follows for the address and the ledger.

token → the letter it is about → record → the ledger (P3) → the address. Without a token of ours a report is kept,
counted and believed in nothing. A token proves the letter and not whom the report names: only the address that the
letter went to is ever touched (H20). What follows is decided by domain/health.py; probes are services/probing.py's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from balintmail.db import address_health, audit, people, returns, stops, subscriptions, suppressions
from balintmail.db.consent import Consent
from balintmail.db.lists import by_id as list_of
from balintmail.db.returns import Letter, NewEvent
from balintmail.db.session import Tx
from balintmail.db.suppressions import SuppressionRow
from balintmail.domain import health
from balintmail.domain.address import key_of
from balintmail.domain.health import Change, Naming
from balintmail.domain.inbox import Done, Inbound, Proof
from balintmail.domain.returns import REASON_WORDS, Judged, Kind, Reason, Sentence
from balintmail.domain.states import AddressHealth, InboundState, SkipReason, SubscriptionState, SuppressionReason
from balintmail.domain.tokens import Purpose
from balintmail.receiving.event import Event, Found
from balintmail.services import late_mail, settling
from balintmail.services.context import Context
from balintmail.services.leaving import living

ACTOR = "the inbox"  # who did it, on record
COMPLAINT = "complaint"  # how somebody left, as the record of consent has it
MOST_UNPROVEN = 20  # addresses that are kept of a report which proves nothing (H18)
LONGEST_EVIDENCE = 500  # characters
_COMPLAINED = "reported a letter as spam"
_UNPROVEN = "no token of ours: changed nothing"
_ON_IT = (SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED)
# Tokens that only the envelope and the Message-ID of a letter carry. That of a link stands in the letter's text, and
# whoever was forwarded one holds it: it may leave the list, and nothing more (standards 3.2).
_OF_THE_LETTER = (Purpose.BOUNCE, Purpose.MESSAGE_ID)


@dataclass(frozen=True, slots=True)
class _Report:
    """What a message says of one letter."""

    message: Inbound
    letter: Letter
    judged: Judged
    evidence: str
    naming: Naming = Naming.THE_READER


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Record what a report says and do what follows from it."""
    letter = _letter(tx, proof, _OF_THE_LETTER)
    if letter is not None:
        people.lock(tx)
        settling.by_proof(ctx, tx, letter.delivery, because="a report about it came back", actor=ACTOR)
        report = _read(message, event, letter)
        return _complain(ctx, tx, report) if report.judged.sentence is Sentence.COMPLAINT else _fail(ctx, tx, report)
    if event.kind is Kind.COMPLAINT and (of_link := _letter(tx, proof, (Purpose.LEAVE,))) is not None:
        people.lock(tx)
        return _leave(ctx, tx, _read(message, event, of_link))
    return _disbelieve(ctx, tx, message, event)


def _letter(tx: Tx, proof: Proof, purposes: Sequence[Purpose]) -> Letter | None:
    """Return the letter that the first token of these purposes names."""
    named = (one.claims.delivery for one in proof.ours if one.claims.purpose in purposes and one.claims.delivery)
    return next((found for found in (returns.letter(tx, number) for number in named) if found is not None), None)


def _read(message: Inbound, event: Event, letter: Letter) -> _Report:
    """Return what a report says of the letter that its token names.

    What it says of the reader counts before what it says of anybody else. Where it names several others, nobody knows
    which of them stands for the reader, so nothing follows from it.
    """
    if event.kind is Kind.COMPLAINT:
        evidence = event.results[0].evidence if event.results else ""
        return _Report(message, letter, _HARMLESS if _PRAISE.search(message.raw) else _COMPLAINT, evidence)
    about = next((one for one in event.results if _is_reader(one, letter)), None)
    if about is not None:
        return _Report(message, letter, about.judged, about.evidence)
    if not event.results:  # the token alone says that it is about this letter
        return _Report(message, letter, Judged(Sentence.SOFT, Reason.OTHER, ""), "")
    other = event.results[0]
    judged = other.judged if len(event.results) == 1 else Judged(Sentence.IGNORE, other.judged.reason, "")
    return _Report(message, letter, judged, other.evidence, Naming.ANOTHER)


_COMPLAINT = Judged(Sentence.COMPLAINT, Reason.SPAM_BLOCK, "")
_HARMLESS = Judged(Sentence.IGNORE, Reason.OTHER, "")
# Reports in the form of a complaint that are none (RFC 5965 section 7.3, RFC 6591); the recipient is often taken out.
_PRAISE = re.compile(rb"^feedback-type:[ \t]*(?:not-spam|auth-failure|dmarc|other|virus)\b", re.I | re.M)


def _is_reader(found: Found, letter: Letter) -> bool:
    """Say whether a report names the address that the letter went to, or that address on a host of its domain."""
    named = key_of(found.address)
    if named is None or not letter.address_key:
        return False
    local, _, host = named.rpartition("@")
    ours, _, domain = letter.address_key.rpartition("@")
    return local == ours and (host == domain or host.endswith(f".{domain}"))


def _fail(ctx: Context, tx: Tx, report: _Report) -> Done:
    """Record a bounce and do to its address what follows."""
    letter, judged = report.letter, report.judged
    age = report.message.received_at - letter.left_at
    weight = health.weight(judged, report.naming, after=age) if letter.address_key else 0
    person = _record(tx, report, weight)
    if judged.sentence is not Sentence.IGNORE:
        returns.note_bounced(tx, letter.delivery, report.message.received_at)
    done = _follow(ctx, tx, report) if weight else _why_nothing(report)
    outcome = f"{_words(report)}: {done}"
    returns.conclude(tx, report.message.id, letter.address_key, outcome)
    return Done(InboundState.DONE, outcome, person)


def _record(tx: Tx, report: _Report, weight: int = 0) -> int:
    """Enter the event; return the person whom it is about, as the register has them now, or 0."""
    letter = report.letter
    whom = living(tx, letter.person or 0)
    if letter.address_key:  # nothing is kept of somebody who was erased
        new = NewEvent(
            message=report.message.id,
            address=letter.address,
            address_key=letter.address_key,
            judged=report.judged,
            evidence=_storable(report.evidence),
            at=report.message.received_at,
            proven=True,
            person=whom.id if whom else None,
            delivery=letter.delivery,
            mailing=letter.mailing,
            weight=weight,
        )
        returns.record(tx, new)
    return whom.id if whom else 0


def _why_nothing(report: _Report) -> str:
    """Return why a report counts for nothing."""
    if not report.letter.address_key:
        return "its reader was erased"
    if report.judged.sentence is Sentence.IGNORE:
        return "no failure" if report.naming is Naming.THE_READER else "it names several others: changed nothing"
    if report.judged.sentence is Sentence.POLICY:
        return "about us, so it counts against nobody"
    return "about an old letter: changed nothing"


def _follow(ctx: Context, tx: Tx, report: _Report) -> str:
    """Do to the letter's address what its failures ask for; return it in words."""
    now, rules, key = ctx.clock.now(), ctx.settings.bounces.rules, report.letter.address_key
    row = address_health.of_key(tx, key)
    if row is None:
        return "nobody on the register has that address"
    failures = returns.failures(tx, key, since=now - rules.window)
    found = health.find(failures, row.known, rules, now=now)
    match found.change:
        case Change.END:
            fresh = suppressions.of_hash(tx, ctx.keyring.address_hash(key)) is None
            if fresh:
                _suppress(ctx, tx, key, SuppressionReason.BOUNCED, REASON_WORDS[found.reason])
            if fresh or row.health is AddressHealth.OK:
                address_health.end(tx, row, found.reason, now=now)
            address_health.blame(tx, row, found.reason)
            return "nobody is there, so the address is suppressed"
        case Change.PAUSE:
            probe_at = health.next_probe(row.probes, rules, now=now)
            address_health.pause(tx, row, found.reason, probe_at=probe_at, now=now)
            stops.stop_address(tx, key, SkipReason.BOUNCED, now=now)
            _note(ctx, tx, key, f"address paused: {REASON_WORDS[found.reason]}")
            return f"score {found.score} of {rules.threshold}, so the address is paused"
        case Change.PROBE_FAILED:
            address_health.wait_for_probe(tx, row, health.next_probe(row.probes, rules, now=now))
            address_health.blame(tx, row, found.reason)
            return "the letter that tried the address came back"
    if row.health is AddressHealth.BOUNCED and found.score:
        address_health.blame(tx, row, found.reason)
        return "the address is paused already"
    return f"score {found.score} of {rules.threshold}" if found.score else "from before the address was trusted again"


def _complain(ctx: Context, tx: Tx, report: _Report) -> Done:
    """Suppress the address that a letter went to and take its reader off the letter's list; no mail follows."""
    letter = report.letter
    person = _record(tx, report)
    returns.note_complained(tx, letter.delivery, report.message.received_at)
    left = _take_off(ctx, tx, report)
    done = f"complaint: {left}"
    key = letter.address_key
    if key:
        before = suppressions.of_hash(tx, ctx.keyring.address_hash(key))
        if before is None or before.reason is SuppressionReason.BOUNCED:  # a no says more than a failure
            suppressions.lift(tx, ctx.keyring.address_hash(key))
            _suppress(ctx, tx, key, SuppressionReason.COMPLAINT, _COMPLAINED)
        done += ", the address is suppressed"
    returns.conclude(tx, report.message.id, key, done)
    return Done(InboundState.DONE, done, person)


def _leave(ctx: Context, tx: Tx, report: _Report) -> Done:
    """Do for a complaint that carries no more than the letter's link what the link may: leave the list."""
    if report.judged.sentence is not Sentence.COMPLAINT:
        return Done(InboundState.DONE, "no complaint: changed nothing")
    person = _record(tx, report)
    returns.note_complained(tx, report.letter.delivery, report.message.received_at)
    done = f"complaint: {_take_off(ctx, tx, report)}"
    returns.conclude(tx, report.message.id, report.letter.address_key, done)
    return Done(InboundState.DONE, done, person)


def _take_off(ctx: Context, tx: Tx, report: _Report) -> str:
    """Take the letter's reader off its list, or off all where it was of none; return it in words."""
    letter = report.letter
    whom = living(tx, letter.person or 0)
    if whom is None:
        return "nobody to take off a list"
    rows = subscriptions.of_person(tx, whom.id)
    slugs = []
    for row in rows:
        if row.state not in _ON_IT or (letter.list_id is not None and row.list_id != letter.list_id):
            continue
        consent = Consent(
            _COMPLAINED,
            COMPLAINT,
            ACTOR,
            ctx.clock.now(),
            letter.address,
            row.ground,
            evidence={"message": report.message.id},
        )
        subscriptions.end(tx, row, consent)
        mailing_list = list_of(tx, row.list_id)
        slugs.append(mailing_list.slug if mailing_list else str(row.list_id))
        detail = {"list": slugs[-1], "by": COMPLAINT}
        audit.note_person(tx, whom.id, "unsubscribed", actor=ACTOR, now=ctx.clock.now(), detail=detail)
    return f"taken off {', '.join(slugs)}" if slugs else "on the list no more"


def _suppress(ctx: Context, tx: Tx, key: str, reason: SuppressionReason, note: str) -> None:
    now = ctx.clock.now()
    why = SuppressionRow(reason, note, now, ACTOR)
    suppressions.add(tx, ctx.keyring.address_hash(key), key, why)
    stops.stop_address(tx, key, SkipReason.SUPPRESSED, now=now)
    _note(ctx, tx, key, f"address suppressed: {note}")


def _note(ctx: Context, tx: Tx, key: str, action: str) -> None:
    for person in people.at_address(tx, key):
        audit.note_person(tx, person.id, action, actor=ACTOR, now=ctx.clock.now())


def _disbelieve(ctx: Context, tx: Tx, message: Inbound, event: Event) -> Done:
    """Keep what a report without a token of ours says, beside those whom it names, and do nothing."""
    named: dict[str, Found] = {}
    for one in late_mail.nameable(ctx, tx, event.results[: late_mail.MOST_LOOKED_AT]):
        if len(named) < MOST_UNPROVEN and (key := key_of(one.address)) is not None:
            named.setdefault(key, one)
    for key, one in named.items():
        holders = people.at_address(tx, key)
        new = NewEvent(
            message=message.id,
            address=_storable(one.address),
            address_key=key,
            judged=one.judged,
            evidence=_storable(one.evidence),
            at=message.received_at,
            proven=False,
            person=holders[0].id if len(holders) == 1 else None,
            outcome=_UNPROVEN,
        )
        returns.record(tx, new)
    what = "complaint" if event.kind is Kind.COMPLAINT else "bounce"
    return Done(InboundState.DONE, f"{what} with {_UNPROVEN}")


def _words(report: _Report) -> str:
    judged = report.judged
    words = REASON_WORDS[judged.reason] + (f" ({judged.status})" if judged.status else "")
    return words if report.naming is Naming.THE_READER else f"{words}, said of another address"


def _storable(text: str) -> str:
    """Return `text` as both databases take it, in one line."""
    plain = text.replace("\0", "").encode("utf-8", "backslashreplace").decode("utf-8")
    return " ".join(plain.split())[:LONGEST_EVIDENCE]
