"""Settle a delivery in doubt by proof: something came back that only its letter could have carried (P3).

A bounce, a complaint, a reply or a used link shows that the letter was taken. What a person or the policy decides is
services/mailings.settle; this never sends anything again.
"""

from balintmail.db import audit, ledger, mailings, receipts, timeline
from balintmail.db.session import Tx
from balintmail.domain.states import DeliveryState
from balintmail.services.context import Context

LARGEST_ID = 2**63 - 1  # of a row in either database (F9)


def by_proof(ctx: Context, tx: Tx, delivery: int, *, because: str, actor: str) -> bool:
    """Call a delivery accepted if it is in doubt; return whether it was. `because` goes on record."""
    mailing = timeline.doubtful_mailing(tx, delivery) if 0 < delivery <= LARGEST_ID else None
    if mailing is None:
        return False
    now = ctx.clock.now()
    ledger.settle(tx, [delivery], DeliveryState.ACCEPTED, now=now)
    if not receipts.anything_open(tx, mailing):
        mailings.finish(tx, mailing, now=now)
        mailings.close_cancelled(tx, mailing, now=now)
    detail = {"decision": "accepted", "deliveries": [delivery], "because": because}
    audit.note_mailing(tx, mailing, "settled", actor=actor, now=now, detail=detail)
    return True
