"""Try paused addresses with a short letter each, and mail those again from which nothing has come back.

A probe goes to a reader of a list on the ground of their subscription, to an officer or a member who is on no list on
that of their office or membership, and through the ledger like any letter; that it came back is noticed by
services/returned.py. When it stayed away long enough the address is mailed again, on trial. The tries are counted, lie
further and further apart, and end; then the address is the Secretary's matter.
"""

from datetime import timedelta

from balintmail.db import address_health, audit, people
from balintmail.db import notices as waiting
from balintmail.db.address_health import HealthRow
from balintmail.db.session import Tx
from balintmail.domain import health
from balintmail.domain.address import parse
from balintmail.domain.health import PROBE
from balintmail.domain.notices import Word
from balintmail.domain.states import FINAL, AddressHealth, DeliveryState
from balintmail.services import notices
from balintmail.services.context import Context
from balintmail.services.notices import To, Waiting

ACTOR = "dispatch"  # who did it, on record
AT_ONCE = 500  # addresses of one transaction
LOOK_AGAIN = timedelta(days=1)  # at a probe that has not left yet


def tidy(ctx: Context) -> None:
    """Do whatever is due: judge the probes and trials that had their time, and let new probes go."""
    with ctx.db.read() as tx:
        due = address_health.anything_due(tx, ctx.clock.now())
    while due:
        due = _some(ctx)


def _some(ctx: Context) -> bool:
    """Do what is due for some addresses; return whether there may be more."""
    now = ctx.clock.now()
    with ctx.db.write() as tx:
        people.lock(tx)
        over = address_health.trials_over(tx, now, limit=AT_ONCE)
        for row in over:
            _judge(ctx, tx, row)
        ready = address_health.probes_due(tx, now, limit=AT_ONCE)
        for row in ready:
            _try(ctx, tx, row)
    return AT_ONCE in {len(over), len(ready)}


def _try(ctx: Context, tx: Tx, row: HealthRow) -> None:
    """Let a probe go to an address, unless nobody there gets letters of ours any more."""
    holder = address_health.holder(tx, row.id)
    if row.health is not AddressHealth.BOUNCED or holder is None:
        address_health.wait_for_probe(tx, row, None)
        return
    now = ctx.clock.now()
    address_health.probe(tx, row, until=now + ctx.settings.bounces.probe_quiet, now=now)
    probe = Waiting(
        template=PROBE,
        to=To(address=parse(row.email), person=holder.person, language=holder.language or ""),
        ground=holder.ground,
        list_id=holder.list_id,
        facts={
            "reason": Word(f"return_{row.trouble or 'other'}"),
            "since": row.bounced_at or now,
            "on_a_list": holder.list_id is not None,
        },
        key=_key(row),
    )
    notices.put(ctx, tx, probe)


def _judge(ctx: Context, tx: Tx, row: HealthRow) -> None:
    """Say what a probe or a trial whose time is over has shown."""
    if row.health is AddressHealth.OK:
        address_health.pass_trial(tx, row)
        return
    now, bounces = ctx.clock.now(), ctx.settings.bounces
    came = address_health.came_of(tx, row, row.trusted_at or now)
    taken = [at for state, at in came if state is DeliveryState.ACCEPTED]
    on_its_way = waiting.waits(tx, _key(row)) or any(state not in FINAL for state, _ in came)
    if taken and max(taken) + bounces.probe_quiet > now:  # it left later than it was put in
        address_health.lengthen(tx, row, max(taken) + bounces.probe_quiet)
    elif taken:
        address_health.trust(tx, row, until=now + bounces.window, now=now)
        _note(ctx, tx, row, "address mailed again, nothing came back of the letter that tried it")
    elif on_its_way:
        address_health.lengthen(tx, row, now + LOOK_AGAIN)
    else:  # refused at once, or never written
        address_health.wait_for_probe(tx, row, health.next_probe(row.probes, bounces.rules, now=now))


def _note(ctx: Context, tx: Tx, row: HealthRow, action: str) -> None:
    for person in people.at_address(tx, row.key):
        audit.note_person(tx, person.id, action, actor=ACTOR, now=ctx.clock.now())


def _key(row: HealthRow) -> str:
    return f"{PROBE} {row.id}"
