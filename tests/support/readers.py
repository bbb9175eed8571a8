"""People who are owed the Journal, for tests: members with and without post and mail, libraries, authors."""

from datetime import date

import sqlalchemy as sa

from balintmail.db import addresses, people, postal
from balintmail.db import members as member_rows
from balintmail.db.models import Person
from balintmail.domain.address import parse
from balintmail.services import members
from balintmail.services.context import Context

GB = {"country_code": "GB", "street_address": "1 High Street", "city": "London", "postal_code": "EC1A 1BB"}
HU = {"country_code": "HU", "street_address": "Fő utca 1.", "city": "Budapest", "postal_code": "1011"}


def reader(
    ctx: Context,
    name: str,
    *,
    wanted: str | None = None,
    post: dict[str, str] | None = None,
    email: str = "",
    of: str | None = "full",
) -> int:
    """Add somebody to the register, a member of the class `of` (None: of none); return the number."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        number = people.insert(tx, {"name": name, "journal_format": wanted}, now=now)
        if post is not None:
            postal.put(tx, number, post, first_day=None, now=now)
        if email:
            addresses.link(tx, number, addresses.ensure(tx, parse(email), now=now))
        if of is not None:
            member_rows.begin(tx, number, members.known_class(tx, of).id, {"since": date(2020, 1, 1)}, now=now)
            members.refresh(ctx, tx, [number])
    return number


def move_house(ctx: Context, person: int, post: dict[str, str]) -> None:
    """Give somebody another postal address."""
    with ctx.db.write() as tx:
        postal.put(tx, person, post, first_day=None, now=ctx.clock.now())


def dies(ctx: Context, person: int) -> None:
    with ctx.db.write() as tx:
        tx.execute(sa.update(Person).where(Person.id == person).values(died_on=date(2026, 11, 1)))
