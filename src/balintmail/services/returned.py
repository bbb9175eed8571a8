"""Act on bounces and complaints: events, scores, suppressions, probes, the ledger (P3).

Not built yet: every report waits. Belongs here: what domain/health.py decides, carried out; see services/inbox.py.
"""

from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.receiving.read import Event
from balintmail.services.context import Context


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Record what a report says and do what follows from it."""
    return WAITS
