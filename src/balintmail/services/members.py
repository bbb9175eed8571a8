"""Who is a member, and who is in good standing on a day; and the one way in which `people.member` changes.

Every door that says somebody is, or is no longer, a member comes here: a command, an import, a form. What the Secretary
does with memberships is services/memberships.py; dues are services/dues.py. It mails nobody.
"""

from collections.abc import Sequence
from datetime import date

from balintmail.db import audit, people
from balintmail.db import members as rows
from balintmail.db.members import ClassRow, MembershipRow
from balintmail.db.session import Tx
from balintmail.domain.members import GOOD, MembershipState, Rules, Standing
from balintmail.domain.members import standing as worth
from balintmail.errors import NotFound
from balintmail.services.context import Context

USUAL = "full"  # the class of whoever is said to be a member, and nothing more


def standing(ctx: Context, tx: Tx, person_id: int, day: date) -> Standing | None:
    """Return what a person's membership is worth on `day`, whatever its class; None for somebody who never had one."""
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


def refresh(ctx: Context, tx: Tx, only: Sequence[int] | None = None) -> int:
    """Write `people.member` of these people, or of all, as it follows today; return how many changed."""
    return rows.refresh(tx, today(ctx), rules(ctx), only)


def tidy(ctx: Context) -> int:
    """Let memberships that began, ended or lapsed by the calendar show on people; return how many changed."""
    with ctx.db.read() as tx:
        if not rows.refresh_due(tx, today(ctx), rules(ctx)):
            return 0
    with ctx.db.write() as tx:
        return refresh(ctx, tx)


def declare(ctx: Context, tx: Tx, person_id: int, *, is_member: bool) -> bool:
    """Let somebody be a member, or be none, from today on, as whoever edits or imports says; return whether it changed.

    Who is none gets a membership of the usual class, paid until nobody knows when; who is one resigns from theirs.
    """
    day, now = today(ctx), ctx.clock.now()
    refresh(ctx, tx, [person_id])
    whom = people.get(tx, person_id)
    if whom is None or whom.member == is_member:
        return False
    if is_member:
        _begin(ctx, tx, person_id)
    else:
        for row in rows.of_person(tx, person_id):
            if row.ended_on is None or row.ended_on > day:
                ended = {"state": MembershipState.RESIGNED, "ended_on": day}
                rows.change(tx, row.id, ended, now=now)
    what = "membership begun" if is_member else "membership ended"
    audit.note_person(tx, person_id, what, actor=ctx.actor, now=now)
    refresh(ctx, tx, [person_id])
    return True


def _begin(ctx: Context, tx: Tx, person_id: int) -> None:
    day, now = today(ctx), ctx.clock.now()
    held = rows.of_person(tx, person_id)
    for row in held:
        if row.ended_on is None and row.since is not None and row.since > day:  # it was to begin later
            rows.change(tx, row.id, {"since": day}, now=now)
            return
        if row.ended_on is None:
            close(ctx, tx, row)
    since = {"since": day} if held else {}  # of somebody new nobody has said since when
    rows.begin(tx, person_id, usual_class(tx).id, since, now=now)


def close(ctx: Context, tx: Tx, row: MembershipRow) -> None:
    """End a membership whose dues were not paid, so that a new one can begin."""
    ended = {"state": MembershipState.LAPSED, "ended_on": today(ctx)}
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
