"""Run the despatch of a journal issue: plan who is owed a copy, freeze it, post, take back, send anew, report.

    planned ──(plan again, as often as one likes)──► planned ──(freeze)──► frozen ──(all has gone)──► done

Everybody is owed each copy once, by the way they chose; paper + email + nobody are all that are owed, at every moment.
Every step done twice changes nothing the second time. WHO is somebody on the register, or an order by its reference.
Labels: services/labels.py; e-copies: services/journal_links.py; the rows: db/despatches.py.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from balintmail.db import audit, orders
from balintmail.db import despatches as rows
from balintmail.db.despatches import DespatchRow, JournalCopyRow, Planned
from balintmail.db.journal_issues import IssueRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.despatches import CopyStanding, DespatchState, Doubt, OwedFor, StockReason, Tally, Way, tally
from balintmail.domain.journal_issues import JournalRefused
from balintmail.domain.orders import references_in
from balintmail.errors import Conflict, NotFound
from balintmail.services import journal_owed, order_posting
from balintmail.services import people as register
from balintmail.services.context import Context
from balintmail.services.journal_issues import named, take

_WAITS = (CopyStanding.OWED, CopyStanding.LABELLED)


@dataclass(frozen=True, slots=True)
class Run:
    """A journal issue with its run and how that stands. `changed` is how many copies the last step changed."""

    issue: IssueRow
    despatch: DespatchRow
    tally: Tally
    posted: int  # envelopes, those that were sent anew counted each time
    returned: int
    changed: int = 0

    @property
    def to_print(self) -> int:
        """The printer's count: copies that go by post, and no spare ones."""
        return self.tally.paper


def plan(ctx: Context, label: str, standing_on: date | None = None) -> Run:
    """Work out who is owed a copy; the same again changes nothing. Raises Conflict once the run is frozen.

    `standing_on` none is the day of the last plan, else today.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue = named(tx, label)
        held = rows.of_issue(tx, issue.id)
        if held is not None and held.state is not DespatchState.PLANNED:
            hint = f"Add somebody: balintmail journal despatch add {issue.label} WHO"
            raise Conflict(f"The despatch of {issue.label} is frozen; its plan stands.", hint=hint)
        day = standing_on or (held.standing_on if held else now.astimezone(ctx.settings.zone).date())
        number = held.id if held else rows.begin(tx, issue.id, day, now=now)
        rows.lock(tx, number)
        changed = rows.replan(tx, number, journal_owed.planned(ctx, tx, issue.id, day), now=now)
        if changed or held is None or held.standing_on != day:
            rows.change(tx, number, {"standing_on": day, "planned_at": now})
            detail = {"journal": issue.label, "day": day.isoformat(), "changed": changed}
            audit.note(tx, "despatch planned", actor=ctx.actor, now=now, detail=detail)
        return _run(tx, issue, changed)


def freeze(ctx: Context, label: str) -> Run:
    """Settle who is owed what, with the addresses of today; a run that is frozen stays as it is."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue, held = of_label(tx, label)
        if held.state is not DespatchState.PLANNED:
            return _run(tx, issue, 0)
        rows.lock(tx, held.id)
        changed = rows.replan(tx, held.id, journal_owed.planned(ctx, tx, issue.id, held.standing_on), now=now)
        _refresh_gifts(ctx, tx, issue, held.id)
        rows.change(tx, held.id, {"state": DespatchState.FROZEN, "frozen_at": now, "frozen_by": ctx.actor})
        detail = {"journal": issue.label, "day": held.standing_on.isoformat()}
        audit.note(tx, "despatch frozen", actor=ctx.actor, now=now, detail=detail)
        settle(ctx, tx, issue)
        return _run(tx, issue, changed)


def give(ctx: Context, label: str, who: str, way: Way, *, remark: str = "") -> Run:
    """Add a copy for one person by hand, before or after the freeze; raise Conflict when they get one that way."""
    now = ctx.clock.now()
    kept = hygiene.one_line(remark, what="the note")
    with ctx.db.write() as tx:
        issue, held = of_label(tx, label)
        rows.lock(tx, held.id)
        person = register.find_one(tx, who)
        if any(copy.way is way for copy in rows.of_person(tx, held.id, person.id)):
            hint = f"To send it anew: balintmail journal despatch reissue {issue.label} {person.id}"
            raise Conflict(f"Person {person.id} is owed the Journal {issue.label} on {way.value} already.", hint=hint)
        (one,) = journal_owed.copies_for(ctx, tx, {person.id: OwedFor.GIFT}, [way])
        rows.add(tx, held.id, [one], now=now, remark=kept)
        detail = {"journal": issue.label, "way": way.value}
        audit.note_person(tx, person.id, "copy of the Journal added", actor=ctx.actor, now=now, detail=detail)
        settle(ctx, tx, issue)
        return _run(tx, issue, 1)


def withdraw(ctx: Context, label: str, who: str) -> Run:
    """Let the copies of one person that have not gone go to nobody; raise Conflict while the run is only planned."""
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        copies = [copy.id for copy in _copies_of(tx, held, who) if copy.standing in _WAITS]
        values = {"doubt": Doubt.WITHDRAWN}
        moved = rows.move(tx, copies, CopyStanding.NOBODY, values, now=ctx.clock.now())
        _note(ctx, tx, issue, "copies withdrawn", moved)
        settle(ctx, tx, issue)
        return _run(tx, issue, moved)


def to_label(ctx: Context, label: str, *, again: bool = False) -> list[JournalCopyRow]:
    """Return the copies on paper whose address has yet to be printed, or with `again` those that were printed, too.

    Raises Conflict before the freeze.
    """
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        leave_out_the_dead(ctx, tx, held)
        settle(ctx, tx, issue)
        wanted = _WAITS if again else (CopyStanding.OWED,)
        return list(rows.copies(tx, held.id, rows.standing_at(Way.PAPER, *wanted)))


def label(ctx: Context, label: str, copies: Sequence[int] | None = None) -> Run:
    """Say that the addresses of these copies are printed, or with the mail house; of all that wait, if none are named.

    One that has changed meanwhile stays as it is.
    """
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        leave_out_the_dead(ctx, tx, held)
        owed = [copy.id for copy in rows.copies(tx, held.id, rows.standing_at(Way.PAPER, CopyStanding.OWED))]
        named_ones = set(copies or ())
        chosen = owed if copies is None else [number for number in owed if number in named_ones]
        moved = rows.move(tx, chosen, CopyStanding.LABELLED, {}, now=ctx.clock.now())
        _note(ctx, tx, issue, "labels printed", moved)
        settle(ctx, tx, issue)
        return _run(tx, issue, moved)


def post(ctx: Context, label: str, who: Sequence[str] = (), *, day: date | None = None) -> Run:
    """Say that what is labelled was posted on `day` (none: today), or only the copies of these people.

    The copies come out of stock; Conflict when there are too few, and then nothing is changed.
    """
    now = ctx.clock.now()
    today = now.astimezone(ctx.settings.zone).date()
    if day is not None and day > today:
        raise JournalRefused(f"{day} has not come yet.")
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        leave_out_the_dead(ctx, tx, held)
        if who:
            chosen = [copy for one in who for copy in _copies_of(tx, held, one) if copy.way is Way.PAPER]
            ready = {copy.id: copy for copy in chosen if copy.standing in _WAITS}
        else:
            labelled = rows.standing_at(Way.PAPER, CopyStanding.LABELLED)
            ready = {copy.id: copy for copy in rows.copies(tx, held.id, labelled)}
        _leave_the_shelf(ctx, tx, issue, held, list(ready.values()), day or today)
        moved = rows.move(tx, list(ready), CopyStanding.POSTED, {"posted_on": day or today}, now=now)
        rows.count_posted(tx, list(ready))
        _note(ctx, tx, issue, "copies posted", moved)
        settle(ctx, tx, issue)
        return _run(tx, issue, moved)


def returned(ctx: Context, label: str, who: Sequence[str], *, spoilt: bool = False) -> Run:
    """Say that envelopes came back; their copies go back on the shelf unless they are spoilt.

    Raises Conflict for somebody to whom none was posted; then nothing is changed.
    """
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        back: dict[int, int] = {}
        for one in who:
            mine = [copy for copy in _copies_of(tx, held, one) if copy.way is Way.PAPER]
            if any(copy.standing is CopyStanding.POSTED for copy in mine):
                back |= {copy.id: copy.copies for copy in mine}
            elif not any(copy.standing is CopyStanding.RETURNED for copy in mine):
                raise Conflict(f"No copy of {issue.label} was posted to {one}.", hint="Nothing was changed.")
        moved = rows.move(tx, list(back), CopyStanding.RETURNED, {}, now=ctx.clock.now())
        rows.count_returned(tx, list(back))
        if moved and not spoilt:
            take(ctx, tx, issue, StockReason.RETURNED, sum(back.values()), despatch_id=held.id)
        _note(ctx, tx, issue, "copies came back", moved)
        settle(ctx, tx, issue)
        return _run(tx, issue, moved)


def reissue(ctx: Context, label: str, who: Sequence[str], way: Way | None = None) -> Run:
    """Owe these people their copy anew, at the address they have now: it came back, was lost, or could not go.

    What waits to go is looked up anew, too. Raises Conflict for somebody who is owed none; then nothing is changed.
    """
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        issue, held = frozen(tx, label)
        anew: list[JournalCopyRow] = []
        for one in who:
            mine = [copy for copy in _copies_of(tx, held, one) if way in (None, copy.way)]
            if not mine:
                hint = f"Add one: balintmail journal despatch add {issue.label} {one}"
                raise Conflict(f"{one} is owed no such copy of {issue.label}.", hint=hint)
            anew += mine
        changed = 0
        for copy in anew:
            fresh = _as_of_now(ctx, tx, issue, copy)
            if fresh is None:
                raise Conflict(f"Person {copy.person_id} gets nothing any more.", hint="Nothing was changed.")
            changed += _owe_again(ctx, tx, copy, fresh)
        _note(ctx, tx, issue, "copies owed anew", changed)
        settle(ctx, tx, issue)
        if changed:
            people = [copy.person_id for copy in anew if copy.person_id is not None]
            for person in dict.fromkeys(people):
                detail = {"journal": issue.label}
                audit.note_person(tx, person, "copy owed anew", actor=ctx.actor, now=now, detail=detail)
        return _run(tx, issue, changed)


def report(ctx: Context, label: str) -> Run:
    """Return how the run of a journal issue stands; raise NotFound before it was planned."""
    with ctx.db.read() as tx:
        issue, _ = of_label(tx, label)
        return _run(tx, issue, 0)


def doubtful(tx: Tx, despatch_id: int) -> Iterable[JournalCopyRow]:
    """Yield the copies that go to nobody, or whose address is to be looked at."""
    return (copy for copy in rows.copies(tx, despatch_id) if copy.doubt is not None)


def of_label(tx: Tx, label: str) -> tuple[IssueRow, DespatchRow]:
    """Return a journal issue and its run; raise NotFound before it was planned."""
    issue = named(tx, label)
    held = rows.of_issue(tx, issue.id)
    if held is None:
        hint = f"Run: balintmail journal despatch plan {issue.label}"
        raise NotFound(f"The despatch of the Journal {issue.label} is not planned yet.", hint=hint)
    return issue, held


def frozen(tx: Tx, label: str) -> tuple[IssueRow, DespatchRow]:
    """Return a journal issue and its run, held until the transaction ends; raise Conflict unless it is frozen."""
    issue, held = of_label(tx, label)
    if held.state is DespatchState.PLANNED:
        hint = f"Run: balintmail journal despatch freeze {issue.label}"
        raise Conflict(f"The despatch of the Journal {issue.label} is planned only.", hint=hint)
    rows.lock(tx, held.id)
    return issue, held


def settle(ctx: Context, tx: Tx, issue: IssueRow) -> None:
    """Let the run be done when no copy waits any more, and go on when one does."""
    held = rows.of_issue(tx, issue.id)
    if held is None or held.state is DespatchState.PLANNED:
        return
    waits = rows.any_waits(tx, held.id)
    if waits is (held.state is DespatchState.DONE):
        state = DespatchState.FROZEN if waits else DespatchState.DONE
        rows.change(tx, held.id, {"state": state, "done_at": None if waits else ctx.clock.now()})


def leave_out_the_dead(ctx: Context, tx: Tx, held: DespatchRow) -> int:
    """Let what has not gone to somebody who died go to nobody; return how many."""
    return rows.move(tx, rows.died(tx, held.id), CopyStanding.NOBODY, {"doubt": Doubt.DIED}, now=ctx.clock.now())


def _owe_again(ctx: Context, tx: Tx, copy: JournalCopyRow, fresh: Planned) -> int:
    """Owe one copy anew with the address of now; return 1 where that changes anything."""
    now = ctx.clock.now()
    frozen_parts = ("doubt", "wrong", "name", "address_lines", "country_code", "postal_code")
    same = all(getattr(copy, name) == getattr(fresh, name) for name in frozen_parts)
    if same and copy.standing is fresh.standing:
        return 0
    rows.write_over(tx, copy.id, fresh)
    if copy.standing is not CopyStanding.OWED:
        rows.move(tx, [copy.id], CopyStanding.OWED, {}, now=now)
    if fresh.standing is CopyStanding.NOBODY:
        rows.move(tx, [copy.id], CopyStanding.NOBODY, {}, now=now)
    return 1


def _leave_the_shelf(
    ctx: Context, tx: Tx, issue: IssueRow, held: DespatchRow, ready: Sequence[JournalCopyRow], day: date
) -> None:
    """Take what is posted out of stock: what an order set aside is sold, all else is despatched."""
    numbers = {copy.order_id for copy in ready if copy.order_id is not None}
    lines = [line for of in orders.lines(tx, sorted(numbers)).values() for line in of]
    sold = [line for line in lines if line.journal_issue_id == issue.id and line.posted_on is None]
    order_posting.post_lines(ctx, tx, sold, day)
    paid = {line.order_id for line in sold}
    if number := sum(copy.copies for copy in ready if copy.order_id not in paid):
        take(ctx, tx, issue, StockReason.DESPATCHED, number, despatch_id=held.id)


def _as_of_now(ctx: Context, tx: Tx, issue: IssueRow, copy: JournalCopyRow) -> Planned | None:
    """Return a copy as it would go today, None for somebody who gets nothing any more."""
    if copy.person_id is None:
        found = journal_owed.ordered(tx, issue.id, [copy.order_id or 0])
    else:
        found = journal_owed.copies_for(ctx, tx, {copy.person_id: copy.owed_for}, [copy.way])
    return found[0] if found else None


def _refresh_gifts(ctx: Context, tx: Tx, issue: IssueRow, despatch_id: int) -> None:
    """Give the copies that were added by hand the addresses of today."""
    gifts = [copy for copy in rows.copies(tx, despatch_id) if copy.owed_for is OwedFor.GIFT]
    for copy in gifts:
        fresh = _as_of_now(ctx, tx, issue, copy) or replace(_nobody(copy), doubt=Doubt.DIED)
        _owe_again(ctx, tx, copy, fresh)


def _nobody(copy: JournalCopyRow) -> Planned:
    return Planned(copy.person_id, copy.way, copy.owed_for, CopyStanding.NOBODY)


def _copies_of(tx: Tx, held: DespatchRow, who: str) -> list[JournalCopyRow]:
    if found := references_in(who):
        return rows.of_order(tx, held.id, found[0])
    return rows.of_person(tx, held.id, register.find_one(tx, who).id)


def _run(tx: Tx, issue: IssueRow, changed: int) -> Run:
    fresh, held = of_label(tx, issue.label)
    posted, back = rows.sums(tx, held.id)
    return Run(fresh, held, tally(rows.counted(tx, held.id), rows.reached(tx, held.id)), posted, back, changed)


def _note(ctx: Context, tx: Tx, issue: IssueRow, action: str, number: int) -> None:
    if number:
        detail = {"journal": issue.label, "copies": number}
        audit.note(tx, action, actor=ctx.actor, now=ctx.clock.now(), detail=detail)
