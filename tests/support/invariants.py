"""The checker of the fault plan (standards 2.6): I1 to I7 over the ledger and the relay's own log."""

from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path

from sqlalchemy import select

from balintmail.db import receipts
from balintmail.db.mailings import by_id
from balintmail.db.models import Delivery
from balintmail.domain.states import DeliveryState, MailingState
from balintmail.services.context import Context
from tests.relay import read_log

S = DeliveryState
OPEN = {S.QUEUED, S.CLAIMED, S.AT_RISK, S.DEFERRED, S.UNKNOWN}


def check(
    ctx: Context,
    mailing: int,
    log: Path,
    *,
    connections: int,
    said_no: Collection[str] = (),
    frozen: Mapping[int, str] | None = None,
    settled: Mapping[str, int] | None = None,
) -> Counter[str]:
    """Assert I1 to I6 and return the states as a count.

    `frozen` has the addresses of the rows as they were, where somebody may have been erased since. `settled` has the
    addresses whose doubts somebody settled, with how often they chose to send again.
    """
    settled = settled or {}
    with ctx.db.read() as tx:
        counts = receipts.counts(tx, mailing)
        rows = tx.execute(select(Delivery.id, Delivery.envelope, Delivery.state).where(Delivery.mailing_id == mailing))
        states = {(frozen or {}).get(row[0], row[1]): row[2] for row in rows}
        row = by_id(tx, mailing)
    assert row is not None
    copies = Counter(taken.recipient for taken in read_log(log)) if log.exists() else Counter()
    if row.frozen_at is not None:
        assert sum(counts.values()) == row.audience, "I1: the states add up to the audience"
        assert len(states) == row.audience, "I1: each person has one row"
    assert all(number <= 1 + settled.get(address, 0) for address, number in copies.items()), "I2: nobody has two copies"
    for address, state in states.items():
        if state is S.ACCEPTED and address not in settled:
            assert copies[address] == 1, "I3: each accepted row has its copy"
    for address in copies:
        found = states.get(address)
        assert found in {S.ACCEPTED, S.UNKNOWN, S.AT_RISK} or address in settled, (
            f"I4: each copy is accepted or unknown, not {found}"
        )
    assert counts[S.UNKNOWN] + counts[S.AT_RISK] <= connections, "I5: one doubt per connection at most"
    assert not set(said_no) & set(copies), "I6: no copy after a no"
    if row.state is MailingState.SENT:
        assert not any(counts[state] for state in OPEN), "P1: finished while something is open"
    return Counter({state.value: number for state, number in counts.items() if number})


def is_finished(ctx: Context, mailing: int) -> bool:
    """Say whether the mailing is called sent (I7)."""
    with ctx.db.read() as tx:
        row = by_id(tx, mailing)
    return row is not None and row.state is MailingState.SENT
