"""Whether somebody may be mailed, written in SQL: the same answers as domain/grounds.py, for sets of people.

It decides nothing of its own; a test holds the CASE below to `may_mail` for every combination of facts (D6).
Used by db/audience.py when an audience is counted and frozen, and by db/ledger.py when the dot is about to leave (D4).
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, case, exists, func, null, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from balintmail.db.models import Address, Delivery, Mailing, Person, Subscription, Suppression
from balintmail.db.models_members import Membership
from balintmail.domain.states import AddressHealth, Ground, SkipReason, SubscriptionState

LIVING = (Ground.CONSENT, Ground.MEMBERSHIP, Ground.SOFT_OPT_IN)  # grounds that need a living subscription


@dataclass(frozen=True, slots=True)
class StandingColumns:
    """The facts of `grounds.Standing` as SQL expressions; `ground` and `subscription` may be NULL."""

    ground: ColumnElement[Ground]
    subscription: ColumnElement[SubscriptionState]
    has_address: ColumnElement[bool]
    erased: ColumnElement[bool]
    suppressed: ColumnElement[bool]
    bounced: ColumnElement[bool]
    own_membership: ColumnElement[bool] = field(default_factory=sa.false)


def refusal(of: StandingColumns) -> ColumnElement[str | None]:
    """Return the first reason why not, as the text of a SkipReason, or NULL when the person may be mailed."""
    lives = of.ground.in_(LIVING)
    # Asked last, and so only of the few whom the rest would refuse: it costs a look-up.
    elsewhere = sa.not_(and_(of.ground == Ground.MEMBERSHIP, of.own_membership))
    return case(
        (of.erased, SkipReason.ERASED.value),
        (sa.not_(of.has_address), SkipReason.NO_ADDRESS.value),
        (of.ground.is_(None), SkipReason.NO_GROUND.value),
        (and_(lives, of.subscription == SubscriptionState.PAUSED, elsewhere), SkipReason.PAUSED.value),
        (
            and_(lives, sa.or_(of.subscription.is_(None), of.subscription != SubscriptionState.SUBSCRIBED), elsewhere),
            SkipReason.NOT_SUBSCRIBED.value,
        ),
        (of.suppressed, SkipReason.SUPPRESSED.value),
        (of.bounced, SkipReason.BOUNCED.value),
        else_=null(),
    )


def suppressed(address_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a suppression names `address_key` or its whole domain: two look-ups in one index."""
    return exists().where(Suppression.address_key.in_((address_key, domain_key(address_key))))


def refusal_now() -> ColumnElement[str | None]:
    """Return why the person of a ledger row may not be mailed at this moment, or NULL; it goes with each mark (D4)."""
    d = Delivery
    list_id = select(Mailing.list_id).where(Mailing.id == d.mailing_id).correlate(d).scalar_subquery()
    standing = select(Subscription.state).where(Subscription.person_id == d.person_id, Subscription.list_id == list_id)
    person = exists().where(Person.id == d.person_id).correlate(d)
    # While a probe is on its way nothing else is open to its address: what was, stopped when the address was paused.
    paused = (Address.health == AddressHealth.BOUNCED, Address.trial_until.is_(None))
    named = suppressed(sa.type_coerce(d.address_key, sa.String())).correlate(d)
    return refusal(
        StandingColumns(
            ground=sa.type_coerce(d.ground, d.ground.type),
            subscription=standing.correlate(d).scalar_subquery(),
            has_address=d.envelope != "",
            erased=person.where(Person.erased_at.is_not(None)),
            suppressed=sa.or_(named, person.where(Person.died_on.is_not(None))),
            bounced=exists().where(Address.key == d.address_key, *paused).correlate(d),
            own_membership=and_(list_id.is_(None), membership_runs(d.person_id, correlate=d)),
        )
    )


def membership_runs(person: Any, *, correlate: Any) -> ColumnElement[bool]:
    """Return whether the person of that column has a membership without an end, or is a member until one."""
    m = Membership
    runs = exists().where(m.person_id == person, m.ended_on.is_(None)).correlate(correlate)
    return sa.or_(runs, exists().where(Person.id == person, Person.member).correlate(correlate))


class domain_key(FunctionElement[str]):  # noqa: N801  (reads like the SQL function that it is)
    """The key under which the whole domain of an address key is suppressed: all from its @-sign on."""

    type = sa.String()
    inherit_cache = True


@compiles(domain_key)
def _domain_key(element: Any, compiler: Any, **options: Any) -> str:
    key = compiler.process(element.clauses, **options)
    place = "strpos" if compiler.dialect.name == "postgresql" else "instr"
    return f"substr({key}, {place}({key}, '@'))"


def false_when_null(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return `condition` with NULL counted as false."""
    return func.coalesce(condition, sa.false())
