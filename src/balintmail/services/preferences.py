"""A person's own page: names, language, lists, the Journal, the post, and where mail reaches them.

The link in a letter's foot shows masked data and asks for a fresh link, which goes to the person's own address alone;
the fresh link opens the page (services/fresh_links.py). Every answer is the same whether or not an address is known.
A change of address is services/moving.py, what is held of somebody services/held.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum

from balintmail.db import (
    addresses,
    audit,
    lists,
    mailed_links,
    members,
    officers,
    people,
    postal,
    subscriptions,
    throttles,
)
from balintmail.db.addresses import AddressRow
from balintmail.db.mailed_links import MailedLinkRow
from balintmail.db.members import MembershipRow
from balintmail.db.people import PersonRow
from balintmail.db.postal import PostalRow
from balintmail.db.session import Tx
from balintmail.domain import address as parsing
from balintmail.domain.masking import masked
from balintmail.domain.notices import Fact
from balintmail.domain.states import Ground, JournalFormat, SubscriptionState
from balintmail.domain.tokens import Purpose
from balintmail.errors import Conflict, UsageRefused
from balintmail.services import erasure, fresh_links, leaving, notices, rounds
from balintmail.services import people as register
from balintmail.services import postal as rules
from balintmail.services.context import Context
from balintmail.services.erasure import Erased, Sweep
from balintmail.services.fresh_links import Errand, LinkOver
from balintmail.services.leaving import THEMSELVES, LinkBroken, ListStanding, Visit
from balintmail.services.notices import Waiting
from balintmail.services.rounds import Asked

MOST_LINKS = 5  # mailed to one person within a day: nobody's mailbox is filled by whoever found a letter
MOST_ASKED = 20  # asked for from one network within an hour
ASKED_LASTS = timedelta(days=2)  # of a link that somebody asked the Secretary for, and does not wait for
OPENING = (Errand.MANAGE, Errand.ROUND)  # links that open somebody's own page
_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)


class Wish(StrEnum):
    """What a person wants of one list."""

    KEEP = "keep"  # as it is
    GO_ON = "go_on"  # end a pause
    PAUSE = "pause"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class ListWish:
    """What somebody wants of one list; `until` is the day on which a pause ends."""

    what: Wish
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Glance:
    """What the holder of a footer's link may see: masked (standards 3.2)."""

    address: str
    language: str | None
    lists: tuple[ListStanding, ...]


@dataclass(frozen=True, slots=True)
class OwnPage:
    """What a person sees of themselves. `post` is where the post goes today, `post_later` where it will go."""

    person: PersonRow
    addresses: tuple[AddressRow, ...]
    lists: tuple[ListStanding, ...]
    journal: JournalFormat | None
    post: PostalRow | None
    post_later: PostalRow | None
    is_officer: bool
    link: MailedLinkRow
    asked: Asked | None  # in the round of details that runs
    membership: MembershipRow | None  # that runs

    @property
    def is_whole(self) -> bool:
        """Whether the link opens everything that is held, and erasing, too; one of a round does not."""
        return self.link.purpose == Errand.MANAGE.value

    @property
    def shows_post(self) -> bool:
        """Whether the Journal and the post concern them: members, and whoever has said something of them before."""
        said = (self.asked, self.post, self.post_later, self.journal)
        return self.person.member or any(each is not None for each in said)


def glance(ctx: Context, token: str) -> Glance:
    """Return what the link in a letter's foot shows; raise LinkBroken. It changes nothing (D8)."""
    claims = leaving.read(ctx, token, Purpose.PREFERENCES)
    with ctx.db.read() as tx:
        whom = leaving.living(tx, claims.person)
        if whom is None:
            return Glance("", None, ())
        held = addresses.of_person(tx, whom.id)
        on = tuple(each for each in leaving.standings(tx, whom.id) if each.is_on)
        return Glance(masked(held[0].email) if held else "", whom.language, on)


def send_link(ctx: Context, token: str) -> None:
    """Mail a fresh link to the person of a footer's link, at their own address; raise LinkBroken."""
    claims = leaving.read(ctx, token, Purpose.PREFERENCES)
    _send_to_person(ctx, claims.person)


def send_link_by_leaving(ctx: Context, token: str) -> None:
    """Mail a fresh link to the person of a link for leaving, who wants a new address instead; raise LinkBroken."""
    claims = leaving.read(ctx, token, Purpose.LEAVE)
    _send_to_person(ctx, claims.person)


def renew(ctx: Context, secret: str) -> None:
    """Mail a fresh link in place of one that has run out; raise LinkBroken for one that never was."""
    with ctx.db.read() as tx:
        try:
            row = fresh_links.find(ctx, tx, secret, *OPENING)
        except LinkOver as over:
            row = over.row
    _send_to_person(ctx, row.person_id)


def send_link_to(ctx: Context, address: parsing.Address, network: str = "") -> None:
    """Mail a fresh link to everybody who has that address, if anybody has; say nothing about which it was.

    `network` is whence it was asked for; one that asks too often is passed over.
    """
    now = ctx.clock.now()
    counter = ctx.keyring.address_hash(f"link from {network}")
    with ctx.db.write() as tx:
        asked = throttles.taken(tx, counter, _HOUR, now=now)
        throttles.add(tx, counter, now=now)
        if asked >= MOST_ASKED:
            return
        found = people.at_address(tx, address.key)
        for row in found:
            mail_link(ctx, tx, row)
        if not found:
            _as_if_known(ctx, tx)


def own_page(ctx: Context, secret: str) -> OwnPage:
    """Return the page that a fresh link opens; raise LinkOver or LinkBroken. It changes nothing (D8)."""
    with ctx.db.read() as tx:
        row, link = whose(ctx, tx, secret)
        today = _today(ctx)
        coming = [each for each in postal.of_people(tx, [row.id]) if each.valid_from and each.valid_from > today]
        return OwnPage(
            row,
            tuple(addresses.of_person(tx, row.id)),
            tuple(leaving.standings(tx, row.id)),
            JournalFormat(row.journal_format) if row.journal_format else None,
            postal.at(tx, row.id, today),
            coming[-1] if coming else None,
            bool(officers.roles(tx, row.id)),
            link,
            rounds.asked(tx, row.id),
            next((each for each in members.of_person(tx, row.id) if each.ended_on is None), None),
        )


def whole_page(ctx: Context, secret: str) -> OwnPage:
    """Return the page as `own_page` does, of a link that may also erase; raise LinkBroken for one of a round."""
    page = own_page(ctx, secret)
    if not page.is_whole:
        raise LinkBroken
    return page


def label(page: OwnPage) -> list[str]:
    """Return where the post goes today as the lines of a label; none when nothing is known."""
    return rules.lines(page.post.parts, page.person.name) if page.post is not None else []


def rename(ctx: Context, secret: str, changes: register.Changes) -> list[str]:
    """Change a person's names and language, and nothing else that `changes` says; return what changed, in words.

    Raises TextRefused for what no letter can hold.
    """
    own = register.Changes(changes.name, changes.first_name, changes.language)
    with ctx.db.read() as tx:
        row, _ = whose(ctx, tx, secret)
    done = register.edit(_by_themselves(ctx), row.id, own)
    if done:
        with ctx.db.write() as tx:
            rounds.corrected(ctx, tx, row.id)
    return done


def wish(ctx: Context, secret: str, visit: Visit, wishes: Mapping[str, ListWish]) -> list[str]:
    """Carry out what a person wants of their lists, by slug; return the slugs of those that changed.

    Raises UsageRefused for a pause without a day, or until one that cannot be; then nothing is changed.
    """
    changed = []
    with ctx.db.write() as tx:
        people.lock(tx)
        row, _ = whose(ctx, tx, secret)
        for each in lists.every(tx):
            of = subscriptions.get(tx, row.id, each.id)
            wanted = wishes.get(each.slug, ListWish(Wish.KEEP))
            if (
                of is not None
                and of.state is not SubscriptionState.UNSUBSCRIBED
                and _fulfil(ctx, tx, of, wanted, visit)
            ):
                changed.append(each.slug)
        if changed:
            rounds.corrected(ctx, tx, row.id)
    return changed


def _fulfil(ctx: Context, tx: Tx, of: subscriptions.SubscriptionRow, wanted: ListWish, visit: Visit) -> bool:
    if wanted.what is Wish.LEAVE:
        leaving.end(ctx, tx, of, visit)
        return True
    if wanted.what is Wish.PAUSE:
        if wanted.until is None:
            raise UsageRefused("A pause needs the day on which it ends.")
        moment = leaving.day_begins(ctx, wanted.until)
        leaving.quieten(ctx, tx, of, moment)
        return True
    if wanted.what is Wish.GO_ON and of.state is SubscriptionState.PAUSED:
        subscriptions.resume(tx, of)
        slug = next(each.slug for each in lists.every(tx) if each.id == of.list_id)
        audit.note_person(tx, of.person_id, f"resumed {slug}", actor=THEMSELVES, now=ctx.clock.now())
        return True
    return False


def choose_format(ctx: Context, secret: str, wanted: JournalFormat) -> None:
    """Keep how a person wants the Journal."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret)
        if row.journal_format != wanted.value:
            people.update(tx, row.id, {"journal_format": wanted.value}, now=now)
            _note_edit(ctx, tx, row.id, "Journal")
            rounds.corrected(ctx, tx, row.id)


def put_post(ctx: Context, secret: str, parts: Mapping[str, str], first_day: date | None = None) -> None:
    """Keep where the post reaches a person, from `first_day` on or from now; raise PostalRefused.

    A day that has come counts as now.
    """
    clean = rules.checked(parts)
    begins = first_day if first_day is not None and first_day > _today(ctx) else None
    if begins is not None and begins > _today(ctx) + leaving.LONGEST_PAUSE:
        raise UsageRefused("That day is more than two years from now.")
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret)
        postal.put(tx, row.id, clean, first_day=begins, now=ctx.clock.now())
        _note_edit(ctx, tx, row.id, "postal address")
        rounds.corrected(ctx, tx, row.id)


def drop_post(ctx: Context, secret: str) -> None:
    """Forget where the post reaches a person."""
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret)
        if postal.drop(tx, [row.id]):
            _note_edit(ctx, tx, row.id, "postal address removed")
            rounds.corrected(ctx, tx, row.id)


def all_right(ctx: Context, secret: str) -> None:
    """Keep that somebody has looked at what is held of them and says that it is right."""
    with ctx.db.write() as tx:
        row, _ = whose(ctx, tx, secret)
        rounds.confirmed(ctx, tx, row.id)


def finish(ctx: Context, secret: str) -> None:
    """Let a fresh link end before its time; one that has ended already stays so."""
    with ctx.db.write() as tx:
        try:
            row = fresh_links.find(ctx, tx, secret, Errand.MANAGE)
        except LinkOver:
            return
        mailed_links.use(tx, row.id, now=ctx.clock.now())


def erase(ctx: Context, secret: str) -> Erased:
    """Erase the person for good, at their own wish; raise Conflict for an officer, who hands the office on first.

    The rows are emptied at once; SQLite's file is swept by the next look of dispatch, which nobody waits for here.
    """
    with ctx.db.read() as tx:
        row, _ = whose(ctx, tx, secret, (Errand.MANAGE,))
        if officers.roles(tx, row.id):
            raise Conflict("Whoever holds an office hands it on first.", hint="Write to the Secretary.")
    return erasure.erase(_by_themselves(ctx), row.id, sweep=Sweep.LATER)


def whose(ctx: Context, tx: Tx, secret: str, errands: Sequence[Errand] = OPENING) -> tuple[PersonRow, MailedLinkRow]:
    """Return the person of a fresh link for one of these errands, and the link; raise LinkOver or LinkBroken."""
    link = fresh_links.find(ctx, tx, secret, *errands)
    row = leaving.living(tx, link.person_id)
    if row is None:
        raise LinkBroken
    return row, link


def mail_link(ctx: Context, tx: Tx, row: PersonRow) -> None:
    """Let a fresh link wait for a person at their preferred address, unless they got enough of them today."""
    now = ctx.clock.now()
    to = notices.to_person(tx, row.id)
    if to is None or mailed_links.made_since(tx, row.id, Errand.MANAGE.value, now - _DAY) >= MOST_LINKS:
        return
    secret, link = fresh_links.make(ctx, tx, row.id, Errand.MANAGE)
    facts: dict[str, Fact] = {
        "link_url": address_of(ctx, f"/manage/{secret}"),
        "asked_at": now,
        "expires_at": link.expires_at,
    }
    key = f"preferences_link {row.id}"
    notices.put(ctx, tx, Waiting(template="preferences_link", to=to, ground=Ground.REQUESTED, facts=facts, key=key))


def mail_everything(ctx: Context, person_id: int) -> datetime:
    """Let a link wait for a person that shows everything held of them, as they asked the Secretary; return its end.

    Raises NotFound for nobody, Conflict for somebody without an address and where the society has no site.
    """
    if not ctx.settings.society.url:
        raise Conflict("Without society.url there is no page to show it on.", hint="Run: balintmail people held")
    with ctx.db.write() as tx:
        row = register.by_id(tx, person_id)
        to = notices.to_person(tx, row.id)
        if to is None:
            raise Conflict(f"Person {row.id} has no address.", hint="Run: balintmail people held")
        secret, link = fresh_links.make(ctx, tx, row.id, Errand.MANAGE, lasts=ASKED_LASTS)
        facts: dict[str, Fact] = {
            "link_url": address_of(ctx, f"/manage/{secret}/data"),
            "expires_at": link.expires_at,
        }
        key = f"data_export {row.id}"
        notices.put(ctx, tx, Waiting(template="data_export", to=to, ground=Ground.REQUESTED, facts=facts, key=key))
        audit.note_person(tx, row.id, "everything held mailed", actor=ctx.actor, now=ctx.clock.now())
        return link.expires_at


def address_of(ctx: Context, path: str) -> str:
    """Return the public web address of a page."""
    return f"{ctx.settings.society.url.rstrip('/')}{path}"


def _as_if_known(ctx: Context, tx: Tx) -> None:
    """Do for nobody what is done for somebody and take it back, so that both take the same time (D22)."""
    secretary = officers.secretary(tx)
    row = people.get(tx, secretary.person_id) if secretary is not None else None
    if row is not None:
        nothing = tx.begin_nested()
        mail_link(ctx, tx, row)
        nothing.rollback()


def _send_to_person(ctx: Context, person_id: int) -> None:
    with ctx.db.write() as tx:
        row = leaving.living(tx, person_id)
        if row is not None:
            mail_link(ctx, tx, row)


def _by_themselves(ctx: Context) -> Context:
    return replace(ctx, actor=THEMSELVES)


def _note_edit(ctx: Context, tx: Tx, person_id: int, what: str) -> None:
    audit.note_person(tx, person_id, "edited", actor=THEMSELVES, now=ctx.clock.now(), detail={"changed": [what]})


def _today(ctx: Context) -> date:
    return ctx.clock.now().astimezone(ctx.settings.zone).date()
