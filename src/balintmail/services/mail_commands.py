"""Act on commands by mail: join, leave, confirm, help, copy NUMBER.

Not built yet: no message concerns it. Belongs here: what domain/mail_commands.py decides, carried out; whatever changes
somebody's state goes through a token sent to that address.
"""

from balintmail.db.session import Tx
from balintmail.domain.inbox import WAITS, Done, Inbound, Proof
from balintmail.receiving.read import Event
from balintmail.services.context import Context


def concerns(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> bool:
    """Say whether a message is a command."""
    return False


def act(ctx: Context, tx: Tx, message: Inbound, event: Event, proof: Proof) -> Done:
    """Carry out a command."""
    return WAITS
