"""Leave by the link of any letter, at the first try and without signing in (S4, S44, RFC 8058).

The link's token says who and which list. Whoever holds a forwarded letter holds it too, so it can only make things
quieter: leave one list, some or all, or pause. Nothing here brings anybody back, and nothing shows more than a masked
address and the names of lists. The pages are web/leave.py; what needs a fresh link is services/preferences.py.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from balintmail.db import addresses, audit, consent, lists, people, subscriptions
from balintmail.db.consent import Consent
from balintmail.db.lists import MailingListRow
from balintmail.db.people import PersonRow
from balintmail.db.session import Tx
from balintmail.db.subscriptions import SubscriptionRow
from balintmail.domain import hygiene, tokens
from balintmail.domain.masking import masked
from balintmail.domain.states import ConsentAction, SubscriptionState
from balintmail.domain.tokens import Purpose, TokenClaims
from balintmail.errors import NotFound, UsageRefused
from balintmail.services import settling
from balintmail.services.context import Context
from balintmail.services.settling import LARGEST_ID
from balintmail.services.subscriptions import zone_of

THEMSELVES = "the person"  # who did it, on record
LONGEST_REASON = 500  # characters
LONGEST_PAUSE = timedelta(days=731)  # two years; whoever wants more leaves
_ON_IT = (SubscriptionState.SUBSCRIBED, SubscriptionState.PAUSED)


class LinkBroken(NotFound):
    """A link is damaged, forged, of another kind, or over."""

    code = "link_broken"

    def __init__(self) -> None:
        super().__init__("This link does not work.", hint="Take it whole from the letter, or write to the Secretary.")


class Door(StrEnum):
    """How somebody came, as the record of consent has it."""

    ONE_CLICK = "one-click"  # their mail program's own button (RFC 8058)
    FORM = "form"
    MAIL = "mail"  # a mail that carries the token of a letter (S6)


# What they said, where they gave no reason.
_WORDS = {
    Door.ONE_CLICK: "left with the button of their mail program",
    Door.FORM: "left on the page that the letter's link opens",
    Door.MAIL: "left by a mail with the token of a letter",
}


@dataclass(frozen=True, slots=True)
class Visit:
    """By which door somebody came; `evidence` is what else proves it, such as the form and the network address."""

    door: Door = Door.FORM
    evidence: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ListStanding:
    """Somebody's standing on one list; `state` is None when they never were on it."""

    slug: str
    name: str
    state: SubscriptionState | None
    paused_until: datetime | None = None
    purpose: str = ""
    archived: bool = False

    @property
    def is_on(self) -> bool:
        """Whether they are on it, paused or not."""
        return self.state in _ON_IT

    @property
    def is_paused(self) -> bool:
        return self.state is SubscriptionState.PAUSED

    @property
    def has_left(self) -> bool:
        return self.state is SubscriptionState.UNSUBSCRIBED


@dataclass(frozen=True, slots=True)
class LeavePage:
    """What the holder of a letter may see. `of` is None when there is no such list, `others` are those they are on."""

    address: str  # masked; "" when nothing is known of them any more
    language: str | None
    of: ListStanding | None
    others: tuple[ListStanding, ...] = ()

    @property
    def all_on(self) -> tuple[ListStanding, ...]:
        """Every list they are on."""
        return (*((self.of,) if self.of is not None and self.of.is_on else ()), *self.others)


def view(ctx: Context, token: str) -> LeavePage:
    """Return what the page of a leave link shows; raise LinkBroken. It changes nothing (D8)."""
    claims = read(ctx, token, Purpose.LEAVE)
    with ctx.db.read() as tx:
        return _page(tx, claims)


def leave(ctx: Context, token: str, visit: Visit, *, reason: str = "") -> LeavePage:
    """Take the link's person off the link's list, at once; done twice it is done once (S4). Raises LinkBroken.

    A reason that no record can hold is left out: it must not keep anybody on a list.
    """
    claims = read(ctx, token, Purpose.LEAVE)
    with ctx.db.write() as tx:
        people.lock(tx)
        whom = living(tx, claims.person)
        if whom is not None:
            _end(ctx, tx, whom, [claims.list], (visit, _without_harm(reason)))
        _proven(ctx, tx, claims)
        return _page(tx, claims)


def leave_in(ctx: Context, tx: Tx, claims: TokenClaims, visit: Visit) -> list[str]:
    """Take the token's person off its list, in a transaction that is open; return the names of what they left.

    A token that names no list is for all of them. Done twice it is done once.
    """
    people.lock(tx)
    whom = living(tx, claims.person)
    if whom is None:
        return []
    chosen = [claims.list] if claims.list else [row.list_id for row in subscriptions.of_person(tx, whom.id)]
    on = {row.list_id for row in subscriptions.of_person(tx, whom.id) if row.state in _ON_IT}
    _end(ctx, tx, whom, chosen, (visit, ""))
    _proven(ctx, tx, claims)
    return [row.name for row in lists.every(tx) if row.id in on and row.id in chosen]


def leave_some(ctx: Context, token: str, visit: Visit, slugs: Collection[str]) -> LeavePage:
    """Take the link's person off those of their lists that `slugs` name; raise LinkBroken.

    A name that is none of theirs is passed over.
    """
    claims = read(ctx, token, Purpose.LEAVE)
    with ctx.db.write() as tx:
        people.lock(tx)
        if (whom := living(tx, claims.person)) is not None:
            chosen = [row.id for row in lists.every(tx) if row.slug in slugs]
            _end(ctx, tx, whom, chosen, (visit, ""))
        return _page(tx, claims)


def leave_all(ctx: Context, token: str, visit: Visit) -> LeavePage:
    """Take the link's person off every list; raise LinkBroken."""
    claims = read(ctx, token, Purpose.LEAVE)
    with ctx.db.write() as tx:
        people.lock(tx)
        if (whom := living(tx, claims.person)) is not None:
            _end(ctx, tx, whom, [row.list_id for row in subscriptions.of_person(tx, whom.id)], (visit, ""))
        return _page(tx, claims)


def pause(ctx: Context, token: str, until: date) -> LeavePage:
    """Pause the link's person on the link's list until a day begins; raise LinkBroken, or UsageRefused for the day.

    A pause that stands is lengthened and never shortened: the link makes things quieter only.
    """
    claims = read(ctx, token, Purpose.LEAVE)
    moment = day_begins(ctx, until)
    with ctx.db.write() as tx:
        people.lock(tx)
        whom = living(tx, claims.person)
        row = subscriptions.get(tx, whom.id, claims.list) if whom is not None else None
        if row is not None and (row.state is SubscriptionState.SUBSCRIBED or _shorter(row, moment)):
            quieten(ctx, tx, row, moment)
        return _page(tx, claims)


def explain(ctx: Context, token: str, visit: Visit, reason: str) -> LeavePage:
    """Put on record why the link's person left, once for each leaving; raise LinkBroken, or TextRefused.

    Nothing is recorded of somebody who has not left, or has come back.
    """
    claims = read(ctx, token, Purpose.LEAVE)
    words = hygiene.paragraphs(reason, what="the reason", longest=LONGEST_REASON)
    with ctx.db.write() as tx:
        people.lock(tx)
        whom = living(tx, claims.person)
        row = subscriptions.get(tx, whom.id, claims.list) if whom is not None else None
        if words and row is not None and row.state is SubscriptionState.UNSUBSCRIBED and not _explained(tx, row):
            said = _consent(ctx, tx, row, (visit, words))
            consent.record(tx, row.person_id, row.list_id, ConsentAction.WITHDREW, said)
        return _page(tx, claims)


def end_pauses(ctx: Context) -> int:
    """Let every pause end whose day has come, on the ground the subscription always had; return how many did."""
    now = ctx.clock.now()
    with ctx.db.read() as tx:
        if not subscriptions.any_pause_over(tx, now):
            return 0
    with ctx.db.write() as tx:
        people.lock(tx)
        over = subscriptions.pauses_over(tx, now)
        slugs = {row.id: row.slug for row in lists.every(tx)}
        for row in over:
            subscriptions.resume(tx, row)
            audit.note_person(tx, row.person_id, f"pause of {slugs[row.list_id]} ended", actor="dispatch", now=now)
        return len(over)


def read(ctx: Context, token: str, purpose: Purpose) -> TokenClaims:
    """Return what a link's token says; raise LinkBroken unless it was made here for that purpose."""
    claims = tokens.read(token, purpose, ctx.keyring.verifying)
    if claims is None or claims.person > LARGEST_ID or claims.list > LARGEST_ID:
        raise LinkBroken
    return claims


def living(tx: Tx, person_id: int) -> PersonRow | None:
    """Return the person of that number, or whoever they were merged into; None when there is nobody any more."""
    row = people.get(tx, person_id) if person_id else None
    while row is not None and row.merged_into is not None:
        row = people.get(tx, row.merged_into)
    return row if row is not None and row.erased_at is None else None


def standings(tx: Tx, person_id: int) -> list[ListStanding]:
    """Return a person's standing on every list that they are or were on, in the order the lists were made."""
    rows = {row.list_id: row for row in subscriptions.of_person(tx, person_id)}
    return [_standing(each, rows[each.id]) for each in lists.every(tx) if each.id in rows]


def day_begins(ctx: Context, day: date) -> datetime:
    """Return when a pause until `day` ends, by the society's clock; raise UsageRefused for a day that cannot be."""
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    if not today < day <= today + LONGEST_PAUSE:
        raise UsageRefused("A pause ends on a day between tomorrow and two years from now.")
    return datetime.combine(day, time(), ctx.settings.zone).astimezone(UTC)


def quieten(ctx: Context, tx: Tx, row: SubscriptionRow, until: datetime) -> None:
    """Pause a subscription until a moment, at the person's own wish."""
    now = ctx.clock.now()
    subscriptions.pause(tx, row, until=until, now=now)
    audit.note_person(tx, row.person_id, f"paused {_slug(tx, row.list_id)}", actor=THEMSELVES, now=now)


def end(ctx: Context, tx: Tx, row: SubscriptionRow, visit: Visit, reason: str = "") -> None:
    """End a living subscription at the person's own wish, with its consent event and one line of the audit."""
    now = ctx.clock.now()
    subscriptions.end(tx, row, _consent(ctx, tx, row, (visit, reason)))
    detail = {"list": _slug(tx, row.list_id), "by": visit.door.value}
    audit.note_person(tx, row.person_id, "unsubscribed", actor=THEMSELVES, now=now, detail=detail)


def _end(ctx: Context, tx: Tx, whom: PersonRow, chosen: Iterable[int], said: tuple[Visit, str]) -> None:
    for list_id in chosen:
        row = subscriptions.get(tx, whom.id, list_id)
        if row is not None and row.state in _ON_IT:
            end(ctx, tx, row, *said)


def _consent(ctx: Context, tx: Tx, row: SubscriptionRow, said: tuple[Visit, str]) -> Consent:
    visit, reason = said
    held = addresses.of_person(tx, row.person_id)
    evidence = {**zone_of(ctx), **visit.evidence}
    words, address = reason or _WORDS[visit.door], held[0].email if held else ""
    return Consent(words, visit.door.value, THEMSELVES, ctx.clock.now(), address, row.ground, evidence=evidence)


def _explained(tx: Tx, row: SubscriptionRow) -> bool:
    """Say whether a reason is on record for the leaving that stands."""
    slug = _slug(tx, row.list_id)
    since = row.ended_at
    told = [
        event
        for event in consent.history(tx, row.person_id)
        if event.slug == slug and event.action is ConsentAction.WITHDREW and (since is None or event.at >= since)
    ]
    return any(event.words not in _WORDS.values() for event in told)


def _proven(ctx: Context, tx: Tx, claims: TokenClaims) -> None:
    """Let the link settle its own delivery where nobody knows whether it arrived: it did (P3)."""
    settling.by_proof(ctx, tx, claims.delivery, because="its link was used", actor=THEMSELVES)


def _page(tx: Tx, claims: TokenClaims) -> LeavePage:
    of = lists.by_id(tx, claims.list)
    whom = living(tx, claims.person)
    if whom is None:
        return LeavePage("", None, _standing(of, None) if of else None)
    held = addresses.of_person(tx, whom.id)
    row = subscriptions.get(tx, whom.id, claims.list)
    others = tuple(one for one in standings(tx, whom.id) if one.is_on and (of is None or one.slug != of.slug))
    address = masked(held[0].email) if held else ""
    return LeavePage(
        address, whom.language or (of.language if of else None), _standing(of, row) if of else None, others
    )


def _standing(of: MailingListRow, row: SubscriptionRow | None) -> ListStanding:
    return ListStanding(
        of.slug,
        of.name,
        row.state if row else None,
        row.paused_until if row else None,
        of.purpose,
        of.archived_at is not None,
    )


def _slug(tx: Tx, list_id: int) -> str:
    row = lists.by_id(tx, list_id)
    return row.slug if row else str(list_id)


def _shorter(row: SubscriptionRow, moment: datetime) -> bool:
    """Say whether a pause stands that ends before `moment`; one without an end never does."""
    paused = row.state is SubscriptionState.PAUSED
    return paused and row.paused_until is not None and row.paused_until < moment


def _without_harm(reason: str) -> str:
    try:
        return hygiene.paragraphs(reason, what="the reason", longest=LONGEST_REASON)
    except hygiene.TextRefused:
        return ""
