"""The round of details: everybody with a membership is asked once whether what is held of them is still right.

Each gets a link to their own page (web/manage.py), which works until the round's last day; they say that all is right
with one button, or correct it, and either is an answer. Who has not answered is listed with the next way to reach them.
Dispatch reminds once by itself. The letters go on the ground of membership.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from balintmail.db import audit, mailed_links, people, postal
from balintmail.db import members as member_rows
from balintmail.db import notices as waiting_mails
from balintmail.db import rounds as rows
from balintmail.db.addresses import AddressRow
from balintmail.db.models import Person
from balintmail.db.people import PersonEntry
from balintmail.db.rounds import AnswerRow, RoundRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene
from balintmail.domain.address import parse
from balintmail.domain.notices import Fact
from balintmail.domain.rounds import AnswerState, NextWay, Reach, next_way
from balintmail.domain.states import Ground
from balintmail.errors import Conflict, NotFound, UsageRefused
from balintmail.services import fresh_links, members, notices
from balintmail.services import postal as addresses_of_post
from balintmail.services.context import Context
from balintmail.services.fresh_links import Errand
from balintmail.services.leaving import THEMSELVES
from balintmail.services.notices import To, Waiting
from balintmail.services.people import by_id
from balintmail.services.returns import telephone

TEMPLATE = "details_round"
LONGEST = timedelta(days=183)  # of a round: its links work that long
LONGEST_NOTE = 500  # characters
_PAGE = 500  # people looked up at once
BY_MAIL = {NextWay.MAIL, NextWay.REMIND, NextWay.OTHER_ADDRESS}


@dataclass(frozen=True, slots=True)
class Missing:
    """Somebody who has not answered: the next way to them, and where it leads (an address, a label, a number)."""

    answer: AnswerRow
    name: str
    way: NextWay
    where: str


@dataclass(frozen=True, slots=True)
class State:
    """How a round stands."""

    row: RoundRow
    counts: dict[AnswerState, int]
    missing: tuple[Missing, ...]

    @property
    def asked(self) -> int:
        return sum(self.counts.values())


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person's own page says of a round that runs."""

    until: date
    answered_at: datetime | None


def planned(ctx: Context) -> tuple[int, int]:
    """Return how many people a round that begins today would ask, and how many of them mail reaches."""
    with ctx.db.read() as tx:
        entries = _members(ctx, tx)
        return len(entries), sum(any(one.state == "ok" for one in each.addresses) for each in entries)


def _members(ctx: Context, tx: Tx) -> list[PersonEntry]:
    good = member_rows.in_good_standing(tx, members.today(ctx), members.rules(ctx))
    return [each for each in _entries(tx, [row.person_id for row in good]) if each.person.died_on is None]


def start(ctx: Context, due: date | None = None, name: str = "") -> State:
    """Ask everybody in good standing, and mail those whom mail reaches; return how the round stands.

    Raises Conflict where one runs, where there is no site, and where nobody is a member; UsageRefused for the day.
    """
    if not ctx.settings.society.url:
        raise Conflict("Without [society] url there is no page to look at.", hint="Set it in balintmail.toml.")
    now, today = ctx.clock.now(), members.today(ctx)
    until = due or today + ctx.settings.members.round_lasts
    if not today < until <= today + LONGEST:
        raise UsageRefused(f"A round ends on a day from tomorrow to {today + LONGEST}.")
    called = hygiene.one_line(name, what="the name", longest=60) or str(today.year)
    with ctx.db.write() as tx:
        people.lock(tx)
        if (held := rows.running(tx)) is not None:
            raise Conflict(f"The round {held.name} is running.", hint="To end it: balintmail members round close")
        if rows.named(tx, called) is not None:
            raise Conflict(f"There was a round {called} already.", hint="Give this one another name: --name")
        alive = [each.person.id for each in _members(ctx, tx)]
        if not alive:
            raise Conflict("Nobody is a member in good standing.", hint="See: balintmail members list --all")
        values = {"name": called, "started_at": now, "started_by": ctx.actor, "closes_on": until}
        number = rows.add(tx, values)
        rows.ask(tx, number, alive)
        row = rows.latest(tx)
        if row is None:
            raise LookupError("the round that was just written is gone")
        mailed = _mail(ctx, tx, row, rows.waiting(tx, number))
        detail = {"round": called, "asked": len(alive), "mailed": mailed}
        audit.note(tx, "details round started", actor=ctx.actor, now=now, detail=detail)
        return _state(ctx, tx, row)


def state(ctx: Context, name: str = "") -> State:
    """Return how a round stands, the latest unless it is named; raise NotFound."""
    with ctx.db.read() as tx:
        row = rows.named(tx, name) if name else rows.latest(tx)
        if row is None:
            said = f"There is no round {name}." if name else "There was no round of details yet."
            raise NotFound(said, hint="To start one: balintmail members round start")
        return _state(ctx, tx, row)


def remind(ctx: Context, only: Sequence[int] = ()) -> int:
    """Mail everybody whose next way is a mail, or those people alone; return how many."""
    with ctx.db.write() as tx:
        row = _running(tx)
        found = [each for each in rows.waiting(tx, row.id) if not only or each.person_id in only]
        return _mail(ctx, tx, row, found)


def tidy(ctx: Context) -> int:
    """Remind, once, those who were mailed long enough ago and have not answered; return how many."""
    after, now = ctx.settings.members.round_reminder, ctx.clock.now()
    if not after:
        return 0
    with ctx.db.read() as tx:
        row = rows.running(tx)
        if row is None or members.today(ctx) > row.closes_on:
            return 0
        if not rows.due_reminders(tx, row.id, mailed_before=now - after):
            return 0
    with ctx.db.write() as tx:
        late = rows.due_reminders(tx, row.id, mailed_before=now - after)
        reached = [each for each in _missing(ctx, tx, late) if each.way is NextWay.REMIND]
        return _mail(ctx, tx, row, [each.answer for each in reached])


def record(ctx: Context, person_id: int, answer: AnswerState, note: str = "") -> AnswerRow:
    """Keep what somebody said by post or on the telephone; raise NotFound for whoever was not asked."""
    with ctx.db.write() as tx:
        row, person = _running(tx), by_id(tx, person_id)
        held = rows.of_person(tx, row.id, person.id)
        if held is None:
            raise NotFound(f"Person {person.id} was not asked in the round {row.name}.")
        text = hygiene.one_line(note, what="the note", longest=LONGEST_NOTE)
        _answer(ctx, tx, held, answer, by=ctx.actor, note=text)
        return rows.of_person(tx, row.id, person.id) or held


def close(ctx: Context) -> State:
    """End the round that runs: its links work no more; raise NotFound where none does."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row = _running(tx)
        found = _state(ctx, tx, row)
        rows.close(tx, row.id, actor=ctx.actor, now=now)
        mailed_links.end_all(tx, Errand.ROUND.value, now=now)
        waiting_mails.withdraw(tx, [_key(each.answer.person_id) for each in found.missing])
        counts = {kind.value: number for kind, number in found.counts.items()}
        audit.note(tx, "details round closed", actor=ctx.actor, now=now, detail={"round": row.name, **counts})
        return State(rows.named(tx, row.name) or row, found.counts, found.missing)


def asked(tx: Tx, person_id: int) -> Asked | None:
    """Return what is asked of a person in the round that runs, or None."""
    row = rows.running(tx)
    held = rows.of_person(tx, row.id, person_id) if row is not None else None
    return Asked(row.closes_on, held.answered_at) if row is not None and held is not None else None


def corrected(ctx: Context, tx: Tx, person_id: int) -> None:
    """Take a change that somebody made on their own page for their answer, where a round asks them."""
    _answered(ctx, tx, person_id, AnswerState.CORRECTED)


def confirmed(ctx: Context, tx: Tx, person_id: int) -> None:
    """Keep that somebody has looked and that all is right; nothing where no round asks them."""
    _answered(ctx, tx, person_id, AnswerState.CONFIRMED)


def _answered(ctx: Context, tx: Tx, person_id: int, answer: AnswerState) -> None:
    row = rows.running(tx)
    held = rows.of_person(tx, row.id, person_id) if row is not None else None
    if held is not None:
        _answer(ctx, tx, held, answer, by=THEMSELVES)


def _answer(ctx: Context, tx: Tx, held: AnswerRow, answer: AnswerState, *, by: str, note: str = "") -> None:
    """Keep an answer. Who corrected something and then says that all is right has corrected it."""
    kept = AnswerState.CORRECTED if held.state is AnswerState.CORRECTED else answer
    values = {"state": kept, "answered_at": ctx.clock.now(), "answered_by": by}
    rows.change(tx, held.id, values | ({"note": note} if note else {}))
    waiting_mails.withdraw(tx, [_key(held.person_id)])
    if held.state is not kept:
        detail = {"answer": kept.value}
        audit.note_person(tx, held.person_id, "details round answered", actor=by, now=ctx.clock.now(), detail=detail)


def _running(tx: Tx) -> RoundRow:
    row = rows.running(tx)
    if row is None:
        raise NotFound("No round of details is running.", hint="To start one: balintmail members round start")
    return row


def _state(ctx: Context, tx: Tx, row: RoundRow) -> State:
    return State(row, rows.counts(tx, row.id), tuple(_missing(ctx, tx, rows.waiting(tx, row.id))))


def _entries(tx: Tx, numbers: Sequence[int]) -> Iterator[PersonEntry]:
    for at in range(0, len(numbers), _PAGE):
        yield from people.entries(tx, [Person.id.in_(numbers[at : at + _PAGE])])


def _missing(ctx: Context, tx: Tx, answers: Sequence[AnswerRow]) -> list[Missing]:
    numbers = [each.person_id for each in answers]
    entries = {each.person.id: each for each in _entries(tx, numbers)}
    post = postal.holding(tx, numbers, members.today(ctx))
    found = []
    for each in answers:
        entry, label = entries[each.person_id], post.get(each.person_id)
        usual, others = _ways(entry)
        last = max((at for at in (each.mailed_at, each.reminded_at, each.elsewhere_at) if at), default=None)
        number = telephone(entry.person.fields)
        reach = Reach(
            mailed=each.mailed_at is not None,
            reminded=each.reminded_at is not None,
            days=(ctx.clock.now() - last).days if last else 0,
            reached=usual is not None,
            other_address=bool(others),
            tried_other=each.elsewhere_at is not None,
            post=label is not None,
            telephone=bool(number),
        )
        way = next_way(reach)
        where = {
            NextWay.MAIL: usual.email if usual else "",
            NextWay.REMIND: usual.email if usual else "",
            NextWay.OTHER_ADDRESS: others[0].email if others else "",
            NextWay.POST: _label(label, entry.person.name) if label else "",
            NextWay.TELEPHONE: number,
        }
        found.append(Missing(each, entry.person.name, way, where.get(way, "")))
    return found


def _label(row: postal.PostalRow, name: str) -> str:
    return ", ".join([*addresses_of_post.lines(row.parts, name), row.country_code])


def _ways(entry: PersonEntry) -> tuple[AddressRow | None, list[AddressRow]]:
    """Return the preferred address where mail reaches it, and the others that mail reaches."""
    good = [each for each in entry.addresses if each.state == "ok"]
    usual = next((each for each in good if each is entry.addresses[0]), None)
    return usual, [each for each in good if each is not usual]


def _mail(ctx: Context, tx: Tx, row: RoundRow, answers: Sequence[AnswerRow]) -> int:
    """Let the letter of a round wait for everybody whose next way is a mail; return how many."""
    ends = datetime.combine(row.closes_on + timedelta(days=1), time(), ctx.settings.zone)
    now, mailed = ctx.clock.now(), 0
    if ends <= now:
        raise Conflict(f"The round {row.name} ended on {row.closes_on}.", hint="Run: balintmail members round close")
    for each in _missing(ctx, tx, answers):
        person = people.get(tx, each.answer.person_id)
        if each.way not in BY_MAIL or person is None:
            continue
        secret, _ = fresh_links.make(ctx, tx, person.id, Errand.ROUND, lasts=ends - now)
        facts: dict[str, Fact] = {
            "link_url": f"{ctx.settings.society.url.rstrip('/')}/manage/{secret}",
            "until": row.closes_on,
            "reminds": each.way is not NextWay.MAIL and each.answer.mailed_at is not None,
        }
        to = To(address=parse(each.where), person=person.id, language=person.language or "")
        key = _key(person.id)
        notices.put(ctx, tx, Waiting(template=TEMPLATE, to=to, ground=Ground.MEMBERSHIP, facts=facts, key=key))
        column = {NextWay.MAIL: "mailed_at", NextWay.REMIND: "reminded_at", NextWay.OTHER_ADDRESS: "elsewhere_at"}
        rows.change(tx, each.answer.id, {column[each.way]: now})
        mailed += 1
    return mailed


def _key(person_id: int) -> str:
    return f"{TEMPLATE} {person_id}"
