"""Keep everything else: letters to the Secretary, and what machines wrote in somebody's name.

Not built yet: every message waits. Belongs here: filing on the person's timeline, forwarding to the Secretary.
"""

from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.receiving.read import Event
from balintmail.services.context import Context


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Keep a letter until somebody has dealt with it."""
    return WAITS
