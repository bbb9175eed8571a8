"""Make one person of two: the first keeps the number, the second becomes an empty row that points to it.

Addresses, consent and offices are kept; where the two differ on a list, the no wins. What was mailed stays where it
was recorded; what is still to be mailed goes out once (D1).
"""

from dataclasses import dataclass
from datetime import datetime

from balintmail.db import (
    addresses,
    audit,
    consent,
    despatches,
    journal_issues,
    mailed_links,
    member_traces,
    merging,
    officers,
    order_traces,
    paper_traces,
    people,
    postal,
    stops,
    subscriptions,
)
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.domain.states import SkipReason, SubscriptionState
from balintmail.errors import UsageRefused
from balintmail.services import members
from balintmail.services.context import Context
from balintmail.services.people import by_id

_EMPTY: dict[str, object] = {
    "name": "", "first_name": "", "language": None, "member": False, "fields": {}, "journal_format": None,
}  # fmt: skip
_QUIET = {SubscriptionState.SUBSCRIBED: 0, SubscriptionState.PAUSED: 1, SubscriptionState.UNSUBSCRIBED: 2}


@dataclass(frozen=True, slots=True)
class Merged:
    """What was done: who stays, who went, and how many addresses the one now has."""

    kept: int
    gone: int
    addresses: int


def merge(ctx: Context, keep_id: int, other_id: int) -> Merged:
    """Merge the second person into the first, in one transaction; raise UsageRefused when they are the same."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        keep, other = by_id(tx, keep_id), by_id(tx, other_id)
        if keep.id == other.id:
            raise UsageRefused(f"Person {keep_id} and person {other_id} are one already.")
        _join_subscriptions(tx, keep.id, other.id, now=now)
        stops.stop_second_copies(tx, keep.id, other.id, SkipReason.CANCELLED, now=now)
        merging.move_open_deliveries(tx, other.id, keep.id)
        stops.stop_person(tx, other.id, SkipReason.NOT_SUBSCRIBED, now=now)
        consent.move(tx, other.id, keep.id)
        for row in addresses.of_person(tx, other.id):
            addresses.link(tx, keep.id, row.id)
            addresses.unlink(tx, other.id, row.id)
        officers.hand_over(tx, other.id, keep.id)
        merging.move_what_waits(tx, other.id, keep.id)
        mailed_links.drop(tx, [other.id])  # they open the page of somebody who is nobody now
        postal.move(tx, other.id, keep.id)
        member_traces.move(tx, other.id, keep.id, now=now)
        despatches.move_person(tx, other.id, keep.id, now=now)
        journal_issues.move_authors(tx, other.id, keep.id)
        order_traces.move(tx, other.id, keep.id)
        paper_traces.move(tx, other.id, keep.id)
        people.update(tx, keep.id, _joined(keep, other), now=now)
        people.update(tx, other.id, {**_EMPTY, "merged_into": keep.id}, now=now)
        members.refresh(ctx, tx, [keep.id, other.id])
        audit.note_person(tx, keep.id, f"person {other.id} merged into this one", actor=ctx.actor, now=now)
        return Merged(keep.id, other.id, len(addresses.of_person(tx, keep.id)))


def _joined(keep: PersonRow, other: PersonRow) -> dict[str, object]:
    """Return the columns of the one person: the first one's, completed by the second one's."""
    named = keep if keep.name else other
    return {
        "name": named.name,
        "first_name": named.first_name,
        "language": keep.language or other.language,
        "fields": {**other.fields, **keep.fields},
        "joined_at": min(keep.joined_at, other.joined_at),
        "journal_format": keep.journal_format or other.journal_format,
        "died_on": keep.died_on or other.died_on,
    }


def _join_subscriptions(tx: Tx, keep: int, other: int, *, now: datetime) -> None:
    for theirs in subscriptions.of_person(tx, other):
        ours = subscriptions.get(tx, keep, theirs.list_id)
        if ours is None:
            subscriptions.take_over(tx, theirs, keep)
            continue
        merging.join_answers(tx, theirs, ours)
        if _QUIET[theirs.state] > _QUIET[ours.state]:
            subscriptions.quieten(tx, ours, like=theirs)
            reason = SkipReason.PAUSED if theirs.state is SubscriptionState.PAUSED else SkipReason.NOT_SUBSCRIBED
            stops.stop_subscriber(tx, keep, theirs.list_id, reason, now=now)
        elif _QUIET[theirs.state] < _QUIET[ours.state]:
            # The other one's letters stop too: the no is now the word of both.
            reason = SkipReason.PAUSED if ours.state is SubscriptionState.PAUSED else SkipReason.NOT_SUBSCRIBED
            stops.stop_subscriber(tx, other, theirs.list_id, reason, now=now)
    subscriptions.drop(tx, other)
