"""The society's year: duties that fall every year or once, their reminders, and what was done.

Dispatch reminds the Secretary so many days before, begins the next newsletter where the duty is one, and says once that
a day is over and nothing was done. Each of it happens once for each day, whatever runs twice. A duty does nothing of
itself: what it tells of, a person does.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from balintmail.db import audit, duties, lists, meta
from balintmail.db.duties import DayRow, DutyRow
from balintmail.db.session import Tx
from balintmail.domain import hygiene, icalendar, tokens
from balintmail.domain.duties import LAST_YEAR, DutyKind
from balintmail.domain.icalendar import Event
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import BalintmailError, Conflict, NotFound
from balintmail.services import lists as mailing_lists
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import Waiting

FEED = "calendar_feed"  # the fact that counts the feed's secret addresses
LONGEST_TITLE, LONGEST_REMARK = 120, 2000
MOST_MONTHS, MOST_DAYS = 120, 366
_LOOK_BACK = timedelta(days=60)  # a day further back is not told of any more
_SHOWN_BACK, _SHOWN_AHEAD = timedelta(days=92), timedelta(days=550)
LOG = logging.getLogger("balintmail.duties")

# What most societies do in a year: title, month and day, months between two, days of notice, how it is done.
USUAL = (
    ("Renewal of dues", (1, 1), 12, 30, "Look at who has not paid: balintmail dues list"),
    ("Details round", (2, 1), 12, 14, "Let members look over what we hold of them: balintmail members round start"),
    ("Copy deadline of the Journal", (5, 1), 12, 30, "See which papers are still open: balintmail papers list"),
    ("Posting of the Journal", (9, 1), 12, 30, "Plan who is owed a copy: balintmail journal despatch plan"),
    ("New keys for signing letters", (10, 1), 12, 14, "Make them while the old ones still hold: balintmail dkim new"),
    ("Newsletter", (3, 1), 3, 21, ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a new duty. `months` between two days, 0 for once; `list` is a newsletter's, "" for none."""

    title: str
    first_on: date
    months: int = 12
    lead_days: int = 14
    remark: str = ""
    list: str = ""


@dataclass(frozen=True, slots=True)
class Fall:
    """A day on which a duty falls, with what was done about it."""

    duty: DutyRow
    day: date
    known: DayRow | None

    @property
    def is_done(self) -> bool:
        return self.known is not None and self.known.done_at is not None


def add(ctx: Context, said: Said) -> DutyRow:
    """Enter a duty; raise TextRefused, Conflict for what cannot be, NotFound for a list that is not there."""
    title = hygiene.one_line(said.title, what="the title", longest=LONGEST_TITLE)
    remark = hygiene.paragraphs(said.remark, what="the remark", longest=LONGEST_REMARK)
    if not title:
        raise Conflict("A duty has a title.")
    if not 1990 <= said.first_on.year <= LAST_YEAR:
        raise Conflict(f"{said.first_on.isoformat()} is no day of a duty.")
    if not 0 <= said.months <= MOST_MONTHS or not 0 <= said.lead_days <= MOST_DAYS:
        raise Conflict(f"Between two days lie up to {MOST_MONTHS} months, and the notice is up to {MOST_DAYS} days.")
    with ctx.db.write() as tx:
        of = mailing_lists.named(tx, said.list) if said.list else None
        return _entered(ctx, tx, said, {"title": title, "remark": remark, "list_id": of.id if of else None})


def add_usual(ctx: Context) -> list[DutyRow]:
    """Enter what most societies do in a year, each on its next day; what is there under the same title is left out."""
    today = _today(ctx)
    added = []
    with ctx.db.write() as tx:
        there = {one.title.casefold() for one in duties.every(tx)}
        newsletter = lists.default_list(tx)
        for title, (month, day), months, lead, remark in USUAL:
            if title.casefold() in there:
                continue
            first = date(today.year, month, day)
            of = newsletter if title == "Newsletter" else None
            said = Said(title=title, first_on=first, months=months, lead_days=lead, list=of.slug if of else "")
            values = {"title": title, "remark": remark, "list_id": of.id if of else None}
            added.append(_entered(ctx, tx, said, values))
    return added


def falls(ctx: Context, since: date, until: date) -> list[Fall]:
    """Return the days of all duties in a span, in order."""
    with ctx.db.read() as tx:
        return _falls(ctx, tx, since, until)


def upcoming(ctx: Context, days: int = 366) -> list[Fall]:
    """Return what is late and what comes within so many days, in order; what is done is left out."""
    today = _today(ctx)
    found = falls(ctx, today - _LOOK_BACK, today + timedelta(days=days))
    return [one for one in found if not one.is_done]


def named(tx: Tx, number: int) -> DutyRow:
    """Return the duty of a number; raise NotFound."""
    found = duties.by_id(tx, number) if 0 < number < 2**63 else None
    if found is None:
        raise NotFound(f"There is no duty {number}.", hint="See: balintmail calendar list")
    return found


def done(ctx: Context, number: int, *, day: date | None = None, remark: str = "") -> Fall:
    """Note that a duty is done, for its earliest open day or the one that is given; raise NotFound, Conflict."""
    text = hygiene.paragraphs(remark, what="the remark", longest=LONGEST_REMARK)
    today, now = _today(ctx), ctx.clock.now()
    with ctx.db.write() as tx:
        duty = named(tx, number)
        found = _open_day(ctx, tx, duty, today) if day is None else day
        if found is None:
            raise Conflict(f'Nothing of "{duty.title}" is open.')
        if found not in duty.rule.days(found, found):
            raise Conflict(f'"{duty.title}" does not fall on {found.isoformat()}.')
        duties.begin(tx, duty.id, found)
        known = duties.days(tx, found, found)[duty.id, found]
        if known.done_at is not None:
            raise Conflict(f'"{duty.title}" of {found.isoformat()} is done already, by {known.done_by}.')
        duties.done(tx, duty.id, found, {"done_at": now, "done_by": ctx.actor, "remark": text})
        detail = {"duty": duty.id, "day": found.isoformat()}
        audit.note(tx, "duty done", actor=ctx.actor, now=now, detail=detail)
        return Fall(duty, found, duties.days(tx, found, found)[duty.id, found])


def end(ctx: Context, number: int) -> DutyRow:
    """Let a duty fall no more; raise NotFound, Conflict when that is so already."""
    with ctx.db.write() as tx:
        duty = named(tx, number)
        if duty.ended_at is not None:
            raise Conflict(f'"{duty.title}" has ended already.')
        duties.end(tx, number, now=ctx.clock.now())
        audit.note(tx, "duty ended", actor=ctx.actor, now=ctx.clock.now(), detail={"duty": number})
        return duty


def remind(ctx: Context) -> None:
    """Remind the Secretary of what comes, and say once that a day is over; it only reads unless something is due."""
    today = _today(ctx)
    with ctx.db.read() as tx:
        due = [one for one in _falls(ctx, tx, today - _LOOK_BACK, _furthest(tx, today)) if _is_due(one, today)]
    for one in due:
        draft = _begun(ctx, one) if one.day >= today else ""
        with ctx.db.write() as tx:
            _tell(ctx, tx, one, today, draft)


def address(ctx: Context, *, renew: bool = False) -> str:
    """Return the secret address of the feed; `renew` makes a new one, and the old one leads nowhere.

    Raises Conflict without a public address of the site.
    """
    site = ctx.settings.society.url
    if not site:
        hint = "Set url in [society] first; a calendar program reads the feed from your site."
        raise Conflict("The society has no public address, so there is no feed.", hint=hint)
    with ctx.db.write() as tx:
        serial = int(meta.fact(tx, FEED) or "1") + (1 if renew else 0)
        if renew:
            meta.put(tx, FEED, str(serial))
            audit.note(tx, "calendar address renewed", actor=ctx.actor, now=ctx.clock.now())
    token = tokens.make(TokenClaims(Purpose.CALENDAR, list=serial), ctx.keyring.tokens)
    return f"{site}/calendar/{token}.ics"


def feed(ctx: Context, token: str) -> bytes | None:
    """Return the feed behind a secret address as iCalendar; None for another address, or one that was renewed."""
    claims = tokens.read(token, Purpose.CALENDAR, ctx.keyring.verifying)
    with ctx.db.read() as tx:
        if claims is None or claims.list != int(meta.fact(tx, FEED) or "1"):
            return None
        today = _today(ctx)
        found = _falls(ctx, tx, today - _SHOWN_BACK, today + _SHOWN_AHEAD)
        instance = meta.fact(tx, meta.INSTANCE_ID) or "balintmail"
    name = ctx.settings.society.name
    return icalendar.feed(name, "-//balintmail//the year//EN", [_event(one, instance) for one in found])


def _event(one: Fall, instance: str) -> Event:
    changed = max(filter(None, (one.duty.created_at, one.known.done_at if one.known else None)))
    title = f"✓ {one.duty.title}" if one.is_done else one.duty.title
    return Event(f"duty-{one.duty.id}-{one.day:%Y%m%d}@{instance}", one.day, title, one.duty.remark, changed)


def _entered(ctx: Context, tx: Tx, said: Said, values: dict[str, Any]) -> DutyRow:
    kind = DutyKind.NEWSLETTER if said.list else DutyKind.REMIND
    more = {"first_on": said.first_on, "every_months": said.months, "lead_days": said.lead_days, "kind": kind}
    number = duties.add(tx, {**values, **more, "created_at": ctx.clock.now()})
    audit.note(tx, "duty added", actor=ctx.actor, now=ctx.clock.now(), detail={"duty": number})
    return named(tx, number)


def _falls(ctx: Context, tx: Tx, since: date, until: date) -> list[Fall]:
    """Return the days in a span; days before a duty was entered are none of its."""
    known = duties.days(tx, since, until)
    found = [
        Fall(duty, day, known.get((duty.id, day)))
        for duty in duties.every(tx)
        for day in duty.rule.days(max(since, _day_of(ctx, duty.created_at)), until)
    ]
    return sorted(found, key=lambda one: (one.day, one.duty.title, one.duty.id))


def _furthest(tx: Tx, today: date) -> date:
    return today + timedelta(days=max((one.lead_days for one in duties.every(tx)), default=0))


def _is_due(one: Fall, today: date) -> bool:
    if one.is_done:
        return False
    if one.day < today:
        return one.known is None or one.known.chased_at is None
    near = one.day - timedelta(days=one.duty.lead_days) <= today
    return near and (one.known is None or one.known.reminded_at is None)


def _open_day(ctx: Context, tx: Tx, duty: DutyRow, today: date) -> date | None:
    """Return the earliest day that is not done: one that is late, else the next one."""
    ahead = today + timedelta(days=31 * max(duty.every_months, 1) + 366 * 2)
    until = max(ahead, duty.first_on)
    found = [one for one in _falls(ctx, tx, today - _LOOK_BACK, until) if one.duty.id == duty.id]
    return next((one.day for one in found if not one.is_done), None)


def _begun(ctx: Context, one: Fall) -> str:
    """Begin the newsletter of a duty; return the name of its file, "" for none. A file that is there is left alone."""
    if one.duty.kind is not DutyKind.NEWSLETTER or not one.duty.list:
        return ""
    from balintmail.services import letters  # noqa: PLC0415  (loads MJML; few looks of dispatch begin a letter)

    path = ctx.folder / f"{one.duty.list}-{one.day.isoformat()}.md"
    try:
        if not path.exists():
            letters.start(ctx, path, one.duty.list)
    except (BalintmailError, OSError) as exc:  # the reminder matters more than the file
        LOG.warning("the newsletter of %s could not be begun: %s", one.day, type(exc).__name__)
        return ""
    return path.name


def _tell(ctx: Context, tx: Tx, one: Fall, today: date, draft: str) -> None:
    """Put the reminder to the Secretary into the queue, once for each day."""
    now, late = ctx.clock.now(), one.day < today
    duties.begin(tx, one.duty.id, one.day)
    if late:
        first = duties.chase(tx, one.duty.id, one.day, now=now)
    else:
        first = duties.remind(tx, one.duty.id, one.day, draft=draft, now=now)
    to = notices.to_secretary(tx)
    if not first or to is None:
        return
    facts: dict[str, Fact] = {
        "number": one.duty.id,
        "title": one.duty.title,
        "on_day": one.day,
        "remark": one.duty.remark,
        "late": late,
        "draft": draft,
    }
    key = f"duty {one.duty.id} {one.day.isoformat()}"
    notices.put(ctx, tx, Waiting(template="duty", to=to, ground=Ground.OFFICER, facts=facts, key=key))


def _today(ctx: Context) -> date:
    return _day_of(ctx, ctx.clock.now())


def _day_of(ctx: Context, moment: datetime) -> date:
    return moment.astimezone(ctx.settings.zone).date()
