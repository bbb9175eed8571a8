"""Everything that is held of one person: gathered in one transaction, as a value to read and as JSON (Art. 15, 20).

What others who share an address said or got is not theirs to see, and is left out. It changes nobody; that it was
handed out is on record.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from balintmail.db import (
    addresses,
    audit,
    consent,
    despatches,
    held,
    journal_issues,
    lists,
    mailed_links,
    member_traces,
    order_traces,
    paper_traces,
    people,
    postal,
    returns,
    suppressions,
)
from balintmail.db.audit import AuditRow
from balintmail.db.consent import ConsentRow
from balintmail.db.despatches import HeldJournalCopy
from balintmail.db.held import (
    HeldCopy,
    HeldDraft,
    HeldLetter,
    HeldMessage,
    HeldNotice,
    HeldOffice,
    HeldReadingLink,
    HeldRequest,
    HeldSubscription,
)
from balintmail.db.journal_issues import WrittenRow
from balintmail.db.mailed_links import MailedLinkRow
from balintmail.db.member_traces import HeldAnswer, HeldBankLine, HeldMembership, HeldPayment
from balintmail.db.order_traces import HeldOrder
from balintmail.db.paper_traces import HeldPaper, HeldReading
from balintmail.db.people import PersonRow
from balintmail.db.postal import PostalRow
from balintmail.db.returns import EventRow
from balintmail.db.session import Tx
from balintmail.db.suppressions import SuppressionRow
from balintmail.domain.times import rfc3339
from balintmail.services import offers
from balintmail.services import postal as rules
from balintmail.services.context import Context
from balintmail.services.fresh_links import Errand
from balintmail.services.leaving import THEMSELVES
from balintmail.services.people import by_id
from balintmail.services.preferences import whose

MOST_RETURNS = 10_000  # reports about one person


@dataclass(frozen=True, slots=True)
class HeldAddress:
    """An email address, with what is known of it; `suppression` is why it, or its domain, is not mailed."""

    email: str
    preferred: bool
    state: str
    bounced_at: datetime | None
    suppression: SuppressionRow | None


@dataclass(frozen=True, slots=True)
class Held:
    """Everything, at one moment."""

    at: datetime
    person: PersonRow
    numbers: tuple[int, ...]  # those of rows that were merged into this person
    addresses: tuple[HeldAddress, ...]
    postal: tuple[PostalRow, ...]
    subscriptions: tuple[HeldSubscription, ...]
    consents: tuple[ConsentRow, ...]
    requests: tuple[HeldRequest, ...]
    offices: tuple[HeldOffice, ...]
    letters: tuple[HeldLetter, ...]
    waiting: tuple[HeldNotice, ...]
    links: tuple[MailedLinkRow, ...]
    messages: tuple[HeldMessage, ...]
    returns: tuple[EventRow, ...]  # what came back from their addresses
    copies: tuple[HeldCopy, ...]
    drafts: tuple[HeldDraft, ...]
    reading: tuple[HeldReadingLink, ...]
    papers: tuple[HeldPaper, ...]
    papers_read: tuple[HeldReading, ...]
    journal_copies: tuple[HeldJournalCopy, ...]
    written: tuple[WrittenRow, ...]  # in the Journal
    memberships: tuple[HeldMembership, ...]
    orders: tuple[HeldOrder, ...]  # of the Journal
    payments: tuple[HeldPayment, ...]
    bank_lines: tuple[HeldBankLine, ...]
    answers: tuple[HeldAnswer, ...]  # in the yearly rounds of details
    acts: tuple[AuditRow, ...]


def of_person(ctx: Context, person_id: int) -> Held:
    """Return everything that is held of a living person; raise NotFound. That it was asked for is noted."""
    with ctx.db.write() as tx:
        return _handed_out(ctx, tx, by_id(tx, person_id), actor=ctx.actor)


def own(ctx: Context, secret: str) -> Held:
    """Return everything to the person of a fresh link; raise LinkOver or LinkBroken."""
    with ctx.db.read() as tx:
        row, _ = whose(ctx, tx, secret, (Errand.MANAGE,))
        return _gathered(ctx, tx, row)


def own_copy(ctx: Context, secret: str) -> Held:
    """Return everything as `own` does, to be taken away; that is noted."""
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret, (Errand.MANAGE,))
        return _handed_out(ctx, tx, row, actor=THEMSELVES)


def document(of: Held, zone: ZoneInfo) -> dict[str, Any]:
    """Return everything as JSON would hold it: times in RFC 3339, days in ISO 8601, nothing left out."""
    plain = _Plain(zone)
    person = of.person
    return {
        "made_at": plain(of.at),
        "person": {
            "id": person.id,
            "merged_ids": list(of.numbers),
            "name": person.name,
            "first_name": person.first_name,
            "language": person.language,
            "member": person.member,
            "journal": person.journal_format,
            "fields": person.fields,
            "joined": plain(person.joined_at),
            "changed": plain(person.updated_at),
        },
        "addresses": [
            {
                "address": each.email,
                "preferred": each.preferred,
                "state": each.state,
                "bounced_at": plain(each.bounced_at),
                "suppressed": _suppressed(each.suppression, plain),
            }
            for each in of.addresses
        ],
        "postal_addresses": [
            {**each.parts, "from": plain(each.valid_from), "until": plain(each.valid_until)} for each in of.postal
        ],
        "lists": [plain.all_of(each) for each in of.subscriptions],
        "consent": [plain.all_of(each, without=("digest",)) for each in of.consents],
        "join_requests": [plain.all_of(each) for each in of.requests],
        "offices": [plain.all_of(each) for each in of.offices],
        "letters": [
            {**plain.all_of(each), "data": json.loads(each.data) if each.data else None} for each in of.letters
        ],
        "letters_waiting": [plain.all_of(each) for each in of.waiting],
        "links_mailed": [plain.all_of(each) for each in of.links],
        "messages": [plain.all_of(each) for each in of.messages],
        "returns": [plain.all_of(each, without=("person",)) for each in of.returns],
        "copy_requests": [plain.all_of(each) for each in of.copies],
        "drafts": [plain.all_of(each) for each in of.drafts],
        "papers": [plain.all_of(each) for each in of.papers],
        "papers_read": [plain.all_of(each) for each in of.papers_read],
        "reading_links": [plain.all_of(each) for each in of.reading],
        "journal_copies": [plain.all_of(each) for each in of.journal_copies],
        "written": [plain.all_of(each) for each in of.written],
        "memberships": [plain.all_of(each) for each in of.memberships],
        "orders": [plain.all_of(each) for each in of.orders],
        "payments": [plain.all_of(each) for each in of.payments],
        "bank_lines": [plain.all_of(each) for each in of.bank_lines],
        "rounds": [plain.all_of(each) for each in of.answers],
        "record": [plain.all_of(each) for each in of.acts],
    }


def answers_of_lists(ctx: Context, language: str) -> Callable[[str, Mapping[str, str]], list[tuple[str, str]]]:
    """Return what turns a list's slug and somebody's answers into the questions and answers as people read them."""
    with ctx.db.read() as tx:
        rows = {row.slug: row for row in lists.every(tx)}

    def answered(slug: str, answers: Mapping[str, str]) -> list[tuple[str, str]]:
        return offers.answered(rows[slug], answers, language) if slug in rows else list(answers.items())

    return answered


def label(address: PostalRow, name: str) -> list[str]:
    """Return a postal address as the lines of a label."""
    return rules.lines(address.parts, name)


def _handed_out(ctx: Context, tx: Tx, row: PersonRow, *, actor: str) -> Held:
    found = _gathered(ctx, tx, row)
    audit.note_person(tx, row.id, "everything held handed out", actor=actor, now=ctx.clock.now())
    return found


def _gathered(ctx: Context, tx: Tx, row: PersonRow) -> Held:
    numbers = tuple(people.absorbed(tx, row.id))
    everyone = (row.id, *numbers)
    rows = addresses.of_person(tx, row.id)
    alone = [each.key for each in rows if not addresses.shared_with(tx, each.id, row.id)]
    return Held(
        at=ctx.clock.now(),
        person=row,
        numbers=numbers,
        addresses=tuple(
            HeldAddress(
                each.email,
                each.preferred,
                each.state,
                held.bounced_at(tx, each.key),
                suppressions.of_address(tx, ctx.keyring.address_hash(each.key), each.key.rpartition("@")[2]),
            )
            for each in rows
        ),
        postal=tuple(postal.of_people(tx, everyone)),
        subscriptions=tuple(held.subscriptions(tx, row.id)),
        consents=tuple(consent.history(tx, row.id)),
        requests=tuple(held.requests(tx, everyone, alone)),
        offices=tuple(held.offices(tx, row.id)),
        letters=tuple(held.letters(tx, everyone)),
        waiting=tuple(held.notices(tx, everyone)),
        links=tuple(mailed_links.of_people(tx, everyone)),
        messages=tuple(held.messages(tx, everyone)),
        returns=tuple(returns.every(tx, returns.Wanted(people=everyone, limit=MOST_RETURNS))[::-1]),
        copies=tuple(held.copies(tx, everyone, alone)),
        drafts=tuple(held.drafts(tx, everyone)),
        reading=tuple(held.reading_links(tx, everyone)),
        papers=tuple(paper_traces.of_people(tx, everyone, alone)),
        papers_read=tuple(paper_traces.read_by(tx, everyone)),
        journal_copies=tuple(despatches.of_people(tx, everyone)),
        written=tuple(journal_issues.written_by(tx, everyone)),
        memberships=tuple(member_traces.memberships(tx, everyone)),
        orders=tuple(order_traces.of_people(tx, everyone, alone)),
        payments=tuple(member_traces.payments(tx, everyone)),
        bank_lines=tuple(member_traces.bank_lines(tx, everyone)),
        answers=tuple(member_traces.answers(tx, everyone)),
        acts=tuple(audit.of_people(tx, everyone)),
    )


def _suppressed(row: SuppressionRow | None, plain: "_Plain") -> dict[str, Any] | None:
    if row is None:
        return None
    return {"reason": row.reason.value, "note": row.note, "at": plain(row.at), "whole_domain": row.whole_domain}


class _Plain:
    """Turns what the tables hold into what JSON can."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def __call__(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return rfc3339(value, self._zone)
        if isinstance(value, tuple):
            return [self(each) for each in value]
        return value.isoformat() if isinstance(value, date) else value

    def all_of(self, row: Any, *, without: tuple[str, ...] = ()) -> dict[str, Any]:
        names = [name for name in row.__dataclass_fields__ if name not in without]
        return {name: self(getattr(row, name)) for name in names}
