"""Who is a member, and who is in good standing on a day; and the one way in which `people.member` changes.

Every door that says somebody is, or is no longer, a member comes here: a command, an import, a form. What the Secretary
does with memberships is services/memberships.py; dues are services/dues.py. It mails nobody.
"""

from collections.abc import Sequence
from datetime import date, timedelta

from balintmail.db import audit
from balintmail.db import members as rows
from balintmail.db.members import ClassRow, MembershipRow
from balintmail.db.session import Tx
from balintmail.domain.members import GOOD, MembershipState, Rules, Standing, grace_ends
from balintmail.domain.members import standing as worth
from balintmail.errors import NotFound
from balintmail.services.context import Context

USUAL = "full"  # the class of whoever is said to be a member, and nothing more


def standing(ctx: Context, tx: Tx, person_id: int, day: date) -> Standing | None:
    """Return what a person's membership is worth on `day`, None for somebody who never had one."""
    found = [worth(row.term, day, rules(ctx)) for row in rows.of_person(tx, person_id)]
    best = [each for each in found if each in GOOD]
    coming = [each for each in found if each is Standing.COMING]
    ended = [each for each in found if each is not Standing.COMING]
    return next(iter([*best, *(ended or coming)]), None)


def in_good_standing(ctx: Context, tx: Tx, day: date) -> list[MembershipRow]:
    """Return the memberships in good standing on `day`, one for each living person, libraries and exchange too.

    `row.of` is the class: `counts` says whether it makes members, `paper` and `pdf` how the Journal is included.
    """
    return rows.in_good_standing(tx, day, rules(ctx))


def refresh(ctx: Context, tx: Tx, people: Sequence[int] | None = None) -> int:
    """Write `people.member` of these people, or of all, as it follows today; return how many changed."""
    return rows.refresh(tx, today(ctx), rules(ctx), people)


def tidy(ctx: Context) -> int:
    """Let memberships that began, ended or lapsed by the calendar show on people; return how many changed."""
    with ctx.db.read() as tx:
        if not rows.refresh_due(tx, today(ctx), rules(ctx)):
            return 0
    with ctx.db.write() as tx:
        return refresh(ctx, tx)


def declare(ctx: Context, tx: Tx, person_id: int, *, is_member: bool) -> bool:
    """Let somebody be a member, or be none, from today on, as whoever edits or imports says; return whether it changed.

    Who is none gets a membership of the usual class, paid until nobody knows when; who was one resigns from theirs.
    """
    day, now = today(ctx), ctx.clock.now()
    is_one = standing(ctx, tx, person_id, day) in GOOD
    if is_one == is_member:
        return False
    held = rows.current(tx, person_id, day)
    if not is_member:
        for row in rows.of_person(tx, person_id):
            if row.ended_on is None or row.ended_on > day:
                ended = {"state": MembershipState.RESIGNED, "ended_on": max(day, row.since)}
                rows.change(tx, row.id, ended, now=now)
        audit.note_person(tx, person_id, "membership ended", actor=ctx.actor, now=now)
    else:
        if held is not None and held.ended_on is None and held.since > day:  # it was to begin later
            rows.change(tx, held.id, {"since": day}, now=now)
        else:
            if held is not None and held.ended_on is None:
                close(ctx, tx, held)
            rows.begin(tx, person_id, usual_class(tx).id, {"since": day}, now=now)
        audit.note_person(tx, person_id, "membership begun", actor=ctx.actor, now=now, detail={"class": USUAL})
    refresh(ctx, tx, [person_id])
    return True


def close(ctx: Context, tx: Tx, row: MembershipRow) -> None:
    """End a membership whose dues were not paid, so that a new one can begin: on the day after its grace, or today."""
    day = today(ctx)
    owes = row.of.fee > 0 and row.paid_until is not None
    ends = grace_ends(row.paid_until, rules(ctx)) + timedelta(days=1) if owes and row.paid_until else day
    ended = {"state": MembershipState.LAPSED, "ended_on": max(min(ends, day), row.since)}
    rows.change(tx, row.id, ended, now=ctx.clock.now())


def usual_class(tx: Tx) -> ClassRow:
    """Return the class of members of whom nothing else is said."""
    return known_class(tx, USUAL)


def known_class(tx: Tx, slug: str) -> ClassRow:
    """Return the class of that name; raise NotFound with the names that there are."""
    found = rows.class_named(tx, slug.strip().lower())
    if found is None:
        names = ", ".join(each.slug for each in rows.classes(tx) if each.archived_at is None)
        raise NotFound(f'There is no class "{slug}".', hint=f"There are: {names}")
    return found


def today(ctx: Context) -> date:
    """Return the society's day."""
    return ctx.clock.now().astimezone(ctx.settings.zone).date()


def rules(ctx: Context) -> Rules:
    """Return what the society has settled about dues."""
    return ctx.settings.members.rules
