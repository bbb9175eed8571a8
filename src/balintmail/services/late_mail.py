"""Tell what comes in late about somebody who was erased, so that nothing which names them is kept (S45).

A report takes days, an answer years. It is acted on as any other, and then only that it came is kept. Whoever was
erased and writes a letter of their own accord is a stranger who wrote a letter. It deletes nothing itself.
"""

from collections.abc import Sequence

from balintmail.db import meta, people, suppressions
from balintmail.db.inbox import Settled
from balintmail.db.session import Tx
from balintmail.domain.address import key_of
from balintmail.domain.inbox import Done, Proof
from balintmail.domain.returns import Kind
from balintmail.domain.states import InboundState
from balintmail.receiving.event import Event, Found
from balintmail.services import leaving
from balintmail.services.context import Context
from balintmail.services.erasure import SWEEP_DUE

MOST_LOOKED_AT = 100  # addresses of one report (H18)
_REPORTS = (Kind.BOUNCE, Kind.COMPLAINT)


def is_of_the_erased(ctx: Context, tx: Tx, event: Event, proof: Proof) -> bool:
    """Say whether a message is about a letter to somebody who was erased, or reports about their address."""
    if proof.about is not None and not proof.about.address_key:
        return True
    named = {one.claims.person for one in proof.ours if one.claims.person}
    if any(people.get(tx, number) is not None and leaving.living(tx, number) is None for number in named):
        return True
    return event.kind in _REPORTS and any(is_erased(ctx, tx, one.address) for one in event.results[:MOST_LOOKED_AT])


def is_erased(ctx: Context, tx: Tx, address: str) -> bool:
    """Say whether an address was erased; only its hash is known."""
    key = key_of(address)
    return key is not None and suppressions.is_erased(tx, ctx.keyring.address_hash(key))


def without_trace(ctx: Context, tx: Tx, event: Event, done: Done, proof: Proof) -> Settled:
    """Return what is kept of such a message once it was acted on: that it came, and nothing that names anybody."""
    if ctx.db.is_sqlite:  # its octets have been in the file already
        meta.put(tx, SWEEP_DUE, "yes")
    return Settled(
        state=InboundState.DONE,
        kind=event.kind.value,
        remark=done.remark,
        person=done.person or None,
        delivery=proof.delivery or None,
        forgotten=True,
    )


def nameable(ctx: Context, tx: Tx, results: Sequence[Found]) -> list[Found]:
    """Return what a report says of addresses that were not erased."""
    return [one for one in results if not is_erased(ctx, tx, one.address)]
