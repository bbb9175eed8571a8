"""Act on what officers write back: decisions on requests, drafts of newsletters.

Not built yet: no message concerns it. Belongs here: replies that carry a token of ours, and drafts mailed in; nothing
is sent without the release on a page.
"""

from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.receiving.read import Event
from balintmail.services.context import Context


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> bool:
    """Say whether a message is an officer's answer or draft."""
    return False


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Carry out a decision, or keep a draft."""
    return WAITS
