"""The CASE in SQL and `may_mail` in the domain give the same answer for every combination of facts (D6)."""

from itertools import product

import sqlalchemy as sa

from balintmail.db.session import Database
from balintmail.db.standing import StandingColumns, refusal
from balintmail.domain.grounds import Standing, may_mail
from balintmail.domain.states import Ground, SkipReason, SubscriptionState

_GROUND = sa.Enum(Ground, native_enum=False, length=20, values_callable=lambda kinds: [kind.value for kind in kinds])
_STATE = sa.Enum(
    SubscriptionState, native_enum=False, length=20, values_callable=lambda kinds: [kind.value for kind in kinds]
)


_FACTS = ("has_address", "erased", "suppressed", "bounced", "own_membership")


def test_refusal_in_sql_equals_may_mail_for_every_combination_D6(database: Database) -> None:
    yes_no = (False, True)
    table = sa.Table(
        "facts",
        sa.MetaData(),
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("ground", _GROUND),
        sa.Column("subscription", _STATE),
        *(sa.Column(name, sa.Boolean) for name in _FACTS),
        prefixes=["TEMPORARY"],
    )
    every = [
        Standing(*facts) for facts in product((*Ground, None), (*SubscriptionState, None), *[yes_no] * len(_FACTS))
    ]
    rows = [
        {
            "id": number,
            "ground": of.ground,
            "subscription": of.subscription,
            **{name: getattr(of, name) for name in _FACTS},
        }
        for number, of in enumerate(every)
    ]
    c = table.c
    reason = refusal(StandingColumns(c.ground, c.subscription, *(c[name] for name in _FACTS)))
    with database.write() as tx:
        table.create(tx)
        tx.execute(sa.insert(table), rows)
        found = {row[0]: row[1] for row in tx.execute(sa.select(c.id, reason))}
    assert len(found) == len(every) == 7 * 4 * 32
    for number, of in enumerate(every):
        why = found[number]
        assert (SkipReason(why) if why else None) is may_mail(of), of
