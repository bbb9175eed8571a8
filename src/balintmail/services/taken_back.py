"""Take back what was recorded by mistake: a death, a resignation. What was is restored, and both stay on record.

Mail that was stopped in the meantime is not sent afterwards. services/memberships.py records what is taken back here.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from balintmail.db import addresses, audit, consent, lists, people, subscriptions, suppressions
from balintmail.db import members as rows
from balintmail.db.consent import Consent
from balintmail.db.members import MembershipRow
from balintmail.db.session import Tx
from balintmail.domain.members import MembershipState
from balintmail.domain.states import ConsentAction, SubscriptionState, SuppressionReason
from balintmail.errors import Conflict
from balintmail.services import members
from balintmail.services.context import Context
from balintmail.services.memberships import DIED_NOTE, DIED_WORDS
from balintmail.services.people import by_id

WORDS = "the record that they had died was a mistake; it holds what they agreed to before"


def death(ctx: Context, person_id: int) -> int:
    """Take back that somebody has died; return on how many lists they are again. Raises Conflict for the living.

    They are on the lists that the record took them off, paused where they were paused; addresses that it suppressed are
    free again, and memberships as they stood.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        person = by_id(tx, person_id)
        if person.died_on is None:
            raise Conflict(f"Person {person.id} is not recorded as having died.")
        noted = [row.detail for row in audit.of_people(tx, [person.id]) if row.action == "died"]
        detail: Mapping[str, Any] = noted[-1] if noted else {}
        people.update(tx, person.id, {"died_on": None}, now=now)
        for row in rows.of_person(tx, person.id):
            if row.state is MembershipState.DIED:
                _restore(ctx, tx, row, detail.get("memberships", {}))
        on = _rejoin(ctx, tx, person.id, detail.get("paused", {}))
        for held in addresses.of_person(tx, person.id):
            hashed = ctx.keyring.address_hash(held.key)
            why = suppressions.of_hash(tx, hashed)
            if why is not None and (why.reason, why.note) == (SuppressionReason.MANUAL, DIED_NOTE):
                suppressions.lift(tx, hashed)
        members.refresh(ctx, tx, [person.id])
        audit.note_person(tx, person.id, "death taken back", actor=ctx.actor, now=now, detail={"lists": on})
        return on


def resignation(ctx: Context, person_id: int) -> MembershipRow:
    """Take back somebody's latest resignation; raise Conflict where there is none, or a later membership."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        person = by_id(tx, person_id)
        held = rows.of_person(tx, person.id)
        if person.died_on is not None or not held or held[0].state is not MembershipState.RESIGNED:
            raise Conflict(f"Person {person.id} has no resignation to take back.", hint="See: balintmail members show")
        rows.change(tx, held[0].id, {"state": MembershipState.ACTIVE, "ended_on": None}, now=now)
        members.refresh(ctx, tx, [person.id])
        audit.note_person(tx, person.id, "resignation taken back", actor=ctx.actor, now=now)
        return rows.of_person(tx, person.id)[0]


def _restore(ctx: Context, tx: Tx, row: MembershipRow, before: Mapping[str, Any]) -> None:
    """Let a membership stand as it did; without a note of it, one without an end where the person has no other."""
    state, ended, remark = before.get(str(row.id)) or (MembershipState.ACTIVE.value, None, row.remark)
    if ended is None and any(each.ended_on is None for each in rows.of_person(tx, row.person_id)):
        return
    ended_on = date.fromisoformat(ended) if ended else None
    values = {"state": MembershipState(state), "ended_on": ended_on, "remark": remark}
    rows.change(tx, row.id, values, now=ctx.clock.now())


def _rejoin(ctx: Context, tx: Tx, person_id: int, paused: Mapping[str, Any]) -> int:
    """Put somebody back on the lists that nothing but the record of their death took them off."""
    now, on = ctx.clock.now(), 0
    said = {row.slug: row for row in consent.history(tx, person_id)}  # the last word on each list
    slugs = {each.id: each.slug for each in lists.every(tx)}
    for of in subscriptions.of_person(tx, person_id):
        last = said.get(slugs.get(of.list_id, ""))
        if of.state is not SubscriptionState.UNSUBSCRIBED or last is None:
            continue
        if (last.action, last.words) == (ConsentAction.WITHDREW, DIED_WORDS):
            subscriptions.begin(tx, person_id, of.list_id, Consent(WORDS, "command", ctx.actor, now, "", of.ground))
            on += 1
            if str(of.list_id) in paused:
                until = paused[str(of.list_id)]
                row = subscriptions.get(tx, person_id, of.list_id)
                if row is not None:
                    subscriptions.pause(tx, row, until=datetime.fromisoformat(until) if until else None, now=now)
    return on
