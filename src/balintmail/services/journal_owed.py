"""Say who is owed a copy of a journal issue, by which way, and whether it can reach them.

Members of classes that include it and are in good standing on the day (libraries and exchange among them), and its
authors; whoever is owed it for two reasons gets it for the first. Paid orders that have yet to be posted, each in an
envelope of its own. It writes nothing; services/despatches.py does.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from balintmail.db import addresses, journal_issues, orders, postal
from balintmail.db import despatches as rows
from balintmail.db.despatches import Owner, Planned
from balintmail.db.members import ClassRow
from balintmail.db.orders import OrderRow
from balintmail.db.postal import PostalRow
from balintmail.db.session import Tx
from balintmail.domain.despatches import CopyStanding, Doubt, Included, OwedFor, Way, ways
from balintmail.domain.states import AddressHealth
from balintmail.services import members
from balintmail.services.context import Context
from balintmail.services.postal import doubts, lines

_EXCHANGE = "exchange"  # the class of journals that send us theirs
_AT_ONCE = 10_000  # people whose addresses are looked up together


def planned(ctx: Context, tx: Tx, journal_issue_id: int, day: date) -> list[Planned]:
    """Return every copy that is owed, each person and way once; `day` is the one of good standing."""
    claims: dict[int, OwedFor] = {}
    included: dict[int, Included] = {}
    for row in members.in_good_standing(ctx, tx, day):
        if row.of.paper or row.of.pdf:
            claims[row.person_id] = _claim(row.of)
            included[row.person_id] = Included(row.of.paper, row.of.pdf)
    for person in journal_issues.author_people(tx, journal_issue_id):
        claims.setdefault(person, OwedFor.AUTHOR)
    return [*_copies(ctx, tx, claims, included, None), *ordered(tx, journal_issue_id)]


def ordered(tx: Tx, journal_issue_id: int, numbers: Sequence[int] | None = None) -> list[Planned]:
    """Return the envelopes of the paid orders that have yet to be posted, or of the orders that are named."""
    return [_of_order(row, copies) for row, copies in orders.to_post(tx, journal_issue_id, numbers=numbers)]


def copies_for(ctx: Context, tx: Tx, claims: Mapping[int, OwedFor], how: Sequence[Way]) -> list[Planned]:
    """Return the copies of these people by these ways, as they would go today; nothing for whoever lives no more."""
    return list(_copies(ctx, tx, claims, {}, how))


def _claim(of: ClassRow) -> OwedFor:
    if of.counts:
        return OwedFor.MEMBER
    return OwedFor.EXCHANGE if of.slug == _EXCHANGE else OwedFor.LIBRARY


def _copies(
    ctx: Context, tx: Tx, claims: Mapping[int, OwedFor], included: Mapping[int, Included], how: Sequence[Way] | None
) -> Iterable[Planned]:
    today = ctx.clock.now().astimezone(ctx.settings.zone).date()
    everybody = sorted(claims)
    for start in range(0, len(everybody), _AT_ONCE):
        part = everybody[start : start + _AT_ONCE]
        owners = rows.owners(tx, part)
        post = postal.holding(tx, part, today)
        mail = _reached(tx, part)
        for number in part:
            owner = owners.get(number)
            if owner is None:
                continue
            home = post.get(number)
            all_ways = how or ways(included.get(number, Included()), owner.wanted, has_post=home is not None)
            for way in all_ways:
                if way is Way.PAPER:
                    yield _on_paper(owner, claims[number], home)
                else:
                    yield _by_email(owner, claims[number], mail.get(number))


def _on_paper(owner: Owner, claim: OwedFor, home: PostalRow | None) -> Planned:
    if home is None:
        return Planned(owner.id, Way.PAPER, claim, CopyStanding.NOBODY, Doubt.NO_POST, name=owner.name)
    parts = home.parts
    wrong = doubts(parts, owner.name)
    return Planned(
        owner.id,
        Way.PAPER,
        claim,
        CopyStanding.OWED,
        Doubt.ADDRESS if wrong else None,
        ", ".join(wrong),
        home.name or owner.name,
        tuple(lines(parts, owner.name)),
        home.country_code,
        home.postal_code,
    )


def _of_order(row: OrderRow, copies: int) -> Planned:
    parts = {name: str(value) for name, value in row.post.items()}
    if not row.name:  # its buyer is forgotten
        nobody, why = CopyStanding.NOBODY, Doubt.ERASED
        return Planned(None, Way.PAPER, OwedFor.ORDER, nobody, why, order_id=row.id, copies=copies)
    wrong = doubts(parts, row.name)
    return Planned(
        None,
        Way.PAPER,
        OwedFor.ORDER,
        CopyStanding.OWED,
        Doubt.ADDRESS if wrong else None,
        ", ".join(wrong),
        parts.get("name") or row.name,
        tuple(lines(parts, row.name)),
        parts.get("country_code", ""),
        parts.get("postal_code", ""),
        row.id,
        copies,
    )


def _by_email(owner: Owner, claim: OwedFor, reached: Doubt | None) -> Planned:
    standing = CopyStanding.NOBODY if reached is not None else CopyStanding.OWED
    return Planned(owner.id, Way.PDF, claim, standing, reached, name=owner.name)


def _reached(tx: Tx, people: Sequence[int]) -> dict[int, Doubt | None]:
    """Return for each of these people why mail does not reach their preferred address, None where it does."""
    found: dict[int, Doubt | None] = dict.fromkeys(people, Doubt.NO_EMAIL)
    for number, held in addresses.of_people(tx, people).items():
        barred = held[0].barred or held[0].health is not AddressHealth.OK
        found[number] = Doubt.NOT_REACHED if barred else None
    return found
