"""What the Secretary does with memberships: begin, correct, renew and end them; keep their classes; record a death.

Each changes `people.member` in its own transaction (services/members.py). Dues that were paid are services/dues.py.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import sqlalchemy as sa

from balintmail.db import addresses, audit, people, stops, subscriptions, suppressions
from balintmail.db import members as rows
from balintmail.db.consent import Consent
from balintmail.db.members import ClassRow, MembershipRow
from balintmail.db.models_members import MemberClass, Membership
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.db.suppressions import SuppressionRow
from balintmail.domain import hygiene, money
from balintmail.domain.members import MembershipState, Standing, last_of_year, next_period, standing
from balintmail.domain.states import SkipReason, SubscriptionState, SuppressionReason
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import members, reminders
from balintmail.services.context import Context
from balintmail.services.people import by_id

_SLUG = re.compile(r"[a-z][a-z0-9-]{0,29}")
LONGEST_REMARK = 500  # characters
YEARS = range(1900, 2200)  # of every day that is taken
DIED_WORDS, DIED_NOTE = "has died", "its owner has died"  # of the lists that were left, of an address suppressed


@dataclass(frozen=True, slots=True)
class Facts:
    """What is said of a membership; None leaves it alone."""

    of_class: str | None = None
    since: date | None = None
    paid_until: date | None = None
    remark: str | None = None


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What is said of a class; None leaves it alone. `fee` is an amount as people write it."""

    name: str | None = None
    fee: str | None = None
    counts: bool | None = None
    paper: bool | None = None
    pdf: bool | None = None
    votes: bool | None = None
    archived: bool | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One membership with its person, and what it is worth today."""

    person: PersonRow
    row: MembershipRow
    standing: Standing


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which memberships to list: of one class, of one standing; without either, those that have not ended."""

    of_class: str = ""
    standing: Standing | None = None
    everything: bool = False


def entries(ctx: Context, tx: Tx, wanted: Wanted) -> Iterator[Entry]:
    """Yield the memberships that are wanted, in the order in which they began; raise NotFound for no such class."""
    day = members.today(ctx)
    conditions: list[sa.ColumnElement[bool]] = []
    if wanted.of_class:
        conditions.append(MemberClass.slug == members.known_class(tx, wanted.of_class).slug)
    if not wanted.everything and wanted.standing not in {Standing.RESIGNED, Standing.DIED}:
        conditions.append(sa.or_(Membership.ended_on.is_(None), Membership.ended_on > day))
    return _entries(ctx, tx, conditions, wanted)


def of_person(ctx: Context, tx: Tx, person_id: int) -> list[Entry]:
    """Return every membership of a living person, the newest first."""
    person, day, rules = by_id(tx, person_id), members.today(ctx), members.rules(ctx)
    return [Entry(person, row, standing(row.term, day, rules)) for row in rows.of_person(tx, person.id)]


def add(ctx: Context, person_id: int, facts: Facts) -> MembershipRow:
    """Begin a membership, today unless it is said since when; dues are owed from its first day.

    Raises Conflict for a member, and for somebody who has died.
    """
    with ctx.db.write() as tx:
        people.lock(tx)
        person = _alive(tx, person_id)
        day = members.today(ctx)
        held = [row for row in rows.of_person(tx, person.id) if row.ended_on is None]
        for row in held:
            if standing(row.term, day, members.rules(ctx)) is not Standing.LAPSED:
                raise Conflict(
                    f"Person {person.id} has a membership already ({row.of.slug}).",
                    hint=f"To change it: balintmail members edit {person.id}",
                )
            members.close(ctx, tx, row)
        of = _open_class(tx, facts.of_class or members.USUAL)
        since = checked_day(facts.since or day)
        paid = facts.paid_until or (since - timedelta(days=1) if of.fee else None)
        values = {"since": since, "paid_until": paid and checked_day(paid), "remark": _remark(facts.remark or "")}
        rows.begin(tx, person.id, of.id, values, now=ctx.clock.now())
        return _done(ctx, tx, person.id, "membership begun", {"class": of.slug})


def edit(ctx: Context, person_id: int, facts: Facts) -> list[str]:
    """Correct the membership that runs, and return what changed, in words; raise NotFound where none does."""
    with ctx.db.write() as tx:
        people.lock(tx)
        row = _running(ctx, tx, by_id(tx, person_id))
        values: dict[str, object] = {}
        if facts.of_class is not None and (of := _open_class(tx, facts.of_class)).id != row.of.id:
            values["class_id"] = of.id
        if facts.since is not None and facts.since != row.since:
            values["since"] = checked_day(facts.since)
        if facts.paid_until is not None and facts.paid_until != row.paid_until:
            values["paid_until"] = checked_day(facts.paid_until)
        if facts.remark is not None and facts.remark != row.remark:
            values["remark"] = _remark(facts.remark)
        names = {"class_id": "class", "since": "since", "paid_until": "paid until", "remark": "remark"}
        changed = [names[column] for column in values]
        if values:
            reminders.stop(ctx, tx, row)
            rows.change(tx, row.id, values, now=ctx.clock.now())
            _done(ctx, tx, row.person_id, "membership edited", {"changed": changed})
        return changed


def renew(ctx: Context, person_id: int, until: date | None = None) -> MembershipRow:
    """Let a membership be paid for the next period, or until a day; one that lapsed begins anew.

    It records no money: `dues record` does.
    """
    with ctx.db.write() as tx:
        people.lock(tx)
        person = _alive(tx, person_id)
        row = _running(ctx, tx, person)
        if row.of.fee == 0 and until is None:
            raise Conflict(f'The class "{row.of.slug}" has no dues; there is nothing to renew.')
        extend(ctx, tx, row, until=checked_day(until) if until else None)
        return _done(ctx, tx, person.id, "membership renewed", {})


def extend(
    ctx: Context, tx: Tx, row: MembershipRow, *, until: date | None = None, years: int = 1, on: date | None = None
) -> tuple[date, date]:
    """Let a membership be paid for the next period, or more; return the days that are paid for.

    `on` is the day of payment. One that had lapsed by then is closed, and a new one of its class begins.
    """
    day, rules, now = on or members.today(ctx), members.rules(ctx), ctx.clock.now()
    period = next_period(row.term, day, rules)
    last = period.last
    for _ in range(years - 1):
        last = last_of_year(last + timedelta(days=1), rules)
    last = until or last
    reminders.stop(ctx, tx, row)
    if standing(row.term, day, rules) is Standing.LAPSED:
        members.close(ctx, tx, row)
        rows.begin(tx, row.person_id, row.of.id, {"since": period.first, "paid_until": last}, now=now)
    else:
        rows.change(tx, row.id, {"paid_until": last}, now=now)
    members.refresh(ctx, tx, [row.person_id])
    return min(period.first, last), last


def resign(ctx: Context, person_id: int, on: date | None = None, remark: str = "") -> MembershipRow:
    """End a membership: `on` is the first day without it, today unless said; a day to come is kept until then."""
    with ctx.db.write() as tx:
        people.lock(tx)
        row = _running(ctx, tx, by_id(tx, person_id))
        values = {"state": MembershipState.RESIGNED, "ended_on": checked_day(on or members.today(ctx))}
        if remark:
            values["remark"] = _remark(remark)
        reminders.stop(ctx, tx, row)
        rows.change(tx, row.id, values, now=ctx.clock.now())
        return _done(ctx, tx, row.person_id, "membership resigned", {})


def died(ctx: Context, person_id: int, on: date | None = None, remark: str = "") -> int:
    """Record that somebody has died: no mail to them ever again, on any ground; return how many lists they were on.

    Addresses that are theirs alone are suppressed; one that others share goes on for the others.
    """
    now, today = ctx.clock.now(), members.today(ctx)
    with ctx.db.write() as tx:
        people.lock(tx)
        person = by_id(tx, person_id)
        day = checked_day(on or today)
        if day > today:
            raise UsageRefused("That day has not come yet.")
        people.update(tx, person.id, {"died_on": day}, now=now)
        before: dict[str, object] = {}  # what services/taken_back.py needs beside what stays on record
        paused: dict[str, str | None] = {}
        for row in rows.of_person(tx, person.id):
            if row.ended_on is None or row.ended_on > day:
                before[str(row.id)] = [row.state.value, row.ended_on.isoformat() if row.ended_on else None, row.remark]
                values = {"state": MembershipState.DIED, "ended_on": day}
                rows.change(tx, row.id, values | ({"remark": _remark(remark)} if remark else {}), now=now)
        left = 0
        for of in subscriptions.of_person(tx, person.id):
            if of.state is not SubscriptionState.UNSUBSCRIBED:
                if of.state is SubscriptionState.PAUSED:
                    paused[str(of.list_id)] = of.paused_until.isoformat() if of.paused_until else None
                said = Consent(DIED_WORDS, "command", ctx.actor, now, "", of.ground)
                subscriptions.end(tx, of, said)
                left += 1
        stops.stop_person(tx, person.id, SkipReason.SUPPRESSED, now=now)
        for held in addresses.of_person(tx, person.id):
            hashed = ctx.keyring.address_hash(held.key)
            if not addresses.shared_with(tx, held.id, person.id) and suppressions.of_hash(tx, hashed) is None:
                why = SuppressionRow(SuppressionReason.MANUAL, DIED_NOTE, now, ctx.actor)
                suppressions.add(tx, hashed, held.key, why)
        members.refresh(ctx, tx, [person.id])
        detail = {"day": day.isoformat(), "memberships": before, "paused": paused}
        audit.note_person(tx, person.id, "died", actor=ctx.actor, now=now, detail=detail)
        return left


def add_class(ctx: Context, slug: str, facts: ClassFacts) -> ClassRow:
    """Add a class of members; raise Conflict when there is one of that name."""
    name = slug.strip().lower()
    if not _SLUG.fullmatch(name):
        raise UsageRefused("The short name of a class is made of letters a to z, digits and hyphens.")
    with ctx.db.write() as tx:
        if rows.class_named(tx, name) is not None:
            raise Conflict(f'There is a class "{name}" already.', hint=f"Run: balintmail members class edit {name}")
        values = {"slug": name, "name": name.capitalize(), "currency": ctx.settings.members.currency}
        rows.add_class(tx, values | _class_values(ctx, facts))
        audit.note(tx, "member class added", actor=ctx.actor, now=ctx.clock.now(), detail={"class": name})
        return members.known_class(tx, name)


def edit_class(ctx: Context, slug: str, facts: ClassFacts) -> ClassRow:
    """Change a class; whoever is of it is, or is no longer, a member in the same transaction."""
    with ctx.db.write() as tx:
        people.lock(tx)
        row = members.known_class(tx, slug)
        if row.slug == members.USUAL and (facts.counts is False or facts.archived):
            raise Conflict(f'The class "{row.slug}" is that of members of whom nothing else is said; it stays one.')
        if values := _class_values(ctx, facts):
            rows.change_class(tx, row.id, values)
            detail = {"class": row.slug, "changed": sorted(values)}
            audit.note(tx, "member class edited", actor=ctx.actor, now=ctx.clock.now(), detail=detail)
            members.refresh(ctx, tx)
        return members.known_class(tx, row.slug)


def _class_values(ctx: Context, facts: ClassFacts) -> dict[str, object]:
    values: dict[str, object] = {}
    if facts.name is not None:
        values["name"] = hygiene.one_line(facts.name, what="the name")
        if not values["name"]:
            raise UsageRefused("A class needs a name.")
    if facts.fee is not None:
        fee = money.parse(facts.fee, ctx.settings.members.currency)
        values |= {"fee": fee.amount, "currency": fee.currency}
    for name in ("counts", "paper", "pdf", "votes"):
        if (wanted := getattr(facts, name)) is not None:
            values[name] = wanted
    if facts.archived is not None:
        values["archived_at"] = ctx.clock.now() if facts.archived else None
    return values


def _entries(ctx: Context, tx: Tx, conditions: list[sa.ColumnElement[bool]], wanted: Wanted) -> Iterator[Entry]:
    day, rules = members.today(ctx), members.rules(ctx)
    for row in rows.entries(tx, conditions):
        found = standing(row.term, day, rules)
        person = people.get(tx, row.person_id)
        if person is not None and wanted.standing in {None, found}:
            yield Entry(person, row, found)


def _running(ctx: Context, tx: Tx, person: PersonRow) -> MembershipRow:
    row = rows.current(tx, person.id, members.today(ctx))
    if row is None or (row.ended_on is not None and row.ended_on <= members.today(ctx)):
        said = "is no longer a member" if row else "is not a member"
        raise NotFound(f"Person {person.id} {said}.", hint=f"To begin a membership: balintmail members add {person.id}")
    return row


def _alive(tx: Tx, person_id: int) -> PersonRow:
    person = by_id(tx, person_id)
    if person.died_on is not None:
        raise Conflict(f"Person {person.id} has died.")
    return person


def _open_class(tx: Tx, slug: str) -> ClassRow:
    of = members.known_class(tx, slug)
    if of.archived_at is not None:
        raise Conflict(f'The class "{of.slug}" is archived.')
    return of


def _done(ctx: Context, tx: Tx, person_id: int, action: str, detail: dict[str, object]) -> MembershipRow:
    members.refresh(ctx, tx, [person_id])
    audit.note_person(tx, person_id, action, actor=ctx.actor, now=ctx.clock.now(), detail=detail)
    row = rows.current(tx, person_id, members.today(ctx))
    if row is None:
        raise LookupError("the membership that was just written is gone")
    return row


def checked_day(day: date) -> date:
    """Return a day of a membership; raise UsageRefused for one in another age."""
    if day.year not in YEARS:
        raise UsageRefused(f"{day} is no day that a membership knows.")
    return day


def _remark(text: str) -> str:
    return hygiene.one_line(text, what="the remark", longest=LONGEST_REMARK)
