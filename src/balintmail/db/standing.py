"""Whether somebody may be mailed, written in SQL: the same answers as domain/grounds.py, for sets of people.

It decides nothing of its own; a test holds the CASE below to `may_mail` for every combination of facts (D6).
Used by db/audience.py when an audience is counted and frozen, and by db/ledger.py when the dot is about to leave (D4).
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, case, exists, func, null
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from balintmail.db.models import Suppression
from balintmail.domain.states import Ground, SkipReason, SubscriptionState

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


def refusal(of: StandingColumns) -> ColumnElement[str | None]:
    """Return the first reason why not, as the text of a SkipReason, or NULL when the person may be mailed."""
    lives = of.ground.in_(LIVING)
    return case(
        (of.erased, SkipReason.ERASED.value),
        (sa.not_(of.has_address), SkipReason.NO_ADDRESS.value),
        (of.ground.is_(None), SkipReason.NO_GROUND.value),
        (and_(lives, of.subscription == SubscriptionState.PAUSED), SkipReason.PAUSED.value),
        (
            and_(lives, sa.or_(of.subscription.is_(None), of.subscription != SubscriptionState.SUBSCRIBED)),
            SkipReason.NOT_SUBSCRIBED.value,
        ),
        (of.suppressed, SkipReason.SUPPRESSED.value),
        (of.bounced, SkipReason.BOUNCED.value),
        else_=null(),
    )


def suppressed(address_key: ColumnElement[str]) -> ColumnElement[bool]:
    """Return whether a suppression names `address_key` or its whole domain: two look-ups in one index."""
    return exists().where(Suppression.address_key.in_((address_key, domain_key(address_key))))


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
